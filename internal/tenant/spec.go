// Package tenant holds the values that flow through a reconcile: Spec is what is
// wanted, Facts is what was seen, Settings is what a running server is told, and
// names.go has the names and labels of all that we own. It stands on nothing of
// ours but rotation, whose schedules a Spec carries as compiled, and control, which
// has the profiles.
package tenant

import (
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// Spec is a tenant as resolved: the custom resource and all it refers to, with
// every default filled in. It stays as it is for a whole pass; after resolve nobody
// reads the custom resource's spec again. It holds no secret value.
type Spec struct {
	Namespace string
	Name      string
	// Owner is the custom resource, for owner references.
	Owner metav1.OwnerReference

	Product Product
	Version Version
	Profile control.Profile
	// Installed are the choices that the server made at its first start, by the key of the
	// file that holds each; an empty value: the key was not there. Nil: it has not started.
	Installed map[string]string
	// Waivers are all of the namespace, sorted by name; hardening finds those that are for the tenant.
	Waivers      []Waiver
	Attestations []Attestation
	Image        string
	Hostname     string
	// Replicas is nil when an autoscaler owns the number.
	Replicas         *int32
	ImagePullSecrets []string
	CPU              resource.Quantity
	Memory           resource.Quantity
	Scheduling       Scheduling

	Issuer   Issuer
	VaultRef string
	// ExtraConfig is merged into the server's configuration file: maps, lists, strings,
	// booleans, int64 and float64. Nil: nothing.
	ExtraConfig map[string]any
	Database    Database
	Mail        *Mail
	UserStores  []UserStore // sorted by name
	Keystores   []Keystore  // in order: the trust store, which reads the others, is last
	Realms      []Realm
	Undeclared  Undeclared
	Logs        Logs
	Exposure    Exposure
	Network     Network
	RetainVault bool
	Suspended   bool
	// Maintenance has the windows in which pods are replaced. Its zero value: at any time.
	Maintenance rotation.Schedule
	// MaintenanceName is the name of that RotationSchedule.
	MaintenanceName string
	// Rotations are the materials that rotate by a schedule, sorted by name.
	Rotations []Rotation
	// PublishAhead is for how long the next signing key is published before it signs.
	PublishAhead time.Duration
	WindowOpen   bool // false holds a rollout: the newest template is applied, no pod is replaced
	// OldDataKey is true while pods hold the data key's predecessor too, to read what it
	// encrypted. Vault tells, not the custom resource.
	OldDataKey bool
	// Rotated is what the last request rotated of all that pods hold, with its token: Vault
	// tells. Empty: nobody asked.
	Rotated      string
	OperatorPeer networkingv1.NetworkPolicyPeer

	// Defaults are the values that the custom resource left out, for status.
	Defaults []Default
}

// DefaultReplicas is the number of pods while neither the custom resource nor an
// autoscaler says otherwise.
const DefaultReplicas = 2

// Key names the tenant.
func (s Spec) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}

// Default is a field that was left out and the value in force.
type Default struct{ Field, Value string }

// Rotation is a material and its schedule.
type Rotation struct {
	// Material as the rotate annotation names it.
	Material string
	// Field names the schedule, for messages.
	Field, ScheduleName string
	Schedule            rotation.Schedule
}

// ScheduleOf gives the schedule of a material, the one of nobody when it has none.
func (s Spec) ScheduleOf(material string) rotation.Schedule {
	for _, r := range s.Rotations {
		if r.Material == material {
			return r.Schedule
		}
	}
	return rotation.Schedule{}
}

// Waiver lets an object be weaker in a control.
type Waiver struct {
	Name, Control string
	// Kind and Subject name the object.
	Kind, Subject string
	// Until is when it does not hold any more.
	Until time.Time
}

// Attestation says that a document proves a control.
type Attestation struct {
	Control string
	Until   time.Time
}

// Product names an identity server; it picks the driver.
type Product string

// The products.
const (
	// WSO2IS is WSO2 Identity Server.
	WSO2IS   Product = "wso2is"
	Keycloak Product = "keycloak"
)

// Scheduling of the pods.
type Scheduling struct {
	NodeSelector      map[string]string
	Tolerations       []corev1.Toleration
	PriorityClassName string
}

// Issuer is a cert-manager issuer.
type Issuer struct{ Name, Kind, Group string }

// DatabaseType is the kind of SQL server.
type DatabaseType string

// The database types.
const (
	PostgreSQL DatabaseType = "postgresql"
	MySQL      DatabaseType = "mysql"
	MSSQL      DatabaseType = "mssql"
)

// Database is where the databases are and who signs in. Values of credentials
// are read when they are needed and are never part of a Spec.
type Database struct {
	Type        DatabaseType
	Host        string
	Port        int32
	Name        string
	SharedName  string
	AgentName   string
	Credentials Credentials
	SchemaOwner Credentials
	// Peers is where the database is.
	Peers []networkingv1.NetworkPolicyPeer
	// PeerPort is the port behind a Service; it equals Port otherwise.
	PeerPort int32
}

