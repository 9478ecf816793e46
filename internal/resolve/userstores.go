package resolve

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// defaultLDAPSPort is the port of LDAP over TLS.
const defaultLDAPSPort = 636

// defaultDirectoryTimeout is the product's own, of connecting and of reading.
const defaultDirectoryTimeout = 5 * time.Second

// directoryDefaults are what most directories of a type have.
var directoryDefaults = map[tenant.DirectoryType]struct {
	users  tenant.DirectoryUsers
	groups tenant.DirectoryGroups
}{
	tenant.LDAP: {
		tenant.DirectoryUsers{Filter: "(objectClass=inetOrgPerson)", NameAttribute: "uid", IDAttribute: "entryUUID"},
		tenant.DirectoryGroups{Filter: "(objectClass=groupOfNames)", NameAttribute: "cn", IDAttribute: "entryUUID", MemberAttribute: "member"},
	},
	tenant.ActiveDirectory: {
		tenant.DirectoryUsers{Filter: "(&(objectCategory=person)(objectClass=user))", NameAttribute: "sAMAccountName", IDAttribute: "objectGUID"},
		tenant.DirectoryGroups{Filter: "(objectClass=group)", NameAttribute: "cn", IDAttribute: "objectGUID", MemberAttribute: "member"},
	},
}

// directory gives the declared member of a user store and its type.
func directory(store *v1alpha1.UserStore) (tenant.DirectoryType, *v1alpha1.Directory) {
	if store.LDAP != nil {
		return tenant.LDAP, store.LDAP
	}
	return tenant.ActiveDirectory, store.ActiveDirectory
}

// directoryHosts are the servers of a directory, those of which an address can be read.
func directoryHosts(index int, store *v1alpha1.UserStore) (found []host) {
	member, declared := directory(store)
	if declared == nil {
		return nil
	}
	field := fmt.Sprintf("spec.userStores[%d]", index)
	for i, address := range declared.URLs {
		if name, port, ok := directoryAddress(address); ok {
			found = append(found, host{name: name, port: port, peer: store.Peer, field: fmt.Sprintf("%s.%s.urls[%d]", field, member, i), peerField: field + ".peer"})
		}
	}
	return found
}

// directoryAddress reads ldaps://HOST and ldaps://HOST:PORT, and nothing else.
func directoryAddress(address string) (string, int32, bool) {
	read, err := url.Parse(address)
	if err != nil || read.Hostname() == "" || "ldaps://"+read.Host != address {
		return "", 0, false
	}
	port, err := strconv.ParseUint(or(read.Port(), strconv.Itoa(defaultLDAPSPort)), 10, 16)
	return read.Hostname(), int32(port), err == nil && port > 0
}

func userStores(cr *v1alpha1.IdentityTenant, refs References) ([]tenant.UserStore, error) {
	var stores []tenant.UserStore
	for i := range cr.Spec.UserStores {
		store, err := userStore(cr, i, refs)
		if err != nil {
			return nil, err
		}
		stores = append(stores, store)
	}
	slices.SortFunc(stores, func(a, b tenant.UserStore) int { return strings.Compare(a.Name, b.Name) })
	return stores, nil
}

func userStore(cr *v1alpha1.IdentityTenant, index int, refs References) (tenant.UserStore, error) {
	declared := &cr.Spec.UserStores[index]
	member, from := directory(declared)
	field := fmt.Sprintf("spec.userStores[%d].%s", index, member)
	if from == nil { // for manifests that no API server has seen
		return tenant.UserStore{}, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.userStores[%d]: write ldap or activeDirectory", index)
	}
	defaults := directoryDefaults[member]
	store := tenant.UserStore{
		Name: declared.Name, Field: field, Type: member, Credentials: credentials(from.Credentials),
		Users: tenant.DirectoryUsers{
			SearchBase: from.Users.SearchBase, Filter: or(from.Users.Filter, defaults.users.Filter),
			NameAttribute: or(from.Users.NameAttribute, defaults.users.NameAttribute), IDAttribute: or(from.Users.IDAttribute, defaults.users.IDAttribute),
		},
		ConnectTimeout: durationOr(from.ConnectTimeout, defaultDirectoryTimeout), ReadTimeout: durationOr(from.ReadTimeout, defaultDirectoryTimeout),
	}
	if groups := from.Groups; groups != nil {
		store.Groups = &tenant.DirectoryGroups{
			SearchBase: groups.SearchBase, Filter: or(groups.Filter, defaults.groups.Filter),
			NameAttribute: or(groups.NameAttribute, defaults.groups.NameAttribute), IDAttribute: or(groups.IDAttribute, defaults.groups.IDAttribute), MemberAttribute: or(groups.MemberAttribute, defaults.groups.MemberAttribute),
		}
	}
	if err := readable(store); err != nil {
		return tenant.UserStore{}, err
	}
	at := directoryHosts(index, declared)
	if len(at) != len(from.URLs) || len(at) == 0 {
		return tenant.UserStore{}, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s.urls: write each as ldaps://HOST or ldaps://HOST:PORT, with a port of at most 65535", field)
	}
	for _, server := range at {
		// Up to 7.2 the server reads no address without a port.
		store.URLs = append(store.URLs, fmt.Sprintf("ldaps://%s:%d", server.name, server.port))
		peers, port, err := peersOf(server, cr.Namespace, refs)
		if err != nil {
			return tenant.UserStore{}, err
		}
		way := tenant.Egress{Peers: peers, Ports: []tenant.EgressPort{{Port: port, Protocol: corev1.ProtocolTCP}}}
		if !slices.ContainsFunc(store.Egress, func(known tenant.Egress) bool { return equality.Semantic.DeepEqual(known, way) }) {
			store.Egress = append(store.Egress, way)
		}
	}
	return store, nil
}

// readable refuses names and filters that no directory could read. What a filter says is its
// author's to decide; that it ends where it ends is not.
func readable(store tenant.UserStore) error {
	type part struct{ field, base, filter string }
	parts := []part{{"users", store.Users.SearchBase, store.Users.Filter}}
	if store.Groups != nil {
		parts = append(parts, part{"groups", store.Groups.SearchBase, store.Groups.Filter})
	}
	for _, p := range parts {
		if _, err := ldap.ParseDN(p.base); err != nil || strings.ContainsAny(p.base, `/#\"`) {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, `%s.%s.searchBase is no distinguished name that the server reads as written: write one such as ou=people,dc=corp,dc=example, without / # \ and "`, store.Field, p.field)
		}
		if _, err := ldap.CompileFilter(p.filter); err != nil || strings.Contains(p.filter, "?") {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s.%s.filter is no filter (RFC 4515) without a question mark: write one such as (objectClass=person)", store.Field, p.field)
		}
	}
	return nil
}

func durationOr(declared *metav1.Duration, otherwise time.Duration) time.Duration {
	if declared == nil {
		return otherwise
	}
	return declared.Duration
}
