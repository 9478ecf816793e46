package record

import "github.com/holdfast-iam/holdfast/api/v1alpha1"

// Later tells whether one of the records is of a later generation of the same material of the same object. A rotation that
// others followed is not written down anew when its own record was removed: it would tell of today what was long ago.
func Later(records []v1alpha1.RotationRecord, rotation Rotation) bool {
	for i := range records {
		if spec := records[i].Spec; spec.Subject.Kind == rotation.Subject.Kind && spec.Subject.UID == rotation.Subject.UID && spec.Material == rotation.Material &&
			spec.To.Generation > rotation.To.Generation && records[i].Status.Outcome != v1alpha1.RotationFailed {
			return true
		}
	}
	return false
}
