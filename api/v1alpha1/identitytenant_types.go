package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IdentityTenant is one hardened identity server with all that it needs: its
// secrets in Vault, its certificates and keystores, its firewall rules, its
// database schema, its pods and the settings of the running server.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=idt,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Hostname",type=string,JSONPath=`.spec.hostname`
// +kubebuilder:printcolumn:name="Up-to-date",type=string,JSONPath=`.status.conditions[?(@.type=="UpToDate")].status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.servingRevision`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.vaultRef.name`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40",message="choose a name of at most 40 characters: the names and labels of the tenant's objects are made from it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="choose a name of lower-case letters, digits and hyphens that begins with a letter: it becomes the name of a Service"
type IdentityTenant struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish. The operator never writes it.
	// +required
	Spec IdentityTenantSpec `json:"spec"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status IdentityTenantStatus `json:"status,omitempty"`
}

// IdentityTenantList is a list of IdentityTenants.
// +kubebuilder:object:root=true
type IdentityTenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []IdentityTenant `json:"items"`
}

// IdentityTenantSpec declares an identity server. What is left out has a
// hardened default, which status.defaults shows.
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.admin) || self.exposure.admin.hostname != self.hostname",message="exposure.admin.hostname must differ from hostname: consoles and admin APIs never share the public name"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.product.wso2is) || has(self.product.wso2is)",message="the product of a tenant cannot change: create another tenant"
type IdentityTenantSpec struct {
	// product is the identity server and its version.
	// +required
	Product Product `json:"product"`
	// hostname is the public DNS name, such as id.acme.example. It becomes the
	// issuer of tokens and a name in the TLS certificate.
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-z0-9.]+[.][-a-z0-9]+$') && !self.contains('..')",message="write a DNS name such as id.acme.example: lower-case letters, digits, hyphens, and at least one dot"
	// +required
	Hostname string `json:"hostname"`
	// replicas is the number of server pods, 1 to 9. Default 2. Leave it unset when an
	// autoscaler owns the StatefulSet's replicas.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// imagePullSecrets are Secrets of this namespace for the registry of the image.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	ImagePullSecrets []LocalReference `json:"imagePullSecrets,omitempty"`
	// resources of the server container. Default: 2 CPU and 4 GiB requested and
	// 4 GiB memory limit, for a heap of 2 GiB. The heap is half of the memory limit.
	// +optional
	Resources *Resources `json:"resources,omitempty"`
	// scheduling of the pods. Spreading over nodes and zones is on by default.
	// +optional
	Scheduling *Scheduling `json:"scheduling,omitempty"`
	// vaultRef names the VaultConnection that keeps every generated secret.
	// +required
	VaultRef LocalReference `json:"vaultRef"`
	// issuerRef names the cert-manager issuer of the server's TLS certificate. It has
	// to sign in-cluster names and localhost, which public ACME issuers do not.
	// +required
	IssuerRef IssuerReference `json:"issuerRef"`
	// database of the server.
	// +required
	Database Database `json:"database"`
	// mail server for confirmation and recovery messages. Without it none is sent.
	// +optional
	Mail *Mail `json:"mail,omitempty"`
	// keystores are the keys of the server; each becomes a Keystore.
	// +optional
	Keystores *Keystores `json:"keystores,omitempty"`
	// realms are server tenants (WSO2). Default: the root realm with every default.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +listType=map
	// +listMapKey=name
	// +optional
	Realms []Realm `json:"realms,omitempty"`
	// logPolicyRef names a LogPolicy. Default: JSON on standard output.
	// +optional
	LogPolicyRef *LocalReference `json:"logPolicyRef,omitempty"`
	// exposure publishes the server outside the cluster. Default: not at all.
	// +optional
	Exposure *Exposure `json:"exposure,omitempty"`
	// network says who may reach the server, and what it may reach, beyond what
	// follows from the other fields.
	// +optional
	Network *Network `json:"network,omitempty"`
	// maintenance says when pods may be replaced. Default: at any time.
	// +optional
	Maintenance *Maintenance `json:"maintenance,omitempty"`
	// deletionPolicy for the values in Vault: Retain (default) or Delete. A database
	// cannot be read any more without its data key: Delete is for what is truly over.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
	// suspend stops every change by the operator; observing and status go on.
	// Deletion still works.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// DeletionPolicy says what becomes of the values in Vault.
type DeletionPolicy string

// The deletion policies.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// Product is the identity server, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=wso2is
type Product struct {
	// wso2is is WSO2 Identity Server.
	// +optional
	WSO2IS *WSO2IS `json:"wso2is,omitempty"`
}

// WSO2IS is WSO2 Identity Server 7.x.
type WSO2IS struct {
	// version is major.minor.patch: 7.1.0, 7.2.0 or 7.3.0, optionally with an update
	// level as fourth number. It decides which settings are rendered and has to be
	// the image's. It cannot go down; a minor upgrade needs the annotation
	// iam.holdfast.dev/confirm-upgrade, since its database migration is an offline step.
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^7\.[1-3]\.[0-9]{1,3}(\.[0-9]{1,4})?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^7[.][1-3][.][0-9]+([.][0-9]+)?$')",message="write a version such as 7.3.0, optionally with an update level (7.3.0.12): 7.1, 7.2 and 7.3 are supported"
	// +required
	Version string `json:"version"`
	// image by digest, with the JDBC driver of the database in
	// repository/components/lib (the vendor's image has none).
	// Example: registry.example/wso2is-postgresql@sha256:….
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([-._]+[a-z0-9]+)*)*(:[_a-zA-Z0-9][-._a-zA-Z0-9]{0,127})?@sha256:[a-f0-9]{64}$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._:/]+@sha256:[a-f0-9]{64}$')",message="write the image with its digest, such as registry.example/wso2is-postgresql@sha256: and 64 hexadecimal digits: a tag alone can be moved"
	// +required
	Image string `json:"image"`
}

// Resources of the server container.
// +kubebuilder:validation:XValidation:rule="!has(self.memory) || !isQuantity(self.memory) || quantity(self.memory).compareTo(quantity('1Ti')) <= 0",message="memory must be at most 1Ti"
// +kubebuilder:validation:XValidation:rule="!has(self.cpu) || !isQuantity(self.cpu) || quantity(self.cpu).compareTo(quantity('256')) <= 0",message="cpu must be at most 256"
// +kubebuilder:validation:XValidation:rule="!has(self.memory) || !isQuantity(self.memory) || quantity(self.memory).compareTo(quantity('3Gi')) >= 0",message="memory must be at least 3Gi: half of it becomes the heap, and the server does not start well below 1.5 GiB"
// +kubebuilder:validation:XValidation:rule="!has(self.cpu) || !isQuantity(self.cpu) || quantity(self.cpu).compareTo(quantity('500m')) >= 0",message="cpu must be at least 500m: below that the server misses its start-up probe"
type Resources struct {
	// cpu requested. Default 2, at least 500m.
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]{1,3})?m?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9.]+m?$')",message="write a number of CPUs such as 2, or thousandths such as 1500m"
	// +optional
	CPU string `json:"cpu,omitempty"`
	// memory requested and limit. Default 4Gi, at least 3Gi.
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]+(Mi|Gi)$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(Mi|Gi)$')",message="write an amount such as 4Gi or 4096Mi"
	// +optional
	Memory string `json:"memory,omitempty"`
}

// Scheduling of the pods.
type Scheduling struct {
	// nodeSelector restricts the nodes.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && self[k].size() <= 63)",message="a node label has a key of at most 317 and a value of at most 63 characters"
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// tolerations of the pods.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// priorityClassName of the pods.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// Database of the server, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=postgresql;mysql;mssql
// +kubebuilder:validation:XValidation:rule="!has(self.mysql) || !has(self.mysql.credentials.vaultDatabase) || !has(self.mysql.credentials.vaultDatabase.memberOf)",message="credentials.vaultDatabase.memberOf is for postgresql, where the schema Job grants; elsewhere a person grants"
// +kubebuilder:validation:XValidation:rule="!has(self.mssql) || !has(self.mssql.credentials.vaultDatabase) || !has(self.mssql.credentials.vaultDatabase.memberOf)",message="credentials.vaultDatabase.memberOf is for postgresql, where the schema Job grants; elsewhere a person grants"
type Database struct {
	// postgresql 15 or newer.
	// +optional
	PostgreSQL *SQLDatabase `json:"postgresql,omitempty"`
	// mysql 8 or newer.
	// +optional
	MySQL *SQLDatabase `json:"mysql,omitempty"`
	// mssql 2017 or newer.
	// +optional
	MSSQL *SQLDatabase `json:"mssql,omitempty"`
}

// SQLDatabase is where the databases of the server are. Every connection uses TLS
// with a verified host name.
// +kubebuilder:validation:XValidation:rule="!has(self.credentials.vaultDatabase) || has(self.schemaOwner)",message="write schemaOwner too: accounts of credentials.vaultDatabase come and go, and cannot own the tables"
// +kubebuilder:validation:XValidation:rule="!has(self.schemaOwner) || !has(self.schemaOwner.vaultDatabase)",message="schemaOwner owns the tables and has to stay: write vaultStaticRole, vaultKV or secretRef"
type SQLDatabase struct {
	// host name or address. A name that ends in .svc (or .svc.cluster.local) is a
	// Service of the cluster: where its pods are is looked up, so peer can be left out.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9.]+$') && !self.contains('..')",message="write a host name or an IPv4 address, without scheme and port"
	// +required
	Host string `json:"host"`
	// port. Default 5432 (postgresql), 3306 (mysql), 1433 (mssql).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int32 `json:"port,omitempty"`
	// name of the identity database.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +required
	Name string `json:"name"`
	// sharedName of the database for users, registry and tenants. Default: name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +optional
	SharedName string `json:"sharedName,omitempty"`
	// agentName of the agent identity database, from WSO2 7.2 on. Default: name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +optional
	AgentName string `json:"agentName,omitempty"`
	// ca of the database's certificate. Default: the certificates of
	// keystores.trust and the CA of issuerRef.
	// +optional
	CA *CertificateSource `json:"ca,omitempty"`
	// credentials of the role that the server uses. It needs no DDL rights when
	// schemaOwner is given.
	// +required
	Credentials DatabaseCredentialsSource `json:"credentials"`
	// schemaOwner is the role that creates the schema in a Job. Default: credentials. It has
	// to be written beside credentials.vaultDatabase, and cannot come from there.
	// +optional
	SchemaOwner *DatabaseCredentialsSource `json:"schemaOwner,omitempty"`
	// peer says where the database is, for the NetworkPolicy. Needed unless host
	// is an address or a Service.
	// +optional
	Peer *Peer `json:"peer,omitempty"`
}

// Mail is an SMTP server, always with STARTTLS.
type Mail struct {
	// host name of the server.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9.]+$') && !self.contains('..')",message="write a host name or an IPv4 address, without scheme and port"
	// +required
	Host string `json:"host"`
	// port. Default 587.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:default=587
	// +optional
	Port int32 `json:"port,omitempty"`
	// from is the sender's address.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9._+-]+@[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._+]+@[-a-zA-Z0-9.]+$')",message="write a plain address such as id@acme.example"
	// +required
	From string `json:"from"`
	// credentials of the mail account.
	// +required
	Credentials CredentialsSource `json:"credentials"`
	// peer says where the mail server is, for the NetworkPolicy. Needed unless host
	// is an address or a Service.
	// +optional
	Peer *Peer `json:"peer,omitempty"`
}

// Keystores are the keys of the server, each in a store of its own
// (ISO/IEC 27002 8.24; WSO2 "production security guidelines").
type Keystores struct {
	// tls is the server certificate's key.
	// +optional
	TLS *TLSKey `json:"tls,omitempty"`
	// tokenSigning signs tokens. Default RSA 3072.
	// +optional
	TokenSigning *TokenSigningKey `json:"tokenSigning,omitempty"`
	// federationSigning signs SAML messages, from WSO2 7.2 on, where it is apart from
	// tokenSigning. Partners pin it. Default RSA 3072.
	// +optional
	FederationSigning *SigningKey `json:"federationSigning,omitempty"`
	// internal opens configuration secrets and the stores of server tenants. Default RSA 3072.
	// +optional
	Internal *SigningKey `json:"internal,omitempty"`
	// trust is what the server trusts beyond its own certificates.
	// +optional
	Trust *Trust `json:"trust,omitempty"`
}

// TLSKey is a key with a certificate of issuerRef.
// +kubebuilder:validation:XValidation:rule="!has(self.algorithm) || self.algorithm != 'ECDSA' || !has(self.size) || self.size in [256, 384]",message="an ECDSA key has size 256 or 384"
// +kubebuilder:validation:XValidation:rule="!has(self.algorithm) || self.algorithm != 'RSA' || !has(self.size) || self.size in [3072, 4096]",message="an RSA key has size 3072 or 4096"
// +kubebuilder:validation:XValidation:rule="has(self.algorithm) || !has(self.size) || self.size in [256, 384]",message="the default algorithm is ECDSA: write size 256 or 384, or algorithm RSA"
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || (duration(self.duration) >= duration('24h') && duration(self.duration) <= duration('9528h'))",message="duration must lie between 24h and 9528h (397 days)"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || duration(self.renewBefore) < duration(has(self.duration) ? self.duration : '2160h')",message="renewBefore must be shorter than duration (default 2160h)"
// +kubebuilder:validation:XValidation:rule="has(self.renewBefore) || !has(self.duration) || duration(self.duration) > duration('720h')",message="write renewBefore too: its default of 720h is not shorter than this duration"
type TLSKey struct {
	// algorithm: ECDSA (default) or RSA.
	// +optional
	Algorithm KeyAlgorithm `json:"algorithm,omitempty"`
	// size in bits. Default 256 (ECDSA) or 3072 (RSA).
	// +optional
	Size int32 `json:"size,omitempty"`
	// duration of a certificate. Default 2160h (90 days).
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
	// renewBefore its end. Default 720h (30 days).
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"`
}

