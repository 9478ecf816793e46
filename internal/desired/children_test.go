package desired

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func TestEveryChildIsTypedLabelledAndOwned(t *testing.T) {
	want := full()
	for _, b := range builders {
		objects, err := b.build(want)
		if err != nil {
			t.Fatal(err)
		}
		if len(objects) == 0 {
			t.Errorf("%s builds nothing of the full tenant", b.name)
		}
		for _, o := range objects {
			if o.GetObjectKind().GroupVersionKind() == (schema.GroupVersionKind{}) {
				t.Errorf("%s: %T has no apiVersion and kind", b.name, o)
			}
			if o.GetNamespace() != want.Namespace || !strings.HasPrefix(o.GetName(), want.Name) {
				t.Errorf("%s: %s/%s is not the tenant's own name", b.name, o.GetNamespace(), o.GetName())
			}
			if o.GetLabels()[tenant.LabelManagedBy] != tenant.ManagedBy || o.GetLabels()[tenant.LabelTenant] != want.Name {
				t.Errorf("%s: %s lacks our labels: %v", b.name, o.GetName(), o.GetLabels())
			}
			owners := o.GetOwnerReferences()
			if len(owners) != 1 || owners[0].UID != want.Owner.UID || !*owners[0].Controller || !*owners[0].BlockOwnerDeletion {
				t.Errorf("%s: %s is not controlled by the tenant: %v", b.name, o.GetName(), owners)
			}
		}
	}
}

func TestOnePodHasNoBudget(t *testing.T) {
	for _, c := range []struct {
		replicas *int32
		budgets  int
	}{{new(int32(1)), 0}, {new(int32(2)), 1}, {nil, 1}} {
		want := minimal()
		want.Replicas = c.replicas
		if got := len(PodDisruptionBudget(want)); got != c.budgets {
			t.Errorf("%v replicas: %d budgets, wanted %d", c.replicas, got, c.budgets)
		}
	}
}

func TestTrustedSourcesDoNotDependOnTheirOrder(t *testing.T) {
	want := full()
	trust := &want.Keystores[len(want.Keystores)-1]
	first, err := Keystores(want)
	if err != nil {
		t.Fatal(err)
	}
	trust.Trusted = append(trust.Trusted, trust.Trusted[0])
	slices.Reverse(trust.Trusted)
	second, err := Keystores(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same sources in another order make another store, and so a rollout:\n%s", diff)
	}
}

func TestTrustStoreHoldsEveryOtherStore(t *testing.T) {
	want := full()
	objects, err := Keystores(want)
	if err != nil {
		t.Fatal(err)
	}
	aliases := map[string]string{}
	trusted := map[string]string{}
	for _, o := range objects {
		store := o.(*v1alpha1.Keystore)
		for _, entry := range store.Spec.Entries {
			switch {
			case entry.Certificate != nil:
				aliases[store.Name] = entry.Alias
			case entry.Trusted.KeystoreRef != nil:
				trusted[entry.Trusted.KeystoreRef.Name] = entry.Trusted.KeystoreRef.Alias
			}
		}
	}
	if diff := cmp.Diff(aliases, trusted); diff != "" || len(aliases) != 4 {
		t.Errorf("the trust store does not refer to each other store by its entry (-stores +trusted):\n%s", diff)
	}
}

func TestTrustedSourceThatNamesNothing(t *testing.T) {
	for name, source := range map[string]tenant.CertificateSource{
		"neither": {Key: "ca.crt"}, "both": {ConfigMap: "a", Secret: "b", Key: "ca.crt"},
	} {
		want := full()
		want.Keystores[4].Trusted = []tenant.CertificateSource{source}
		if _, err := Keystores(want); !fault.IsTerminal(err) {
			t.Errorf("%s: got %v, wanted a Terminal fault", name, err)
		}
	}
}

func TestTrustIsTheTopmostCertificate(t *testing.T) {
	chain, ca := issued(t)
	objects, err := TrustConfigMap(minimal(), facts(chain))
	if err != nil {
		t.Fatal(err)
	}
	published := objects[0].(*corev1.ConfigMap).Data["ca.crt"]
	if published != string(ca) {
		t.Errorf("published %s, wanted the CA alone: %s", published, ca)
	}
}

func TestTrustWaitsForAStoreAndNeverPublishesAKey(t *testing.T) {
	if _, err := TrustConfigMap(minimal(), tenant.Facts{}); !fault.IsWaiting(err) {
		t.Errorf("no store yet: got %v, wanted a Waiting fault", err)
	}
	chain, _ := issued(t)
	secret := "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
	for name, input := range map[string]string{
		"a key behind":   string(chain) + secret,
		"a key in front": secret + string(chain),
		"no PEM":         "nothing",
		"no certificate": "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n",
	} {
		_, err := TrustConfigMap(minimal(), facts([]byte(input)))
		if !fault.IsTerminal(err) {
			t.Errorf("%s: got %v, wanted a Terminal fault", name, err)
		} else if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the fault quotes its input: %v", name, err)
		}
	}
}

