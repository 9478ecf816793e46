package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// UserStore is a directory whose people sign in at the server beside those of its own database.
// The server reads it and never changes it. It belongs to the realm root: the server keeps stores
// of other realms in folders that only exist once it made the realm.
// +kubebuilder:validation:ExactlyOneOf=ldap;activeDirectory
type UserStore struct {
	// name of the store, in front of its users' names: alice of the store corp signs in as
	// CORP/alice. It cannot be one that the server keeps for itself, such as primary.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['agent', 'application', 'federated', 'internal', 'local', 'primary', 'system', 'workflow'])",message="choose another name: the server has a store, or a kind of role, of this one"
	// +required
	Name string `json:"name"`
	// ldap directory, such as OpenLDAP or 389 Directory Server.
	// +optional
	LDAP *Directory `json:"ldap,omitempty"`
	// activeDirectory of Microsoft. It differs in defaults, and in how the server reads
	// identifiers and large groups.
	// +optional
	ActiveDirectory *Directory `json:"activeDirectory,omitempty"`
	// peer says where the directory is, for the NetworkPolicy. Needed unless each host of urls
	// is an address or a Service.
	// +optional
	Peer *Peer `json:"peer,omitempty"`
}

// Directory is how the server signs in to a directory and what it looks for in it. Its certificate
// is verified, with its name, against the trust store: add its CA to keystores.trust unless the
// CA of issuerRef signed it.
type Directory struct {
	// urls of the directory's servers, tried in this order: ldaps://HOST or ldaps://HOST:PORT.
	// Default port 636.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=280
	// +kubebuilder:validation:items:Pattern=`^ldaps://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[1-9][0-9]{0,4})?$`
	// +kubebuilder:validation:XValidation:rule="self.all(u, u.matches('^ldaps://[-a-zA-Z0-9.]+(:[0-9]+)?$') && !u.contains('..'))",message="write each as ldaps://HOST or ldaps://HOST:PORT: over plain ldap:// passwords of people would pass in clear, and StartTLS can be taken away on the way"
	// +listType=set
	// +required
	URLs []string `json:"urls"`
	// credentials of the account that the server reads with. Its user name is a distinguished
	// name, such as cn=reader,dc=corp,dc=example. It needs no right to write.
	// +required
	Credentials CredentialsSource `json:"credentials"`
	// users says which entries are people.
	// +required
	Users DirectoryUsers `json:"users"`
	// groups says which entries are groups. Default: groups are not read.
	// +optional
	Groups *DirectoryGroups `json:"groups,omitempty"`
	// connectTimeout is how long the server waits for a connection, 1s to 60s. Default 5s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]{1,5}(ms|s|m)$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('60s')",message="connectTimeout must be between 1s and 60s"
	// +optional
	ConnectTimeout *metav1.Duration `json:"connectTimeout,omitempty"`
	// readTimeout is how long the server waits for an answer, 1s to 60s. Default 5s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]{1,5}(ms|s|m)$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('60s')",message="readTimeout must be between 1s and 60s"
	// +optional
	ReadTimeout *metav1.Duration `json:"readTimeout,omitempty"`
}

// DirectoryUsers says which entries of a directory are people.
type DirectoryUsers struct {
	// searchBase is the distinguished name below which people are looked for, such as
	// ou=people,dc=corp,dc=example. The server reads / # \ and " in it otherwise than a directory does, so they
	// are refused.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^/#$?*<>{}\"\\\\\\\\]+$') && self.contains('=')",message="write a distinguished name such as ou=people,dc=corp,dc=example, without / # $ ? * < > { } \" and backslash"
	// +required
	SearchBase string `json:"searchBase"`
	// filter (RFC 4515) that holds for each person and for nothing else. Default
	// (objectClass=inetOrgPerson), of an Active Directory (&(objectCategory=person)(objectClass=user)).
	// A question mark stands for the name that is looked for, so write \3f for one.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.startsWith('(') && self.endsWith(')') && !self.contains('?') && !self.contains('${')",message="write a filter in brackets, such as (objectClass=inetOrgPerson), without a question mark: how a name is looked for is added to it"
	// +optional
	Filter string `json:"filter,omitempty"`
	// nameAttribute holds the name that a person signs in with. Default uid, of an Active Directory
	// sAMAccountName.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][-a-zA-Z0-9]*$`
	// +optional
	NameAttribute string `json:"nameAttribute,omitempty"`
	// idAttribute holds what identifies a person for ever, whatever becomes of the name. Default
	// entryUUID (RFC 4530), of an Active Directory objectGUID.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][-a-zA-Z0-9]*$`
	// +optional
	IDAttribute string `json:"idAttribute,omitempty"`
}

// DirectoryGroups says which entries of a directory are groups.
type DirectoryGroups struct {
	// searchBase is the distinguished name below which groups are looked for, written as that
	// of users.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^/#$?*<>{}\"\\\\\\\\]+$') && self.contains('=')",message="write a distinguished name such as ou=groups,dc=corp,dc=example, without / # $ ? * < > { } \" and backslash"
	// +required
	SearchBase string `json:"searchBase"`
	// filter that holds for each group, written as that of users. Default
	// (objectClass=groupOfNames), of an Active Directory (objectClass=group).
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.startsWith('(') && self.endsWith(')') && !self.contains('?') && !self.contains('${')",message="write a filter in brackets, such as (objectClass=groupOfNames), without a question mark: how a name is looked for is added to it"
	// +optional
	Filter string `json:"filter,omitempty"`
	// nameAttribute holds the name of a group. Default cn.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][-a-zA-Z0-9]*$`
	// +optional
	NameAttribute string `json:"nameAttribute,omitempty"`
	// idAttribute holds what identifies a group for ever. Default entryUUID, of an Active
	// Directory objectGUID.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][-a-zA-Z0-9]*$`
	// +optional
	IDAttribute string `json:"idAttribute,omitempty"`
	// memberAttribute holds the distinguished names of a group's members. Default member.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][-a-zA-Z0-9]*$`
	// +optional
	MemberAttribute string `json:"memberAttribute,omitempty"`
}
