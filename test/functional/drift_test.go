package functional

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// change is what somebody does to an object by hand.
type change struct {
	pointer string // RFC 6901
	value   any
	// field is how the event calls it.
	field string
}

// changes are, by kind, what weakens an object most. A kind that is not here fails the test, so that a new child is not
// forgotten. Secrets are immutable: only their labels can be changed.
var changes = map[string][]change{
	"Service":          {{"/spec/selector/team", "other", "spec.selector"}, {"/spec/ports/0/targetPort", 1, "spec.ports"}},
	"ServiceAccount":   {{"/automountServiceAccountToken", true, "automountServiceAccountToken"}},
	"ConfigMap":        {{"/data/ca.crt", "of somebody else", "data.ca.crt"}},
	"Secret":           {{"/metadata/labels/app.kubernetes.io~1managed-by", "somebody", "metadata.labels.app.kubernetes.io/managed-by"}},
	"StatefulSet":      {{"/spec/template/spec/containers/0/image", "registry.example/other:latest", "spec.template.spec.containers"}},
	"Ingress":          {{"/spec/rules/0/host", "other.example", "spec.rules"}},
	"HTTPRoute":        {{"/spec/hostnames", []string{"other.example"}, "spec.hostnames"}},
	"BackendTLSPolicy": {{"/spec/validation/hostname", "other.example", "spec.validation.hostname"}},
	"NetworkPolicy": {
		{"/spec/ingress", []any{map[string]any{}}, "spec.ingress"}, {"/spec/egress", []any{map[string]any{}}, "spec.egress"},
		{"/spec/podSelector/matchLabels/team", "other", "spec.podSelector"},
	},
	"PodDisruptionBudget": {{"/spec/maxUnavailable", "100%", "spec.maxUnavailable"}},
	"Keystore":            {{"/spec/deletionPolicy", "Delete", "spec.deletionPolicy"}},
	"Certificate":         {{"/spec/revisionHistoryLimit", 9, "spec.revisionHistoryLimit"}},
}

// changesByName are those of objects that have nothing of what others of their kind have.
var changesByName = map[string][]change{
	"ConfigMap acme-schema": {{"/data/image", "registry.example/other:latest", "data.image"}},
}

