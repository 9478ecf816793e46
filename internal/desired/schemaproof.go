package desired

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Keys of the schema's proof.
const (
	keyImage   = "image"
	keyHadData = "hadData"
)

// SchemaProofConfigMap keeps the proof that the schema stands after its Job is gone.
func SchemaProofConfigMap(want tenant.Spec, proof tenant.SchemaProof) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   typeOf(corev1.SchemeGroupVersion, "ConfigMap"),
		ObjectMeta: object(want, want.SchemaProofName(), tenant.ComponentSchema),
		Data:       map[string]string{keyImage: proof.Image, keyHadData: strconv.FormatBool(proof.HadData)},
	}
}

// SchemaProof reads what SchemaProofConfigMap wrote. A Terminal fault says that somebody
// changed it: whether a database held data before must never be guessed, because a data
// key is not generated for one that did.
func SchemaProof(kept corev1.ConfigMap) (tenant.SchemaProof, error) {
	hadData, err := strconv.ParseBool(kept.Data[keyHadData])
	if err != nil || kept.Data[keyImage] == "" {
		return tenant.SchemaProof{}, fault.Terminal(reasonInvalidSpec,
			"ConfigMap %s is not the proof that was written: delete it, and the schema Job looks at the database again", kept.Name)
	}
	return tenant.SchemaProof{Image: kept.Data[keyImage], HadData: hadData}, nil
}