func facts(chain []byte) tenant.Facts {
	return tenant.Facts{Keystores: map[tenant.KeystoreRole]tenant.KeystoreFact{tenant.RoleTLS: {CertificatePEM: chain}}}
}

func TestSecretsAreImmutableAndNamedByContent(t *testing.T) {
	want := minimal()
	key := []byte("0123456789abcdef")
	schema := func(password string, key []byte) *corev1.Secret {
		secret, err := SchemaCredentialsSecret(want, SchemaAccounts{Owner: idp.UsernamePassword{Username: "owner", Password: password}}, key)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	for name, pair := range map[string][2]*corev1.Secret{
		"config":         {ConfigSecret(want, idp.Files{"a": []byte("1")}), ConfigSecret(want, idp.Files{"a": []byte("2")})},
		"config by file": {ConfigSecret(want, idp.Files{"a": []byte("1")}), ConfigSecret(want, idp.Files{"b": []byte("1")})},
		"credentials":    {CredentialsSecret(want, idp.Credentials{"a": []byte("1")}), CredentialsSecret(want, idp.Credentials{"a": []byte("2")})},
		"schema":         {schema("one", key), schema("two", key)},
		"schema by key":  {schema("one", key), schema("one", []byte("another key of the test"))},
	} {
		if pair[0].Name == pair[1].Name {
			t.Errorf("%s: two contents share the name %s, so the second could never be written", name, pair[0].Name)
		}
		for _, secret := range pair {
			if secret.Immutable == nil || !*secret.Immutable || secret.Labels[tenant.LabelVersioned] == "" {
				t.Errorf("%s: Secret %s is not an immutable, versioned one", name, secret.Name)
			}
		}
	}
	if first, again := schema("one", key), schema("one", key); first.Name != again.Name {
		t.Errorf("one content has two names: %s and %s", first.Name, again.Name)
	}
}

// Whoever may read names must not be able to test guesses of a password.
func TestSchemaPasswordIsNotTestableByName(t *testing.T) {
	want := minimal()
	account := idp.UsernamePassword{Username: "owner", Password: "summer2026"}
	secret, err := SchemaCredentialsSecret(want, SchemaAccounts{Owner: account}, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string][]byte{"username": []byte(account.Username), "password": []byte(account.Password)}
	if secret.Name == tenant.VersionedName("acme-schema-credentials", []byte(tenant.DigestMap(data))) {
		t.Errorf("%s is a plain digest of the account", secret.Name)
	}
	if _, err := SchemaCredentialsSecret(want, SchemaAccounts{Owner: account}, []byte("too short")); err == nil || strings.Contains(err.Error(), account.Password) {
		t.Errorf("a weak key: got %v, wanted a fault that does not quote the password", err)
	}
}

func TestRevisionChangesWithWhatAPodReadsAndNothingElse(t *testing.T) {
	template := func(image, secret string, annotations map[string]string) corev1.PodTemplateSpec {
		var t corev1.PodTemplateSpec
		t.Annotations = annotations
		t.Spec.Containers = []corev1.Container{{Name: "server", Image: image}}
		t.Spec.Volumes = []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}}
		return t
	}
	base := Revision(template("image", "config-1", nil))
	if len(base) != 10 {
		t.Fatalf("revision %q, wanted ten digits", base)
	}
	annotated := template("image", "config-1", map[string]string{tenant.AnnotationRevision: base})
	if got := Revision(annotated); got != base {
		t.Errorf("a template that carries its own revision has another one: %s, wanted %s", got, base)
	}
	if annotated.Annotations[tenant.AnnotationRevision] != base {
		t.Error("asking for the revision took it off the template")
	}
	for name, other := range map[string]corev1.PodTemplateSpec{
		"image":      template("image-2", "config-1", nil),
		"Secret":     template("image", "config-2", nil),
		"annotation": template("image", "config-1", map[string]string{tenant.AnnotationProductVersion: "7.3.0"}),
	} {
		if Revision(other) == base {
			t.Errorf("another %s has the same revision", name)
		}
	}
}

func TestSchemaProofSurvivesItsConfigMap(t *testing.T) {
	for _, proof := range []tenant.SchemaProof{{Image: "a@sha256:1"}, {Image: "b@sha256:2", HadData: true}} {
		kept := SchemaProofConfigMap(minimal(), proof)
		read, err := SchemaProof(*kept)
		if err != nil || read != proof {
			t.Errorf("wrote %v, read %v (%v)", proof, read, err)
		}
		for _, key := range []string{"image", "hadData"} {
			broken := kept.DeepCopy()
			delete(broken.Data, key)
			if _, err := SchemaProof(*broken); !fault.IsTerminal(err) {
				t.Errorf("without %s: got %v, wanted a Terminal fault, never a guess", key, err)
			}
		}
	}
}

func TestReasonsAreTheWordsOfTheAPI(t *testing.T) {
	got := []string{reasonInvalidSpec, reasonPeerUnknown, reasonDependencyNotReady}
	wanted := []string{v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonPeerUnknown, v1alpha1.ReasonDependencyNotReady}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("reasons differ from the API's (-API +ours):\n%s", diff)
	}
}
