package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Labels and values that every child carries.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelPartOf    = "app.kubernetes.io/part-of"
	LabelVersion   = "app.kubernetes.io/version"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "holdfast"
	PartOf         = "holdfast"

	// LabelTenant and LabelKeystore name the custom resource that a Secret was made for.
	LabelTenant   = "iam.holdfast.dev/tenant"
	LabelKeystore = "iam.holdfast.dev/keystore"
	// LabelVersioned marks Secrets that are named by content and are only removed when
	// nothing names them any more.
	LabelVersioned = "iam.holdfast.dev/versioned"
	// LabelLease marks Secrets that hold an account of the database and the Vault token that it
	// hangs on. Its value is the account's generation.
	LabelLease = "iam.holdfast.dev/lease"
	// AnnotationRevision is the revision that a pod template belongs to.
	AnnotationRevision = "iam.holdfast.dev/revision"
	// AnnotationProductVersion is the product version of a pod template.
	AnnotationProductVersion = "iam.holdfast.dev/product-version"
	// AnnotationRotated says, on a pod template, which request brought it and what that rotated: the
	// token and the materials. Its rollout does not wait for a window.
	AnnotationRotated = "iam.holdfast.dev/rotated"
	// AnnotationDatabaseAccount says, on a Secret that pods read, which account of Vault's
	// database engine it holds. It is no secret: a role and when it was made or changed.
	AnnotationDatabaseAccount = "iam.holdfast.dev/database-account"
	// AnnotationApplied is the digest of what was last sent for an object.
	AnnotationApplied = "iam.holdfast.dev/applied"
	// FieldManager is the server-side-apply manager of a tenant's children.
	FieldManager = "holdfast-identitytenant"

	// ComponentServer and ComponentSchema are values of LabelComponent for pods.
	ComponentServer = "server"
	ComponentSchema = "schema"
)

// Labels gives the labels of a child of the tenant.
func (s Spec) Labels(component string) map[string]string {
	return map[string]string{
		LabelName:      string(s.Product),
		LabelInstance:  s.Name,
		LabelComponent: component,
		LabelPartOf:    PartOf,
		LabelVersion:   s.Version.String(),
		LabelManagedBy: ManagedBy,
		LabelTenant:    s.Name,
	}
}

// ServerSelector selects the server's pods.
func (s Spec) ServerSelector() map[string]string { return s.selector(ComponentServer) }

// SchemaSelector selects the schema Job's pods.
func (s Spec) SchemaSelector() map[string]string { return s.selector(ComponentSchema) }

func (s Spec) selector(component string) map[string]string {
	return map[string]string{LabelInstance: s.Name, LabelComponent: component, LabelPartOf: PartOf}
}

// Names of the children. All begin with the tenant's name.
func (s Spec) StatefulSetName() string     { return s.Name }
func (s Spec) ServiceName() string         { return s.Name }
func (s Spec) ServiceHost() string         { return s.ServiceName() + "." + s.Namespace + ".svc" }
func (s Spec) HeadlessServiceName() string { return s.Name + "-members" }
func (s Spec) ServiceAccountName() string  { return s.Name }
func (s Spec) TrustConfigMapName() string  { return s.Name + "-ca" }
func (s Spec) SchemaProofName() string     { return s.Name + "-schema" }

// KeystoreName names the Keystore of a role, a child or one that somebody else made.
func (s Spec) KeystoreName(r KeystoreRole) string {
	for _, store := range s.Keystores {
		if store.Role == r && store.Existing != "" {
			return store.Existing
		}
	}
	return s.Name + "-" + string(r)
}

// LeaseName names the Secret of a generation of the database account.
func (s Spec) LeaseName(generation int) string { return s.Name + "-lease-" + strconv.Itoa(generation) }

// VersionedName is a name made from a prefix and the digest of parts. Equal parts
// give equal names; each part is length-delimited, so that no two lists collide.
func VersionedName(prefix string, parts ...[]byte) string {
	return prefix + "-" + Digest(parts...)[:10]
}

// Digest is the hexadecimal SHA-256 of length-delimited parts.
func Digest(parts ...[]byte) string {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		n := uint64(len(part))
		for i := range length {
			length[i] = byte(n >> (8 * (7 - i)))
		}
		h.Write(length[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// DigestMap is Digest over a map's keys and values, in the order of the keys.
func DigestMap(data map[string][]byte) string {
	keys := make([]string, 0, len(data))
	for key := range data {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, strings.Compare)
	parts := make([][]byte, 0, 2*len(keys))
	for _, key := range keys {
		parts = append(parts, []byte(key), data[key])
	}
	return Digest(parts...)
}
