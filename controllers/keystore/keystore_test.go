package keystore_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

func TestKeystore(t *testing.T) {
	vault := env.Vault(t)
	manager := startControllers(t, controllertest.Options{})
	for name, test := range map[string]func(place){
		"a JVM reads the first version":                        aJVMReadsTheFirstVersion,
		"deleted with Retain and made anew it has the old key": retainedKeysAreFoundAgain,
		"deleted with Delete it leaves nothing in Vault":       deletedLeavesNothing,
		"a renewed certificate makes a new version":            aRenewalMakesANewVersion,
		"a new name needs a new certificate":                   aNewNameNeedsANewCertificate,
		"what was changed by hand is put back":                 handsOff,
		"a lost or forged version comes back":                  lostVersionsComeBack,
		"somebody else's objects are left alone":               namesOfOthers,
		"a private key among trusted certificates is refused":  noPrivateKeysInTrust,
		"one store trusts another":                             oneStoreTrustsAnother,
		"of an issued entry the authority is trusted":          theAuthorityIsTrusted,
		"an issuer of the whole cluster serves too":            clusterIssuers,
		"a stable copy follows the current version":            aStableCopy,
		"a missing reference heals by watch":                   missingReferencesHeal,
		"a self-signed key is not replaced by a change":        selfSignedKeysStay,
		"an issuer for public names only is refused":           unsuitableIssuers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newPlace(t, vault, manager))
		})
	}
}

func aJVMReadsTheFirstVersion(p place) {
	p.create(&corev1.ConfigMap{ObjectMeta: p.meta("partner"), Data: map[string]string{"ca.crt": string(p.vault.CA())}})
	rsa := selfSignedEntry("signing")
	rsa.Algorithm = v1alpha1.RSA
	p.create(p.keystore("orders", issuedEntry("server"), rsa, trustedEntry("partner", "partner")))
	cr := p.ready("orders")

	if cr.Status.CurrentGeneration != 1 || len(cr.Status.Versions) != 1 || cr.Status.Versions[0].State != v1alpha1.VersionCurrent {
		p.Errorf("status has generation %d and versions %+v, want one current version 1", cr.Status.CurrentGeneration, cr.Status.Versions)
	}
	secret := p.secret(cr.Status.SecretName)
	if secret.Immutable == nil || !*secret.Immutable {
		p.Error("the version's Secret is not immutable")
	}
	if got, want := slices.Sorted(maps.Keys(secret.Data)), []string{"keystore.p12", "partner.crt", "password", "server.crt", "signing.crt"}; !slices.Equal(got, want) {
		p.Errorf("the Secret has the keys %v, want %v", got, want)
	}
	listing := p.keytool(secret)
	for _, e := range cr.Status.Versions[0].Entries {
		if !strings.Contains(listing, "Alias name: "+e.Alias) || !strings.Contains(listing, e.FingerprintSHA256) {
			p.Errorf("keytool does not list alias %s with fingerprint %s:\n%s", e.Alias, e.FingerprintSHA256, listing)
		}
		if e.Trusted != (e.Alias == "partner") {
			p.Errorf("entry %s: trusted is %v", e.Alias, e.Trusted)
		}
	}
	if keys := strings.Count(listing, "PrivateKeyEntry"); keys != 2 {
		p.Errorf("keytool lists %d private keys, want 2", keys)
	}
	want := map[string]int{"keystore/orders/password/1": 1, "keystore/orders/server/1": 1, "keystore/orders/signing/1": 1}
	if diff := cmp.Diff(want, p.vaultPaths()); diff != "" {
		p.Errorf("values in Vault, with the number of writes (-want +got):\n%s", diff)
	}
	p.event(v1alpha1.ReasonSucceeded, "Version 1", cr.Status.SecretName)
}

