package identitytenant

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// vaultKind is the segment of a tenant's paths in Vault.
const vaultKind = "identitytenant"

// ensureSecrets has every generated secret in Vault first, then gives the pods one
// immutable Secret with all that they read.
func (p *pass) ensureSecrets(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	if err := p.ensureInstalled(ctx, want, seen); err != nil {
		return err
	}
	inputs := idp.Inputs{Generated: map[string]map[string]string{}}
	for _, material := range p.driver.Materials(want) {
		if err := p.gather(ctx, want, seen, material, &inputs); err != nil {
			return err
		}
	}
	p.haveAccount = true
	var err error
	if inputs.Database, p.databaseAccount, err = p.serverAccount(ctx, want, seen); err != nil {
		return err
	}
	if want.Mail != nil {
		account, err := p.account(ctx, want, want.Mail.Credentials, "the mail server")
		if err != nil {
			return err
		}
		inputs.Mail = &account
	}
	if inputs.UserStores, err = p.directoryAccounts(ctx, want); err != nil {
		return err
	}
	values, err := p.driver.Credentials(want, inputs)
	if err != nil {
		return err
	}
	secret := desired.CredentialsSecret(want, values)
	if p.asking {
		// Another operator may be between two moves: what would be written now is what no pod is to read.
		serving, err := p.statefulSet(ctx, want)
		if named := credentialsOf(want, serving); err != nil || named != "" && named != secret.Name {
			return err
		}
	}
	if p.databaseAccount != "" {
		secret.Annotations = map[string]string{tenant.AnnotationDatabaseAccount: p.databaseAccount}
	}
	if err := p.put(ctx, secret); err != nil {
		return err
	}
	p.credentials = secret.Name
	return p.endFormer(ctx, want, seen)
}

// gather adds what the pods hold of a material.
func (p *pass) gather(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, inputs *idp.Inputs) error {
	turn, err := p.turn(ctx, want, seen, material.Name)
	if err != nil {
		return err
	}
	generation := turn.Current
	if material.FirstStart {
		generation = 1
	}
	value, err := p.inUse(ctx, want, seen, material, generation)
	if err != nil {
		return err
	}
	inputs.Generated[material.Name] = value
	if !material.Irreplaceable {
		return nil
	}
	if err := p.drill(ctx, want, seen, material, generation, value); err != nil {
		return err
	}
	fact := tenant.DataKeyFact{Generation: generation, Predecessor: p.predecessor(turn), Drill: p.lastDrill}
	if fact.Predecessor != 0 {
		before, err := p.inUse(ctx, want, seen, material, fact.Predecessor)
		if err != nil {
			return err
		}
		inputs.Previous = map[string]map[string]string{material.Name: before}
	}
	p.dataKey = &fact
	return nil
}

// addFinalizer comes right before the first value in Vault, not sooner: a tenant that
// left nothing outside the cluster must not hold up its deletion.
func (p *pass) addFinalizer(ctx context.Context) error {
	if controllerutil.ContainsFinalizer(p.cr, v1alpha1.Finalizer) {
		return nil
	}
	before := p.cr.DeepCopy()
	controllerutil.AddFinalizer(p.cr, v1alpha1.Finalizer)
	// With the resource version, so that a list of finalizers that somebody else changed
	// meanwhile is not overwritten.
	if err := p.Own.Patch(ctx, p.cr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		p.cr.Finalizers = before.Finalizers
		return fmt.Errorf("add the finalizer: %w", err)
	}
	p.cr.Status = before.Status
	p.stale.Wrote(before, p.cr)
	return nil
}

// account reads a user name and a password from Vault or from a Secret.
func (p *pass) account(ctx context.Context, want tenant.Spec, from tenant.Credentials, whose string) (idp.UsernamePassword, error) {
	if from.StaticRole != "" {
		found, err := p.staticAccount(ctx, from, whose)
		return idp.UsernamePassword{Username: found.Username, Password: string(found.Password)}, err
	}
	if from.Path == "" {
		return p.accountFromSecret(ctx, want, from, whose)
	}
	mount := from.Mount
	if mount == "" {
		mount = p.engine.Mount
	}
	entry, err := p.kv.Read(ctx, mount, from.Path)
	if err != nil {
		return idp.UsernamePassword{}, fmt.Errorf("credentials of %s: %w", whose, err)
	}
	found := idp.UsernamePassword{Username: entry.Data[from.UsernameField], Password: entry.Data[from.PasswordField]}
	if found.Username == "" || found.Password == "" {
		return idp.UsernamePassword{}, fault.Terminal(v1alpha1.ReasonInvalidSpec,
			"credentials of %s: the value at %s/%s in Vault lacks the field %q or %q", whose, mount, from.Path, from.UsernameField, from.PasswordField)
	}
	return found, nil
}

// directoryAccounts reads the accounts that the server reads directories with.
func (p *pass) directoryAccounts(ctx context.Context, want tenant.Spec) (map[string]idp.UsernamePassword, error) {
	accounts := map[string]idp.UsernamePassword{}
	for _, store := range want.UserStores {
		account, err := p.account(ctx, want, store.Credentials, "the user store "+store.Name)
		if err != nil {
			return nil, err
		}
		accounts[store.Name] = account
	}
	return accounts, nil
}

func (p *pass) accountFromSecret(ctx context.Context, want tenant.Spec, from tenant.Credentials, whose string) (idp.UsernamePassword, error) {
	secret := &corev1.Secret{}
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: from.SecretName}, secret)
	if apierrors.IsNotFound(err) {
		return idp.UsernamePassword{}, fault.Waiting(v1alpha1.ReasonNotFound, "credentials of %s: Secret %s/%s does not exist: create it", whose, want.Namespace, from.SecretName)
	}
	if err != nil {
		return idp.UsernamePassword{}, fmt.Errorf("read Secret %s: %w", from.SecretName, err)
	}
	found := idp.UsernamePassword{Username: string(secret.Data[from.UsernameKey]), Password: string(secret.Data[from.PasswordKey])}
	if found.Username == "" || found.Password == "" {
		return idp.UsernamePassword{}, fault.Terminal(v1alpha1.ReasonInvalidSpec,
			"credentials of %s: Secret %s/%s lacks the key %q or %q", whose, want.Namespace, from.SecretName, from.UsernameKey, from.PasswordKey)
	}
	return found, nil
}

// observeSecrets says which Secret the pods read. When Vault could not be asked it is
// the one that the serving pods name.
func (p *pass) observeSecrets(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	seen.Credentials, seen.DataKey, seen.Installed = p.credentials, p.dataKey, p.installed
	if seen.Credentials == "" {
		serving, err := p.statefulSet(ctx, want)
		if err != nil {
			return err
		}
		seen.Credentials = credentialsOf(want, serving)
	}
	if seen.Credentials == "" {
		return fault.Waiting(v1alpha1.ReasonProgressing, "the credentials of the pods are not complete yet")
	}
	kept := &metav1.PartialObjectMetadata{}
	kept.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := p.surely(ctx, client.ObjectKey{Namespace: want.Namespace, Name: seen.Credentials}, kept)
	if apierrors.IsNotFound(err) {
		return fault.Waiting(v1alpha1.ReasonProgressing, "Secret %s is gone and is made anew", seen.Credentials)
	}
	return err
}
