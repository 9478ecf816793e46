package functional

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	vaultapi "github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// valuesIn gives the version of each value that a Vault holds for a namespace.
func valuesIn(t *testing.T, from *localenv.Vault, ns string) map[string]string {
	t.Helper()
	found := map[string]string{}
	var look func(path string)
	look = func(path string) {
		listed, err := from.Root().Logical().ListWithContext(t.Context(), localenv.TenantKVMount+"/metadata/"+path)
		if err != nil {
			t.Fatal(err)
		}
		if listed == nil {
			return
		}
		keys, _ := listed.Data["keys"].([]any)
		for _, key := range keys {
			name := path + key.(string)
			if strings.HasSuffix(name, "/") {
				look(name)
				continue
			}
			metadata, err := from.Root().KVv2(localenv.TenantKVMount).GetMetadata(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = fmt.Sprint(metadata.CurrentVersion)
		}
	}
	look(localenv.TenantKVPrefix + "/" + ns + "/")
	return found
}

// identity is what makes a tenant the same one to its users: fingerprints of its
// certificates, and the name, which follows the content, of its credentials.
type identity map[string]string

func identityOf(t *testing.T, from *localenv.Vault, acme *v1alpha1.IdentityTenant) identity {
	t.Helper()
	found := identity{}
	var stores v1alpha1.KeystoreList
	if err := world.Admin.List(t.Context(), &stores, client.InNamespace(acme.Namespace)); err != nil {
		t.Fatal(err)
	}
	for _, store := range stores.Items {
		for _, version := range store.Status.Versions {
			for _, entry := range version.Entries {
				if version.SecretName == store.Status.SecretName {
					found[store.Name+" "+entry.Alias] = entry.FingerprintSHA256
				}
			}
		}
	}
	for _, name := range secretsOfPods(t, acme) {
		if strings.HasPrefix(name, "acme-credentials-") {
			found["credentials"] = name
		}
	}
	path := strings.Join([]string{localenv.TenantKVPrefix, acme.Namespace, "identitytenant", acme.Name, "data-key", "1"}, "/")
	key, err := from.Root().KVv2(localenv.TenantKVMount).Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	found["data key"] = tenant.Digest([]byte(key.Data["key"].(string)))
	return found
}

// watchOrder sees to it that the NetworkPolicies stand for as long as any pod does: both
// deletions carry a number of the one store that is behind the API server.
func watchOrder(t *testing.T, acme *v1alpha1.IdentityTenant) func(*testing.T) {
	t.Helper()
	var mu sync.Mutex
	pods, policies := map[string]int64{}, map[string]int64{}
	record := func(list client.ObjectList, into map[string]int64) {
		watching, err := world.Admin.Watch(t.Context(), list, client.InNamespace(acme.Namespace), client.MatchingLabels{tenant.LabelInstance: acme.Name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(watching.Stop)
		go func() {
			for event := range watching.ResultChan() {
				object, ok := event.Object.(client.Object)
				if !ok || event.Type != watch.Deleted {
					continue
				}
				at, _ := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
				mu.Lock()
				into[object.GetName()] = at
				mu.Unlock()
			}
		}()
	}
	record(&corev1.PodList{}, pods)
	record(&networkingv1.NetworkPolicyList{}, policies)
	return func(t *testing.T) {
		t.Helper()
		testenv.Eventually(t, waitDeadline, func() error {
			mu.Lock()
			defer mu.Unlock()
			if len(pods) == 0 || len(policies) == 0 {
				return errors.New("no deletion of a pod or of a NetworkPolicy was seen")
			}
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		last := slices.Max(slices.Collect(maps.Values(pods)))
		for name, at := range policies {
			if at < last {
				t.Errorf("NetworkPolicy %s of %s went before the last pod: %d, pods %v", name, acme.Namespace, at, pods)
			}
		}
	}
}

// A server that serves knows its data key. A Vault that lost it, with all it held of the tenant, looks as it did at the very
// first start: nothing is made anew there, pods stay, and the tenant goes on when the key is restored.
func TestADataKeyIsNotMadeAnewForAServerThatRuns(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	awaitUpToDate(t, acme)
	kv := world.Vault.Root().KVv2(localenv.TenantKVMount)
	path := strings.Join([]string{localenv.TenantKVPrefix, ns, "identitytenant", "acme", "data-key", "1"}, "/")
	kept, err := kv.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	credentials := identityOf(t, world.Vault, acme)["credentials"]
	for name := range valuesIn(t, world.Vault, ns) {
		if strings.Contains(name, "/identitytenant/acme/") {
			if err := kv.DeleteMetadata(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	appeared := watchPods(t, acme)
	request(t, acme, "the-vault-is-empty")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDataKeyMissing)
	})
	if message := messageOf(acme, v1alpha1.ConditionReady); !strings.Contains(message, path) || !strings.Contains(message, credentials) {
		t.Errorf("the message names neither the place in Vault nor Secret %s: %s", credentials, message)
	}
	if births := len(appeared()); births > 0 || valuesIn(t, world.Vault, ns)[path] != "" {
		t.Errorf("%d pods were replaced; Vault holds %v", births, valuesIn(t, world.Vault, ns))
	}
	if _, err := kv.Put(t.Context(), path, kept.Data); err != nil {
		t.Fatal(err)
	}
	if err := kv.PutMetadata(t.Context(), path, vaultapi.KVMetadataPutInput{CustomMetadata: kept.CustomMetadata}); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "the-key-is-back")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return !declares(seen, v1alpha1.ConditionSecretsReady, metav1.ConditionFalse, v1alpha1.ReasonDataKeyMissing)
	})
	if now := identityOf(t, world.Vault, acme)["data key"]; now != tenant.Digest([]byte(kept.Data["key"].(string))) {
		t.Error("the data key is another one")
	}
}
