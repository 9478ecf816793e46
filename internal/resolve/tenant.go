// Package resolve turns a custom resource and what it refers to into a tenant.Spec.
// Defaults and checks across objects happen here, once. Gather reads; all else is pure.
package resolve

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Options are what the operator itself brings to each tenant.
type Options struct {
	// OperatorPeer is where the operator's pods are.
	OperatorPeer networkingv1.NetworkPolicyPeer
	// WindowOpen says whether pods may be replaced now.
	WindowOpen bool
}

const (
	defaultCPU    = "2"
	defaultMemory = "4Gi"
	// defaultDatabaseMount is where vault secrets enable database mounts the engine.
	defaultDatabaseMount = "database"
	// tokenRolePrefix stands before a namespace's name in that of its token role.
	tokenRolePrefix = "holdfast-"
)

// Tenant resolves a custom resource. Its faults are Terminal and name the field.
func Tenant(cr *v1alpha1.IdentityTenant, refs References, options Options) (tenant.Spec, error) {
	product := productOf(cr)
	version, err := tenant.ParseVersion(product.version)
	if err != nil {
		return tenant.Spec{}, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s: %v", product.versionField(), err)
	}
	if err := allowedVersion(cr, product, version); err != nil {
		return tenant.Spec{}, err
	}
	want := tenant.Spec{
		Namespace: cr.Namespace, Name: cr.Name,
		Owner:   *metav1.NewControllerRef(cr, v1alpha1.GroupVersion.WithKind("IdentityTenant")),
		Product: product.name, Version: version, Image: product.image, Hostname: cr.Spec.Hostname,
		VaultRef: cr.Spec.VaultRef.Name,
		Issuer:   issuer(cr.Spec.IssuerRef),
		Logs:     logs(refs.LogPolicy), Exposure: exposure(cr),
		RetainVault: cr.Spec.DeletionPolicy != v1alpha1.DeletionDelete, Suspended: cr.Spec.Suspend,
		WindowOpen: options.WindowOpen, OperatorPeer: options.OperatorPeer,
	}
	if want.ExtraConfig, err = extraConfig(product.extraConfig); err != nil {
		return tenant.Spec{}, err
	}
	for _, secret := range cr.Spec.ImagePullSecrets {
		want.ImagePullSecrets = append(want.ImagePullSecrets, secret.Name)
	}
	size(&want, cr)
	if want.Database, err = database(cr, refs, &want.Defaults); err != nil {
		return tenant.Spec{}, err
	}
	if want.Mail, err = mail(cr, refs); err != nil {
		return tenant.Spec{}, err
	}
	if want.UserStores, err = userStores(cr, refs); err != nil {
		return tenant.Spec{}, err
	}
	if want.Keystores, err = keystores(cr, want, &want.Defaults); err != nil {
		return tenant.Spec{}, err
	}
	if err := hardening(&want, cr, refs); err != nil {
		return tenant.Spec{}, err
	}
	if want.Realms, err = realms(cr, refs, want.Profile); err != nil {
		return tenant.Spec{}, err
	}
	if want.Undeclared, err = undeclared(cr, refs, want.Profile, &want.Defaults); err != nil {
		return tenant.Spec{}, err
	}
	want.Network = network(cr)
	want.PublishAhead = publishAhead(cr)
	rotations(&want, cr, refs)
	return want, nil
}

// product is the declared member of spec.product.
type product struct {
	name           tenant.Product
	version, image string
	extraConfig    *runtime.RawExtension
}

func productOf(cr *v1alpha1.IdentityTenant) product {
	if declared := cr.Spec.Product.Keycloak; declared != nil {
		return product{name: tenant.Keycloak, version: declared.Version, image: declared.Image}
	}
	declared := cr.Spec.Product.WSO2IS
	return product{name: tenant.WSO2IS, version: declared.Version, image: declared.Image, extraConfig: declared.ExtraConfig}
}

func (p product) versionField() string { return "spec.product." + string(p.name) + ".version" }

// allowedVersion refuses what the product's database would not survive.
func allowedVersion(cr *v1alpha1.IdentityTenant, product product, version tenant.Version) error {
	if cr.Status.ServingVersion == "" {
		return nil
	}
	serving, err := tenant.ParseVersion(cr.Status.ServingVersion)
	if err != nil {
		return nil //nolint:nilerr // a status that somebody edited is no reason to refuse a spec
	}
	field := product.versionField()
	switch {
	case version.Compare(serving) < 0:
		return fault.Terminal(v1alpha1.ReasonDowngradeRefused, "%s: %s is older than %s, which serves: its database cannot go back", field, version, serving)
	case version.Major != serving.Major || version.Minor != serving.Minor:
		if cr.Annotations[v1alpha1.AnnotationConfirmUpgrade] != version.String() {
			return fault.Terminal(v1alpha1.ReasonUpgradeUnconfirmed,
				"%s: from %s to %s %s, then set the annotation %s to %q", field, serving, version, migration[product.name], v1alpha1.AnnotationConfirmUpgrade, version)
		}
	}
	return nil
}

