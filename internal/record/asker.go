package record

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// Asker is the field manager that set the annotation iam.holdfast.dev/rotate, of several the one that wrote last. Empty: nobody
// knows, or the annotation asks for something else than the token by now. The object is read past the cache, which does not keep
// who wrote what.
func Asker(object metav1.Object, token string) (manager string) {
	if words := strings.Fields(object.GetAnnotations()[v1alpha1.AnnotationRotate]); len(words) == 0 || words[0] != token {
		return ""
	}
	var last time.Time
	for _, managed := range object.GetManagedFields() {
		var fields struct {
			Metadata struct {
				Annotations map[string]json.RawMessage `json:"f:annotations"`
			} `json:"f:metadata"`
		}
		if managed.FieldsV1 == nil || json.Unmarshal(managed.FieldsV1.GetRawBytes(), &fields) != nil || fields.Metadata.Annotations["f:"+v1alpha1.AnnotationRotate] == nil {
			continue
		}
		at := time.Time{}
		if managed.Time != nil {
			at = managed.Time.Time
		}
		if manager == "" || at.After(last) {
			manager, last = managed.Manager, at
		}
	}
	return manager
}
