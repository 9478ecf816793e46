package tenant

import "time"

// DirectoryType is what kind of directory a user store is.
type DirectoryType string

// The types of directories.
const (
	LDAP            DirectoryType = "ldap"
	ActiveDirectory DirectoryType = "activeDirectory"
)

// UserStore is a directory that the server reads people from. It is never written.
type UserStore struct {
	Name string
	// Field is where it is declared, for messages.
	Field string
	Type  DirectoryType
	// URLs are tried in order; all are ldaps, and each has its port.
	URLs        []string
	Credentials Credentials
	Users       DirectoryUsers
	// Groups is nil when none are read.
	Groups                      *DirectoryGroups
	ConnectTimeout, ReadTimeout time.Duration
	// Egress is where its servers are.
	Egress []Egress
}

// DirectoryUsers says which entries are people. Filter holds for all of them and for nothing else.
type DirectoryUsers struct{ SearchBase, Filter, NameAttribute, IDAttribute string }

// DirectoryGroups says which entries are groups.
type DirectoryGroups struct{ SearchBase, Filter, NameAttribute, IDAttribute, MemberAttribute string }
