// Package access opens namespaces one by one. The operator has no rights on Secrets,
// pods or workloads across the cluster: a RoleBinding admits it to a namespace, and
// only then are that namespace's informers started. Everybody else's namespace stays
// unread.
package access

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// reasonNotAdmitted equals v1alpha1.ReasonNamespaceNotAdmitted.
const reasonNotAdmitted = "NamespaceNotAdmitted"

// syncTimeout bounds the wait for a namespace's first lists.
const syncTimeout = 30 * time.Second

// Namespaces hands out clients for admitted namespaces.
type Namespaces struct {
	config     *rest.Config
	httpClient *http.Client
	mapper     apimeta.RESTMapper
	own        client.Client // the manager's: own kinds from its cache, the rest live
	live       client.Client
	invitation Invitation

	mu       sync.Mutex
	watches  []watch
	open     map[string]*namespace
	lifetime context.Context //nolint:containedctx // the manager's; informers end with it
}

type watch struct {
	controller controller.Controller
	object     client.Object
	handler    handler.EventHandler
}

type namespace struct {
	client client.Client
	stop   context.CancelFunc
}

// New makes Namespaces whose informers end with lifetime. own is the manager's
// client, whose cache holds this API group's kinds. The fault of a namespace that is
// not admitted carries the command of the invitation.
func New(lifetime context.Context, config *rest.Config, httpClient *http.Client, mapper apimeta.RESTMapper, own client.Client, invitation Invitation) (*Namespaces, error) {
	live, err := client.New(config, client.Options{Scheme: own.Scheme(), Mapper: mapper, HTTPClient: httpClient})
	if err != nil {
		return nil, err
	}
	return &Namespaces{config: config, httpClient: httpClient, mapper: mapper, own: own, live: live, invitation: invitation,
		open: map[string]*namespace{}, lifetime: lifetime}, nil
}

// Live reads and writes past every cache.
func (n *Namespaces) Live() client.Client { return n.live }

// Watch has c's handler called for the object's kind in every namespace that is or
// becomes admitted. Give metav1.PartialObjectMetadata for a metadata-only watch. It
// is called before the manager starts.
func (n *Namespaces) Watch(c controller.Controller, object client.Object, h handler.EventHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watches = append(n.watches, watch{c, object, h})
}

// Admit returns a client for an admitted namespace, starting its informers the first
// time. A Waiting fault, reason NamespaceNotAdmitted, says what to apply.
func (n *Namespaces) Admit(ctx context.Context, name string) (client.Client, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if found, ok := n.open[name]; ok {
		return found.client, nil
	}
	if err := n.allowed(ctx, name); err != nil {
		return nil, err
	}
	opened, err := n.start(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("start watching namespace %s: %w", name, err)
	}
	n.open[name] = opened
	return opened.client, nil
}

// Close stops a namespace's informers: nothing of ours is left there, or the
// RoleBinding is gone. The next Admit looks again.
func (n *Namespaces) Close(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if found, ok := n.open[name]; ok {
		found.stop()
		delete(n.open, name)
	}
}

// allowed asks the API server whether a RoleBinding is there, by one right that only
// the tenant role has.
func (n *Namespaces) allowed(ctx context.Context, name string) error {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: name, Verb: "watch", Group: "apps", Resource: "statefulsets"},
	}}
	if err := n.live.Create(ctx, review); err != nil {
		return fmt.Errorf("review access to namespace %s: %w", name, err)
	}
	if !review.Status.Allowed {
		return fault.Waiting(reasonNotAdmitted, "no RoleBinding admits Holdfast to namespace %s; whoever may make one there runs: %s", name, n.invitation.Command(name))
	}
	return nil
}

func (n *Namespaces) start(ctx context.Context, name string) (*namespace, error) {
	informers, err := cache.New(n.config, cache.Options{
		Scheme: n.own.Scheme(), Mapper: n.mapper, HTTPClient: n.httpClient,
		DefaultNamespaces: map[string]cache.Config{name: {}},
		DefaultTransform:  cache.TransformStripManagedFields(),
	})
	if err != nil {
		return nil, err
	}
	lifetime, stop := context.WithCancel(n.lifetime)
	watched, err := n.subscribe(ctx, informers)
	if err != nil {
		stop()
		return nil, err
	}
	go func() { _ = informers.Start(lifetime) }() // ends with lifetime, without error
	syncing, done := context.WithTimeout(ctx, syncTimeout)
	defer done()
	if !informers.WaitForCacheSync(syncing) {
		stop()
		return nil, fmt.Errorf("no first list of every kind within %s", syncTimeout)
	}
	return &namespace{client: &router{Client: n.live, own: n.own, informers: informers, watched: watched}, stop: stop}, nil
}

// subscribe starts an informer for each watched kind that this cluster serves.
func (n *Namespaces) subscribe(ctx context.Context, informers cache.Cache) ([]kindView, error) {
	var watched []kindView
	for _, w := range n.watches {
		gvk, err := apiutil.GVKForObject(w.object, n.own.Scheme())
		if err != nil {
			return nil, err
		}
		if _, err := n.mapper.RESTMapping(gvk.GroupKind(), gvk.Version); apimeta.IsNoMatchError(err) {
			continue // such as Gateway API, where it is not installed
		}
		if _, err := informers.GetInformer(ctx, w.object, cache.BlockUntilSynced(false)); err != nil {
			return nil, err
		}
		if err := w.controller.Watch(source.Kind(informers, w.object.DeepCopyObject().(client.Object), w.handler)); err != nil {
			return nil, err
		}
		_, metadataOnly := w.object.(*metav1.PartialObjectMetadata)
		if view := (kindView{gvk, metadataOnly}); !slices.Contains(watched, view) {
			watched = append(watched, view)
		}
	}
	return watched, nil
}

// kindView is a kind, as a whole or its metadata only.
type kindView struct {
	gvk          schema.GroupVersionKind
	metadataOnly bool
}

// router reads own kinds from the manager's cache, watched kinds from the namespace's
// informers, and all else from the API server. Writes go to the API server.
type router struct {
	client.Client
	own       client.Reader
	informers client.Reader
	watched   []kindView
}

func (r *router) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	reader, err := r.route(object, "")
	if err != nil {
		return err
	}
	return reader.Get(ctx, key, object, opts...)
}

func (r *router) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	reader, err := r.route(list, "List")
	if err != nil {
		return err
	}
	return reader.List(ctx, list, opts...)
}

func (r *router) route(object runtime.Object, suffix string) (client.Reader, error) {
	gvk, err := apiutil.GVKForObject(object, r.Scheme())
	if err != nil {
		return nil, err
	}
	if gvk.Group == "iam.holdfast.dev" {
		return r.own, nil
	}
	if n := len(gvk.Kind) - len(suffix); suffix != "" && n > 0 && gvk.Kind[n:] == suffix {
		gvk.Kind = gvk.Kind[:n]
	}
	metadataOnly := false
	switch object.(type) {
	case *metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList:
		metadataOnly = true
	}
	if slices.Contains(r.watched, kindView{gvk, metadataOnly}) {
		return r.informers, nil
	}
	return r.Client, nil
}
