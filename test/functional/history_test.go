package functional

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// history is every object that ever was, of every kind that lives in namespaces: what was
// made and removed again between two looks is in it too. It watches as an administrator,
// and not through the operator.
type history struct {
	mu      sync.Mutex
	objects map[string]map[types.UID]*record // by namespace
	broken  error
}

// record is one object of the history.
type record struct {
	name       string // its kind and name, without what differs between runs
	generation int64
	owned      bool
	gone       bool
	born       uint64 // the resource version that it was made with
	// scratch is a key that cert-manager makes for a request, and takes away with it. It makes another
	// one whenever its cache does not show the first yet.
	scratch bool
}

// notOurs are kinds that others write as they like: heartbeats, messages, and copies of
// the addresses of pods.
var notOurs = []string{"Event", "Lease", "Endpoints", "EndpointSlice"}

// observe begins a history that goes on until the test ends.
func observe(t *testing.T) *history {
	t.Helper()
	found, err := discovery.NewDiscoveryClientForConfigOrDie(world.Plane.Config()).ServerPreferredNamespacedResources()
	if err != nil {
		t.Fatal(err)
	}
	h := &history{objects: map[string]map[types.UID]*record{}}
	for _, list := range found {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if slices.Contains(resource.Verbs, "watch") && !slices.Contains(notOurs, resource.Kind) {
				h.follow(t, version.WithKind(resource.Kind))
			}
		}
	}
	return h
}

func (h *history) follow(t *testing.T, kind schema.GroupVersionKind) {
	t.Helper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	// Until the test ends, its clean-up included.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	// The API server ends a watch after a while: this one goes on from where it was.
	if err := world.Admin.List(ctx, list, client.Limit(1)); err != nil {
		t.Fatalf("list %s: %v", kind.Kind, err)
	}
	watched, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), watcher(func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		return world.Admin.Watch(ctx, list.DeepCopy(), &client.ListOptions{Raw: &options})
	}))
	if err != nil {
		t.Fatalf("watch %s: %v", kind.Kind, err)
	}
	go func() {
		for event := range watched.ResultChan() {
			h.note(kind.Kind, event)
		}
		if ctx.Err() == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.broken = fmt.Errorf("the watch of %s ended: the history has a gap", kind.Kind)
		}
	}()
}

// watcher begins a watch as it is asked to.
type watcher func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)

// WatchWithContext implements cache.WatcherWithContext.
func (w watcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return w(ctx, options)
}

func (h *history) note(kind string, event watch.Event) {
	object, ok := event.Object.(client.Object)
	if !ok || event.Type == watch.Error || event.Type == watch.Bookmark {
		return // the channel is closed next
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.objects[object.GetNamespace()]
	if known == nil {
		known = map[types.UID]*record{}
		h.objects[object.GetNamespace()] = known
	}
	born, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		h.broken = fmt.Errorf("the resource version of %s %s: %w", kind, object.GetName(), err)
	}
	if earlier := known[object.GetUID()]; earlier != nil {
		born = earlier.born
	}
	known[object.GetUID()] = &record{
		name: kind + " " + anonymous(kind, object), generation: object.GetGeneration(),
		owned: len(object.GetOwnerReferences()) > 0, gone: event.Type == watch.Deleted, born: born,
		scratch: object.GetLabels()[cmv1.IsNextPrivateKeySecretLabelKey] == "true",
	}
}

// hash is the end that a StatefulSet gives the names of its revisions.
var hash = regexp.MustCompile(`-[0-9a-z]+$`)

// anonymous is a name without what differs between runs.
func anonymous(kind string, object client.Object) string {
	switch {
	case object.GetGenerateName() != "":
		return digest.ReplaceAllString(object.GetGenerateName(), "-*") + "*"
	case kind == "ControllerRevision":
		return hash.ReplaceAllString(object.GetName(), "-*")
	}
	return digest.ReplaceAllString(object.GetName(), "-*")
}

// state tells of each name in a namespace how many objects ever had it, how many are left,
// whether something owns them, and how often their spec was changed.
func (h *history) state(namespace string) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	type tally struct {
		made, left, owned int
		generation        int64
	}
	tallies := map[string]tally{}
	for _, object := range h.objects[namespace] {
		if object.scratch && object.gone {
			continue
		}
		t := tallies[object.name]
		t.made++
		t.generation = max(t.generation, object.generation)
		if !object.gone {
			t.left++
		}
		if object.owned {
			t.owned++
		}
		tallies[object.name] = t
	}
	var lines []string
	for name, t := range tallies {
		lines = append(lines, fmt.Sprintf("%s: %d made, %d left, %d owned, generation %d", name, t.made, t.left, t.owned, t.generation))
	}
	slices.Sort(lines)
	return lines, h.broken
}

// doorsFirst tells whether each NetworkPolicy of a namespace is older than its first pod.
func (h *history) doorsFirst(namespace string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lastPolicy, firstPod uint64
	for _, object := range h.objects[namespace] {
		switch kind, _, _ := strings.Cut(object.name, " "); {
		case kind == "NetworkPolicy":
			lastPolicy = max(lastPolicy, object.born)
		case kind == "Pod" && (firstPod == 0 || object.born < firstPod):
			firstPod = object.born
		}
	}
	return lastPolicy > 0 && lastPolicy < firstPod
}

// issuedTwice tells whether cert-manager signed more often than it was asked to, with no
// Certificate that anybody changed; asked is how often it was asked for another one. Under load it sometimes does: it looks for the Secret
// that it has just made in a cache that does not have it yet.
func (h *history) issuedTwice(namespace string, asked int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	surplus := -asked
	for _, object := range h.objects[namespace] {
		switch kind, _, _ := strings.Cut(object.name, " "); kind {
		case "CertificateRequest":
			surplus++
		case "Certificate":
			surplus--
			if object.generation > 1 {
				return false
			}
		}
	}
	return surplus > 0
}