// KeyAlgorithm of a key pair.
// +kubebuilder:validation:Enum=RSA;ECDSA
type KeyAlgorithm string

// The key algorithms.
const (
	RSA   KeyAlgorithm = "RSA"
	ECDSA KeyAlgorithm = "ECDSA"
)

// SigningKey is an RSA key whose certificate we sign ourselves. WSO2 signs with RSA
// (PS256) by default, which FAPI allows.
type SigningKey struct {
	// size in bits: 3072 (default) or 4096.
	// +kubebuilder:validation:Enum=3072;4096
	// +optional
	Size int32 `json:"size,omitempty"`
}

// TokenSigningKey is a SigningKey that may rotate by a schedule: clients read the keys that
// verify from the server (RFC 7517), so that nobody has to be told of a new one.
type TokenSigningKey struct {
	// size in bits: 3072 (default) or 4096.
	// +kubebuilder:validation:Enum=3072;4096
	// +optional
	Size int32 `json:"size,omitempty"`
	// rotationRef names the RotationSchedule by which the key rotates. Its runs have to come
	// further apart than tokens live plus the longest time without an open window. Default: it
	// rotates only when the annotation iam.holdfast.dev/rotate asks for it.
	// +optional
	RotationRef *LocalReference `json:"rotationRef,omitempty"`
	// publishAhead is for how long the next key is published before it signs, 1m to 720h: longer
	// than any client keeps the published keys. Default 1h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('720h')",message="publishAhead must lie between 1m and 720h"
	// +optional
	PublishAhead *metav1.Duration `json:"publishAhead,omitempty"`
}

