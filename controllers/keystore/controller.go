// Package keystore makes a Keystore true: keys in Vault or from cert-manager, a PKCS#12 file of them, and an immutable Secret
// for each version of it.
//
// The data flows one way: the custom resource is resolved, material is gathered, a store is built of it, a Secret named by
// the store's content is made when there is none, and what was seen becomes status.
package keystore

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/access"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tracing"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// FieldManager is the server-side-apply manager of a Keystore's children.
const FieldManager = "holdfast-keystore"

// Namespaces gives a client for a namespace that admits the operator, else a Waiting fault, NamespaceNotAdmitted.
type Namespaces interface {
	Admit(ctx context.Context, namespace string) (client.Client, error)
}

// Vaults gives access to the Vault of a VaultConnection.
type Vaults interface {
	// KV is for making and reading values.
	KV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error)
	// LastKV is for removing them; it still answers when the VaultConnection is deleted too.
	LastKV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error)
}

// Reconciler makes Keystores true.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client client.Client
	// Live reads past every cache, where a stale answer would make a second version or remove one in use.
	Live       client.Reader
	Namespaces Namespaces
	Vaults     Vaults
	Applier    *apply.Applier
	Recorder   events.EventRecorder
	Clock      clock.PassiveClock
	// DeletionPatience is how long a deletion waits for a Vault that does not answer. Zero: two minutes.
	DeletionPatience time.Duration
	// GenerateKey makes private keys. Nil: keystore.GenerateKey.
	GenerateKey func(keystore.Algorithm, int) (crypto.Signer, error)

	generatorOnce sync.Once
	generating    chan struct{}

	stale waking.Stale

	Cluster access.Cluster

	mu sync.Mutex
	// verified is, by Keystore, the Secret that was seen to hold the bytes of the current version.
	verified map[types.UID]types.UID
	// built is, by Keystore, the version that needs no second look.
	built map[types.UID]built
	// attempts counts failed removals from Vault, of Keystores that are being deleted.
	attempts map[types.UID]int
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cr v1alpha1.Keystore
	if err := r.Client.Get(ctx, request.NamespacedName, &cr); err != nil {
		r.stale.Forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if again, stale := r.stale.Read(&cr); stale {
		return again, nil
	}
	if !cr.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, &cr)
	}
	p := &pass{Reconciler: r, cr: &cr, want: resolve(&cr)}
	err := p.run(ctx)
	tracing.Found(ctx, err)
	p.noteRotations(ctx)
	if publishing := p.publish(ctx, err); publishing != nil {
		return waking.Late(publishing)
	}
	return p.result(err)
}

// pass is one look at one Keystore.
type pass struct {
	*Reconciler
	cr     *v1alpha1.Keystore
	want   want
	client client.Client // of the namespace

	clusterID string // a part of the owner mark in Vault
	kv        vault.KV
	place     v1alpha1.VaultKV
	// vaultErr is the first trouble with Vault.
	vaultErr error

	standing standing            // where materials stand, as Vault has it
	issued   map[string]issuance // by alias, asked once: a renewal may end within a pass
	began    vault.Position      // where they stood when the pass began
	rotated  string              // the request to rotate that is complete
	refused  *refusal            // what was asked for and cannot be done
	applied  bool                // the current version holds what the position names, and so does its copy
	unnoted  error               // why a rotation could not be written down
	rings    []v1alpha1.KeystoreRing
	nextDue  time.Time // when the schedule makes something due; zero: it does not
	again    time.Time // when to look again for its sake

	current  *version  // nil until there is one
	versions []version // newest first, the current one included
	looked   bool      // versions were listed
	data     map[string][]byte
	changes  []apply.Change
}

// run does the work in order. What it found stays in p, also when it fails on the way.
func (p *pass) run(ctx context.Context) (err error) {
	if p.client, err = p.Namespaces.Admit(ctx, p.want.namespace); err != nil {
		return err
	}
	if p.versions, err = p.findVersions(ctx, p.client); err != nil {
		return err
	}
	p.looked = true
	if err = p.identifyCluster(ctx); err != nil {
		return err
	}
	if err = p.openVault(ctx); err != nil {
		return p.hold(ctx, err)
	}
	if err = p.readStanding(ctx); err != nil {
		return p.hold(ctx, err)
	}
	// What cannot be rotated, or not yet, does not keep the store from being as it should be until then. But where it is not
	// known how far the rotation came, a store of old and new keys would be neither.
	rotating := p.rotate(ctx)
	if rotating == nil || fault.IsTerminal(rotating) {
		rotating = errors.Join(rotating, p.rotateWhenDue(ctx))
	}
	if rotating != nil && !fault.IsTerminal(rotating) && !isPending(rotating) && !isMissing(rotating) {
		return p.hold(ctx, rotating)
	}
	if p.want.rollback != "" {
		return errors.Join(p.pin(ctx), rotating)
	}
	material, err := p.gather(ctx)
	if err != nil {
		return p.hold(ctx, err)
	}
	if err = p.ensureVersion(ctx, material); err != nil {
		return p.hold(ctx, err)
	}
	p.rings = material.rings
	if err = p.copyToTarget(ctx); err != nil {
		return err
	}
	p.applied = true
	if err = p.retire(ctx); err != nil {
		return err
	}
	if isPending(rotating) {
		return nil // while a renewal is under way the store serves as before: that is no failure
	}
	return rotating
}

// isMissing: the schedule does not exist, which keeps nothing else.
func isMissing(err error) bool {
	return err != nil && fault.Of(err, "").Reason == v1alpha1.ReasonNotFound
}

func isPending(err error) bool {
	return err != nil && fault.Of(err, "").Reason == v1alpha1.ReasonCertificatePending
}

// identifyCluster learns by what this cluster is told from others on the same Vault.
func (p *pass) identifyCluster(ctx context.Context) (err error) {
	p.clusterID, err = p.Cluster.ID(ctx, p.Live)
	return err
}
