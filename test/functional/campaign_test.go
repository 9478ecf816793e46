package functional

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// campaign compares crashed runs with undisturbed ones.
type campaign struct {
	*testing.T
	history   *history
	reference []string
	// life is what happens in a case; the empty point kills nothing. It gives the end state, and
	// the writes of the life that is killed.
	life func(p point) ([]string, []string, error)
	// alike takes from an end state what may differ. Nil: nothing may.
	alike func(state []string) []string
	// issued is how many certificates more than Certificates a case makes.
	issued int

	done, killed, missed, disturbed atomic.Int64
}

var (
	// errNotReached: the life ended well without the write. Two statuses that were
	// written one after the other can become one.
	errNotReached = errors.New("the write was not reached")
	// errDisturbed: cert-manager issued a certificate twice for one Certificate that
	// nobody changed, and so there are two generations rightly.
	errDisturbed = errors.New("cert-manager issued a certificate twice")
)

// learn takes the end state and the writes of two undisturbed runs, which must end alike.
func (c *campaign) learn() []string {
	c.Helper()
	type run struct {
		state, writes []string
		err           error
	}
	var runs [2]run
	var group sync.WaitGroup
	for i := range runs {
		group.Go(func() {
			r := &runs[i]
			for range attempts {
				if r.state, r.writes, r.err = c.life(point{}); !errors.Is(r.err, errDisturbed) {
					return
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(runs[0].err, runs[1].err); err != nil {
		c.Fatalf("undisturbed: %v", err)
	}
	if diff := cmp.Diff(runs[0].state, runs[1].state); diff != "" {
		c.Fatalf("two undisturbed runs end differently:\n%s", diff)
	}
	c.reference = runs[0].state
	c.Logf("an undisturbed run ends as:\n%s", strings.Join(c.reference, "\n"))
	writes := runs[0].writes
	for _, write := range runs[1].writes {
		if !slices.Contains(writes, write) {
			writes = append(writes, write)
		}
	}
	return writes
}

// try runs a case until it was killed at its point and nobody else disturbed it.
func (c *campaign) try(p point) {
	for range attempts {
		state, _, err := c.life(p)
		switch {
		case errors.Is(err, errDisturbed):
			c.disturbed.Add(1)
		case errors.Is(err, errNotReached):
		case err != nil:
			c.Errorf("%s: %v", p, err)
			return
		default:
			c.killed.Add(1)
			if diff := cmp.Diff(c.reference, state); diff != "" {
				c.Errorf("%s: the end state differs (-undisturbed +crashed):\n%s", p, diff)
			}
			return
		}
	}
	c.missed.Add(1)
	c.Logf("not reached: %s", p)
}

// firstReconcile is that of one tenant in a namespace of its own, killed at a point and taken
// up again.
func (c *campaign) firstReconcile(p point) ([]string, []string, error) {
	ctx := c.Context()
	ns, err := world.Namespace(ctx, "crash-")
	if err != nil {
		return nil, nil, err
	}
	defer c.clear(ns)
	tenant := harness.NewTenant(ns, "acme")
	first, err := spawn(c.T, child{Namespace: ns, KillAt: p.write, Committed: p.how != beforeSent})
	if err != nil {
		return nil, nil, err
	}
	defer first.kill()
	if err := world.Admin.Create(ctx, tenant); err != nil {
		return nil, nil, err
	}
	running := first
	if p.write != "" {
		if err := c.awaitKill(ctx, tenant, first, isReady); err != nil {
			return nil, nil, err
		}
		if p.how == statusWiped {
			if err := wipeStatus(ctx, ns); err != nil {
				return nil, nil, err
			}
		}
		if running, err = spawn(c.T, child{Namespace: ns}); err != nil {
			return nil, nil, err
		}
		defer running.kill()
	}
	state, err := c.settled(ctx, tenant)
	if err != nil {
		err = fmt.Errorf("%w\nfirst life:\n  %s\nlast words:\n  %s%s", err, strings.Join(first.writes(), "\n  "),
			strings.Join(tail(running.lines("log"), 20), "\n  "), world.Diagnose(ctx, ns))
	}
	return state, first.writes(), err
}

func isReady(tenant *v1alpha1.IdentityTenant) bool {
	return apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionReady)
}

// awaitKill waits until the operator killed itself, or reached the end without it.
func (c *campaign) awaitKill(ctx context.Context, tenant *v1alpha1.IdentityTenant, running *process, end func(*v1alpha1.IdentityTenant) bool) error {
	deadline := time.Now().Add(caseDeadline)
	var readySince time.Time
	for !running.hasEnded() {
		live := &v1alpha1.IdentityTenant{}
		if err := world.Admin.Get(ctx, client.ObjectKeyFromObject(tenant), live); err != nil {
			return err
		}
		if !end(live) {
			readySince = time.Time{}
		} else if readySince.IsZero() {
			readySince = time.Now()
		}
		if !readySince.IsZero() && time.Since(readySince) > 3*time.Second {
			return errNotReached
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("neither killed nor ready: %s", harness.Describe(live))
		}
		time.Sleep(pollEvery)
	}
	return running.wasKilled()
}

// pollEvery is how often a case looks.
const pollEvery = 250 * time.Millisecond

// settled waits until the tenant is Ready and its end state is the wanted one, or stays
// as it is.
func (c *campaign) settled(ctx context.Context, tenant *v1alpha1.IdentityTenant) ([]string, error) {
	if err := world.AwaitReady(ctx, tenant, caseDeadline); err != nil {
		return nil, err
	}
	var state []string
	for same := 0; same < 40; { // ten seconds without any change
		next, err := endState(ctx, c.history, tenant)
		if err != nil {
			return nil, err
		}
		if c.alike != nil {
			next = c.alike(next)
		}
		if c.history.issuedTwice(tenant.Namespace, c.issued) {
			return nil, errDisturbed
		}
		same++
		if !slices.Equal(state, next) {
			state, same = next, 0
		}
		// An undisturbed end needs no long look, but a second one: it has to stay.
		if slices.Equal(state, c.reference) && same >= 2 {
			break
		}
		time.Sleep(pollEvery)
	}
	if !c.history.doorsFirst(tenant.Namespace) {
		return nil, errors.New("a pod is older than a NetworkPolicy: it ran with open doors")
	}
	return state, nil
}

// clear takes a case away without the operator, so that the next ones have room.
func (c *campaign) clear(ns string) {
	ctx := context.WithoutCancel(c.Context())
	var tenants v1alpha1.IdentityTenantList
	var stores v1alpha1.KeystoreList
	var objects []client.Object
	err := errors.Join(world.Admin.List(ctx, &tenants, client.InNamespace(ns)), world.Admin.List(ctx, &stores, client.InNamespace(ns)))
	for i := range tenants.Items {
		objects = append(objects, &tenants.Items[i])
	}
	for i := range stores.Items {
		objects = append(objects, &stores.Items[i])
	}
	for _, object := range objects {
		bare := object.DeepCopyObject().(client.Object)
		bare.SetFinalizers(nil)
		err = errors.Join(err, client.IgnoreNotFound(world.Admin.Patch(ctx, bare, client.MergeFrom(object))))
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
	if err := errors.Join(err, world.Admin.Delete(ctx, namespace)); err != nil {
		c.Errorf("clear namespace %s: %v", ns, err)
	}
}

func tail(lines []string, number int) []string { return lines[max(0, len(lines)-number):] }
