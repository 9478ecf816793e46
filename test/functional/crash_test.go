package functional

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashVariable says where to kill: "all" is at every write and in every manner, a number at so
// many points, another text at the writes that have it in their name. Without it there is a sample, so that
// the usual run stays short.
const crashVariable = "HOLDFAST_CRASH_POINTS"

const (
	// usualPoints is how many cases the usual run takes.
	usualPoints = 5
	// lanes run side by side, since a case mostly waits.
	lanes = 3
	// attempts are made for a write that not every run makes, and for a case that
	// somebody else than the operator disturbed.
	attempts = 4
	// progressEvery is after how many cases a long campaign says how far it is.
	progressEvery = 25
	// caseDeadline bounds each wait of a case on a small, busy machine.
	caseDeadline = 2 * time.Minute
)

// manner is how a life ends at a write.
type manner string

const (
	beforeSent     manner = "before it is sent"
	afterCommitted manner = "after it was committed, before the answer"
	statusWiped    manner = "after it was committed, and every status is lost too"
)

// point is a place to be killed at.
type point struct {
	write string
	how   manner
	// then is after how many writes more the next life is killed too; 0: it is not.
	then int
}

func (p point) String() string {
	text := p.write + ", " + string(p.how)
	if p.then > 0 {
		text += fmt.Sprintf(", and again %d writes later", p.then)
	}
	return text
}

// TestACrashAtAnyWriteConverges kills the operator at each write of a first reconcile, to
// the API server and to Vault, before it is sent and after it was committed, and wants
// the end state of an undisturbed run, and nothing ever made that such a run does not make.
// Invariants 1, 4, 8, 9 and 10 (docs/invariants.md).
func TestACrashAtAnyWriteConverges(t *testing.T) {
	t.Parallel()
	campaign := &campaign{T: t, history: observe(t)}
	campaign.life = campaign.firstReconcile
	writes := campaign.learn()
	points := choose(everyPoint(writes), os.Getenv(crashVariable), usualPoints)
	t.Logf("a first reconcile makes %d different writes to the API server and Vault: the operator is killed at %d points of %d (%s=all for every one)",
		len(writes), len(points), len(everyPoint(writes)), crashVariable)
	campaign.tryAll(points)
}

// tryAll runs the cases side by side.
func (c *campaign) tryAll(points []point) {
	c.Helper()
	begin := time.Now()
	queue := make(chan point)
	var group sync.WaitGroup
	for range lanes {
		group.Go(func() {
			for p := range queue {
				c.try(p)
				if done := c.done.Add(1); done%progressEvery == 0 {
					c.Logf("%d of %d points after %s", done, len(points), time.Since(begin).Round(time.Second))
				}
			}
		})
	}
	for _, p := range points {
		queue <- p
	}
	close(queue)
	group.Wait()
	c.Logf("killed at %d points in %s; %d points were not reached in %d attempts each; %d cases were repeated since cert-manager issued a certificate twice",
		c.killed.Load(), time.Since(begin).Round(time.Second), c.missed.Load(), attempts, c.disturbed.Load())
}

var manners = []manner{beforeSent, afterCommitted, statusWiped}

func everyPoint(writes []string) []point {
	var points []point
	for _, write := range writes {
		for _, how := range manners {
			points = append(points, point{write: write, how: how})
		}
	}
	return points
}

// choose takes the points that were asked for; without a wish a few, evenly over the
// writes and all manners in turn.
func choose(points []point, asked string, usual int) []point {
	number, err := strconv.Atoi(asked)
	if err == nil && number > 0 {
		usual = min(number, len(points))
	}
	switch {
	case asked == "all":
		return points
	case asked == "" || err == nil:
		var taken []point
		for i := range usual {
			chosen := points[i*len(points)/usual]
			chosen.how = manners[i%len(manners)]
			taken = append(taken, chosen)
		}
		return taken
	}
	return slices.DeleteFunc(points, func(p point) bool { return !strings.Contains(p.write, asked) })
}
