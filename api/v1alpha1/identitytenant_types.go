package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
// +kubebuilder:validation:XValidation:rule="has(oldSelf.product.wso2is) == has(self.product.wso2is)",fieldPath=".product",message="the product of a tenant cannot change: create another tenant"
// +kubebuilder:validation:XValidation:rule="has(self.mail) || !has(self.realms) || self.realms.all(r, !has(r.registration) || ((!has(r.registration.invitation) || r.registration.invitation == 'Disabled') && (!has(r.registration.selfService) || r.registration.selfService == 'Disabled' || (has(r.registration.confirmEmail) && r.registration.confirmEmail == 'None'))))",message="registration needs e-mail: declare mail, or leave invitation and selfService out"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || has(self.database.postgresql)",fieldPath=".database",message="keycloak needs postgresql: another database is not supported for it"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || !has(self.database.postgresql) || (!has(self.database.postgresql.sharedName) && !has(self.database.postgresql.agentName))",fieldPath=".database.postgresql",message="keycloak has one database: remove sharedName and agentName, which are for wso2is"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || !has(self.keystores) || (!has(self.keystores.federationSigning) && !has(self.keystores.internal))",fieldPath=".keystores",message="keycloak has no such keys: remove federationSigning and internal, which are for wso2is"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || !has(self.mail)",fieldPath=".mail",message="a realm of keycloak has a mail server of its own, which is set in the realm: remove mail, and let the server reach it by network.egress"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || !has(self.userStores)",fieldPath=".userStores",message="a realm of keycloak has directories of its own, which are set in the realm: remove userStores, and let the server reach them by network.egress"
// +kubebuilder:validation:XValidation:rule="!has(self.product.keycloak) || !has(self.realms) || self.realms.all(r, r.name != 'master')",fieldPath=".realms",message="write root for keycloak's realm master"
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
	// userStores are directories whose people sign in here too. They are only read, over TLS alone.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	UserStores []UserStore `json:"userStores,omitempty"`
	// keystores are the keys of the server; each becomes a Keystore.
	// +optional
	Keystores *Keystores `json:"keystores,omitempty"`
	// realms are server tenants (WSO2) or realms (Keycloak, where root is the realm master, and
	// one that does not exist is made). Each server tenant of WSO2 has to exist in the server,
	// and deployment.toml opens what settings take there to the operator's account: one that is
	// added or taken out is a rollout. Default: the root realm with every default.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +listType=map
	// +listMapKey=name
	// +optional
	Realms []Realm `json:"realms,omitempty"`
	// undeclaredRealms says what becomes of realms that are on the server and not in realms.
	// Enforce (default): they are held to what a realm has of which nothing is declared, and what
	// was changed by hand is put back. Report: status tells how they differ, and nothing is
	// written. Ignore: they are not even read. None is ever made or removed by it. From Ignore to
	// another, or back, is a rollout of a server of WSO2.
	// +kubebuilder:validation:Enum=Enforce;Report;Ignore
	// +optional
	UndeclaredRealms UndeclaredRealms `json:"undeclaredRealms,omitempty"`
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
	// hardening says how strictly the server is hardened.
	// +optional
	Hardening *Hardening `json:"hardening,omitempty"`
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
// +kubebuilder:validation:ExactlyOneOf=wso2is;keycloak
type Product struct {
	// wso2is is WSO2 Identity Server.
	// +optional
	WSO2IS *WSO2IS `json:"wso2is,omitempty"`
	// keycloak is Keycloak.
	// +optional
	Keycloak *Keycloak `json:"keycloak,omitempty"`
}

// Keycloak is Keycloak 26.4 or newer, on PostgreSQL.
type Keycloak struct {
	// version is major.minor.patch, such as 26.7.3. It decides which settings are rendered and
	// has to be the image's. It cannot go down; a minor upgrade needs the annotation
	// iam.holdfast.dev/confirm-upgrade, since its database migration cannot be undone.
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^26\.([4-9]|[1-9][0-9])\.[0-9]{1,3}$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^26[.]([4-9]|[1-9][0-9])[.][0-9]+$')",message="write a version such as 26.7.3: 26.4 and newer of 26 are supported"
	// +required
	Version string `json:"version"`
	// image by digest, with what the vendor's image has: the server in /opt/keycloak, user 1000.
	// The server is built for its configuration when a pod starts, so it needs no build of yours.
	// Example: registry.example/keycloak@sha256:….
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([-._]+[a-z0-9]+)*)*(:[_a-zA-Z0-9][-._a-zA-Z0-9]{0,127})?@sha256:[a-f0-9]{64}$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._:/]+@sha256:[a-f0-9]{64}$')",message="write the image with its digest, such as registry.example/keycloak@sha256: and 64 hexadecimal digits: a tag alone can be moved"
	// +required
	Image string `json:"image"`
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
	// extraConfig is merged into deployment.toml: tables, lists, texts, numbers and switches
	// as they would stand there, at most 16 KiB. A key that a control of the catalogue is
	// about, or that is rendered already, is refused with the control named; so is a
	// reference such as $env{…}, a secret that the vendor publishes, and any text under a key
	// that is named like a secret, such as client_secret or password: secrets come from Vault
	// alone. The server ignores keys that it does not know: holdfast lint points them out.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	ExtraConfig *runtime.RawExtension `json:"extraConfig,omitempty"`
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
