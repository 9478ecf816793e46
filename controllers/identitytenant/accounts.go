package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// foundRetry is how soon a server is looked at again whose administrator was found.
const foundRetry = time.Second

func accountOf(value map[string]string) idp.UsernamePassword {
	return idp.UsernamePassword{Username: value[idp.FieldUsername], Password: value[idp.FieldPassword]}
}

// signIn connects as the administrator whom the position names.
func (p *pass) signIn(ctx context.Context, want tenant.Spec, seen tenant.Facts) (idp.Admin, error) {
	into := map[string]*idp.UsernamePassword{
		idp.MaterialAdministrator: &p.accounts.Bootstrap, idp.MaterialSystem: &p.accounts.System, idp.MaterialBootstrap: &p.accounts.First,
	}
	for _, material := range p.driver.Materials(want) {
		account := into[material.Name]
		if account == nil {
			continue
		}
		turn, err := p.turn(ctx, want, seen, material.Name)
		if err != nil {
			return nil, err
		}
		value, err := p.inUse(ctx, want, seen, material, turn.Current)
		if err != nil {
			return nil, err
		}
		*account = accountOf(value)
	}
	return p.driver.Connect(ctx, want, seen, p.access(want, seen))
}

// closing closes a connection; its error counts when there is no other.
func closing(admin idp.Admin, err *error) {
	if failed := admin.Close(); *err == nil && failed != nil {
		*err = fmt.Errorf("close the connection to the server: %w", failed)
	}
}

// changeAdministrator gives the administrator a new password, and returns its generation. The
// value is in Vault before the server knows it, so one of the two that we know is live at
// any moment; which one, a login tells.
func (p *pass) changeAdministrator(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, turn vault.Turn, current map[string]string) (generation int, err error) {
	admin, err := p.signIn(ctx, want, seen)
	if err != nil {
		return 0, err
	}
	defer closing(admin, &err)
	staged, err := p.staged(ctx, want, seen, material.Name, turn.Current)
	if err != nil {
		return 0, err
	}
	live, err := admin.Login(ctx, accountOf(current))
	if err != nil {
		return 0, err
	}
	if live {
		return p.untilTaken(ctx, want, seen, material, turn, current, len(staged), admin.SetPassword)
	}
	// An earlier life changed it and did not come to say so.
	offset, err := liveAmong(ctx, admin, staged)
	if err != nil {
		return 0, err
	}
	if offset == 0 {
		return 0, fault.Terminal(v1alpha1.ReasonServerRefusedLogin, "the password of %s is not changed: the server does not let the account in with the one in Vault, generation %d; "+
			"set that password in the server or unlock the account", material.Name, turn.Current)
	}
	return turn.Current + offset, nil
}

// liveAmong tells which of the staged passwords the server lets in, counted from 1; 0: none.
func liveAmong(ctx context.Context, admin idp.Admin, staged []map[string]string) (int, error) {
	for i := len(staged); i > 0; i-- {
		if live, err := admin.Login(ctx, accountOf(staged[i-1])); live || err != nil {
			return i, err
		}
	}
	return 0, nil
}

// openNextAccount opens the other system account beside the one that pods hold, and returns
// the generation of its password: it exists before the first pod that uses it starts.
func (p *pass) openNextAccount(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, turn vault.Turn, current map[string]string) (generation int, err error) {
	if turn.Previous != 0 {
		return 0, rolloutInFlight(material.Name, turn)
	}
	admin, err := p.signIn(ctx, want, seen)
	if err != nil {
		return 0, err
	}
	defer closing(admin, &err)
	staged, err := p.staged(ctx, want, seen, material.Name, turn.Current)
	if err != nil {
		return 0, err
	}
	return p.untilTaken(ctx, want, seen, material, turn, current, len(staged), func(ctx context.Context, account idp.UsernamePassword) error {
		_, err := admin.OpenAccount(ctx, account)
		return err
	})
}

// untilTaken offers the server the newest value that was staged, or a first one, and another
// one after each refusal, for a while.
func (p *pass) untilTaken(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, turn vault.Turn, current map[string]string, staged int,
	take func(context.Context, idp.UsernamePassword) error,
) (int, error) {
	for number := max(1, staged); ; number++ {
		generation := turn.Current + number
		value, err := p.successor(ctx, want, seen, material, current, generation)
		if err != nil {
			return 0, err
		}
		switch err := take(ctx, accountOf(value)); {
		case err == nil:
			return generation, nil
		case fault.Of(err, "").Reason != idp.ReasonPasswordRefused:
			return 0, err
		case number >= mostStaged:
			return 0, fault.Terminal(v1alpha1.ReasonPasswordRefused, "%s is not rotated: the server refused %d new passwords. Generation %d goes on being used", material.Name, number, turn.Current).Because(err)
		}
	}
}

func rolloutInFlight(name string, turn vault.Turn) error {
	return fault.Waiting(v1alpha1.ReasonRolloutInFlight, "%s is rotated again when every pod uses the account of generation %d and the one before it is closed", name, turn.Current)
}