// Invariant 11: with inputs unchanged there is no write, anywhere, for any number of passes and after a restart; and one login
// serves them all.
func TestUnchangedKeystoreCausesNoWrite(t *testing.T) {
	p := newPlace(t, env.Vault(t), nil)
	p.manager = startControllers(t, controllertest.Options{Namespace: p.namespace})
	p.create(&corev1.ConfigMap{ObjectMeta: p.meta("partner"), Data: map[string]string{"ca.crt": string(p.vault.CA())}})
	cr := p.keystore("orders", issuedEntry("server"), selfSignedEntry("signing"), trustedEntry("partner", "partner"))
	cr.Spec.Target = &v1alpha1.KeystoreTarget{SecretName: "orders-keystore"}
	p.create(cr)
	p.ready("orders")
	p.reconcile("orders", "settle")
	p.reconcile("orders", "settled")
	first := p.vaultPaths()

	const passes = 100
	p.manager.API.Reset()
	p.manager.Vault.Reset()
	for i := range passes {
		p.reconcile("orders", fmt.Sprint("pass-", i))
	}
	p.nothingWritten(passes)
	if logins := p.manager.Connector.Pool.Logins(); logins != 1 {
		p.Errorf("%d logins, want one for everything", logins)
	}

	p.manager.Stop()
	p.manager = startControllers(t, controllertest.Options{Namespace: p.namespace})
	p.reconcile("orders", "after the restart")
	p.reconcile("orders", "and once more")
	p.nothingWritten(3)
	if diff := cmp.Diff(first, p.vaultPaths()); diff != "" {
		p.Errorf("Vault changed:\n%s", diff)
	}
}

func (p place) nothingWritten(passes int) {
	p.Helper()
	if writes := p.manager.API.Writes(p.namespace); len(writes) > 0 {
		p.Errorf("%d passes over an unchanged Keystore wrote to the API server: %v", passes, writes)
	}
	reads := p.manager.Vault.Requests()
	for _, request := range reads {
		if !strings.HasPrefix(request, "GET ") && request != "PUT auth/kubernetes/login" {
			p.Errorf("a pass over an unchanged Keystore sent to Vault: %s", request)
		}
	}
	p.Logf("%d passes: no write, %d reads of the API server, %d of Vault", passes, len(p.manager.API.Reads(p.namespace)), len(reads))
}

func retainedKeysAreFoundAgain(p place) {
	p.create(p.keystore("orders", issuedEntry("server"), selfSignedEntry("signing")))
	before := p.ready("orders")
	bytesBefore := p.secret(before.Status.SecretName).Data
	p.delete(before)
	p.gone("orders", &v1alpha1.Keystore{})
	p.event(v1alpha1.EventRetained, p.namespace+"/keystore/orders", "stay")
	p.gone(before.Status.SecretName, &corev1.Secret{})

	p.create(p.keystore("orders", issuedEntry("server"), selfSignedEntry("signing")))
	after := p.ready("orders")
	if diff := cmp.Diff(before.Status.Versions[0].Entries, after.Status.Versions[0].Entries); diff != "" {
		p.Errorf("the re-created Keystore has other certificates:\n%s", diff)
	}
	if after.Status.SecretName != before.Status.SecretName || !maps.EqualFunc(bytesBefore, p.secret(after.Status.SecretName).Data, bytes.Equal) {
		p.Errorf("the re-created version is Secret %s, or has other bytes than %s had", after.Status.SecretName, before.Status.SecretName)
	}
	want := map[string]int{"keystore/orders/password/1": 1, "keystore/orders/server/1": 1, "keystore/orders/signing/1": 1}
	if diff := cmp.Diff(want, p.vaultPaths()); diff != "" {
		p.Errorf("values in Vault, with the number of writes (-want +got):\n%s", diff)
	}
	// cert-manager took its Secret back, and renews it when its time comes.
	p.renew("orders-server-certificate")
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("generation %d", cr.Status.CurrentGeneration)
		}
		return nil
	})
}

func deletedLeavesNothing(p place) {
	cr := p.keystore("orders", issuedEntry("server"), selfSignedEntry("signing"))
	cr.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	p.create(cr)
	p.delete(p.ready("orders"))
	p.gone("orders", &v1alpha1.Keystore{})
	if paths := p.vaultPaths(); len(paths) > 0 {
		p.Errorf("Vault still holds %v", paths)
	}
	testenv.Eventually(p, soon, func() error {
		var secrets corev1.SecretList
		if err := env.Admin.List(p.Context(), &secrets, client.InNamespace(p.namespace)); err != nil {
			return err
		}
		for _, secret := range secrets.Items {
			if secret.Name != authorityName {
				return fmt.Errorf("Secret %s is left", secret.Name)
			}
		}
		return nil
	})
	p.gone("orders-server", &cmv1.Certificate{})
}