// Trust is a list of CA certificates.
type Trust struct {
	// certificates to trust.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Certificates []CertificateSource `json:"certificates,omitempty"`
}

// Realm is a server tenant with its own settings.
// +kubebuilder:validation:XValidation:rule="!has(self.administrators) || !has(self.administrators.rotationRef) || self.name == 'root'",message="only the administrator of the realm root has a password that is generated: remove administrators.rotationRef"
type Realm struct {
	// name: root, or the domain of a server tenant.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// passwordPolicyRef names a PasswordPolicy. Default: the hardened default policy.
	// +optional
	PasswordPolicyRef *LocalReference `json:"passwordPolicyRef,omitempty"`
	// recovery of forgotten passwords. Default: off.
	// +optional
	Recovery *Recovery `json:"recovery,omitempty"`
	// administrators of the realm.
	// +optional
	Administrators *Administrators `json:"administrators,omitempty"`
}

// Administrators of a realm.
type Administrators struct {
	// rotationRef names the RotationSchedule by which the password of the root realm's
	// administrator rotates; no pod is replaced for it. Default: it rotates only when the
	// annotation iam.holdfast.dev/rotate asks for it.
	// +optional
	RotationRef *LocalReference `json:"rotationRef,omitempty"`
}

// Recovery of forgotten passwords by e-mail link.
// +kubebuilder:validation:XValidation:rule="!has(self.linkLifetime) || (duration(self.linkLifetime) >= duration('1m') && duration(self.linkLifetime) <= duration('24h'))",message="linkLifetime must lie between 1m and 24h"
// +kubebuilder:validation:XValidation:rule="!has(self.linkLifetime) || duration(self.linkLifetime).getSeconds() % 60 == 0",message="write linkLifetime in whole minutes, such as 15m"
type Recovery struct {
	// emailLink turns recovery by a link in an e-mail on.
	// +required
	EmailLink bool `json:"emailLink"`
	// linkLifetime, in whole minutes. Default 15m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	LinkLifetime *metav1.Duration `json:"linkLifetime,omitempty"`
	// callbacks that a recovery may lead to: https URLs, where a final * stands for
	// any rest of the path. Default: the pages on hostname.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^https://([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?(:[0-9]{1,5})?/[-._~/a-zA-Z0-9]*\*?$`
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.matches('^https://[-a-z0-9.:]+/[-._~/a-zA-Z0-9]*[*]?$'))",message="write https URLs such as https://id.acme.example/*, with a * only at the end"
	// +listType=set
	// +optional
	Callbacks []string `json:"callbacks,omitempty"`
}

