package functional

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

const (
	// mostLater is how many writes after the first crash the second one comes at the latest.
	mostLater = 6
	// usualRotations is how many cases the usual run takes.
	usualRotations = 4
	// rotateAll is a request that rotates all that a tenant can rotate.
	rotateAll = "all tls token-signing federation-signing internal system endpoint-application administrator data-key"
)

// TestACrashAtAnyWriteOfARotationConverges kills the operator at each write of a rotation of
// everything, before it is sent and after it was committed, and its successor within its next
// six writes, and wants the end state of an undisturbed rotation: one new generation of each
// material, one rollout, one record of each, nothing lost. Two operators at once end so, too.
// Invariants 1, 4, 8 and 9.
func TestACrashAtAnyWriteOfARotationConverges(t *testing.T) {
	t.Parallel()
	campaign := &campaign{T: t, history: observe(t), issued: 1, alike: withoutDetours}
	campaign.life = campaign.rotation
	writes := campaign.learn()
	var points []point
	for i, write := range writes {
		for j, how := range []manner{beforeSent, afterCommitted} {
			points = append(points, point{write: write, how: how}, point{write: write, how: how, then: 1 + (2*i+j)%mostLater})
		}
	}
	chosen := choose(points, os.Getenv(crashVariable), usualRotations)
	t.Logf("a rotation of everything makes %d different writes to the API server and Vault: the operator is killed at %d points of %d, at half of them twice (%s=all for every one)",
		len(writes), len(chosen), len(points), crashVariable)
	campaign.tryAll(chosen)
	campaign.tryTwoOperators()
}

func (c *campaign) tryTwoOperators() {
	state, err := c.rotationOfTwo()
	if err != nil {
		c.Fatalf("two operators at once: %v", err)
	}
	if diff := cmp.Diff(c.reference, state); diff != "" {
		c.Errorf("two operators end differently from one (-one +two):\n%s", diff)
	}
}

// podsMade counts the pods that a StatefulSet's controller made.
var podsMade = regexp.MustCompile(`^(Pod acme-\*): \d+ made, (\d+ left), \d+ owned`)

var versionsOfTrust = regexp.MustCompile(`^store acme-trust: generation \d+ of \[\d+ Current with (\d+) entries.*`)

// withoutDetours leaves out how many versions of the trust store there were on the way: it follows
// the other stores as each of them comes to its new key, and pods get the last one. Rollouts are
// counted by their revisions; within one a pod that is not ready can be made twice.
func withoutDetours(state []string) (alike []string) {
	for _, line := range state {
		if !strings.HasPrefix(line, "Secret acme-trust-*: ") {
			line = versionsOfTrust.ReplaceAllString(line, "store acme-trust: $1 entries")
			alike = append(alike, podsMade.ReplaceAllString(line, "$1: $2"))
		}
	}
	return alike
}

func isRotated(tenant *v1alpha1.IdentityTenant) bool {
	return isReady(tenant) && tenant.Status.Requests != nil && tenant.Status.Requests.Rotate == "all" && tenant.Status.ServingRevision == tenant.Status.DesiredRevision
}

// installed gives a tenant that is Ready, and no operator any more.
func (c *campaign) installed(ctx context.Context) (*v1alpha1.IdentityTenant, error) {
	ns, err := world.Namespace(ctx, "crash-")
	if err != nil {
		return nil, err
	}
	tenant := harness.NewTenant(ns, "acme")
	first, err := spawn(c.T, child{Namespace: ns, WithoutWaits: true})
	if err != nil {
		return tenant, err
	}
	defer first.kill()
	if err := world.Admin.Create(ctx, tenant); err != nil {
		return tenant, err
	}
	return tenant, world.Await(ctx, tenant, caseDeadline, func(tenant *v1alpha1.IdentityTenant) bool {
		return isReady(tenant) && tenant.Status.TokenSigning != nil && tenant.Status.TokenSigning.NextPublishedSince != nil
	})
}

// rotation is one of everything, killed at a point, perhaps twice, and taken up again.
func (c *campaign) rotation(p point) ([]string, []string, error) {
	ctx := c.Context()
	tenant, err := c.installed(ctx)
	if tenant != nil {
		defer c.clear(tenant.Namespace)
	}
	if err != nil {
		return nil, nil, err
	}
	lives := []child{{KillAt: p.write, Committed: p.how != beforeSent}}
	if p.then > 0 {
		lives = append(lives, child{KillAfter: p.then, Committed: p.how == beforeSent})
	}
	if p.write != "" {
		lives = append(lives, child{})
	}
	var writes []string
	var running *process
	for i, life := range lives {
		life.Namespace, life.WithoutWaits = tenant.Namespace, true
		if running, err = spawn(c.T, life); err != nil {
			return nil, nil, err
		}
		defer running.kill()
		if i == 0 {
			if err := world.Annotate(ctx, tenant, map[string]string{v1alpha1.AnnotationRotate: rotateAll}); err != nil {
				return nil, nil, err
			}
		}
		if i == len(lives)-1 {
			break
		}
		err := c.awaitKill(ctx, tenant, running, isRotated)
		if i == 0 && err != nil {
			return nil, nil, err
		}
		running.kill() // also a second life that had fewer writes left
	}
	if err := world.Await(ctx, tenant, caseDeadline, isRotated); err != nil {
		return nil, nil, fmt.Errorf("%w\nlast words:\n  %s", err, strings.Join(tail(running.lines("log"), 20), "\n  "))
	}
	state, err := c.settled(ctx, tenant)
	if len(lives) == 1 {
		writes = running.writes()
	}
	return state, writes, err
}

func (c *campaign) rotationOfTwo() ([]string, error) {
	ctx := c.Context()
	tenant, err := c.installed(ctx)
	if tenant != nil {
		defer c.clear(tenant.Namespace)
	}
	if err != nil {
		return nil, err
	}
	for range 2 {
		running, err := spawn(c.T, child{Namespace: tenant.Namespace, WithoutWaits: true})
		if err != nil {
			return nil, err
		}
		defer running.kill()
	}
	if err := world.Annotate(ctx, tenant, map[string]string{v1alpha1.AnnotationRotate: rotateAll}); err != nil {
		return nil, err
	}
	if err := world.Await(ctx, tenant, caseDeadline, isRotated); err != nil {
		return nil, err
	}
	return c.settled(ctx, tenant)
}