func aRenewalMakesANewVersion(p place) {
	cr := p.keystore("orders", issuedEntry("server"))
	cr.Spec.HistoryLimit = new(int32(0))
	p.create(cr)
	first := p.ready("orders")
	pod := podWithVolume(p.meta("application"), first.Status.SecretName)
	p.create(pod)

	p.renew("orders-server-certificate")
	second := p.until("orders", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 || len(cr.Status.Versions) != 2 {
			return fmt.Errorf("generation %d, versions %+v", cr.Status.CurrentGeneration, cr.Status.Versions)
		}
		return nil
	})
	if state := second.Status.Versions[1].State; state != v1alpha1.VersionRetired || second.Status.Versions[1].SecretName != first.Status.SecretName {
		p.Errorf("versions are %+v, want the first one retired but kept, since a pod names it", second.Status.Versions)
	}
	p.opens(first.Status.SecretName)
	p.opens(second.Status.SecretName)
	if paths := p.vaultPaths(); paths["keystore/orders/server/1"] != 1 || paths["keystore/orders/server/2"] != 1 || len(paths) != 3 {
		p.Errorf("Vault holds %v, want each of two keys once", paths)
	}

	p.delete(pod)
	p.reconcile("orders", "after the pod")
	p.gone(first.Status.SecretName, &corev1.Secret{})
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if len(cr.Status.Versions) != 1 || cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("versions %+v", cr.Status.Versions)
		}
		return nil
	})
}

func aNewNameNeedsANewCertificate(p place) {
	cr := p.keystore("orders", issuedEntry("server"))
	p.create(cr)
	p.ready("orders")
	p.change("orders", cr, func() {
		names := &cr.Spec.Entries[0].Certificate.DNSNames
		*names = append(*names, "new.shop.svc")
	})
	// Ready for the new spec must not be said of the old certificate.
	after := p.ready("orders")
	chain, err := keystore.ParseCertificates(p.secret(after.Status.SecretName).Data["server.crt"])
	if err != nil || !slices.Contains(chain[0].DNSNames, "new.shop.svc") {
		p.Errorf("ready with a certificate for %v, %v", chain[0].DNSNames, err)
	}
	if after.Status.CurrentGeneration != 2 {
		p.Errorf("generation %d, want 2", after.Status.CurrentGeneration)
	}
}

func handsOff(p place) {
	p.create(p.keystore("orders", issuedEntry("server")))
	cr := p.ready("orders")
	version := p.secret(cr.Status.SecretName)

	edited := &corev1.Secret{}
	p.change(version.Name, edited, func() { edited.Labels[tenant.LabelKeystore] = "stolen" })
	testenv.Eventually(p, soon, func() error {
		if label := p.secret(version.Name).Labels[tenant.LabelKeystore]; label != "orders" {
			return fmt.Errorf("label %s is %q", tenant.LabelKeystore, label)
		}
		return nil
	})
	p.event(v1alpha1.EventRestored, version.Name, tenant.LabelKeystore)

	certificate := &cmv1.Certificate{}
	p.change("orders-server", certificate, func() { certificate.Spec.DNSNames = []string{"attacker.example"} })
	testenv.Eventually(p, soon, func() error {
		if p.get("orders-server", certificate); !slices.Equal(certificate.Spec.DNSNames, []string{"orders.shop.svc", "localhost"}) {
			return fmt.Errorf("dnsNames are %v", certificate.Spec.DNSNames)
		}
		return nil
	})
	p.event(v1alpha1.EventRestored, "Certificate orders-server", "dnsNames")

	// Whatever cert-manager made of the wrong names meanwhile, no version has them.
	for _, v := range p.ready("orders").Status.Versions {
		certificates, err := keystore.ParseCertificates(p.secret(v.SecretName).Data["server.crt"])
		if err != nil || slices.Contains(certificates[0].DNSNames, "attacker.example") {
			p.Errorf("version %d is for %v, %v", v.Generation, certificates[0].DNSNames, err)
		}
	}
}

func lostVersionsComeBack(p place) {
	p.create(p.keystore("orders", selfSignedEntry("signing")))
	current := p.ready("orders").Status.SecretName
	content := p.secret(current).Data
	back := func() error {
		var again corev1.Secret
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: current}, &again); err != nil {
			return err
		}
		if !maps.EqualFunc(content, again.Data, bytes.Equal) {
			return fmt.Errorf("it holds other bytes")
		}
		if generation := again.Labels["iam.holdfast.dev/generation"]; generation != "1" {
			p.Errorf("it came back as version %s, want 1", generation)
		}
		return nil
	}
	p.delete(p.secret(current))
	testenv.Eventually(p, soon, back)
	if cr := p.ready("orders"); cr.Status.CurrentGeneration != 1 || len(cr.Status.Versions) != 1 {
		p.Errorf("versions are %+v, want the first one again", cr.Status.Versions)
	}

	// Somebody puts another store, with another password, in its place, and is quicker than we are.
	p.manager.Namespaces.Close(p.namespace)
	forged := p.secret(current)
	p.delete(forged)
	forged.ResourceVersion, forged.UID = "", ""
	forged.Data = map[string][]byte{"keystore.p12": []byte("x"), "password": []byte("y")}
	p.create(forged)
	p.reconcile("orders", "after the forger")
	testenv.Eventually(p, soon, back)
	p.event(v1alpha1.EventRestored, "data of Secret "+current)
}

