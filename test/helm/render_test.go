package helm

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const deployment = "Deployment/identity/holdfast-controller-manager"

// usual is what a release has when nobody says anything.
var usual = []string{
	"ClusterRole/holdfast-cluster", "ClusterRole/holdfast-edit", "ClusterRole/holdfast-manager", "ClusterRole/holdfast-metrics-reader",
	"ClusterRole/holdfast-shard", "ClusterRole/holdfast-tenant-namespace", "ClusterRole/holdfast-view", "ClusterRole/holdfast-waiver-granter",
	"ClusterRoleBinding/holdfast-cluster:identity", "ClusterRoleBinding/holdfast-manager:identity",
	deployment, "NetworkPolicy/identity/holdfast-controller-manager", "Role/identity/holdfast-leader-election",
	"RoleBinding/identity/holdfast-leader-election", "Service/identity/holdfast-controller-manager-metrics", "ServiceAccount/identity/holdfast-controller-manager",
}

// added is what comes to the usual, and what goes from it.
func TestAValueAddsOrTakesAwayWhatItNames(t *testing.T) {
	for values, change := range map[string][]string{
		``:                                     nil,
		`roles: {people: false}`:               {"-ClusterRole/holdfast-edit", "-ClusterRole/holdfast-view"},
		`networkPolicy: {enabled: false}`:      {"-NetworkPolicy/identity/holdfast-controller-manager"},
		`podDisruptionBudget: {enabled: true}`: {"PodDisruptionBudget/identity/holdfast-controller-manager"},
		`metrics: {enabled: false}`:            {"-Service/identity/holdfast-controller-manager-metrics"},
		`metrics: {serviceMonitor: {enabled: true}}`:                               {"ServiceMonitor/identity/holdfast-controller-manager"},
		`metrics: {rules: {enabled: true}}`:                                        {"PrometheusRule/identity/holdfast"},
		`metrics: {dashboard: {enabled: true}}`:                                    {"ConfigMap/identity/holdfast-dashboard"},
		`shardSelector: holdfast-shard=a`:                                          {"ClusterRoleBinding/holdfast-shard:identity"},
		`admission: {waivers: true}`:                                               {"ValidatingAdmissionPolicy/holdfast-waivers", "ValidatingAdmissionPolicyBinding/holdfast-waivers"},
		`extraManifests: [{apiVersion: v1, kind: Secret, metadata: {name: pull}}]`: {"Secret/pull"},
	} {
		want := slices.Clone(usual)
		for _, one := range change {
			if gone, ok := strings.CutPrefix(one, "-"); ok {
				want = slices.DeleteFunc(want, func(name string) bool { return name == gone })
			} else {
				want = append(want, one)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, names(rendered(t, values))); diff != "" {
			t.Errorf("%s:\n%s", values, diff)
		}
	}
}

// A release of some namespaces holds no right of the cluster, and needs nobody who may give one.
func TestSomeNamespacesNeedNothingOfTheCluster(t *testing.T) {
	objects := rendered(t, `{scope: Namespaced, watchNamespaces: [iam, staff], clusterID: 4f0c}`)
	want := []string{
		deployment, "NetworkPolicy/identity/holdfast-controller-manager",
		"Role/iam/holdfast-manager", "Role/iam/holdfast-tenant-namespace", "Role/identity/holdfast-leader-election", "Role/staff/holdfast-manager", "Role/staff/holdfast-tenant-namespace",
		"RoleBinding/iam/holdfast-manager", "RoleBinding/iam/holdfast-tenant-namespace", "RoleBinding/identity/holdfast-leader-election",
		"RoleBinding/staff/holdfast-manager", "RoleBinding/staff/holdfast-tenant-namespace", "ServiceAccount/identity/holdfast-controller-manager",
	}
	if diff := cmp.Diff(want, names(objects)); diff != "" {
		t.Error(diff)
	}
	for _, one := range []string{"--watch-namespaces=iam,staff", "--cluster-id=4f0c", "--metrics-bind-address=0", "--tenant-role=role/holdfast-tenant-namespace"} {
		if !slices.Contains(arguments(t, objects), one) {
			t.Errorf("the manager is not told %s: %q", one, arguments(t, objects))
		}
	}
}

// Definitions stay when the release goes, unless somebody says otherwise in as many words.
func TestDefinitionsAreKept(t *testing.T) {
	for values, kept := range map[string]int{``: 8, `crds: {keep: false}`: 0} {
		count, found := 0, 0
		objects, err := render(t, given(t, values))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if o.GetKind() == "CustomResourceDefinition" {
				found++
				if o.GetAnnotations()["helm.sh/resource-policy"] == "keep" {
					count++
				}
			}
		}
		if found != 8 || count != kept {
			t.Errorf("%q: %d definitions, of which %d are kept, want %d", values, found, count, kept)
		}
	}
}

