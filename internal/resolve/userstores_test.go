package resolve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func withDirectory(urls ...string) (*v1alpha1.IdentityTenant, *v1alpha1.Directory) {
	cr := smallest()
	cr.Spec.UserStores = []v1alpha1.UserStore{
		{Name: "corp", LDAP: &v1alpha1.Directory{URLs: urls, Credentials: v1alpha1.CredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "reader"}},
			Users: v1alpha1.DirectoryUsers{SearchBase: "ou=people,dc=corp,dc=example"}}},
	}
	return cr, cr.Spec.UserStores[0].LDAP
}

func TestADirectoryIsReachedWhereItsServersAre(t *testing.T) {
	cr, _ := withDirectory("ldaps://directory", "ldaps://10.0.0.7:1636", "ldaps://10.0.0.7:1636")
	directory := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "directory"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "slapd"}, Ports: []corev1.ServicePort{{Port: 636, TargetPort: intstr.FromInt32(6360)}}}}
	want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres), directory)
	if err != nil {
		t.Fatal(err)
	}
	store := want.UserStores[0]
	ways := []tenant.Egress{
		{Peers: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "slapd"}}}}, Ports: []tenant.EgressPort{{Port: 6360, Protocol: "TCP"}}},
		{Peers: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.7/32"}}}, Ports: []tenant.EgressPort{{Port: 1636, Protocol: "TCP"}}},
	}
	if diff := cmp.Diff(ways, store.Egress); diff != "" {
		t.Errorf("ways to the directory (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ldaps://directory:636", "ldaps://10.0.0.7:1636", "ldaps://10.0.0.7:1636"}, store.URLs); diff != "" {
		t.Errorf("each address with its port (-want +got):\n%s", diff)
	}
	users := tenant.DirectoryUsers{SearchBase: "ou=people,dc=corp,dc=example", Filter: "(objectClass=inetOrgPerson)", NameAttribute: "uid", IDAttribute: "entryUUID"}
	if store.Users != users || store.Groups != nil || store.ReadTimeout != 5*time.Second {
		t.Errorf("the defaults are %+v", store)
	}
}

func TestADirectoryThatNobodyCouldReadIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(*v1alpha1.UserStore)
		reason string
		says   string
	}{
		"a host that no NetworkPolicy knows": {func(s *v1alpha1.UserStore) { s.Peer = nil }, "PeerUnknown", "spec.userStores[0].ldap.urls[0]"},
		"plain LDAP":                         {func(s *v1alpha1.UserStore) { s.LDAP.URLs = []string{"ldap://ldap.corp.example"} }, "InvalidSpec", "ldaps://HOST"},
		"two servers in one":                 {func(s *v1alpha1.UserStore) { s.LDAP.URLs = []string{"ldaps://a.example ldap://b.example"} }, "InvalidSpec", "ldaps://HOST"},
		"a port that is none":                {func(s *v1alpha1.UserStore) { s.LDAP.URLs = []string{"ldaps://a.example:70000"} }, "InvalidSpec", "65535"},
		"no member":                          {func(s *v1alpha1.UserStore) { s.LDAP = nil }, "InvalidSpec", "ldap or activeDirectory"},
		"a filter that ends before its end":  {func(s *v1alpha1.UserStore) { s.LDAP.Users.Filter = "(cn=a))(|(cn=*)" }, "InvalidSpec", "users.filter"},
		"a filter with a name in it":         {func(s *v1alpha1.UserStore) { s.LDAP.Users.Filter = "(cn=?)" }, "InvalidSpec", "users.filter"},
		"a base that is no name":             {func(s *v1alpha1.UserStore) { s.LDAP.Users.SearchBase = "people" }, "InvalidSpec", "users.searchBase"},
		"two bases":                          {func(s *v1alpha1.UserStore) { s.LDAP.Users.SearchBase = "dc=a#dc=b" }, "InvalidSpec", "users.searchBase"},
		"groups": {func(s *v1alpha1.UserStore) {
			s.LDAP.Groups = &v1alpha1.DirectoryGroups{SearchBase: "dc=a", Filter: "cn"}
		}, "InvalidSpec", "groups.filter"},
	} {
		t.Run(name, func(t *testing.T) {
			cr, _ := withDirectory("ldaps://ldap.corp.example")
			cr.Spec.UserStores[0].Peer = &v1alpha1.Peer{CIDRs: []string{"10.0.0.0/24"}}
			c.spoil(&cr.Spec.UserStores[0])
			_, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
			if !fault.IsTerminal(err) || fault.Of(err, "").Reason != c.reason || !strings.Contains(err.Error(), "spec.userStores[0]") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}
