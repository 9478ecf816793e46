package desired

import (
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Around is everything around a tenant's pods, the pods' own objects last.
type Around struct {
	Objects []client.Object
	// Config names the immutable Secret that holds the server's files.
	Config string
	// Revision names all that the pods read.
	Revision string
}

// Workload builds what runs the server. The facts name the keystore versions and the
// credentials; the revision is completed here and written into the pod template.
func Workload(driver idp.Driver, want tenant.Spec, seen tenant.Facts) (Around, error) {
	files, err := driver.Config(want, seen)
	if err != nil {
		return Around{}, err
	}
	config := ConfigSecret(want, files)
	built, err := driver.Workload(want, seen, config.Name)
	if err != nil {
		return Around{}, err
	}
	around := Around{Config: config.Name}
	for _, object := range built {
		if set, ok := object.(*appsv1.StatefulSet); ok {
			if set.Spec.Template.Annotations == nil {
				set.Spec.Template.Annotations = map[string]string{}
			}
			if want.Rotated != "" {
				set.Spec.Template.Annotations[tenant.AnnotationRotated] = want.Rotated
			}
			around.Revision = Revision(set.Spec.Template)
			set.Spec.Template.Annotations[tenant.AnnotationRevision] = around.Revision
		}
	}
	shape := driver.Shape(want)
	trust, err := TrustConfigMap(want, seen)
	if err != nil {
		return Around{}, err
	}
	exposure, err := Exposure(want, shape)
	if err != nil {
		return Around{}, err
	}
	objects := ServiceAccount(want)
	objects = append(objects, Services(want, shape)...)
	objects = append(objects, PodDisruptionBudget(want)...)
	objects = append(objects, trust...)
	objects = append(objects, config)
	objects = append(objects, exposure...)
	around.Objects = append(objects, built...)
	return around, nil
}
