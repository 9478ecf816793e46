package keystore_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// records tells what was written down, a line each, sorted.
func (p place) records() (lines []string) {
	p.Helper()
	for _, one := range p.recordList() {
		lines = append(lines, line(one))
	}
	slices.Sort(lines)
	return lines
}

func line(one v1alpha1.RotationRecord) string {
	var steps []string
	for _, step := range one.Status.Steps {
		steps = append(steps, string(step.Name))
	}
	return fmt.Sprintf("%s %s %d-%d %s %s: %s %s", one.Spec.Subject.Name, one.Spec.Material, one.Spec.From.Generation, one.Spec.To.Generation,
		one.Spec.Cause, cmp.Or(one.Spec.Request, "-"), strings.Join(steps, ","), cmp.Or(one.Status.Outcome, "under way"))
}

// forget removes records of the materials and generations.
func (p place) forget(which ...string) {
	p.Helper()
	for _, one := range p.recordList() {
		if !slices.ContainsFunc(which, func(w string) bool { return strings.Contains(line(one), " "+w+" ") }) {
			continue
		}
		if err := env.Admin.Delete(p.Context(), &one); err != nil {
			p.Fatal(err)
		}
	}
}

func (p place) recordList() []v1alpha1.RotationRecord {
	p.Helper()
	var list v1alpha1.RotationRecordList
	if err := env.Admin.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	return list.Items
}

func (p place) expectRecords(want ...string) {
	p.Helper()
	slices.Sort(want)
	testenv.Eventually(p, soon, func() error {
		if lines := p.records(); !slices.Equal(lines, want) {
			return errors.New("records (-want +got):\n" + gocmp.Diff(want, lines))
		}
		return nil
	})
}

// What a Keystore of its own rotated is there to read, once each: what became of it, which keys, and who asked.
func rotationsAreWrittenDown(p place) {
	const done = "Started,KeyMade,Applied Succeeded"
	p.create(p.keystore("keys", ringEntry("signing"), issuedEntry("server")))
	first := p.ready("keys")
	p.expectRecords()
	second := p.rotate("keys", "one")
	want := []string{"keys password 1-2 Request one: " + done, "keys server 1-2 Request one: " + done, "keys signing 2-3 Request one: " + done}
	p.expectRecords(want...)
	for _, one := range p.recordList() {
		if one.Spec.Material != "signing" {
			continue
		}
		from, to := one.Spec.From, one.Spec.To
		if from.SecretName != first.Status.SecretName || to.SecretName != second.Status.SecretName || !slices.Equal(from.KeyIDs, []string{"signing-1"}) || !slices.Equal(to.KeyIDs, []string{"signing-2"}) {
			p.Errorf("it tells of %+v, then %+v", *from, to)
		}
		if at := slices.IndexFunc(second.Status.Versions[0].Entries, func(e v1alpha1.KeystoreVersionEntry) bool { return e.Alias == "signing-2" }); at < 0 ||
			!slices.Equal(to.Fingerprints, []string{second.Status.Versions[0].Entries[at].FingerprintSHA256}) {
			p.Errorf("fingerprints %v", to.Fingerprints)
		}
		if started := one.Status.Steps[0].Message; started != "Asked by keystore.test as one" {
			p.Errorf("who asked is not told: %q", started)
		}
	}

	// Both halves of what is done after a leak.
	p.rotate("keys", "burn signing:leaked")
	p.rotate("keys", "drop signing:drop")
	want = append(want, "keys signing 3-4 Leak burn: "+done, "keys signing 4-5 Leak drop: "+done)
	p.expectRecords(want...)

	// cert-manager renews in its time; nobody asked, and the next request is another rotation.
	p.renew("keys-server-certificate")
	want = append(want, "keys server 2-3 Expiry -: "+done)
	p.expectRecords(want...)

	// Of what was removed only the last comes back: what others followed would tell of today what was long ago.
	p.forget("server 1-2", "password 1-2")
	p.reconcile("keys", "what-was-there")
	want = slices.DeleteFunc(want, func(line string) bool { return strings.HasPrefix(line, "keys server 1-2") })
	p.expectRecords(want...)
	p.rotate("keys", "two server")
	want = append(want, "keys server 3-4 Request two: "+done)
	p.expectRecords(want...)

	// What cannot be done is written down as such.
	p.annotate("keys", v1alpha1.AnnotationRollback, "1")
	p.annotate("keys", v1alpha1.AnnotationRotate, "three password")
	p.stalled("keys", v1alpha1.ReasonInvalidSpec)
	want = append(want, "keys password 2-3 Request three: Started,Refused Failed")
	p.expectRecords(want...)
	p.annotate("keys", v1alpha1.AnnotationRollback, "")
	want = append(want, "keys password 2-3 Request three: "+done)
	p.expectRecords(want...)

	// Nothing is written on, in any pass.
	before := p.recordList()
	p.reconcile("keys", "again")
	if diff := gocmp.Diff(before, p.recordList()); diff != "" {
		p.Errorf("records changed (-before +after):\n%s", diff)
	}
}

// A tenant writes down itself what its Keystores rotate.
func aTenantsKeystoreWritesNoRecords(p place) {
	acme := &v1alpha1.IdentityTenant{ObjectMeta: p.meta("acme"), Spec: v1alpha1.IdentityTenantSpec{
		Product:  v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: "registry.example/wso2is@sha256:" + strings.Repeat("0", 64)}},
		Hostname: "id.acme.example", VaultRef: v1alpha1.LocalReference{Name: "vault"}, IssuerRef: v1alpha1.IssuerReference{Name: "internal"},
		Database: v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{Host: "db.acme.svc", Name: "identity",
			Credentials: v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}}}},
	}}
	p.create(acme)
	cr := p.keystore("acme-tls", selfSignedEntry("server"))
	cr.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(acme, v1alpha1.GroupVersion.WithKind("IdentityTenant"))}
	p.create(cr)
	p.ready("acme-tls")
	p.rotate("acme-tls", "one")
	p.expectRecords()
}