func namesOfOthers(p place) {
	p.create(&cmv1.Certificate{ObjectMeta: p.meta("one-server"), Spec: cmv1.CertificateSpec{
		SecretName: "somewhere", DNSNames: []string{"a.example"}, IssuerRef: issuerReference("internal"),
	}})
	p.create(p.keystore("one", issuedEntry("server")))
	if message := p.stalled("one", v1alpha1.ReasonNameConflict); !strings.Contains(message, "Certificate") || !strings.Contains(message, "one-server") {
		p.Errorf("the message does not name the Certificate: %s", message)
	}

	theirs := &corev1.Secret{ObjectMeta: p.meta("two-server-certificate"), Data: map[string][]byte{"mine": []byte("x")}}
	p.create(theirs)
	p.create(p.keystore("two", issuedEntry("server")))
	if message := p.stalled("two", v1alpha1.ReasonNameConflict); !strings.Contains(message, theirs.Name) {
		p.Errorf("the message does not name the Secret: %s", message)
	}
	p.gone("two-server", &cmv1.Certificate{})

	taken := &corev1.Secret{ObjectMeta: p.meta("taken"), Data: map[string][]byte{"mine": []byte("x")}}
	p.create(taken)
	three := p.keystore("three", selfSignedEntry("signing"))
	three.Spec.Target = &v1alpha1.KeystoreTarget{SecretName: "taken"}
	p.create(three)
	if message := p.stalled("three", v1alpha1.ReasonNameConflict); !strings.Contains(message, "taken") {
		p.Errorf("the message does not name the Secret: %s", message)
	}
	for _, secret := range []string{theirs.Name, taken.Name} {
		if data := p.secret(secret).Data; len(data) != 1 || string(data["mine"]) != "x" {
			p.Errorf("Secret %s was changed", secret)
		}
	}

	// It heals when the other one goes away, by watch.
	p.delete(taken)
	p.ready("three")
}

func noPrivateKeysInTrust(p place) {
	key, err := keystore.GenerateKey(keystore.ECDSA, 256)
	if err != nil {
		p.Fatal(err)
	}
	pem, err := keystore.MarshalPrivateKey(key)
	if err != nil {
		p.Fatal(err)
	}
	source := &corev1.ConfigMap{ObjectMeta: p.meta("ca"), Data: map[string]string{"ca.crt": string(p.vault.CA()) + string(pem)}}
	p.create(source)
	p.create(p.keystore("orders", trustedEntry("partner", "ca")))
	message := p.stalled("orders", v1alpha1.ReasonInvalidSpec)
	if !strings.Contains(message, "spec.entries[partner].trusted.configMapRef") || !strings.Contains(message, "ConfigMap ca") || !strings.Contains(message, "no private key") {
		p.Errorf("the message names neither the field nor what to do: %s", message)
	}
	secretLine := strings.Split(string(pem), "\n")[1]
	if strings.Contains(message, secretLine) {
		p.Error("the message quotes the key")
	}
	p.change("ca", source, func() { source.Data["ca.crt"] = string(p.vault.CA()) })
	p.ready("orders")
}

func oneStoreTrustsAnother(p place) {
	p.create(p.keystore("trust", v1alpha1.KeystoreEntry{Alias: "orders", Trusted: &v1alpha1.TrustedSource{
		KeystoreRef: &v1alpha1.KeystoreEntryReference{Name: "orders", Alias: "server"},
	}}))
	p.waiting("trust", v1alpha1.ReasonDependencyNotReady)
	p.selfSigned()
	server := issuedEntry("server")
	server.Certificate.IssuerRef.Name = "self-signed"
	p.create(p.keystore("orders", server))
	orders, trust := p.ready("orders"), p.ready("trust")
	if got, want := trust.Status.Versions[0].Entries[0].FingerprintSHA256, orders.Status.Versions[0].Entries[0].FingerprintSHA256; got != want {
		p.Errorf("the trust store has %s, want the self-signed certificate %s", got, want)
	}
	if trust.Status.NotAfter != nil {
		p.Error("a trust store has an expiry of its own")
	}
	p.renew("orders-server-certificate")
	p.until("trust", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("the trust store did not follow: %s", describe(cr))
		}
		return nil
	})
}

