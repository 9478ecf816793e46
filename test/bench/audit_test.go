package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// entry is a line of the API server's audit log: a finished request.
type entry struct {
	Verb       string
	RequestURI string
	UserAgent  string
	User       struct{ Username string }
	ObjectRef  struct{ Resource, Namespace, Name, APIGroup, APIVersion, Subresource string }
	Response   struct{ Code int } `json:"responseStatus"`
	Received   time.Time          `json:"requestReceivedTimestamp"`
	Finished   time.Time          `json:"stageTimestamp"`
}

// user agents of this program's own clients.
const (
	agentBench = "holdfast-bench"
	agentFloor = "holdfast-floor"
)

const operatorUser = "system:serviceaccount:" + testenv.SystemNamespace + ":" + testenv.ManagerAccount

// readAudit gives the requests about a namespace, in the order in which they ended.
func readAudit(path, namespace string) ([]entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []entry
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	quoted := []byte(`"` + namespace + `"`)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), quoted) {
			continue
		}
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the last line, half written
		}
		if e.ObjectRef.Namespace == namespace {
			found = append(found, e)
		}
	}
	return found, lines.Err()
}

// actor names who sent a request.
func (e entry) actor() string {
	if e.User.Username == operatorUser {
		return "holdfast"
	}
	program, _, _ := strings.Cut(e.UserAgent, "/")
	if strings.HasPrefix(program, "cert-manager") {
		return "cert-manager"
	}
	return program
}

// writes tells whether a request changed something. Reviews, tokens and leases are none.
func (e entry) writes() bool {
	if e.Response.Code >= 400 || e.ObjectRef.Subresource == "token" || e.ObjectRef.Resource == "leases" || strings.HasSuffix(e.ObjectRef.Resource, "reviews") {
		return false
	}
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb)
}

func (e entry) isEvent() bool { return e.ObjectRef.Resource == "events" }

// creates tells whether a request made an object.
func (e entry) creates() bool {
	return e.writes() && !e.isEvent() && e.Response.Code == 201 && e.ObjectRef.Subresource == ""
}

// sort names what kind of write of ours a request is.
func (e entry) sort() string {
	switch {
	case e.isEvent():
		return "events"
	case e.creates():
		return "children"
	case e.ObjectRef.Subresource == "status":
		return "status of " + e.ObjectRef.Resource
	case e.Verb == "patch" && e.ObjectRef.APIGroup == "iam.holdfast.dev" && !strings.Contains(e.RequestURI, "force=true"):
		return "finalizer of " + e.ObjectRef.Resource
	case e.Verb == "patch":
		return "children applied again"
	}
	return e.Verb + " " + e.ObjectRef.Resource
}

// tally is what an audit log tells of one namespace.
type tally struct {
	ours    map[string]int // our writes, by sort
	others  map[string]int // everybody's writes but events, by actor
	events  map[string]int // everybody's events, by actor
	reads   int            // ours
	refused int            // our requests that were answered with an error
	made    []entry        // our creations, in order
	elapsed time.Duration  // from the first tenant's creation to our last creation
}

// begin is when the first tenant was created.
func begin(entries []entry) (first time.Time) {
	for _, e := range entries {
		if e.creates() && e.ObjectRef.Resource == "identitytenants" && (first.IsZero() || e.Received.Before(first)) {
			first = e.Received
		}
	}
	return first
}

func count(entries []entry, creator string) tally {
	t := tally{ours: map[string]int{}, others: map[string]int{}, events: map[string]int{}}
	first, last := begin(entries), time.Time{}
	for _, e := range entries {
		ours := e.actor() == creator
		if e.Received.Before(first) {
			continue // the namespace was being prepared
		}
		if ours && e.creates() {
			t.made = append(t.made, e)
			if e.Finished.After(last) {
				last = e.Finished
			}
		}
		switch {
		case ours && e.Response.Code >= 400 && e.Response.Code != 404:
			t.refused++
		case ours && e.writes():
			t.ours[e.sort()]++
		case ours:
			t.reads++
		}
		switch {
		case !e.writes():
		case e.isEvent():
			t.events[e.actor()]++
		default:
			t.others[e.actor()]++
		}
	}
	t.elapsed = last.Sub(first)
	return t
}

// sum adds up, leaving out the given keys.
func sum(counts map[string]int, without ...string) (total int) {
	for key, n := range counts {
		if !slices.Contains(without, key) {
			total += n
		}
	}
	return total
}
