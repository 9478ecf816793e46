// Package operator wires the controllers into a manager. cmd/manager and the tests start
// the very same operator; they differ in Options only.
package operator

import (
	"context"
	"crypto"
	"fmt"
	"net/http"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/hardeningwaiver"
	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
	"github.com/holdfast-iam/holdfast/controllers/keystore"
	"github.com/holdfast-iam/holdfast/controllers/logpolicy"
	"github.com/holdfast-iam/holdfast/controllers/passwordpolicy"
	"github.com/holdfast-iam/holdfast/controllers/rotationrecord"
	"github.com/holdfast-iam/holdfast/controllers/rotationschedule"
	"github.com/holdfast-iam/holdfast/controllers/vaultconnection"
	"github.com/holdfast-iam/holdfast/internal/access"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/idp"
	keys "github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// Options of the operator. Drivers and Namespace are required.
type Options struct {
	Drivers map[tenant.Product]idp.Driver
	// Namespace is where the operator's own pods run; tenants admit it to their port.
	Namespace string
	// ServiceAccount is the operator's own, and TenantRole the role that lets it into a namespace, as access.Invitation
	// has them: what it tells whoever has to let it in. Default: the names of config/rbac.
	ServiceAccount, TenantRole string
	// ClusterID is by what Vault tells this cluster from others. Default: it is read when it is needed.
	ClusterID string
	// Concurrency is how many objects of a kind are worked on at once. Default 4.
	Concurrency int
	// Workers is the same of those kinds that it has.
	Workers Workers
	// DeletionPatience bounds a deletion. Default two minutes.
	DeletionPatience time.Duration
	// Resync is how often a tenant is looked at although nothing changed that can be
	// watched. Default five minutes.
	Resync time.Duration
	// Progress is how long a status may be withheld that only shows how far a first
	// installation has come. Default 30 seconds; negative: not at all.
	Progress time.Duration
	// Clock of every decision. Default: the real one.
	Clock clock.PassiveClock
	// Access is the template for reaching identity servers.
	Access idp.Access
	// WindowOpen says whether a tenant's pods may be replaced now. Default: its maintenance windows do.
	WindowOpen func(types.NamespacedName) bool
	// RingWaits are for tests, in the place of what tenants and their products say. Nil: those say.
	RingWaits *identitytenant.RingWaits
	// WrapVault stands around the transport to every Vault.
	WrapVault func(http.RoundTripper) http.RoundTripper
	// GenerateKey makes private keys. Default: from the system's randomness.
	GenerateKey func(keys.Algorithm, int) (crypto.Signer, error)
	// KeepRecords says which RotationRecords stay. Default: of each material 20, for two years.
	KeepRecords rotationrecord.Keep
	// OnVaultLogin is told of each login.
	OnVaultLogin func(connection string, err error)
}

// Scheme knows every kind that the operator reads or writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, cmv1.AddToScheme, gatewayv1.Install} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}

// Setup registers every controller with the manager, whose life is lifetime.
func Setup(lifetime context.Context, mgr ctrl.Manager, options Options) error {
	options, mgr = withDefaults(options), bounded{mgr}
	namespaces, err := access.New(lifetime, rest.CopyConfig(mgr.GetConfig()), mgr.GetHTTPClient(), mgr.GetRESTMapper(), mgr.GetClient(),
		access.Invitation{Role: options.TenantRole, Namespace: options.Namespace, ServiceAccount: options.ServiceAccount})
	if err != nil {
		return fmt.Errorf("prepare access to namespaces: %w", err)
	}
	pool := vault.NewPool(vault.Options{Clock: options.Clock, WrapTransport: options.WrapVault, OnLogin: options.OnVaultLogin})
	connector := &vaultconnection.Connector{Pool: pool, Connections: mgr.GetClient(), Namespaces: namespaces}
	tenants := &identitytenant.Reconciler{
		Own: mgr.GetClient(), Admission: namespaces, Vaults: connector, Drivers: options.Drivers,
		Applier:  &apply.Applier{Manager: tenant.FieldManager, Live: namespaces.Live()},
		Recorder: mgr.GetEventRecorder("holdfast-identitytenant"), Clock: options.Clock,
		Options: resolve.Options{OperatorPeer: Peer(options.Namespace)}, WindowOpen: options.WindowOpen, RingWaits: options.RingWaits,
		Access: options.Access, Cluster: access.Cluster{Known: options.ClusterID}, DeletionPatience: options.DeletionPatience, Resync: options.Resync, Progress: options.Progress,
	}
	if err := tenants.Setup(mgr, namespaces, options.limit("identitytenant").MaxConcurrentReconciles); err != nil {
		return fmt.Errorf("set up the controller of IdentityTenants: %w", err)
	}
	return setupOthers(mgr, namespaces, connector, options)
}

func withDefaults(options Options) Options {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Concurrency == 0 {
		options.Concurrency = 4
	}
	return options
}

// Peer is where the operator's pods are.
func Peer(namespace string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{tenant.LabelName: "holdfast", tenant.LabelComponent: "controller-manager"}},
	}
}