// Maintenance says when pods may be replaced.
type Maintenance struct {
	// rotationRef names the RotationSchedule in whose windows pods are replaced; its runs mean
	// nothing here. Outside of them a change is applied and held, and a pod that dies comes back
	// as it was. What does not wait: the first installation, a rollout that is under way when
	// they close, for an hour more, what iam.holdfast.dev/rotate asks for, and a certificate that
	// would end before the next opening.
	// +required
	RotationRef LocalReference `json:"rotationRef"`
}

// Exposure publishes the server outside the cluster.
type Exposure struct {
	// public serves the end-user paths on hostname; consoles and admin APIs are
	// never on it.
	// +optional
	Public *Route `json:"public,omitempty"`
	// admin serves consoles and admin APIs on a host name of its own.
	// +optional
	Admin *AdminRoute `json:"admin,omitempty"`
}

// Route is how a host name is published, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=gateway;ingress
type Route struct {
	// gateway attaches an HTTPRoute, with a BackendTLSPolicy, to Gateways.
	// +optional
	Gateway *GatewayRoute `json:"gateway,omitempty"`
	// ingress makes an Ingress.
	// +optional
	Ingress *IngressRoute `json:"ingress,omitempty"`
}

// AdminRoute is a Route with a host name of its own.
// +kubebuilder:validation:ExactlyOneOf=gateway;ingress
type AdminRoute struct {
	// hostname of the admin side, not the public one.
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-z0-9.]+[.][-a-z0-9]+$') && !self.contains('..')",message="write a DNS name such as admin.id.acme.example: lower-case letters, digits, hyphens, and at least one dot"
	// +required
	Hostname string `json:"hostname"`
	// gateway attaches an HTTPRoute to Gateways.
	// +optional
	Gateway *GatewayRoute `json:"gateway,omitempty"`
	// ingress makes an Ingress.
	// +optional
	Ingress *IngressRoute `json:"ingress,omitempty"`
}

