package identitytenant

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// ringSecret is a version of a Keystore with a ring, as its controller makes one.
func ringSecret(t *testing.T, name string, generations ...int) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: name}, Data: map[string][]byte{"password": []byte("a-password-of-the-store")}}
	var entries []keystore.Entry
	for _, generation := range generations {
		key, err := idptest.SigningKey(generation)
		private, also := key.Private()
		if err := errors.Join(err, also); err != nil {
			t.Fatal(err)
		}
		alias := fmt.Sprintf("token-signing-%d", generation)
		chain := []*x509.Certificate{key.Certificate}
		entries = append(entries, keystore.Entry{Alias: alias, PrivateKey: private, Chain: chain})
		secret.Data[alias+keystore.ChainSuffix] = keystore.EncodeCertificates(chain)
	}
	store, err := keystore.EncodePKCS12(entries, "a-password-of-the-store")
	if err != nil {
		t.Fatal(err)
	}
	secret.Data["keystore.p12"] = store
	return secret
}

// TestARunningServerIsGivenTheRing: it holds the keys after one pass, the status tells since when,
// a pass that finds it so writes nothing, and what somebody changed is put back, told, and
// begins the waits anew. The server is a fake.
func TestARunningServerIsGivenTheRing(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(time.Date(2027, 1, 15, 10, 0, 0, 0, time.UTC))
	recorder := events.NewFakeRecorder(10)
	server := idptest.NewFakeServer(idp.Access{})
	server.SetKeys(idp.KeyRing{Published: []string{"theirs"}, Signing: "theirs"})
	secret := ringSecret(t, "acme-token-signing-1", 1, 2)
	want := tenant.Spec{Namespace: "iam", Name: "acme", PublishAhead: time.Hour}
	seen := tenant.Facts{Keystores: map[tenant.KeystoreRole]tenant.KeystoreFact{
		tenant.RoleSigning: {SecretName: secret.Name, Ring: &tenant.RingFact{Current: 1, Next: 2}}}}
	known := tenant.SigningFact{}
	cr := &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme"}}
	pass := func() {
		t.Helper()
		p := &pass{
			Reconciler: &Reconciler{Clock: clock, Recorder: recorder},
			client:     fake.NewClientBuilder().WithObjects(secret).Build(),
			driver:     idptest.FakeDriver{Server: func(tenant.Spec) *idptest.FakeServer { return server }},
			shape:      idp.Shape{LiveKeys: true, LongestToken: 5 * time.Minute},
			cr:         cr,
			signing:    &known,
		}
		if err := p.advanceKeys(t.Context(), want, seen, nil); err != nil {
			t.Fatal(err)
		}
		clock.SetTime(clock.Now().Add(time.Minute))
	}
	pass()
	_, writes := server.Count()
	if writes != 1 || !known.CurrentSince.Equal(clock.Now().Add(-time.Minute)) || !known.NextSince.Equal(known.CurrentSince) {
		t.Errorf("%d writes, the ring is there since %s and %s", writes, known.CurrentSince, known.NextSince)
	}
	since := known
	pass()
	if _, after := server.Count(); after != writes || known != since || len(recorder.Events) != 0 {
		t.Errorf("the second time: %d writes, %+v, %d events", after-writes, known, len(recorder.Events))
	}
	server.SetKeys(idp.KeyRing{Published: []string{"theirs"}, Signing: "theirs"})
	pass()
	if len(recorder.Events) != 0 {
		t.Errorf("of a realm that is new: %s", <-recorder.Events)
	}
	cr.Status.Realms = []v1alpha1.RealmStatus{{Name: tenant.RootRealm}}
	server.SetKeys(idp.KeyRing{Published: []string{"theirs"}, Signing: "theirs"})
	pass()
	if known.CurrentSince.Equal(since.CurrentSince) || known.NextSince.IsZero() {
		t.Errorf("after somebody changed the keys: %+v; want that the waits begin anew", known)
	}
	select {
	case told := <-recorder.Events:
		if !strings.Contains(told, v1alpha1.EventSettingRestored) || !strings.Contains(told, "Realm root") {
			t.Errorf("told: %s", told)
		}
	default:
		t.Error("nobody is told that the keys were put back")
	}
}