// Credentials say where a user name and a password are read from: a KV engine of Vault
// when Path is set, its database engine when Role or StaticRole is, else the Secret.
type Credentials struct {
	// Mount of the engine; empty: the KV engine of the connection.
	Mount                              string
	Path, UsernameField, PasswordField string
	// StaticRole is an account whose password Vault changes.
	StaticRole string
	// Role makes accounts that end; TokenRole makes a token for each, and MemberOf is what all
	// of them are members of in the database, empty when nobody said.
	Role, TokenRole, MemberOf string
	// Field is where they are declared, for messages about a role.
	Field                                string
	SecretName, UsernameKey, PasswordKey string
}

// Mail is an SMTP server.
type Mail struct {
	Host        string
	Port        int32
	From        string
	Credentials Credentials
	Peers       []networkingv1.NetworkPolicyPeer
	PeerPort    int32
}

// KeystoreRole is what a store is for.
type KeystoreRole string

// The roles of stores.
const (
	RoleTLS        KeystoreRole = "tls"
	RoleSigning    KeystoreRole = "token-signing"
	RoleFederation KeystoreRole = "federation-signing"
	RoleInternal   KeystoreRole = "internal"
	RoleTrust      KeystoreRole = "trust"
)

// Keystore is one Keystore child.
type Keystore struct {
	Role KeystoreRole
	// Existing names a Keystore that somebody else made. Empty: it is a child.
	Existing string
	// Ring: the store holds the keys before and after the one that signs too, and each alias has a generation behind it.
	Ring bool
	// Unmounted: no pod has the store, and no server meets its certificates. A running server is given its keys.
	Unmounted bool
	// Alias of its key pair, empty for the trust store.
	Alias       string
	Algorithm   string
	Size        int32
	DNSNames    []string
	Duration    time.Duration
	RenewBefore time.Duration
	// Issued is true when the issuer makes the certificate.
	Issued bool
	// Trusted are CA sources of the trust store.
	Trusted []CertificateSource
	// PEM: the store is files of PEM, with all that is trusted in one. Otherwise it is PKCS12.
	PEM bool
}

// CertificateSource is a key of a ConfigMap or a Secret.
type CertificateSource struct{ ConfigMap, Secret, Key string }

// RootRealm is the realm that every server has.
const RootRealm = "root"

// Realm is a server tenant and the settings declared for it.
type Realm struct {
	Name string
	// Policy is the PasswordPolicy that its settings come from, empty for the default one.
	Policy   string
	Settings RealmSettings
}

// UndeclaredMode says what happens to realms that a server has and nobody declares.
type UndeclaredMode string

// The modes.
const (
	// UndeclaredEnforce holds them to Undeclared.Settings.
	UndeclaredEnforce UndeclaredMode = "Enforce"
	// UndeclaredReport tells how they differ, and writes nothing.
	UndeclaredReport UndeclaredMode = "Report"
	// UndeclaredIgnore does not even look.
	UndeclaredIgnore UndeclaredMode = "Ignore"
)

// Undeclared is what is wanted of realms that nobody declares.
type Undeclared struct {
	Mode UndeclaredMode
	// Settings are what a declared realm has of which nothing else is said.
	Settings RealmSettings
}

// Logs are the streams of the server.
type Logs struct {
	// Policy is the LogPolicy that they come from, empty for the default one.
	Policy  string
	Server  LogStream
	Audit   LogStream
	Access  bool
	Masking []MaskingPattern // sorted by name
}

// LogStream is one stream on standard output, and perhaps in a file.
type LogStream struct {
	Level string
	JSON  bool
	File  *LogFile
}

// LogFile is rotated by size and day.
type LogFile struct {
	MaxSizeBytes int64
	Keep         int32
}

// MaskingPattern is a regular expression whose matches are masked.
type MaskingPattern struct{ Name, Pattern string }

// Exposure is how the server is published; nil means not.
type Exposure struct {
	Public *Route
	Admin  *Route
	// TrustedProxies are IPv4 networks, sorted.
	TrustedProxies []netip.Prefix
}

// Route is one published host name, by Gateways or by an Ingress class.
type Route struct {
	Hostname      string
	Gateways      []Gateway
	IngressClass  string
	TLSSecretName string
}

// Gateway is a parent of an HTTPRoute.
type Gateway struct{ Namespace, Name, SectionName string }

// Network says who may reach the server and what it may reach.
type Network struct {
	// From are the peers admitted to the HTTPS port: declared ones and the gateways'.
	From []networkingv1.NetworkPolicyPeer
	// Egress beyond the declared dependencies.
	Egress []Egress
}

// Egress is one further destination.
type Egress struct {
	Peers []networkingv1.NetworkPolicyPeer
	Ports []EgressPort
}

// EgressPort is a port and its protocol.
type EgressPort struct {
	Port     int32
	Protocol corev1.Protocol
}