// GatewayRoute names the Gateways that an HTTPRoute attaches to.
type GatewayRoute struct {
	// parentRefs are the Gateways.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +listType=atomic
	// +required
	ParentRefs []GatewayReference `json:"parentRefs"`
}

// GatewayReference names a Gateway, perhaps of another namespace; the Gateway
// guards itself with allowedRoutes.
type GatewayReference struct {
	// name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// namespace of the Gateway. Default: the tenant's.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// sectionName is a listener of the Gateway.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	SectionName string `json:"sectionName,omitempty"`
}

// IngressRoute is an Ingress of a class.
type IngressRoute struct {
	// className of the Ingress.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	ClassName string `json:"className"`
	// tlsSecretName of the certificate that clients see.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	TLSSecretName string `json:"tlsSecretName"`
	// controller says where the ingress controller's pods are, for the NetworkPolicy.
	// +required
	Controller Peer `json:"controller"`
}

// Network says who may reach the server and what it may reach.
type Network struct {
	// from are peers that may reach the HTTPS port, beside the declared gateway or
	// ingress controller, the operator and Prometheus.
	// +kubebuilder:validation:MaxItems=12
	// +listType=atomic
	// +optional
	From []Peer `json:"from,omitempty"`
	// egress are destinations beyond the declared dependencies.
	// +kubebuilder:validation:MaxItems=12
	// +listType=atomic
	// +optional
	Egress []EgressRule `json:"egress,omitempty"`
}

