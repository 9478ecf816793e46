package identitytenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// changeSeen is how long after Vault changes a password it is read again: not before it did.
const changeSeen = 2 * time.Second

// staticPrefix begins the mark of an account that stays, before its role.
const staticPrefix = "static "

// engineOf gives the database engines of the Vault that we are signed in to.
func (p *pass) engineOf() (vault.Database, error) {
	engine, ok := p.kv.(vault.Database)
	if !ok {
		return nil, fmt.Errorf("%T has no database engine", p.kv)
	}
	return engine, nil
}

// serverAccount gives the account that pods sign in to the database with, and what tells it
// apart from others when it is of Vault's database engine.
func (p *pass) serverAccount(ctx context.Context, want tenant.Spec, seen tenant.Facts) (account idp.UsernamePassword, mark string, err error) {
	from, whose := want.Database.Credentials, "the database"
	if from.Role != "" {
		leased, err := p.leasedAccount(ctx, want, seen)
		if err != nil {
			return idp.UsernamePassword{}, "", err
		}
		return leased.Account, leased.mark(), nil
	}
	if from.StaticRole == "" {
		account, err = p.account(ctx, want, from, whose)
		return account, "", err
	}
	found, err := p.staticAccount(ctx, from, whose)
	if err != nil {
		return idp.UsernamePassword{}, "", err
	}
	mark = staticPrefix + from.Mount + "/" + from.StaticRole + " " + found.Rotated.UTC().Format(time.RFC3339Nano)
	return idp.UsernamePassword{Username: found.Username, Password: string(found.Password)}, mark, nil
}

// staticAccount reads the present password of an account that stays, and looks again when
// Vault is to change it next.
func (p *pass) staticAccount(ctx context.Context, from tenant.Credentials, whose string) (vault.StaticAccount, error) {
	engine, err := p.engineOf()
	if err != nil {
		return vault.StaticAccount{}, err
	}
	account, err := engine.ReadStatic(ctx, from.Mount, from.StaticRole)
	if err != nil {
		return vault.StaticAccount{}, fmt.Errorf("credentials of %s: %w", whose, err)
	}
	if account.TTL > 0 {
		p.wake(p.Clock.Now().Add(account.TTL + changeSeen))
	}
	return account, nil
}

// lockedOut says of pods that could not connect anew, or not for long, that they wait for no
// window: Vault changed the password that they hold, or ends their account. Empty: they do.
func (p *pass) lockedOut(ctx context.Context, want tenant.Spec, serving corev1.PodSpec) (string, error) {
	if p.databaseAccount == "" && len(p.leases) == 0 {
		return "", nil
	}
	held := &metav1.PartialObjectMetadata{}
	held.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: credentialsIn(want, serving)}, held)
	if err != nil {
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return "", err
	}
	from, was := want.Database.Credentials, held.Annotations[tenant.AnnotationDatabaseAccount]
	if from.StaticRole == "" || strings.HasPrefix(was, leasePrefix) {
		return p.accountEnds(want, was), nil
	}
	if !strings.HasPrefix(was, staticPrefix+from.Mount+"/"+from.StaticRole+" ") || was == p.databaseAccount {
		return "", nil
	}
	return fmt.Sprintf("pods are replaced outside of any window: Vault changed the password of %s/static-roles/%s, which those that serve do not have yet", from.Mount, from.StaticRole), nil
}
