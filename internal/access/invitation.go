package access

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// The usual names of an installation: those of config/rbac and of the chart.
const (
	DefaultRole           = "clusterrole/holdfast-tenant-namespace"
	DefaultServiceAccount = "holdfast-controller-manager"
)

// Invitation is the RoleBinding by which a namespace lets the operator in.
type Invitation struct {
	// Role that it grants: clusterrole/NAME, or role/NAME where the operator has no right of the whole cluster.
	// Default: DefaultRole.
	Role string
	// ServiceAccount that it is for, in Namespace: the operator's own. Default: DefaultServiceAccount.
	ServiceAccount, Namespace string
}

// Command makes the RoleBinding in a namespace. It is one line for a shell.
func (i Invitation) Command(namespace string) string {
	kind, name, _ := strings.Cut(cmp.Or(i.Role, DefaultRole), "/")
	return fmt.Sprintf("kubectl create rolebinding %s --%s=%s --serviceaccount=%s:%s -n %s",
		name, kind, name, i.Namespace, cmp.Or(i.ServiceAccount, DefaultServiceAccount), namespace)
}

var (
	roleOf    = regexp.MustCompile(`^(clusterrole|role)/[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$`)
	accountOf = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
)

// IsRole tells whether a text names a role as Invitation has it, with nothing in it that a shell would read otherwise.
func IsRole(text string) bool { return roleOf.MatchString(text) }

// IsServiceAccount tells the same of the name of a service account.
func IsServiceAccount(text string) bool { return accountOf.MatchString(text) }
