package record_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/record"
)

func managed(manager, fields string, hour int) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Time: &metav1.Time{Time: time.Date(2027, 1, 1, hour, 0, 0, 0, time.UTC)}, FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestAskerIsWhoeverSetTheAnnotationLast(t *testing.T) {
	const sets, others = `{"f:metadata":{"f:annotations":{"f:iam.holdfast.dev/rotate":{}}}}`, `{"f:spec":{"f:iam.holdfast.dev/rotate":{}}}`
	object := &metav1.ObjectMeta{
		Annotations:   map[string]string{v1alpha1.AnnotationRotate: "one system"},
		ManagedFields: []metav1.ManagedFieldsEntry{managed("argocd", sets, 1), managed("kubectl-annotate", sets, 2), managed("helm", others, 3), managed("broken", "{", 4)},
	}
	if got := record.Asker(object, "one"); got != "kubectl-annotate" {
		t.Errorf("asked by %q", got)
	}
	if got := record.Asker(object, "two"); got != "" {
		t.Errorf("%q is said to have asked for what the annotation does not ask for", got)
	}
	object.ManagedFields = nil
	if got := record.Asker(object, "one"); got != "" {
		t.Errorf("asked by %q, of whom nothing tells", got)
	}
}