func setupOthers(mgr ctrl.Manager, namespaces *access.Namespaces, connector *vaultconnection.Connector, options Options) error {
	recorder := func(kind string) events.EventRecorder { return mgr.GetEventRecorder("holdfast-" + kind) }
	connections := &vaultconnection.Reconciler{Client: mgr.GetClient(), Connector: connector, Recorder: recorder("vaultconnection"), Clock: options.Clock}
	stores := &keystore.Reconciler{
		Client: mgr.GetClient(), Live: namespaces.Live(), Namespaces: namespaces, Vaults: connector,
		Applier:  &apply.Applier{Manager: keystore.FieldManager, Live: namespaces.Live()},
		Recorder: recorder("keystore"), Clock: options.Clock, DeletionPatience: options.DeletionPatience, GenerateKey: options.GenerateKey,
		Cluster: access.Cluster{Known: options.ClusterID},
	}
	passwords := &passwordpolicy.Reconciler{Client: mgr.GetClient(), Recorder: recorder("passwordpolicy"), Clock: options.Clock}
	logs := &logpolicy.Reconciler{Client: mgr.GetClient(), Recorder: recorder("logpolicy"), Clock: options.Clock}
	waivers := &hardeningwaiver.Reconciler{Client: mgr.GetClient(), Recorder: recorder("hardeningwaiver"), Clock: options.Clock}
	schedules := &rotationschedule.Reconciler{Client: mgr.GetClient(), Recorder: recorder("rotationschedule"), Clock: options.Clock}
	records := &rotationrecord.Reconciler{Client: mgr.GetClient(), Clock: options.Clock, Keep: options.KeepRecords}
	if err := connections.SetupWithManager(mgr, namespaces, options.limit("vaultconnection")); err != nil {
		return fmt.Errorf("set up the controller of VaultConnections: %w", err)
	}
	if err := stores.SetupWithManager(mgr, namespaces, options.limit("keystore")); err != nil {
		return fmt.Errorf("set up the controller of Keystores: %w", err)
	}
	if err := passwords.SetupWithManager(mgr, options.limit("passwordpolicy")); err != nil {
		return fmt.Errorf("set up the controller of PasswordPolicies: %w", err)
	}
	if err := logs.SetupWithManager(mgr, options.limit("logpolicy")); err != nil {
		return fmt.Errorf("set up the controller of LogPolicies: %w", err)
	}
	if err := waivers.SetupWithManager(mgr, options.limit("hardeningwaiver")); err != nil {
		return fmt.Errorf("set up the controller of HardeningWaivers: %w", err)
	}
	if err := schedules.SetupWithManager(mgr, options.limit("rotationschedule")); err != nil {
		return fmt.Errorf("set up the controller of RotationSchedules: %w", err)
	}
	if err := records.SetupWithManager(mgr, options.limit("rotationrecord")); err != nil {
		return fmt.Errorf("set up the controller of RotationRecords: %w", err)
	}
	return nil
}