// IdentityTenantStatus is what was seen in the last pass.
type IdentityTenantStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the tenant.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// desiredRevision names all that pods read, as wished.
	// +optional
	DesiredRevision string `json:"desiredRevision,omitempty"`
	// servingRevision names all that pods read, as served by every pod.
	// +optional
	ServingRevision string `json:"servingRevision,omitempty"`
	// servingVersion is the product version that serves; it guards downgrades.
	// +optional
	ServingVersion string `json:"servingVersion,omitempty"`
	// endpoints under which the server can be reached.
	// +optional
	Endpoints *Endpoints `json:"endpoints,omitempty"`
	// keystores in use.
	// +listType=map
	// +listMapKey=name
	// +optional
	Keystores []KeystoreInUse `json:"keystores,omitempty"`
	// dataKey is the key that encrypts what the server stores.
	// +optional
	DataKey *DataKeyInUse `json:"dataKey,omitempty"`
	// servedCertificate is what was read over TLS from every pod when the last rollout was over.
	// +optional
	ServedCertificate *ServedCertificate `json:"servedCertificate,omitempty"`
	// tokenSigning is the ring of the keys that sign tokens.
	// +optional
	TokenSigning *TokenSigningStatus `json:"tokenSigning,omitempty"`
	// rotations are the materials that rotate by a schedule or before their certificate ends.
	// +listType=map
	// +listMapKey=material
	// +optional
	Rotations []RotationStatus `json:"rotations,omitempty"`
	// realms and what of their policy the product cannot enforce.
	// +listType=map
	// +listMapKey=name
	// +optional
	Realms []RealmStatus `json:"realms,omitempty"`
	// defaults are the values of fields that the spec leaves out.
	// +listType=map
	// +listMapKey=field
	// +optional
	Defaults []EffectiveDefault `json:"defaults,omitempty"`
	// requests echoes the annotations that were acted on.
	// +optional
	Requests *ObservedRequests `json:"requests,omitempty"`
}

// Endpoints under which a server can be reached.
type Endpoints struct {
	// internal is the URL inside the cluster.
	// +optional
	Internal string `json:"internal,omitempty"`
	// public is the URL outside, when the tenant is exposed.
	// +optional
	Public string `json:"public,omitempty"`
	// admin is the URL of the admin side, when it is exposed.
	// +optional
	Admin string `json:"admin,omitempty"`
}