// migration says what a minor upgrade asks of a person first.
var migration = map[tenant.Product]string{
	tenant.WSO2IS:   "the database has to be migrated offline first: do that",
	tenant.Keycloak: "the schema Job migrates the database, which cannot go back: make a backup",
}

// issuer repeats the schema's defaults for manifests that no API server has seen.
func issuer(ref v1alpha1.IssuerReference) tenant.Issuer {
	return tenant.Issuer{Name: ref.Name, Kind: or(ref.Kind, "Issuer"), Group: or(ref.Group, "cert-manager.io")}
}

func size(want *tenant.Spec, cr *v1alpha1.IdentityTenant) {
	want.Replicas = cr.Spec.Replicas
	cpu, memory := defaultCPU, defaultMemory
	if resources := cr.Spec.Resources; resources != nil {
		cpu, memory = or(resources.CPU, cpu), or(resources.Memory, memory)
	}
	if cr.Spec.Resources == nil || cr.Spec.Resources.CPU == "" {
		note(&want.Defaults, "spec.resources.cpu", cpu)
	}
	if cr.Spec.Resources == nil || cr.Spec.Resources.Memory == "" {
		note(&want.Defaults, "spec.resources.memory", memory)
	}
	want.CPU, want.Memory = resource.MustParse(cpu), resource.MustParse(memory) // patterns of the schema
	if want.Replicas == nil {
		note(&want.Defaults, "spec.replicas", fmt.Sprint(tenant.DefaultReplicas))
	}
	if scheduling := cr.Spec.Scheduling; scheduling != nil {
		want.Scheduling = tenant.Scheduling{NodeSelector: scheduling.NodeSelector, Tolerations: scheduling.Tolerations, PriorityClassName: scheduling.PriorityClassName}
	}
}

// sqlDatabase gives the declared member of spec.database and its name.
func sqlDatabase(cr *v1alpha1.IdentityTenant) (string, v1alpha1.SQLDatabase) {
	member, found, port := tenant.PostgreSQL, cr.Spec.Database.PostgreSQL, int32(5432)
	if found == nil {
		member, found, port = tenant.MySQL, cr.Spec.Database.MySQL, 3306
	}
	if found == nil {
		member, found, port = tenant.MSSQL, cr.Spec.Database.MSSQL, 1433
	}
	resolved := *found
	if resolved.Port == 0 {
		resolved.Port = port
	}
	return string(member), resolved
}

func database(cr *v1alpha1.IdentityTenant, refs References, defaults *[]tenant.Default) (tenant.Database, error) {
	member, declared := sqlDatabase(cr)
	peers, peerPort, err := peersOf(databaseHost(cr), cr.Namespace, refs)
	if err != nil {
		return tenant.Database{}, err
	}
	resolved := tenant.Database{
		Type: tenant.DatabaseType(member), Host: declared.Host, Port: declared.Port, Name: declared.Name,
		SharedName: or(declared.SharedName, declared.Name), AgentName: or(declared.AgentName, declared.Name),
		Credentials: databaseCredentials(cr, declared.Credentials, "spec.database."+member+".credentials"), Peers: peers, PeerPort: peerPort,
	}
	resolved.SchemaOwner = resolved.Credentials
	if declared.SchemaOwner != nil {
		resolved.SchemaOwner = databaseCredentials(cr, *declared.SchemaOwner, "spec.database."+member+".schemaOwner")
	}
	if resolved.SchemaOwner.Role != "" { // for manifests that no API server has seen
		return tenant.Database{}, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.database.%s.schemaOwner: accounts of vaultDatabase come and go, and cannot own the tables: "+
			"write vaultStaticRole, vaultKV or secretRef", member)
	}
	if !portDeclared(cr) {
		note(defaults, "spec.database."+member+".port", fmt.Sprint(declared.Port))
	}
	return resolved, nil
}

func portDeclared(cr *v1alpha1.IdentityTenant) bool {
	for _, member := range []*v1alpha1.SQLDatabase{cr.Spec.Database.PostgreSQL, cr.Spec.Database.MySQL, cr.Spec.Database.MSSQL} {
		if member != nil {
			return member.Port != 0
		}
	}
	return false
}

