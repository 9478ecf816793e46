package desired

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// revisionLength is how many hexadecimal digits a revision has.
const revisionLength = 10

// Revision names all that a pod reads: the image, its settings, and through their
// content-named Secrets the configuration, credentials and stores. It is a digest of the
// pod template without the annotation that carries the revision itself. It is empty,
// as for a revision that is not complete, when the template cannot be encoded.
func Revision(template corev1.PodTemplateSpec) string {
	template = *template.DeepCopy()
	delete(template.Annotations, tenant.AnnotationRevision)
	if len(template.Annotations) == 0 {
		template.Annotations = nil
	}
	encoded, err := json.Marshal(template)
	if err != nil {
		return ""
	}
	return tenant.Digest(encoded)[:revisionLength]
}
