package resolve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func smallest() *v1alpha1.IdentityTenant {
	return &v1alpha1.IdentityTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme", UID: "u"},
		Spec: v1alpha1.IdentityTenantSpec{
			Product:   v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: "r/i@sha256:" + strings.Repeat("0", 64)}},
			Hostname:  "id.acme.example",
			VaultRef:  v1alpha1.LocalReference{Name: "vault"},
			IssuerRef: v1alpha1.IssuerReference{Name: "ca"},
			Database: v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{Host: "db.iam.svc", Name: "identity",
				Credentials: v1alpha1.DatabaseCredentialsSource{VaultKV: &v1alpha1.VaultKVCredentials{Path: "acme/db"}}}},
		},
	}
}

func database(target intstr.IntOrString, selector map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "db"},
		Spec: corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 5432, TargetPort: target}}}}
}

var postgres = map[string]string{"app": "postgres"}

func resolved(t *testing.T, cr *v1alpha1.IdentityTenant, objects ...client.Object) (tenant.Spec, error) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
	refs, err := resolve.Gather(t.Context(), reader, cr)
	if err != nil {
		return tenant.Spec{}, err
	}
	return resolve.Tenant(cr, refs, resolve.Options{WindowOpen: true})
}

func TestASmallTenantHasHardenedDefaultsAndShowsThem(t *testing.T) {
	want, err := resolved(t, smallest(), database(intstr.FromInt32(6543), postgres))
	if err != nil {
		t.Fatal(err)
	}
	peers := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: postgres}}}
	if diff := cmp.Diff(peers, want.Database.Peers); diff != "" || want.Database.PeerPort != 6543 {
		t.Errorf("a Service's own selector and target port are opened, got port %d and peers (-want +got):\n%s", want.Database.PeerPort, diff)
	}
	root := want.Realms[0]
	if root.Name != tenant.RootRealm || root.Settings[tenant.PasswordMinLength] != "12" || root.Settings[tenant.LockoutMinutes] != "15" {
		t.Errorf("the root realm has the default policy: %+v", root)
	}
	var roles []tenant.KeystoreRole
	for _, store := range want.Keystores {
		roles = append(roles, store.Role)
	}
	stores := []tenant.KeystoreRole{tenant.RoleTLS, tenant.RoleSigning, tenant.RoleFederation, tenant.RoleInternal, tenant.RoleTrust}
	if diff := cmp.Diff(stores, roles); diff != "" {
		t.Errorf("stores (-want +got):\n%s", diff)
	}
	shown := map[string]string{}
	for _, value := range want.Defaults {
		shown[value.Field] = value.Value
	}
	for field, value := range map[string]string{"spec.replicas": "2", "spec.resources.memory": "4Gi", "spec.keystores.tls.algorithm": "ECDSA", "spec.database.postgresql.port": "5432"} {
		if shown[field] != value {
			t.Errorf("%s is shown as %q, want %q", field, shown[field], value)
		}
	}
}

