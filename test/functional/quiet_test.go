package functional

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// forced is how many reconciles of each object of ours an unchanged tenant has to bear in silence.
const forced = 100

// meter counts what one operator sends.
type meter struct {
	api, vault, product harness.Counter
	logins              atomic.Int64
}

func (m *meter) options() harness.OperatorOptions {
	options := harness.OperatorOptions{WrapAPI: m.api.Wrap}
	options.WrapVault, options.Access.WrapTransport = m.vault.Wrap, m.product.Wrap
	options.OnVaultLogin = func(string, error) { m.logins.Add(1) }
	return options
}

func (m *meter) writes() []string {
	return slices.Concat(m.api.Writes(), m.vault.Writes(), m.product.Writes())
}

func (m *meter) reset() { m.api.Reset(); m.vault.Reset(); m.product.Reset() }

func (m *meter) figures() string {
	return fmt.Sprintf("%d requests to the API server, %d to Vault, %d to the product; %d writes; %d logins",
		len(m.api.Requests()), len(m.vault.Requests()), len(m.product.Requests()), len(m.writes()), m.logins.Load())
}

// awaitProven waits until all was seen on the live server that is only seen there: a tenant is
// Ready before.
func awaitProven(t *testing.T, tenant *v1alpha1.IdentityTenant) {
	t.Helper()
	await(t, tenant, func(seen *v1alpha1.IdentityTenant) bool {
		ring := seen.Status.TokenSigning
		return seen.Status.ServedCertificate != nil && ring != nil && ring.CurrentSince != nil && ring.NextPublishedSince != nil
	})
}

