package functional

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// recordsOf lists what was written down about a tenant, in words, sorted.
func recordsOf(t *testing.T, acme *v1alpha1.IdentityTenant) (words []string, records []v1alpha1.RotationRecord) {
	t.Helper()
	var list v1alpha1.RotationRecordList
	if err := world.Admin.List(t.Context(), &list, client.InNamespace(acme.Namespace)); err != nil {
		t.Fatal(err)
	}
	for _, one := range list.Items {
		if one.Spec.Subject.Kind != "IdentityTenant" || one.Spec.Subject.UID != acme.UID {
			continue
		}
		from := int64(0)
		if one.Spec.From != nil {
			from = one.Spec.From.Generation
		}
		var steps []string
		for _, step := range one.Status.Steps {
			steps = append(steps, string(step.Name))
		}
		records = append(records, one)
		words = append(words, fmt.Sprintf("%s %d-%d %s %s: %s %s", one.Spec.Material, from, one.Spec.To.Generation, one.Spec.Cause, cmp.Or(one.Spec.Request, "-"),
			strings.Join(steps, ","), cmp.Or(one.Status.Outcome, "under way")))
	}
	slices.Sort(words)
	return words, records
}

func awaitRecords(t *testing.T, acme *v1alpha1.IdentityTenant, want ...string) {
	t.Helper()
	slices.Sort(want)
	testenv.Eventually(t, waitDeadline, func() error {
		if words, _ := recordsOf(t, acme); !slices.Equal(words, want) {
			return fmt.Errorf("it is written down:\n%s\nwant:\n%s", strings.Join(words, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}

// askAs annotates as the given field manager.
func askAs(t *testing.T, acme *v1alpha1.IdentityTenant, manager, annotation, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
	if err := world.Admin.Patch(t.Context(), acme, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(manager)); err != nil {
		t.Fatal(err)
	}
}

// Each rotation of a tenant is written down once, as far as it came, with who asked and how it ended.
func TestRotationsAreWrittenDown(t *testing.T) {
	t.Parallel()
	ns, window, m := namespace(t), &harness.Window{}, &meter{}
	options := m.options()
	options.WindowOpen = func(types.NamespacedName) bool { return window.IsOpen() }
	operated(t, options, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	first := awaitUpToDate(t, acme).Status.ServingRevision
	awaitRecords(t, acme)

	// What a closed window holds is written down as far as it is.
	window.Close()
	askAs(t, acme, "ops-team", v1alpha1.AnnotationRotate, "first system")
	awaitHeld(t, acme, first)
	awaitRecords(t, acme, "system 1-2 Request first: Started,KeyMade,Applied under way")
	window.Open()
	request(t, acme, "the-window-opens")
	system := "system 1-2 Request first: Started,KeyMade,Applied,Serving,Retired Succeeded"
	awaitRecords(t, acme, system)
	_, records := recordsOf(t, acme)
	if started := records[0].Status.Steps[0].Message; started != "Asked by ops-team as first" {
		t.Errorf("who asked is not told: %q", started)
	}

	// Several at once, after a leak, and one that pods do not hold.
	ask(t, acme, v1alpha1.AnnotationRotate, "second administrator:leaked endpoint-application")
	administrator := "administrator 1-2 Leak second: Started,KeyMade,Applied,Serving Succeeded"
	endpoint := "endpoint-application 1-2 Request second: Started,KeyMade,Applied,Serving Succeeded"
	awaitRecords(t, acme, system, administrator, endpoint)

	// One that is overtaken before any pod holds it.
	window.Close()
	ask(t, acme, v1alpha1.AnnotationRotate, "third endpoint-application")
	awaitRecords(t, acme, system, administrator, endpoint, "endpoint-application 2-3 Request third: Started,KeyMade,Applied under way")
	ask(t, acme, v1alpha1.AnnotationRotate, "fourth endpoint-application data-key")
	overtaken := "endpoint-application 2-3 Request third: Started,KeyMade,Applied Superseded"
	awaitRecords(t, acme, system, administrator, endpoint, overtaken, "endpoint-application 3-4 Request fourth: Started,KeyMade,Applied under way",
		"data-key 1-2 Request fourth: Started,KeyMade,Applied under way")
	window.Open()
	request(t, acme, "the-window-opens-again")
	last := []string{system, administrator, endpoint, overtaken, "endpoint-application 3-4 Request fourth: Started,KeyMade,Applied,Serving Succeeded",
		"data-key 1-2 Request fourth: Started,KeyMade,Applied,Serving Succeeded"}
	awaitRecords(t, acme, last...)

	// One that is refused has failed; when it is possible later, that is another one.
	ask(t, acme, v1alpha1.AnnotationRotate, "fifth data-key")
	last = append(last, "data-key 2-3 Request fifth: Started,Refused Failed")
	awaitRecords(t, acme, last...)
	if err := standin.FileState(serverOf(acme).file).ForgetSealed(generationOf(t, acme, "data-key", 2)["key"]); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationReencrypted, "2")
	last = append(last, "data-key 2-3 Request fifth: Started,KeyMade,Applied,Serving Succeeded")
	awaitRecords(t, acme, last...)

	// Then nothing more is written, in any pass.
	awaitUpToDate(t, acme)
	awaitProven(t, acme)
	settle(t, m)
	m.reset()
	m.touched(t, acme, 5)
	settle(t, m)
	if writes := m.written(); len(writes) > 0 {
		t.Errorf("records of what is over are written on:\n%s", strings.Join(writes, "\n"))
	}
	_, records = recordsOf(t, acme)
	expectNoSecret(t, acme, records)
	t.Logf("%d records; nothing was written about them in 5 further passes", len(records))
}

// expectNoSecret looks for every generated value that Vault has of the tenant.
func expectNoSecret(t *testing.T, acme *v1alpha1.IdentityTenant, records []v1alpha1.RotationRecord) {
	t.Helper()
	text, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, material := range []string{"administrator", "system", "endpoint-application", "data-key"} {
		for number := 1; ; number++ {
			value, err := generation(t.Context(), acme, material, number)
			if err != nil {
				t.Fatal(err)
			}
			if value == nil {
				break
			}
			for _, field := range []string{"password", "key"} {
				if value[field] != "" && strings.Contains(string(text), value[field]) {
					t.Errorf("a record has the %s of generation %d of %s", field, number, material)
				}
				looked += len(value[field])
			}
		}
	}
	if looked == 0 || !strings.HasPrefix(localenv.TenantKVPrefix, "holdfast") {
		t.Fatal("no value was looked for")
	}
}

// refuser loses what is sent about records while it is told to.
type refuser struct{ on atomic.Bool }

func (r *refuser) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if r.on.Load() && request.Method != http.MethodGet && strings.Contains(request.URL.Path, "/rotationrecords") {
			return nil, errors.New("lost on its way")
		}
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// A record holds up no rotation, and one that an earlier life did not come to write is written by the next one, as it was.
func TestARecordThatWasNotWrittenIsWrittenLater(t *testing.T) {
	t.Parallel()
	ns, lost := namespace(t), &refuser{}
	lost.on.Store(true)
	options := harness.OperatorOptions{WrapAPI: lost.wrap}
	options.GenerateKey = spareKeys
	running := operate(t, options, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	awaitUpToDate(t, acme)
	ask(t, acme, v1alpha1.AnnotationRotate, "first system administrator:leaked")
	awaitComplete(t, acme, "first")
	awaitUpToDate(t, acme)
	if words, _ := recordsOf(t, acme); len(words) > 0 {
		t.Fatalf("records were written although none could be: %v", words)
	}
	if !declares(acme, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) {
		t.Errorf("a tenant is not ready for a record: %v", acme.Status.Conditions)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationRotate, "") // nobody but Vault knows any more what it asked for
	operated(t, harness.OperatorOptions{}, ns)
	administrator := "administrator 1-2 Leak first: Started,KeyMade,Applied,Serving Succeeded"
	awaitRecords(t, acme, "system 1-2 Request first: Started,KeyMade,Applied,Serving,Retired Succeeded", administrator)

	// Somebody clears them away: the last ones come back as they were.
	ask(t, acme, v1alpha1.AnnotationRotate, "second system")
	awaitComplete(t, acme, "second")
	system := "system 2-3 Request second: Started,KeyMade,Applied,Serving,Retired Succeeded"
	awaitRecords(t, acme, "system 1-2 Request first: Started,KeyMade,Applied,Serving,Retired Succeeded", administrator, system)
	if err := world.Admin.DeleteAllOf(t.Context(), &v1alpha1.RotationRecord{}, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "what-was-there")
	awaitRecords(t, acme, administrator, system)
}

// What lies in stores is named by its keys, and what an issuer renews by itself is written down too.
func TestRotationsOfStoresAreWrittenDown(t *testing.T) {
	t.Parallel()
	ns, m := namespace(t), &meter{}
	options := m.options()
	options.RingWaits = &identitytenant.RingWaits{}
	operated(t, options, ns)
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Keystores = &v1alpha1.Keystores{TLS: &v1alpha1.TLSKey{Duration: &metav1.Duration{Duration: 24 * time.Hour}, RenewBefore: &metav1.Duration{Duration: 23*time.Hour + 30*time.Minute}}}
	ready(t, acme)
	awaitUpToDate(t, acme)
	awaitRecords(t, acme)

	before := certificateOf(t, acme, "tls")
	ask(t, acme, v1alpha1.AnnotationRotate, "first token-signing tls")
	tls, signing := "tls 1-2 Request first: Started,KeyMade,Applied,Serving Succeeded", "token-signing 1-2 Request first: Started,KeyMade,Applied,Serving Succeeded"
	awaitRecords(t, acme, tls, signing)
	awaitComplete(t, acme, "first")
	_, records := recordsOf(t, acme)
	for _, one := range records {
		switch one.Spec.Material {
		case "tls":
			after := certificateOf(t, acme, "tls")
			if !slices.Equal(one.Spec.From.Fingerprints, []string{keystore.Fingerprint(before)}) || !slices.Equal(one.Spec.To.Fingerprints, []string{keystore.Fingerprint(after)}) ||
				!slices.Equal(one.Spec.To.Serials, []string{fmt.Sprintf("%x", after.SerialNumber)}) || one.Spec.To.SecretName != storeOf(t, acme, "tls").Name {
				t.Errorf("the record tells of other certificates: %+v to %+v", one.Spec.From, one.Spec.To)
			}
		case "token-signing":
			if ids := one.Spec.To.KeyIDs; len(ids) != 2 || ids[0] != "token-signing-2" || len(ids[1]) < 40 || !slices.Equal(one.Spec.From.KeyIDs, []string{"token-signing-1"}) {
				t.Errorf("the record tells of other keys: %+v to %+v", one.Spec.From, one.Spec.To)
			}
		}
	}

	// After a leak the key that was to come next is replaced too: version 3 holds that, version 4 signs with it.
	ask(t, acme, v1alpha1.AnnotationRotate, "second token-signing:leaked")
	leaked := "token-signing 3-4 Leak second: Started,KeyMade,Applied,Serving Succeeded"
	awaitRecords(t, acme, tls, signing, leaked)
	awaitComplete(t, acme, "second")
	_, records = recordsOf(t, acme)
	for _, one := range records {
		if one.Spec.Cause == v1alpha1.CauseLeak && (!slices.Equal(one.Spec.From.KeyIDs, []string{"token-signing-2"}) || !slices.Contains(one.Spec.To.KeyIDs, "token-signing-4")) {
			t.Errorf("the record tells of other keys: %+v to %+v", one.Spec.From, one.Spec.To)
		}
	}

	// cert-manager renews by itself.
	var certificate cmv1.Certificate
	var certificates cmv1.CertificateList
	if err := world.Admin.List(t.Context(), &certificates, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	for _, one := range certificates.Items {
		if strings.HasPrefix(one.Name, "acme-tls") {
			certificate = one
		}
	}
	if err := world.Admin.Status().Patch(t.Context(), &certificate, client.RawPatch(types.MergePatchType,
		[]byte(`{"status":{"conditions":[{"type":"Issuing","status":"True","reason":"Renewing","message":"its time has come"},{"type":"Ready","status":"True","reason":"Ready"}]}}`))); err != nil {
		t.Fatal(err)
	}
	awaitRecords(t, acme, tls, signing, leaked, "tls 2-3 Expiry -: Started,KeyMade,Applied,Serving Succeeded")
	awaitUpToDate(t, acme)
	awaitProven(t, acme)
	settle(t, m)
	m.reset()
	m.touched(t, acme, 3)
	settle(t, m)
	if writes := m.written(); len(writes) > 0 {
		t.Errorf("records of what is over are written on:\n%s", strings.Join(writes, "\n"))
	}
}

func certificateOf(t *testing.T, acme *v1alpha1.IdentityTenant, role string) *x509.Certificate {
	t.Helper()
	chain, err := keystore.ParseCertificates(storeOf(t, acme, role).Data[role+".crt"])
	if err != nil {
		t.Fatal(err)
	}
	return chain[0]
}