// DataKeyInUse tells which generations of the data key the desired revision holds. All of
// them stay in Vault.
type DataKeyInUse struct {
	// generation that new data is encrypted with, from 1.
	Generation int64 `json:"generation"`
	// predecessor is the generation before it, which pods hold to read older data; absent
	// when they hold none. It goes when the annotation iam.holdfast.dev/reencrypted names
	// the present generation.
	// +optional
	Predecessor int64 `json:"predecessor,omitempty"`
	// drill is the last restore drill: of a generation that was seen for the first time, or
	// one that was asked for.
	// +optional
	Drill *RestoreDrill `json:"drill,omitempty"`
}

// RestoreDrill proved that the data key in Vault is the one that it was when it was first
// seen: it opened a value that was sealed with it then. A drill that fails is SecretsReady
// with the reason DataKeyDamaged.
type RestoreDrill struct {
	// generation of the key that was proven.
	Generation int64 `json:"generation"`
	// request is the token of iam.holdfast.dev/restore-drill that asked for it, if any did.
	// +optional
	Request string `json:"request,omitempty"`
	// time of the proof that was asked for. What nobody asked for is proven whenever the key
	// changes or the operator starts.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// KeystoreInUse is a keystore version that the desired revision names.
type KeystoreInUse struct {
	// name of the Keystore.
	Name string `json:"name"`
	// generation of its version.
	Generation int64 `json:"generation"`
	// secretName of the version.
	SecretName string `json:"secretName"`
	// notAfter is the earliest expiry among its own certificates.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}

// ServedCertificate is the certificate that every pod serves.
type ServedCertificate struct {
	// serial number, hexadecimal.
	Serial string `json:"serial"`
	// notAfter is its end.
	NotAfter metav1.Time `json:"notAfter"`
	// pods that served it.
	Pods int32 `json:"pods"`
	// since is when it was read.
	Since metav1.Time `json:"since"`
}

// TokenSigningStatus is a ring of keys, by generation.
type TokenSigningStatus struct {
	// previous signed before and still verifies. Absent: none.
	// +optional
	Previous int64 `json:"previous,omitempty"`
	// current signs.
	Current int64 `json:"current"`
	// next is published and signs after the next rotation.
	Next int64 `json:"next"`
	// currentSince is since when every pod signs with current; absent while they do not.
	// +optional
	CurrentSince *metav1.Time `json:"currentSince,omitempty"`
	// nextPublishedSince is since when every pod publishes next; absent while they do not.
	// +optional
	NextPublishedSince *metav1.Time `json:"nextPublishedSince,omitempty"`
}

// RotationStatus tells when a material rotates, and what it waits for.
type RotationStatus struct {
	// material as the annotation iam.holdfast.dev/rotate names it.
	Material string `json:"material"`
	// nextDue is when it was due, or will be next; absent while its schedule is suspended.
	// +optional
	NextDue *metav1.Time `json:"nextDue,omitempty"`
	// lastRotation is when its present generation came into use; absent when it is the first.
	// +optional
	LastRotation *metav1.Time `json:"lastRotation,omitempty"`
	// overdueSince is since when it should have happened; absent while it is on time.
	// +optional
	OverdueSince *metav1.Time `json:"overdueSince,omitempty"`
	// reason in one word: NotDue, Due, or what it waits for: Suspended, RolloutInFlight,
	// NextNotPublished, PreviousNeeded, WindowClosed. Expiring: it does not wait for a window.
	Reason string `json:"reason"`
	// message says so in full.
	// +optional
	Message string `json:"message,omitempty"`
}

// RealmStatus is what was seen of a realm.
type RealmStatus struct {
	// name of the realm.
	Name string `json:"name"`
	// notEnforceable lists settings of the policy that the product cannot enforce, with the reason.
	// +listType=set
	// +optional
	NotEnforceable []string `json:"notEnforceable,omitempty"`
}

// EffectiveDefault is a default that resolve filled in.
type EffectiveDefault struct {
	// field that was left out, such as spec.replicas.
	Field string `json:"field"`
	// value in force.
	Value string `json:"value"`
}