func TestWhatOnlyALookAtOtherObjectsTells(t *testing.T) {
	service := database(intstr.IntOrString{}, postgres)
	for name, test := range map[string]struct {
		change  func(*v1alpha1.IdentityTenant)
		objects []client.Object
		reason  string
		waiting bool
		says    []string
	}{
		"a Service that is not there": {reason: "NotFound", waiting: true, says: []string{"Service iam/db", "spec.database.postgresql.host"}},
		"a Service of another namespace": {
			change: func(cr *v1alpha1.IdentityTenant) { cr.Spec.Database.PostgreSQL.Host = "db.other.svc.cluster.local" },
			reason: "PeerUnknown", says: []string{"namespace other", "spec.database.postgresql.peer"},
		},
		"a Service without a selector": {objects: []client.Object{database(intstr.IntOrString{}, nil)}, reason: "PeerUnknown", says: []string{"spec.database.postgresql.peer"}},
		"a Service without the port": {
			change:  func(cr *v1alpha1.IdentityTenant) { cr.Spec.Database.PostgreSQL.Port = 1234 },
			objects: []client.Object{service}, reason: "PeerUnknown", says: []string{"no port 1234"},
		},
		"a named target port": {objects: []client.Object{database(intstr.FromString("pg"), postgres)}, reason: "PeerUnknown", says: []string{`"pg"`}},
		"a host outside the cluster": {
			change: func(cr *v1alpha1.IdentityTenant) { cr.Spec.Database.PostgreSQL.Host = "db.corp.example" },
			reason: "PeerUnknown", says: []string{"db.corp.example", "spec.database.postgresql.peer"},
		},
		"a policy that is not there": {
			change: func(cr *v1alpha1.IdentityTenant) {
				cr.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: "staff"}}}
			},
			objects: []client.Object{service}, reason: "NotFound", waiting: true, says: []string{"PasswordPolicy iam/staff", "spec.realms[0].passwordPolicyRef"},
		},
		"a policy in halves of minutes": {
			change: func(cr *v1alpha1.IdentityTenant) {
				cr.Spec.Realms = []v1alpha1.Realm{{Name: "root", Recovery: &v1alpha1.Recovery{LinkLifetime: &metav1.Duration{Duration: 90 * time.Second}}}}
			},
			objects: []client.Object{service}, reason: "InvalidSpec", says: []string{"recovery.linkLifetime", "1m30s", "minutes"},
		},
		"a key that this version cannot use": {
			change: func(cr *v1alpha1.IdentityTenant) {
				cr.Spec.Product.WSO2IS.Version = "7.1.0"
				cr.Spec.Keystores = &v1alpha1.Keystores{FederationSigning: &v1alpha1.SigningKey{}}
			},
			objects: []client.Object{service}, reason: "InvalidSpec", says: []string{"spec.keystores.federationSigning", "7.2"},
		},
		"a version that is older than what serves": {
			change:  func(cr *v1alpha1.IdentityTenant) { cr.Status.ServingVersion = "7.3.0.5" },
			objects: []client.Object{service}, reason: "DowngradeRefused", says: []string{"7.3.0.5"},
		},
		"a minor upgrade that nobody confirmed": {
			change:  func(cr *v1alpha1.IdentityTenant) { cr.Status.ServingVersion = "7.2.0" },
			objects: []client.Object{service}, reason: "UpgradeUnconfirmed", says: []string{`confirm-upgrade to "7.3.0"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cr := smallest()
			if test.change != nil {
				test.change(cr)
			}
			_, err := resolved(t, cr, test.objects...)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if f := fault.Of(err, ""); f.Reason != test.reason || fault.IsWaiting(err) != test.waiting || fault.IsTerminal(err) == test.waiting {
				t.Errorf("got %s (waiting %v): %v", f.Reason, fault.IsWaiting(err), err)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestAConfirmedUpgradeAndAKnownAddressAreAccepted(t *testing.T) {
	cr := smallest()
	cr.Status.ServingVersion = "7.2.0"
	cr.Annotations = map[string]string{v1alpha1.AnnotationConfirmUpgrade: "7.3.0"}
	cr.Spec.Database.PostgreSQL.Host = "10.0.0.7"
	want, err := resolved(t, cr)
	if err != nil {
		t.Fatal(err)
	}
	if block := want.Database.Peers[0].IPBlock; block == nil || block.CIDR != "10.0.0.7/32" {
		t.Errorf("an address is its own peer, got %+v", want.Database.Peers)
	}
}

func TestAccountsOfVaultsDatabaseEngine(t *testing.T) {
	cr := smallest()
	postgresql := cr.Spec.Database.PostgreSQL
	postgresql.Credentials = v1alpha1.DatabaseCredentialsSource{VaultDatabase: &v1alpha1.VaultDatabaseCredentials{Role: "acme", MemberOf: "app"}}
	if _, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres)); !fault.IsTerminal(err) || !strings.Contains(err.Error(), "spec.database.postgresql.schemaOwner") {
		t.Errorf("accounts that end own the tables: %v", err)
	}
	postgresql.SchemaOwner = &v1alpha1.DatabaseCredentialsSource{VaultStaticRole: &v1alpha1.VaultStaticRoleCredentials{Mount: "teams/db", Role: "owner"}}
	want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
	if err != nil {
		t.Fatal(err)
	}
	server := tenant.Credentials{Mount: "database", Role: "acme", TokenRole: "holdfast-iam", MemberOf: "app", Field: "spec.database.postgresql.credentials.vaultDatabase"}
	if owner := (tenant.Credentials{Mount: "teams/db", StaticRole: "owner"}); want.Database.Credentials != server || want.Database.SchemaOwner != owner {
		t.Errorf("the server signs in by %+v, the schema is made by %+v", want.Database.Credentials, want.Database.SchemaOwner)
	}
}
