package rights

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

func request(verb, group, resource, namespace, name string, code int) Request {
	r := Request{Verb: verb}
	r.User.Username = "operator"
	r.ObjectRef.APIGroup, r.ObjectRef.Resource, r.ObjectRef.Namespace, r.ObjectRef.Name = group, resource, namespace, name
	r.Response.Code = code
	return r
}

// The list stays honest: what is unused and not on it is told, so is what is on it and used or gone, and so is what passed
// by a right that the roles do not give.
func TestEachRightIsUsedOrReviewed(t *testing.T) {
	granted := expand(Grant{Right: Right{Role: "manager"}}, []rbacv1.PolicyRule{
		{APIGroups: []string{"iam"}, Resources: []string{"tenants", "tenants/status"}, Verbs: []string{"get", "patch"}}})
	granted = append(granted, expand(Grant{Right: Right{Role: "inside"}, inside: true}, []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create", "patch", "list"}},
		{APIGroups: []string{""}, Resources: []string{"token"}, ResourceNames: []string{"vault"}, Verbs: []string{"create"}},
		{APIGroups: []string{"iam"}, Resources: []string{"tenants"}, Verbs: []string{"patch"}}})...)
	requests := []Request{
		request("get", "iam", "tenants", "ns", "acme", 200),
		request("patch", "iam", "tenants", "ns", "acme", 409),
		request("patch", "", "secrets", "ns", "db", 201), // made by an apply
		request("create", "", "token", "ns", "vault", 201),
		request("create", "", "token", "ns", "another", 201),
		request("list", "", "secrets", "", "", 200),
	}
	c := Compare(granted, requests, strings.Join([]string{
		"# a remark",
		"manager get tenants.iam/status | one that is needed elsewhere",
		"manager get tenants.iam | one that is used after all",
		"manager delete tenants.iam | one that was taken away",
		"manager patch tenants.iam/status |",
	}, "\n"))
	want := []string{
		"manager patch tenants.iam/status: each line of the list is a right, once, a bar and a reason",
		"manager get tenants.iam: listed as unused, but used 1 times; take it from the list",
		"inside list secrets: granted, but nothing uses it; take it from the markers in controllers/doc.go, or list it with the reason",
		"inside patch tenants.iam: granted, but nothing uses it; take it from the markers in controllers/doc.go, or list it with the reason",
		"manager delete tenants.iam: listed as unused, but no role grants it; take it from the list",
		"create token: done 1 times by a right that is not Holdfast's own; a cluster without it would refuse",
		"list secrets: done 1 times by a right that is not Holdfast's own; a cluster without it would refuse",
	}
	if diff := cmp.Diff(want, c.Wrong); diff != "" {
		t.Error("what is wrong (-want +got):\n", diff)
	}
	if c.Granted != 9 || c.Used != 5 || c.Reviewed != 2 {
		t.Errorf("%d granted, %d used, %d reviewed; want 9, 5 and 2", c.Granted, c.Used, c.Reviewed)
	}
}

func TestAWildcardIsNoRight(t *testing.T) {
	granted := expand(Grant{Right: Right{Role: "manager"}}, []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"*"}}})
	c := Compare(granted, []Request{request("get", "", "secrets", "ns", "db", 200)}, "")
	if len(c.Wrong) != 1 || !strings.Contains(c.Wrong[0], "wildcard") {
		t.Error("a wildcard passed:", c.Wrong)
	}
}

// Of the audit log counts what this user was let do with objects.
func TestRequestsAreThoseThatRBACLetPass(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	stranger, discovery := request("get", "", "secrets", "ns", "db", 200), Request{Verb: "get"}
	stranger.User.Username, discovery.User.Username = "stranger", "operator"
	for _, r := range []Request{stranger, discovery, request("get", "", "secrets", "ns", "db", 403), request("get", "", "secrets", "ns", "db", 404)} {
		if err := json.NewEncoder(file).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := file.WriteString(`{"verb":"get","user":`); err != nil {
		t.Fatal(err)
	}
	found, err := Requests(path, "operator")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Response.Code != 404 {
		t.Errorf("counted %+v", found)
	}
}