func mail(cr *v1alpha1.IdentityTenant, refs References) (*tenant.Mail, error) {
	declared := cr.Spec.Mail
	if declared == nil {
		return nil, nil //nolint:nilnil // no mail server is an answer
	}
	at := mailHost(declared)
	peers, peerPort, err := peersOf(at, cr.Namespace, refs)
	if err != nil {
		return nil, err
	}
	return &tenant.Mail{Host: declared.Host, Port: at.port, From: declared.From,
		Credentials: credentials(declared.Credentials), Peers: peers, PeerPort: peerPort}, nil
}

// databaseCredentials repeats the schema's defaults for manifests that no API server has seen.
func databaseCredentials(cr *v1alpha1.IdentityTenant, source v1alpha1.DatabaseCredentialsSource, field string) tenant.Credentials {
	if dynamic := source.VaultDatabase; dynamic != nil {
		return tenant.Credentials{Mount: or(dynamic.Mount, defaultDatabaseMount), Role: dynamic.Role, MemberOf: dynamic.MemberOf,
			TokenRole: or(dynamic.TokenRole, tokenRolePrefix+cr.Namespace), Field: field + ".vaultDatabase"}
	}
	if static := source.VaultStaticRole; static != nil {
		return tenant.Credentials{Mount: or(static.Mount, defaultDatabaseMount), StaticRole: static.Role}
	}
	return credentials(v1alpha1.CredentialsSource{VaultKV: source.VaultKV, SecretRef: source.SecretRef})
}

func credentials(source v1alpha1.CredentialsSource) tenant.Credentials {
	if kv := source.VaultKV; kv != nil {
		return tenant.Credentials{Mount: kv.Mount, Path: kv.Path, UsernameField: or(kv.UsernameField, "username"), PasswordField: or(kv.PasswordField, "password")}
	}
	secret := source.SecretRef
	return tenant.Credentials{SecretName: secret.Name, UsernameKey: or(secret.UsernameKey, "username"), PasswordKey: or(secret.PasswordKey, "password")}
}

func exposure(cr *v1alpha1.IdentityTenant) tenant.Exposure {
	var resolved tenant.Exposure
	if cr.Spec.Exposure == nil {
		return resolved
	}
	if public := cr.Spec.Exposure.Public; public != nil {
		resolved.Public = publish(cr, cr.Spec.Hostname, public.Gateway, public.Ingress)
	}
	for _, network := range cr.Spec.Exposure.TrustedProxies {
		if prefix, err := netip.ParsePrefix(network); err == nil { // the schema's rule
			resolved.TrustedProxies = append(resolved.TrustedProxies, prefix.Masked())
		}
	}
	slices.SortFunc(resolved.TrustedProxies, netip.Prefix.Compare)
	if admin := cr.Spec.Exposure.Admin; admin != nil {
		resolved.Admin = publish(cr, admin.Hostname, admin.Gateway, admin.Ingress)
	}
	return resolved
}

func publish(cr *v1alpha1.IdentityTenant, hostname string, gateway *v1alpha1.GatewayRoute, ingress *v1alpha1.IngressRoute) *tenant.Route {
	resolved := &tenant.Route{Hostname: hostname}
	if ingress != nil {
		resolved.IngressClass, resolved.TLSSecretName = ingress.ClassName, ingress.TLSSecretName
	}
	if gateway != nil {
		for _, parent := range gateway.ParentRefs {
			resolved.Gateways = append(resolved.Gateways, tenant.Gateway{Namespace: or(parent.Namespace, cr.Namespace), Name: parent.Name, SectionName: parent.SectionName})
		}
	}
	return resolved
}

func network(cr *v1alpha1.IdentityTenant) tenant.Network {
	resolved := tenant.Network{From: ingressPeers(cr)}
	if cr.Spec.Network == nil {
		return resolved
	}
	for _, rule := range cr.Spec.Network.Egress {
		egress := tenant.Egress{Peers: rule.To.NetworkPolicyPeers()}
		for _, port := range rule.Ports {
			egress.Ports = append(egress.Ports, tenant.EgressPort{Port: port.Port, Protocol: corev1.Protocol(or(port.Protocol, "TCP"))})
		}
		resolved.Egress = append(resolved.Egress, egress)
	}
	return resolved
}

func note(defaults *[]tenant.Default, field, value string) {
	*defaults = append(*defaults, tenant.Default{Field: field, Value: value})
}

func or(value, otherwise string) string {
	if strings.TrimSpace(value) == "" {
		return otherwise
	}
	return value
}