func theAuthorityIsTrusted(p place) {
	p.selfSigned()
	p.create(&cmv1.Certificate{ObjectMeta: p.meta("authority"), Spec: cmv1.CertificateSpec{
		SecretName: "authority", CommonName: "Internal authority", IsCA: true, IssuerRef: issuerReference("self-signed"),
		PrivateKey: &cmv1.CertificatePrivateKey{Algorithm: cmv1.ECDSAKeyAlgorithm, Size: 256, RotationPolicy: cmv1.RotationPolicyAlways},
	}})
	p.create(&cmv1.Issuer{ObjectMeta: p.meta("authority"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "authority"}}}})
	server := issuedEntry("server")
	server.Certificate.IssuerRef.Name = "authority"
	p.create(p.keystore("orders", server))
	p.create(p.keystore("trust", v1alpha1.KeystoreEntry{Alias: "orders", Trusted: &v1alpha1.TrustedSource{
		KeystoreRef: &v1alpha1.KeystoreEntryReference{Name: "orders", Alias: "server"},
	}}))
	trust := p.ready("trust")
	authority, err := keystore.ParseCertificates(p.secret("authority").Data["tls.crt"])
	if err != nil {
		p.Fatal(err)
	}
	if got, want := trust.Status.Versions[0].Entries[0].FingerprintSHA256, keystore.Fingerprint(authority[0]); got != want {
		p.Errorf("the trust store has %s, want the authority %s", got, want)
	}
	orders := p.secret(p.ready("orders").Status.SecretName)
	if chain, err := keystore.ParseCertificates(orders.Data["server.crt"]); err != nil || len(chain) != 2 || !chain[1].Equal(authority[0]) {
		p.Errorf("server.crt has %d certificates, %v; want the server's own and the authority's", len(chain), err)
	}

	// A new authority, as it is after its own renewal, is trusted as soon as the server has a certificate of it. The old one is
	// trusted too, for as long as a pod serves what that signed.
	former := authority[0]
	pod := podWithVolume(p.meta("server"), orders.Name)
	p.create(pod)
	p.renew("authority")
	testenv.Eventually(p, soon, func() error {
		var renewed corev1.Secret
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: "authority"}, &renewed); err != nil || len(renewed.Data["tls.crt"]) == 0 {
			return fmt.Errorf("not renewed: %v", err)
		}
		authority, err = keystore.ParseCertificates(renewed.Data["tls.crt"])
		return err
	})
	p.renew("orders-server-certificate")
	trusts := func(want ...*x509.Certificate) func(cr *v1alpha1.Keystore) error {
		return func(cr *v1alpha1.Keystore) error {
			var got, wanted []string
			for _, e := range cr.Status.Versions[0].Entries {
				got = append(got, e.FingerprintSHA256)
			}
			for _, c := range want {
				wanted = append(wanted, keystore.Fingerprint(c))
			}
			slices.Sort(got)
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				return fmt.Errorf("the trust store has %v, want %v", got, wanted)
			}
			return nil
		}
	}
	p.until("trust", trusts(authority[0], former))
	p.delete(pod)
	p.gone("server", &corev1.Pod{})
	p.reconcile("trust", "after the pod")
	p.until("trust", trusts(authority[0]))
}

func aStableCopy(p place) {
	cr := p.keystore("orders", issuedEntry("server"))
	cr.Spec.Target = &v1alpha1.KeystoreTarget{SecretName: "orders-keystore"}
	p.create(cr)
	p.ready("orders")
	same := func() error {
		var current v1alpha1.Keystore
		p.get("orders", &current)
		var copied corev1.Secret
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: "orders-keystore"}, &copied); err != nil {
			return err
		}
		if !maps.EqualFunc(copied.Data, p.secret(current.Status.SecretName).Data, bytes.Equal) {
			return fmt.Errorf("the copy is not version %d", current.Status.CurrentGeneration)
		}
		return nil
	}
	testenv.Eventually(p, soon, same)
	p.renew("orders-server-certificate")
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("generation %d", cr.Status.CurrentGeneration)
		}
		return nil
	})
	testenv.Eventually(p, soon, same)

	edited := &corev1.Secret{}
	p.change("orders-keystore", edited, func() { edited.Data["password"] = []byte("changed by hand") })
	testenv.Eventually(p, soon, same)
	p.event(v1alpha1.EventRestored, "orders-keystore", "data.password")

	p.change("orders", cr, func() { cr.Spec.Target = nil })
	p.gone("orders-keystore", &corev1.Secret{})
}

