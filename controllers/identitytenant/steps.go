package identitytenant

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// pass is one reconcile of one tenant: what its steps share beside the facts. Secret
// values live here, and end with it.
type pass struct {
	*Reconciler
	cr     *v1alpha1.IdentityTenant
	client client.Client
	driver idp.Driver
	shape  idp.Shape

	kv          vault.KV
	engine      v1alpha1.VaultKV
	place       *place                      // where materials stand, once read
	placeless   error                       // why that could not be read
	values      map[which]map[string]string // generations that were read
	accounts    idp.Access                  // bootstrap and system accounts, once read
	haveAccount bool
	dataKey     *tenant.DataKeyFact
	installed   map[string]string // the choices of the first start, once known
	lastDrill   *tenant.RestoreDrill
	// databaseAccount tells accounts apart that Vault's database engine makes, and the passwords
	// that it gives to one. Empty: the account is none of its.
	databaseAccount string
	leases          map[int]*lease // accounts that Vault made, by generation, those that were read
	leaseUnread     bool           // not all of them could be read
	leaseTrouble    error          // why one of them is not kept alive
	credentials     string         // name of the Secret that pods read
	storeKey        []byte         // the TLS store's password: it hides a weak one in a name
	revision        string
	changes         []apply.Change
	children        map[tenant.KeystoreRole]*v1alpha1.Keystore // as observed
	signing         *tenant.SigningFact
	served          *tenant.ServedFact
	asking          bool                           // not all that rotates now did: pods wait for the rest
	unseen          map[string]bool                // Keystores that this very pass changed
	delivered       []string                       // what Keystores rotated because the rotate annotation asks for it, and which they have by now
	rotations       map[string]tenant.RotationFact // what was decided, by material
	expires         string                         // why pods are replaced outside of any window
	realmsHeld      bool                           // every declared realm was read back as wanted
	undeclared      *tenant.UndeclaredFact         // realms that nobody declares; nil: nobody could look
	wakeAt          time.Time                      // when to look again at the latest, zero: nothing comes with time

	// began is where materials stood when the pass began, refused what needs a person before it rotates: for records.
	began   vault.Position
	refused map[string]error
}

func (r *Reconciler) newPass(cr *v1alpha1.IdentityTenant, c client.Client, want tenant.Spec) *pass {
	driver := r.Drivers[want.Product]
	return &pass{Reconciler: r, cr: cr, client: c, driver: driver, shape: driver.Shape(want), unseen: map[string]bool{}, values: map[which]map[string]string{}, leases: map[int]*lease{},
		rotations: map[string]tenant.RotationFact{}}
}

// steps is a tenant's life, in order: the doors are shut before anything runs.
func (p *pass) steps() []pipeline.Step {
	const (
		network  = v1alpha1.ConditionNetworkIsolated
		vaulted  = v1alpha1.ConditionVaultReady
		stores   = v1alpha1.ConditionKeystoresReady
		database = v1alpha1.ConditionDatabaseReady
		secrets  = v1alpha1.ConditionSecretsReady
		workload = v1alpha1.ConditionWorkloadAvailable
	)
	return []pipeline.Step{
		{Condition: network, Act: p.isolate, Observe: p.observeIsolation},
		{Condition: vaulted, Observe: p.observeVault},
		{Condition: stores, Needs: []string{vaulted}, Act: p.applyKeystores, Observe: p.observeKeystores},
		{Condition: database, Needs: []string{network, vaulted, stores}, Act: p.prepareSchema, Observe: p.observeSchema},
		{Condition: v1alpha1.ConditionRotationOnTime, Needs: []string{vaulted, stores, database}, Act: p.rotate, Observe: p.observeRotations},
		{Condition: secrets, Needs: []string{vaulted, database}, Act: p.ensureSecrets, Observe: p.observeSecrets},
		{Condition: workload, Needs: []string{network, stores, database, secrets}, Act: p.applyWorkload, Observe: p.observeWorkload},
		{Condition: v1alpha1.ConditionSettingsApplied, Needs: []string{secrets, workload}, Act: p.applySettings, Observe: p.observeSettings},
	}
}

// put applies objects and remembers what changed, for events.
func (p *pass) put(ctx context.Context, objects ...client.Object) error {
	changes, err := p.Applier.Apply(ctx, p.client, v1alpha1.ReasonNameConflict, objects...)
	p.changes = append(p.changes, changes...)
	return err
}

// surely reads an object from the cache, and asks the API server itself before it says
// that there is none: what was just made may not be in a cache yet.
func (p *pass) surely(ctx context.Context, key client.ObjectKey, object client.Object) error {
	err := p.client.Get(ctx, key, object)
	if apierrors.IsNotFound(err) {
		return p.Applier.Live.Get(ctx, key, object)
	}
	return err
}

// prune removes children of the given kinds that are not wanted any more.
func (p *pass) prune(ctx context.Context, want tenant.Spec, keep []client.Object, kinds ...client.ObjectList) error {
	changes, err := p.Applier.Prune(ctx, p.client, want.Owner.UID, want.Namespace, keep, kinds...)
	p.changes = append(p.changes, changes...)
	return err
}
