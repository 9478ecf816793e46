package functional

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// endState lists what there is and what ever was in a tenant's namespace and under it in
// Vault, in words that are equal for equal outcomes: names without digests, how often each
// was made, generations and revisions, and whether Vault and the Secrets hold the same.
func endState(ctx context.Context, h *history, tenant *v1alpha1.IdentityTenant) ([]string, error) {
	state, err := h.state(tenant.Namespace)
	if err != nil {
		return nil, err
	}
	if err := world.Admin.Get(ctx, client.ObjectKeyFromObject(tenant), tenant); err != nil {
		return nil, err
	}
	state = append(state, fmt.Sprintf("tenant: %v, finalizers %v, serving the desired revision: %v",
		conditions(tenant), tenant.Finalizers, tenant.Status.ServingRevision == tenant.Status.DesiredRevision))
	var stores v1alpha1.KeystoreList
	var revisions appsv1.ControllerRevisionList
	for _, list := range []client.ObjectList{&stores, &revisions} {
		if err := world.Admin.List(ctx, list, client.InNamespace(tenant.Namespace)); err != nil {
			return nil, err
		}
	}
	for _, store := range stores.Items {
		var versions []string
		for _, version := range store.Status.Versions {
			versions = append(versions, fmt.Sprintf("%d %s with %d entries", version.Generation, version.State, len(version.Entries)))
		}
		state = append(state, fmt.Sprintf("store %s: generation %d of %v, finalizers %v", store.Name, store.Status.CurrentGeneration, versions, store.Finalizers))
	}
	for _, revision := range revisions.Items {
		state = append(state, fmt.Sprintf("rollout %d", revision.Revision))
	}
	var records v1alpha1.RotationRecordList
	if err := world.Admin.List(ctx, &records, client.InNamespace(tenant.Namespace)); err != nil {
		return nil, err
	}
	for _, one := range records.Items {
		state = append(state, fmt.Sprintf("record: %s of %s %s to generation %d, %s, %q", one.Spec.Material, one.Spec.Subject.Kind, one.Spec.Subject.Name, one.Spec.To.Generation, one.Spec.Cause, one.Status.Outcome))
	}
	kept, err := vaultState(ctx, tenant.Namespace, "holdfast/"+tenant.Namespace+"/")
	state = append(state, kept...)
	slices.Sort(state)
	return state, err
}

func conditions(tenant *v1alpha1.IdentityTenant) []string {
	var all []string
	for _, condition := range tenant.Status.Conditions {
		all = append(all, fmt.Sprintf("%s=%s %s", condition.Type, condition.Status, condition.Reason))
	}
	return all
}

// vaultState lists every value below a path, how many versions it ever had, and in how
// many Secrets of the namespace what it holds is found.
func vaultState(ctx context.Context, namespace, path string) ([]string, error) {
	listed, err := world.Vault.Root().Logical().ListWithContext(ctx, "secret/metadata/"+path)
	if err != nil || listed == nil {
		return nil, err
	}
	var state []string
	keys, _ := listed.Data["keys"].([]any)
	for _, key := range keys {
		name := path + key.(string)
		if strings.HasSuffix(name, "/") {
			below, err := vaultState(ctx, namespace, name)
			if err != nil {
				return nil, err
			}
			state = append(state, below...)
			continue
		}
		value, err := world.Vault.Root().KVv2("secret").Get(ctx, name)
		if err != nil {
			return nil, err
		}
		found, err := secretsWith(ctx, namespace, value.Data)
		if err != nil {
			return nil, err
		}
		_, relative, _ := strings.Cut(name, "/"+namespace+"/")
		state = append(state, fmt.Sprintf("Vault %s: version %d, found in %v", relative, value.VersionMetadata.Version, found))
	}
	return state, nil
}

// secretsWith names the Secrets that hold a value of Vault: its password, its key, or the
// certificate that belongs to its private key.
func secretsWith(ctx context.Context, namespace string, value map[string]any) ([]string, error) {
	var secrets corev1.SecretList
	if err := world.Admin.List(ctx, &secrets, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var names []string
	for _, field := range []string{"password", "key", "certificates"} {
		text, _ := value[field].(string)
		if leaf, _, cut := strings.Cut(text, "-----END"); cut {
			text = leaf
		}
		for _, secret := range secrets.Items {
			for _, data := range secret.Data {
				if text != "" && bytes.Contains(data, []byte(text)) {
					names = append(names, anonymous("Secret", &secret))
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