// TestDriftIsPutBack changes fields of each child by hand, then deletes it. Nobody asks the operator to look.
func TestDriftIsPutBack(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, economical(), ns)
	tenant := ready(t, furnish(t, ns))
	changed, deleted := 0, 0
	kinds := map[string]bool{}
	children := family(t, tenant)
	for _, child := range children {
		kinds[child.GetKind()] = true
		wanted, ok := changesByName[name(child)]
		if !ok {
			wanted, ok = changes[child.GetKind()]
		}
		if !ok {
			t.Errorf("%s: this test does not know which field of it to change", name(child))
		}
		for _, change := range wanted {
			alter(t, child, change)
			changed++
		}
	}
	if err := world.AwaitReady(t.Context(), tenant, 2*readyDeadline); err != nil {
		t.Fatal(err)
	}
	for _, child := range family(t, tenant) {
		remove(t, child)
		deleted++
		if err := world.AwaitReady(t.Context(), tenant, 2*readyDeadline); err != nil {
			t.Fatalf("after %s was deleted: %v", name(child), err)
		}
	}
	t.Logf("%d children of %d kinds: %d fields changed by hand and put back, %d objects deleted and made anew, each with an event", len(children), len(kinds), changed, deleted)
	if len(children) < 20 {
		t.Errorf("only %d children: the test looked in the wrong place", len(children))
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

// alter changes a field and wants it back, with an event that names object and field.
func alter(t *testing.T, child unstructured.Unstructured, change change) {
	t.Helper()
	before, had := at(child.Object, change.pointer)
	operation := "replace"
	if !had {
		operation = "add"
	}
	patch, err := json.Marshal([]map[string]any{{"op": operation, "path": change.pointer, "value": change.value}})
	if err != nil {
		t.Fatal(err)
	}
	if err := world.Admin.Patch(t.Context(), child.DeepCopy(), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		t.Errorf("change %s of %s: %v", change.pointer, name(child), err)
		return
	}
	eventually(t, fmt.Sprintf("%s of %s to be put back", change.pointer, name(child)), func() bool {
		now := fresh(t, child)
		if now == nil {
			return false
		}
		value, has := at(now.Object, change.pointer)
		return has == had && fmt.Sprint(value) == fmt.Sprint(before)
	})
	told(t, child, v1alpha1.EventRestored, change.field)
}

// remove deletes a child and wants another in its place, with an event that names it.
func remove(t *testing.T, child unstructured.Unstructured) {
	t.Helper()
	if err := world.Admin.Delete(t.Context(), child.DeepCopy()); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	eventually(t, name(child)+" to be made anew", func() bool {
		now := fresh(t, child)
		return now != nil && now.GetUID() != child.GetUID() && now.GetDeletionTimestamp() == nil
	})
	told(t, child, v1alpha1.EventCreated, "")
}

// told waits for an event about a child on its controller.
func told(t *testing.T, child unstructured.Unstructured, reason, field string) {
	t.Helper()
	owner := metav1.GetControllerOf(&child)
	eventually(t, fmt.Sprintf("an event %s on %s %s that names %s and %q", reason, owner.Kind, owner.Name, name(child), field), func() bool {
		var all eventsv1.EventList
		if err := world.Admin.List(t.Context(), &all, client.InNamespace(child.GetNamespace())); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(all.Items, func(event eventsv1.Event) bool {
			return event.Reason == reason && event.Regarding.Kind == owner.Kind && event.Regarding.Name == owner.Name &&
				strings.Contains(strings.ReplaceAll(event.Note, ",", " ")+" ", name(child)+" ") && strings.Contains(event.Note, field)
		})
	})
}

// family lists the tenant's children and those of its Keystores. The finished schema Job and what it read are no part of
// it: their proof stands in their place, and a Job that is gone is not run again.
func family(t *testing.T, tenant *v1alpha1.IdentityTenant) []unstructured.Unstructured {
	t.Helper()
	all := everything(t, tenant.Namespace)
	parents := []types.UID{tenant.UID}
	for _, object := range all {
		if owner := metav1.GetControllerOf(&object); object.GetKind() == "Keystore" && owner != nil && owner.UID == tenant.UID {
			parents = append(parents, object.GetUID())
		}
	}
	return slices.DeleteFunc(all, func(object unstructured.Unstructured) bool {
		owner := metav1.GetControllerOf(&object)
		return owner == nil || !slices.Contains(parents, owner.UID) || object.GetKind() == "Job" ||
			strings.HasPrefix(object.GetName(), tenant.Name+"-schema-") // its Secret and its script
	})
}

func name(object unstructured.Unstructured) string { return object.GetKind() + " " + object.GetName() }

// fresh reads an object again, nil when it is gone.
func fresh(t *testing.T, object unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	now := object.DeepCopy()
	err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(now), now)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// at gives what a JSON pointer points to.
func at(value any, pointer string) (any, bool) {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.ReplaceAll(step, "~1", "/")
		switch within := value.(type) {
		case map[string]any:
			found, ok := within[step]
			if !ok {
				return nil, false
			}
			value = found
		case []any:
			value = within[0] // no pointer of this test goes past the first
		default:
			return nil, false
		}
	}
	return value, true
}

// listable gives every namespaced kind that the API server can list.
func listable() ([]schema.GroupVersionKind, error) {
	client, err := discovery.NewDiscoveryClientForConfig(world.Plane.Config())
	if err != nil {
		return nil, err
	}
	lists, err := client.ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupVersionKind
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if slices.Contains(resource.Verbs, "list") && !strings.Contains(resource.Name, "/") {
				kinds = append(kinds, version.WithKind(resource.Kind))
			}
		}
	}
	return kinds, nil
}