// findAdministrator looks for the password that the server knows when it refuses the one that
// the position names: one that was changed and not yet noted, or the very first one, when
// the server began anew with an empty database. found says that things are right now.
func (p *pass) findAdministrator(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin) (found bool, err error) {
	material, err := p.material(want, idp.MaterialAdministrator)
	if err != nil {
		return false, err
	}
	turn, err := p.turn(ctx, want, seen, material.Name)
	if err != nil {
		return false, err
	}
	staged, err := p.staged(ctx, want, seen, material.Name, turn.Current)
	if err != nil || len(staged) == 0 && turn.Current == 1 {
		return false, err // nothing else was ever in use: no login is wasted
	}
	if live, err := admin.Login(ctx, p.accounts.Bootstrap); live || err != nil {
		return false, err
	}
	offset, err := liveAmong(ctx, admin, staged)
	if err != nil {
		return false, err
	}
	if offset > 0 {
		turn.Current, turn.At = turn.Current+offset, p.Clock.Now()
		return true, p.move(ctx, want, seen, material.Name, p.found(turn))
	}
	return p.restoreAdministrator(ctx, want, seen, admin, material, turn)
}

// found has a turn tell why it came to a password that an earlier life set: as the request that
// is open asked, which is handled by that, or by the schedule.
func (p *pass) found(turn vault.Turn) vault.Turn {
	request, err := rotation.ParseRequest(p.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	verb, named := request.Materials[idp.MaterialAdministrator]
	if err == nil && request.Token != "" && request.Token != turn.Request && (named || len(request.Materials) == 0) {
		turn.Request, turn.Cause = request.Token, causeOf(verb)
		return turn
	}
	turn.Run, turn.Cause = "", string(v1alpha1.CauseSchedule)
	return turn
}

// restoreAdministrator gives the password of the position to a server whose database is not
// the one that it was: one that began anew knows the first password, and one that came from
// a backup mostly the one before. No more are tried, since failed logins lock the account.
func (p *pass) restoreAdministrator(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin, material idp.Material, turn vault.Turn) (done bool, err error) {
	for _, generation := range slices.Compact([]int{turn.Current - 1, 1}) {
		if generation < 1 || turn.Current == 1 {
			break
		}
		former, err := p.inUse(ctx, want, seen, material, generation)
		if err != nil {
			return false, err
		}
		live, err := admin.Login(ctx, accountOf(former))
		if err != nil {
			return false, err
		}
		if live {
			return true, p.setPasswordAs(ctx, want, seen, accountOf(former))
		}
	}
	return false, nil
}

// setPasswordAs signs in with a password that the server knows and replaces it by that of the
// position.
func (p *pass) setPasswordAs(ctx context.Context, want tenant.Spec, seen tenant.Facts, former idp.UsernamePassword) (err error) {
	access := p.access(want, seen)
	access.Bootstrap = former
	admin, err := p.driver.Connect(ctx, want, seen, access)
	if err != nil {
		return err
	}
	defer closing(admin, &err)
	return admin.SetPassword(ctx, p.accounts.Bootstrap)
}

// ensureAccounts has the administrator signed in and the system account in place.
func (p *pass) ensureAccounts(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin) error {
	_, err := admin.EnsureAccounts(ctx)
	if err == nil || fault.Of(err, "").Reason != v1alpha1.ReasonServerRefusedLogin {
		return err
	}
	found, lost := p.findAdministrator(ctx, want, seen, admin)
	if lost != nil || !found {
		return errors.Join(lost, err)
	}
	return fault.Waiting(v1alpha1.ReasonProgressing, "the administrator's password was not the one in use and is again: the server is looked at once more").After(foundRetry)
}

// closeFormerAccount closes the system account that the pods held before, once none of them
// does any more. The position then forgets it.
func (p *pass) closeFormerAccount(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin) error {
	turn, err := p.turn(ctx, want, seen, idp.MaterialSystem)
	if err != nil || turn.Previous == 0 {
		return err
	}
	unused, err := p.everyPodReads(ctx, want, seen)
	if err != nil || !unused {
		return err
	}
	material, err := p.material(want, idp.MaterialSystem)
	if err != nil {
		return err
	}
	former, err := p.inUse(ctx, want, seen, material, turn.Previous)
	if err != nil {
		return err
	}
	if accountOf(former).Username != p.accounts.System.Username {
		if _, err := admin.CloseAccount(ctx, accountOf(former)); err != nil {
			return err
		}
	}
	turn.Previous = 0
	return p.move(ctx, want, seen, material.Name, turn)
}

// everyPodReads tells whether the rollout is over, and no pod, not even one that is about to
// end, was made from other credentials.
func (p *pass) everyPodReads(ctx context.Context, want tenant.Spec, seen tenant.Facts) (bool, error) {
	if seen.DesiredRevision == "" || seen.ServingRevision != seen.DesiredRevision || p.credentials == "" {
		return false, nil
	}
	return p.podsHold(ctx, want)
}

// podsHold tells whether no pod was made from other credentials than those of this pass. The
// rollout is over when it is asked: a cache that still shows a pod of before, whose end
// wakes nobody, is looked at again.
func (p *pass) podsHold(ctx context.Context, want tenant.Spec) (bool, error) {
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return false, fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		if credentialsIn(want, pods.Items[i].Spec) != p.credentials {
			p.wake(p.Clock.Now().Add(pipeline.WaitingRetry))
			return false, nil
		}
	}
	return true, nil
}
