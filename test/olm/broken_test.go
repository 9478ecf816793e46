package olm

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Each rule is one that can fail: a bundle with one thing wrong has the problem that is named, among what is found.
func TestABrokenBundleIsSeen(t *testing.T) {
	owned := func(b *bundle, kind string) *v1alpha1.CRDDescription {
		all := b.version.Spec.CustomResourceDefinitions.Owned
		return &all[slices.IndexFunc(all, func(one v1alpha1.CRDDescription) bool { return one.Kind == kind })]
	}
	strategy := func(b *bundle) *v1alpha1.StrategyDetailsDeployment {
		return &b.version.Spec.InstallStrategy.StrategySpec
	}
	object := func(b *bundle, name string) *unstructured.Unstructured {
		return b.objects[slices.IndexFunc(b.objects, func(one *unstructured.Unstructured) bool { return one.GetName() == name })]
	}
	without := func(b *bundle, name string) {
		b.objects = slices.DeleteFunc(b.objects, func(one *unstructured.Unstructured) bool { return one.GetName() == name })
		delete(b.definitions, name)
	}
	with := func(b *bundle, kind string) {
		b.objects = append(b.objects, &unstructured.Unstructured{Object: map[string]any{"kind": kind, "metadata": map[string]any{"name": "more"}}})
	}
	annotate := func(b *bundle, name, before, after string) {
		b.version.Annotations[name] = strings.Replace(b.version.Annotations[name], before, after, 1)
	}
	for want, change := range map[string]func(*bundle){
		`is not PACKAGE.vVERSION`:                  func(b *bundle) { b.version.Name = "holdfast.0.1.0" },
		`spec.version is 9.1.0, the chart's 0.1.0`: func(b *bundle) { b.version.Spec.Version.Major = 9; b.version.Name = "holdfast.v9.1.0" },
		`of which OLM takes 1 MiB`: func(b *bundle) {
			with(b, "ConfigMap")
			noise := rand.New(rand.NewPCG(1, 2))
			content := make([]byte, 1<<20)
			for i := range content {
				content[i] = byte(noise.Uint32())
			}
			object(b, "more").Object["binaryData"] = map[string]any{"noise": base64.StdEncoding.EncodeToString(content)}
		},
		`which OLM replaces`:     func(b *bundle) { b.version.Namespace = "holdfast-system" },
		`the chart needs`:        func(b *bundle) { b.version.Spec.MinKubeVersion = "1.30" },
		`was never released`:     func(b *bundle) { b.version.Spec.Replaces = "holdfast.v0.0.9" },
		`skipped, and was never`: func(b *bundle) { b.version.Spec.Skips = []string{"holdfast.v0.0.8"} },
		`mediatype.v1 is "helm"`: func(b *bundle) {
			b.annotations["operators.operatorframework.io.bundle.mediatype.v1"] = "helm"
			b.relabel()
		},
		`the default channel is not among`: func(b *bundle) {
			b.annotations["operators.operatorframework.io.bundle.channels.v1"] = "stable"
			b.relabel()
		},
		`labels are not the annotations`:                      func(b *bundle) { b.dockerfile = strings.Replace(b.dockerfile, "=alpha", "=beta", 1) },
		`does not copy metadata`:                              func(b *bundle) { b.dockerfile = strings.Replace(b.dockerfile, "COPY metadata", "# COPY metadata", 1) },
		`PrometheusRule more: OLM does not install this kind`: func(b *bundle) { with(b, "PrometheusRule") },
		`ServiceAccount more: OLM makes it`:                   func(b *bundle) { with(b, "ServiceAccount") },
		`OLM says the namespace`:                              func(b *bundle) { with(b, "ConfigMap"); object(b, "more").SetNamespace("holdfast-system") },

		`keystores.iam.holdfast.dev is owned and has no manifest`: func(b *bundle) { without(b, "keystores.iam.holdfast.dev") },
		`logpolicies.iam.holdfast.dev is not as in config/crd`:    func(b *bundle) { object(b, "logpolicies.iam.holdfast.dev").SetLabels(map[string]string{"a": "b"}) },
		`is of the kind Keystore, not Keystores`:                  func(b *bundle) { owned(b, "Keystore").Kind = "Keystores" },
		`vaultconnections.iam.holdfast.dev has no version v1`: func(b *bundle) {
			one := owned(b, "VaultConnection")
			one.Version, one.SpecDescriptors, one.StatusDescriptors = "v1", nil, nil
		},
		`hardeningwaivers.iam.holdfast.dev has a manifest and is not`: func(b *bundle) { owned(b, "HardeningWaiver").Name = "waivers.iam.holdfast.dev" },

		`LogPolicy spec.streams.server.lvl: there is no such field`: func(b *bundle) { owned(b, "LogPolicy").SpecDescriptors[0].Path = "streams.server.lvl" },
		`Keystore status.secretName: no display name`:               func(b *bundle) { owned(b, "Keystore").StatusDescriptors[1].DisplayName = "" },
		`Keystore status.secretName: no widget`:                     func(b *bundle) { owned(b, "Keystore").StatusDescriptors[1].XDescriptors = nil },
		`com.tectonic.ui:txt is no widget`: func(b *bundle) {
			owned(b, "IdentityTenant").SpecDescriptors[0].XDescriptors[0] = "urn:alm:descriptor:com.tectonic.ui:txt"
		},
		`is for a field of type boolean, and this is string`: func(b *bundle) {
			owned(b, "IdentityTenant").SpecDescriptors[0].XDescriptors[0] = "urn:alm:descriptor:com.tectonic.ui:booleanSwitch"
		},
		`offers ["Modern" "Modern"]`:                            func(b *bundle) { d := owned(b, "Keystore").SpecDescriptors[2].XDescriptors; d[2] = d[1] },
		`VaultConnection has no descriptors`:                    func(b *bundle) { owned(b, "VaultConnection").StatusDescriptors = nil },
		`vaultconnections.iam.holdfast.dev has no display name`: func(b *bundle) { owned(b, "VaultConnection").DisplayName = "" },

		`alm-examples: invalid character`:      func(b *bundle) { annotate(b, "alm-examples", "{", "") },
		`unknown field "spec.hostnam"`:         func(b *bundle) { annotate(b, "alm-examples", `"hostname"`, `"hostnam"`) },
		`there are two of IdentityTenant acme`: func(b *bundle) { annotate(b, "alm-examples", `"name": "shop"`, `"name": "acme"`) },
		`IdentityTenant acme says a namespace`: func(b *bundle) { annotate(b, "alm-examples", `"name": "acme"`, `"name": "acme", "namespace": "iam"`) },
		`HardeningWaiver needs one of the two`: func(b *bundle) { annotate(b, "alm-examples", `"kind": "HardeningWaiver"`, `"kind": "Waiver"`) },
		`RotationRecord needs one of the two`: func(b *bundle) {
			annotate(b, "operators.operatorframework.io/internal-objects", `"rotationrecords.iam.holdfast.dev"`, ``)
		},
		`OLM grants get secrets., which config/rbac does not`: func(b *bundle) {
			b.grant(rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}})
		},
		`a rule has a wildcard`: func(b *bundle) {
			b.grant(rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"pods"}, Verbs: []string{"get"}})
		},
		`Role: config/rbac grants create leases.coordination.k8s.io, which OLM does not`: func(b *bundle) {
			strategy(b).Permissions[0].Rules = strategy(b).Permissions[0].Rules[1:]
		},
		`default is given rights, and runs nothing`: func(b *bundle) { strategy(b).Permissions[0].ServiceAccountName = "default" },
		`holdfast-edit is not as in config/rbac`: func(b *bundle) {
			object(b, "holdfast-edit").SetLabels(map[string]string{"rbac.authorization.k8s.io/aggregate-to-view": "true"})
		},
		`holdfast-tenant-namespace is not in the bundle`: func(b *bundle) { without(b, "holdfast-tenant-namespace") },
		`the Deployment is not as in config/manager`: func(b *bundle) {
			strategy(b).DeploymentSpecs[0].Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = new(false)
		},
		`the Deployment's name or labels`:      func(b *bundle) { strategy(b).DeploymentSpecs[0].Name = "manager" },
		`there is more than the operator's`:    func(b *bundle) { s := strategy(b); s.DeploymentSpecs = append(s.DeploymentSpecs, s.DeploymentSpecs[0]) },
		`containerImage is other:1`:            func(b *bundle) { b.version.Annotations["containerImage"] = "other:1" },
		`relatedImages are not the operator's`: func(b *bundle) { b.version.Spec.RelatedImages = nil },
		`the NetworkPolicy is not as in`:       func(b *bundle) { without(b, "holdfast-controller-manager") },
		`the Service is not as in`:             func(b *bundle) { without(b, "holdfast-controller-manager-metrics") },
		`installModes does not have`:           func(b *bundle) { b.version.Spec.InstallModes = b.version.Spec.InstallModes[1:] },
		`installModes has OwnNamespace twice`: func(b *bundle) {
			b.version.Spec.InstallModes = append(b.version.Spec.InstallModes, b.version.Spec.InstallModes[0])
		},
		`installModes says false of MultiNamespace`: func(b *bundle) { b.version.Spec.InstallModes[2].Supported = false },
		`installModes says true of SingleNamespace`: func(b *bundle) {
			container := &strategy(b).DeploymentSpecs[0].Spec.Template.Spec.Containers[0]
			container.Args = container.Args[:len(container.Args)-1]
		},

		`keywords, provider, maturity`: func(b *bundle) { b.version.Spec.Maturity = "" },
		`"Best" is no level`:           func(b *bundle) { b.version.Annotations["capabilities"] = "Best" },
		`categories: "Safety"`:         func(b *bundle) { b.version.Annotations["categories"] = "Safety" },
		`nobody certified it`:          func(b *bundle) { b.version.Annotations["certified"] = "true" },
		`"http://x" is no address`:     func(b *bundle) { b.version.Spec.Links[0].URL = "http://x" },
		`there are 0 icons`:            func(b *bundle) { b.version.Spec.Icon = nil },
		`the icon is no small SVG`:     func(b *bundle) { b.version.Spec.Icon[0].MediaType = "image/png" },
		`the icon does not parse`: func(b *bundle) {
			b.version.Spec.Icon[0].Data = base64.StdEncoding.EncodeToString([]byte(`<svg><script/></svg>`))
		},
	} {
		t.Run(want, func(t *testing.T) {
			b := load(t)
			change(b)
			found := problems(t, b)
			if !slices.ContainsFunc(found, func(problem string) bool { return strings.Contains(problem, want) }) {
				t.Errorf("nobody sees it; found: %q", found)
			}
		})
	}
}

// relabel has the image say what the annotations say.
func (b *bundle) relabel() {
	b.dockerfile = "\nCOPY manifests /manifests/\nCOPY metadata /metadata/\nCOPY tests/scorecard /tests/scorecard/\n"
	for name, value := range b.annotations {
		b.dockerfile += "LABEL " + name + "=" + value + "\n"
	}
}

// grant gives the operator more in the whole cluster.
func (b *bundle) grant(rule rbacv1.PolicyRule) {
	first := &b.version.Spec.InstallStrategy.StrategySpec.ClusterPermissions[0]
	first.Rules = append(first.Rules, rule)
}
