// Package apply brings desired objects to the cluster by server-side apply, under one
// field manager. It sends nothing when nothing differs, never takes over an object
// that belongs to someone else, and says what it changed.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Verb is what was done to an object.
type Verb string

// The verbs. Restored means that somebody had changed a field of ours by hand.
const (
	Created  Verb = "Created"
	Updated  Verb = "Updated"
	Restored Verb = "Restored"
	Deleted  Verb = "Deleted"
)

// Change is one write that was made.
type Change struct {
	Verb Verb
	Kind string
	Name string
	// Field is the first field that differed, for Restored.
	Field string
}

// Applier applies under one field manager. It is safe for many goroutines.
type Applier struct {
	// Manager is the field manager of every write.
	Manager string
	// Live reads past every cache: it guards the creation of an object that a lagging
	// cache does not show.
	Live client.Reader

	mu   sync.Mutex
	sent map[types.UID]sent
}

// sent remembers the outcome of the last apply, so that a value which the API
// server normalised, or a field that another manager insists on, is not sent again
// until the object changes.
type sent struct{ digest, resourceVersion string }

// Apply brings each object to the cluster, in order. The objects carry their controller
// in ownerReferences; reasonConflict is the reason of the Terminal fault for a
// name that somebody else's object has.
func (a *Applier) Apply(ctx context.Context, c client.Client, reasonConflict string, objects ...client.Object) ([]Change, error) {
	var changes []Change
	for _, object := range objects {
		change, err := a.one(ctx, c, reasonConflict, object)
		if err != nil {
			return changes, err
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes, nil
}

func (a *Applier) one(ctx context.Context, c client.Client, reasonConflict string, object client.Object) (*Change, error) {
	gvk, err := apiutil.GVKForObject(object, c.Scheme())
	if err != nil {
		return nil, err
	}
	want, digest, err := prepare(object, gvk)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", gvk.Kind, object.GetName(), err)
	}
	live, err := a.read(ctx, c, gvk, client.ObjectKeyFromObject(object))
	if err != nil {
		return nil, err
	}
	change := Change{Verb: Created, Kind: gvk.Kind, Name: object.GetName()}
	if live != nil {
		owner := metav1.GetControllerOf(object)
		if current := metav1.GetControllerOf(live); owner != nil && (current == nil || current.UID != owner.UID) {
			return nil, fault.Terminal(reasonConflict, "%s %s/%s exists and belongs to someone else: delete or rename it, or rename this %s",
				gvk.Kind, object.GetNamespace(), object.GetName(), owner.Kind)
		}
		if live.GetDeletionTimestamp() != nil {
			return nil, fault.Waiting(reasonDeleting, "%s %s/%s is being deleted: it is made anew once it is gone", gvk.Kind, object.GetNamespace(), object.GetName())
		}
		change.Field = difference(want, live, gvk)
		sameAsSent := live.GetAnnotations()[tenant.AnnotationApplied] == digest
		if sameAsSent && (change.Field == "" || a.settled(live, digest)) {
			return nil, nil
		}
		change.Verb = Updated
		if sameAsSent {
			change.Verb = Restored
		}
	}
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(want), client.FieldOwner(a.Manager), client.ForceOwnership); err != nil {
		if apierrors.IsInvalid(err) {
			// Sending it again changes nothing: a person has to change what it was made of.
			return nil, fault.Terminal(reasonInvalidSpec, "the API server refuses %s %s/%s: %v", gvk.Kind, object.GetNamespace(), object.GetName(), err)
		}
		return nil, fmt.Errorf("apply %s %s/%s: %w", gvk.Kind, object.GetNamespace(), object.GetName(), err)
	}
	a.remember(want, digest)
	return &change, nil
}

// Equal to v1alpha1.ReasonDeleting and v1alpha1.ReasonInvalidSpec; this package does not know the API.
const (
	reasonDeleting    = "Deleting"
	reasonInvalidSpec = "InvalidSpec"
)

// prepare gives what is sent: without status and nulls, with the digest of itself.
func prepare(object client.Object, gvk schema.GroupVersionKind) (*unstructured.Unstructured, string, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, "", err
	}
	dropNulls(content)
	delete(content, "status")
	want := &unstructured.Unstructured{Object: content}
	want.SetGroupVersionKind(gvk)
	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
	sayNothingIsAdmitted(content, gvk)
	encoded, err := json.Marshal(content) // sorts keys
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(encoded)
	digest := hex.EncodeToString(sum[:8])
	annotations := want.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[tenant.AnnotationApplied] = digest
	want.SetAnnotations(annotations)
	return want, digest, nil
}

// sayNothingIsAdmitted writes the empty lists of a NetworkPolicy's rules out: a field that
// nobody says belongs to whoever writes a rule into it, and there it would stay.
func sayNothingIsAdmitted(content map[string]any, gvk schema.GroupVersionKind) {
	spec, ok := content["spec"].(map[string]any)
	if gvk.Kind != "NetworkPolicy" || !ok {
		return
	}
	for _, direction := range []string{"ingress", "egress"} {
		if _, said := spec[direction]; !said {
			spec[direction] = []any{}
		}
	}
}

func dropNulls(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			if item == nil {
				delete(value, key)
				continue
			}
			dropNulls(item)
		}
	case []any:
		for _, item := range value {
			dropNulls(item)
		}
	}
}

// read gives the object as the cache holds it, and asks the API server itself before
// it says that there is none.
func (a *Applier) read(ctx context.Context, c client.Client, gvk schema.GroupVersionKind, key client.ObjectKey) (client.Object, error) {
	for _, reader := range []client.Reader{c, a.Live} {
		live, err := empty(c.Scheme(), gvk)
		if err != nil {
			return nil, err
		}
		err = reader.Get(ctx, key, live, client.UnsafeDisableDeepCopy) // it is only compared
		if err == nil {
			return live, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read %s %s: %w", gvk.Kind, key, err)
		}
	}
	return nil, nil
}

// empty gives what an object is read into: only the metadata of a Secret, whose
// payload is immutable and stays out of caches.
func empty(scheme *runtime.Scheme, gvk schema.GroupVersionKind) (client.Object, error) {
	if gvk == corev1.SchemeGroupVersion.WithKind("Secret") {
		metadata := &metav1.PartialObjectMetadata{}
		metadata.SetGroupVersionKind(gvk)
		return metadata, nil
	}
	object, err := scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	return object.(client.Object), nil
}

func difference(want *unstructured.Unstructured, live client.Object, gvk schema.GroupVersionKind) string {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return "metadata"
	}
	for _, key := range sortedKeys(want.Object) {
		_, metadataOnly := live.(*metav1.PartialObjectMetadata)
		if key == "apiVersion" || key == "kind" || metadataOnly && key != "metadata" {
			continue
		}
		if found := firstDifference(want.Object[key], content[key], key); found != "" {
			return found
		}
	}
	return ""
}

func (a *Applier) settled(live client.Object, digest string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent[live.GetUID()] == sent{digest, live.GetResourceVersion()}
}

func (a *Applier) remember(applied *unstructured.Unstructured, digest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent == nil {
		a.sent = map[types.UID]sent{}
	}
	a.sent[applied.GetUID()] = sent{digest, applied.GetResourceVersion()}
}

// Forget drops what is remembered of objects that are gone.
func (a *Applier) Forget(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sent, uid)
}