func missingReferencesHeal(p place) {
	p.create(p.keystore("orders", trustedEntry("partner", "later")))
	if message := p.waiting("orders", v1alpha1.ReasonNotFound); !strings.Contains(message, "ConfigMap later") {
		p.Errorf("the message does not name the ConfigMap: %s", message)
	}
	p.create(&corev1.ConfigMap{ObjectMeta: p.meta("later"), Data: map[string]string{"other": ""}})
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if !strings.Contains(describe(cr), "has no key ca.crt") {
			return fmt.Errorf("%s", describe(cr))
		}
		return nil
	})
	source := &corev1.ConfigMap{}
	p.change("later", source, func() { source.Data["ca.crt"] = string(p.vault.CA()) })
	p.ready("orders")

	elsewhere := p.keystore("elsewhere", issuedEntry("server"))
	elsewhere.Spec.Entries[0].Certificate.IssuerRef.Name = "later"
	elsewhere.Spec.VaultRef.Name = "second"
	p.create(elsewhere)
	p.waiting("elsewhere", v1alpha1.ReasonNotFound)
	connection := &v1alpha1.VaultConnection{}
	p.get("vault", connection)
	p.create(&v1alpha1.VaultConnection{ObjectMeta: p.meta("second"), Spec: connection.Spec})
	p.until("elsewhere", func(cr *v1alpha1.Keystore) error {
		if !strings.Contains(describe(cr), "Issuer later does not exist") {
			return fmt.Errorf("%s", describe(cr))
		}
		return nil
	})
	p.issuer("later")
	p.ready("elsewhere")
}

func selfSignedKeysStay(p place) {
	cr := p.keystore("orders", selfSignedEntry("signing"))
	p.create(cr)
	before := p.ready("orders")
	p.change("orders", cr, func() { cr.Spec.Entries[0].Size = 384 })
	if message := p.stalled("orders", v1alpha1.ReasonInvalidSpec); !strings.Contains(message, "spec.entries[signing]") || !strings.Contains(message, "size") {
		p.Errorf("the message does not name the field: %s", message)
	}
	if now := p.until("orders", func(*v1alpha1.Keystore) error { return nil }); now.Status.SecretName != before.Status.SecretName {
		p.Errorf("the version changed from %s to %q", before.Status.SecretName, now.Status.SecretName)
	}
	p.change("orders", cr, func() { cr.Spec.Entries[0].Size = 256 })
	p.ready("orders")
	if paths := p.vaultPaths(); len(paths) != 2 {
		p.Errorf("Vault holds %v", paths)
	}
}

func unsuitableIssuers(p place) {
	p.create(&cmv1.Issuer{ObjectMeta: p.meta("public"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{
		ACME: &acmev1.ACMEIssuer{Server: "https://acme.example/directory", PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "account"}}},
	}}})
	cr := p.keystore("orders", issuedEntry("server"))
	cr.Spec.Entries[0].Certificate.IssuerRef.Name = "public"
	p.create(cr)
	message := p.stalled("orders", v1alpha1.ReasonIssuerUnsuitable)
	if !strings.Contains(message, "Issuer public is ACME") || !strings.Contains(message, "orders.shop.svc") {
		p.Errorf("the message names neither issuer nor name: %s", message)
	}
	p.gone("orders-server", &cmv1.Certificate{})
}

func clusterIssuers(p place) {
	p.create(&cmv1.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}, Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}})
	cr := p.keystore("orders", issuedEntry("server"))
	cr.Spec.Entries[0].Certificate.IssuerRef = &v1alpha1.IssuerReference{Name: p.namespace, Kind: cmv1.ClusterIssuerKind}
	p.create(cr)
	p.ready("orders")
}

func issuerReference(name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Name: name, Kind: cmv1.IssuerKind, Group: "cert-manager.io"}
}

func podWithVolume(meta metav1.ObjectMeta, secret string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name: "main", Image: "application",
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		}},
		Volumes: []corev1.Volume{{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}},
	}}
}