func container(t *testing.T, objects []*unstructured.Unstructured) map[string]any {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(find(t, objects, deployment).Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	return containers[0].(map[string]any)
}

func arguments(t *testing.T, objects []*unstructured.Unstructured) (all []string) {
	t.Helper()
	for _, one := range container(t, objects)["args"].([]any) {
		all = append(all, one.(string))
	}
	return all
}

// What a value holds stays a string of its own, whatever it looks like.
func TestHostileValuesStayValues(t *testing.T) {
	const hostile = "a\": true}\n  evil: {{ .Release.Name }} # '"
	quoted := `"a\": true}\n  evil: {{ .Release.Name }} # '"`
	objects := rendered(t, `{shardSelector: `+quoted+`, priorityClassName: `+quoted+`, podAnnotations: {note: `+quoted+`}, flags: {zap-encoder: `+quoted+`, concurrency: 1000000},
		serviceAccount: {annotations: {note: `+quoted+`}}, extraManifests: [{apiVersion: v1, kind: Secret, metadata: {name: pull}, stringData: {note: `+quoted+`}}]}`)
	for _, one := range []string{"--shard-selector=" + hostile, "--zap-encoder=" + hostile, "--concurrency=1000000"} {
		if !slices.Contains(arguments(t, objects), one) {
			t.Errorf("%q is not among %q", one, arguments(t, objects))
		}
	}
	for place, path := range map[string][]string{
		deployment: {"spec", "template", "metadata", "annotations", "note"},
		"ServiceAccount/identity/holdfast-controller-manager": {"metadata", "annotations", "note"},
		"Secret/pull": {"stringData", "note"},
	} {
		if got, _, _ := unstructured.NestedString(find(t, objects, place).Object, path...); got != hostile {
			t.Errorf("%s %v is %q", place, path, got)
		}
	}
	if got, _, _ := unstructured.NestedString(find(t, objects, deployment).Object, "spec", "template", "spec", "priorityClassName"); got != hostile {
		t.Errorf("the priority class is %q", got)
	}
}

// A digest names the bytes, so that it counts more than the tag.
func TestTheImageIsTheOneThatIsNamed(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for values, want := range map[string]string{
		``:                                 "holdfast:0.1.0",
		`image: {repository: r.example/h}`: "r.example/h:0.1.0",
		`image: {tag: edge}`:               "holdfast:edge",
		`image: {tag: edge, digest: "` + digest + `"}`: "holdfast@" + digest,
	} {
		if got := container(t, rendered(t, values))["image"]; got != want {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

// What Prometheus and Grafana put in is theirs: the release leaves their braces as they are.
func TestTemplatesOfOthersStay(t *testing.T) {
	objects := rendered(t, `metrics: {rules: {enabled: true}, dashboard: {enabled: true}}`)
	for name, want := range map[string]string{"PrometheusRule/identity/holdfast": "{{ $labels.namespace }}/{{ $labels.name }} serves nobody", "ConfigMap/identity/holdfast-dashboard": "{{"} {
		content, err := find(t, objects, name).MarshalJSON()
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s does not have %q (%v)", name, want, err)
		}
	}
}

// A value that cannot work is refused before anything is installed, with its name.
func TestTheSchemaRefuses(t *testing.T) {
	for values, want := range map[string]string{
		`replica: 2`:                                   "replica",
		`replicas: many`:                               "replicas",
		`flags: {concurency: 8}`:                       "concurency",
		`flags: {concurrency: many}`:                   "concurrency",
		`flags: {leader-elect: false}`:                 "leader-elect",
		`image: {digest: "sha256:0"}`:                  "digest",
		`image: {repository: "a b"}`:                   "repository",
		`scope: Everywhere`:                            "scope",
		`scope: Namespaced`:                            "watchNamespaces",
		`{scope: Namespaced, watchNamespaces: [iam]}`:  "clusterID",
		`watchNamespaces: ["a,b"]`:                     "watchNamespaces",
		`{shardSelector: a=b, watchNamespaces: [iam]}`: "watchNamespaces",
		`{scope: Namespaced, watchNamespaces: [iam], clusterID: a, admission: {waivers: true}}`:                 "admission",
		`{scope: Namespaced, watchNamespaces: [iam], clusterID: a, metrics: {serviceMonitor: {enabled: true}}}`: "serviceMonitor",
		`metrics: {enabled: false, serviceMonitor: {enabled: true}}`:                                            "serviceMonitor",
	} {
		if _, err := render(t, given(t, values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a refusal that names %s", values, err, want)
		}
	}
}