// TestAnUnchangedTenantIsQuiet forces reconciles of everything of ours around one tenant, then restarts the
// operator, and counts at the transports: no write to the API server, events and status included, to Vault or to the
// product, and one login for each life of the operator. It runs by itself, since it reads the process's metrics.
func TestAnUnchangedTenantIsQuiet(t *testing.T) {
	ns := namespace(t)
	first := &meter{}
	running := operate(t, first.options(), ns)
	furnished := furnish(t, ns)
	database := standin.FileState(serverOf(furnished).file)
	if err := errors.Join(os.MkdirAll(world.Player.Folder, 0o700), database.AddServerTenant("a.example"), database.AddServerTenant("b.example")); err != nil {
		t.Fatal(err) // realms that nobody declares
	}
	tenant := ready(t, furnished)
	awaitProven(t, tenant)
	settle(t, first)
	t.Log("until all was in place:", first.figures())
	first.reset()

	passes := map[string]int{}
	for round := range forced {
		for controller, objects := range ours(t, ns) {
			if strings.HasSuffix(controller, "policy") {
				continue // only a change of its spec wakes it; the restart below does too
			}
			before := reconciles(t)[controller]
			for _, object := range objects {
				// An annotation of a stranger wakes the controller and asks for nothing.
				if err := world.Admin.Patch(t.Context(), object, client.RawPatch("application/merge-patch+json",
					fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/touched":"%d"}}}`, round))); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, controller+" to look again", func() bool { return reconciles(t)[controller] >= before+len(objects) })
			passes[controller] += len(objects)
		}
	}
	settle(t, first)
	t.Logf("in %d rounds %v forced passes: %s", forced, passes, first.figures())
	if writes := first.writes(); len(writes) > 0 {
		t.Errorf("an unchanged tenant was written about:\n%s", strings.Join(writes, "\n"))
	}
	if len(first.product.Requests()) < forced {
		t.Errorf("the product was only asked %d times: the passes did not reach it", len(first.product.Requests()))
	}
	if first.logins.Load() != 1 {
		t.Errorf("%d logins at Vault; one serves all who use the connection", first.logins.Load())
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}

	second := &meter{}
	before := reconciles(t)
	running = operate(t, second.options(), ns)
	eventually(t, "a first look at everything after the restart", func() bool {
		for controller, objects := range ours(t, ns) {
			if reconciles(t)[controller] < before[controller]+len(objects) {
				return false
			}
		}
		return len(second.product.Requests()) > 0
	})
	settle(t, second)
	t.Log("after a restart of the operator:", second.figures())
	if writes := second.writes(); len(writes) > 0 {
		t.Errorf("the restart wrote:\n%s", strings.Join(writes, "\n"))
	}
	if second.logins.Load() != 1 {
		t.Errorf("%d logins at Vault after the restart", second.logins.Load())
	}
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Error(err)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
}

// furnish is a tenant that uses nearly everything: policies, a mail server, trusted certificates, a Gateway and an Ingress.
func furnish(t *testing.T, ns string) *v1alpha1.IdentityTenant {
	t.Helper()
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
	for _, object := range []client.Object{
		&v1alpha1.PasswordPolicy{ObjectMeta: named("staff"), Spec: v1alpha1.PasswordPolicySpec{
			Length: &v1alpha1.PasswordLength{Min: new(int32(14))}, History: new(int32(12)), Lockout: &v1alpha1.Lockout{Attempts: new(int32(5))}}},
		&v1alpha1.LogPolicy{ObjectMeta: named("logs"), Spec: v1alpha1.LogPolicySpec{
			Masking: []v1alpha1.MaskingPattern{{Name: "e-mail", Pattern: `[A-Za-z0-9._-]+@[A-Za-z0-9.-]+`}}}},
		&corev1.Service{ObjectMeta: named("smtp"), Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app.kubernetes.io/name": "postfix"}, Ports: []corev1.ServicePort{{Port: 587}}}},
		&corev1.Secret{ObjectMeta: named("ldap-reader"), StringData: map[string]string{"username": "cn=reader,dc=acme,dc=example", "password": "ldap-" + ns + "-Pa55word"}},
		&corev1.Secret{ObjectMeta: named("smtp"), StringData: map[string]string{"username": "mailer", "password": "mail-" + ns + "-Pa55word"}},
	} {
		if err := world.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	tenant := harness.NewTenant(ns, "acme")
	tenant.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: "staff"}}}
	tenant.Spec.LogPolicyRef = &v1alpha1.LocalReference{Name: "logs"}
	tenant.Spec.Mail = &v1alpha1.Mail{Host: "smtp." + ns + ".svc", From: "identity@acme.example",
		Credentials: v1alpha1.CredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "smtp"}}}
	tenant.Spec.UserStores = []v1alpha1.UserStore{{Name: "corp", LDAP: &v1alpha1.Directory{URLs: []string{"ldaps://192.0.2.36"},
		Credentials: v1alpha1.CredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "ldap-reader"}}, Users: v1alpha1.DirectoryUsers{SearchBase: "dc=acme,dc=example"}}}}
	tenant.Spec.Keystores = &v1alpha1.Keystores{Trust: &v1alpha1.Trust{Certificates: []v1alpha1.CertificateSource{
		{ConfigMapRef: &v1alpha1.KeySelector{Name: "vault-ca", Key: "ca.crt"}}}}}
	tenant.Spec.Exposure = &v1alpha1.Exposure{
		Public: &v1alpha1.Route{Gateway: &v1alpha1.GatewayRoute{ParentRefs: []v1alpha1.GatewayReference{{Name: "public", Namespace: "gateways", SectionName: "https"}}}},
		Admin: &v1alpha1.AdminRoute{Hostname: "admin.id.acme.example", Ingress: &v1alpha1.IngressRoute{ClassName: "internal", TLSSecretName: "admin-tls",
			Controller: v1alpha1.Peer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress"}}}}},
	}
	return tenant
}

// ours lists the objects of our own kinds in a namespace, by the name of their controller.
func ours(t *testing.T, ns string) map[string][]client.Object {
	t.Helper()
	found := map[string][]client.Object{}
	for controller, list := range map[string]client.ObjectList{
		"identitytenant": &v1alpha1.IdentityTenantList{}, "keystore": &v1alpha1.KeystoreList{}, "vaultconnection": &v1alpha1.VaultConnectionList{},
		"passwordpolicy": &v1alpha1.PasswordPolicyList{}, "logpolicy": &v1alpha1.LogPolicyList{},
	} {
		if err := world.Admin.List(t.Context(), list, client.InNamespace(ns)); err != nil {
			t.Fatal(err)
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			found[controller] = append(found[controller], item.(client.Object))
		}
	}
	return found
}

// reconciles counts finished passes by controller, over the life of this process.
func reconciles(t *testing.T) map[string]int {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]int{}
	for _, family := range families {
		if family.GetName() != "controller_runtime_reconcile_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "controller" {
					total[label.GetValue()] += int(metric.GetCounter().GetValue())
				}
			}
		}
	}
	return total
}

// settle waits until an operator has sent no write for a while: events are sent aside, after the pass.
func settle(t *testing.T, m *meter) {
	t.Helper()
	seen, since := -1, time.Now()
	eventually(t, "the operator to come to rest", func() bool {
		if now := len(m.api.Requests()) + len(m.vault.Requests()) + len(m.product.Requests()); now != seen {
			seen, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}

// eventually polls until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * readyDeadline)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", 2*readyDeadline, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
