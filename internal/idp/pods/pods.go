// Package pods has what the pods of every product have in common: the StatefulSet around
// them, where they are placed, and how they hold files and secrets. It is pure.
package pods

import (
	"maps"
	"math"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// HeldPartition is the partition of a rollout that waits for its window: no ordinal
// reaches it, so that the newest template is applied and no pod is replaced.
const HeldPartition int32 = math.MaxInt32

// Readable by the group of the pod, and by nobody else: the mode of mounted secrets.
const Readable int32 = 0o440

// reasonDependencyNotReady is the word of api/v1alpha1, which this package cannot import.
const reasonDependencyNotReady = "DependencyNotReady"

// Ready waits for all Secrets that a server's pods mount: config has the files of
// Driver.Config, and the stores are those of the roles. Faults: Waiting while the facts do
// not name one of them.
func Ready(want tenant.Spec, seen tenant.Facts, config string, roles []tenant.KeystoreRole) error {
	if config == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's configuration is not named yet")
	}
	if seen.Credentials == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's credentials does not exist yet")
	}
	for _, role := range roles {
		if seen.Keystores[role].SecretName == "" {
			return noVersion(want, role)
		}
	}
	return nil
}

func noVersion(want tenant.Spec, role tenant.KeystoreRole) error {
	return fault.Waiting(reasonDependencyNotReady, "Keystore %s has no usable version yet", want.KeystoreName(role))
}

// StatefulSet runs the template, one pod after the other: the first start writes into an
// empty database, and two that do so at once collide.
func StatefulSet(want tenant.Spec, template corev1.PodTemplateSpec) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{
		TypeMeta: metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       want.Namespace,
			Name:            want.StatefulSetName(),
			Labels:          want.Labels(tenant.ComponentServer),
			OwnerReferences: []metav1.OwnerReference{want.Owner},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas:            want.Replicas,
			ServiceName:         want.HeadlessServiceName(),
			Selector:            &metav1.LabelSelector{MatchLabels: want.ServerSelector()},
			PodManagementPolicy: appsv1.OrderedReadyPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(partition(want))},
			},
			RevisionHistoryLimit: new(int32(3)),
			Template:             template,
		},
	}
}

func partition(want tenant.Spec) int32 {
	if want.WindowOpen {
		return 0
	}
	return HeldPartition
}

// User runs a pod as a user and a group of the same number.
func User(id int64) *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsUser:           new(id),
		RunAsGroup:          new(id),
		FSGroup:             new(id),
		FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
	}
}

// Labelled gives a pod of the server its labels, and the revision and version that it is of.
func Labelled(want tenant.Spec, seen tenant.Facts, spec corev1.PodSpec) corev1.PodTemplateSpec {
	labels := want.Labels(tenant.ComponentServer)
	maps.Copy(labels, want.ServerSelector())
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels: labels,
			Annotations: map[string]string{
				tenant.AnnotationRevision:       seen.DesiredRevision,
				tenant.AnnotationProductVersion: want.Version.String(),
			},
		},
		Spec: spec,
	}
}

// Place puts a pod where the tenant wants its pods.
func Place(spec *corev1.PodSpec, want tenant.Spec) {
	spec.NodeSelector = maps.Clone(want.Scheduling.NodeSelector)
	spec.Tolerations = slices.Clone(want.Scheduling.Tolerations)
	spec.PriorityClassName = want.Scheduling.PriorityClassName
	for _, name := range want.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
}

// Spread keeps the server's pods on different nodes and zones where it can: a cluster with
// one node still gets all of them.
func Spread(spec *corev1.PodSpec, want tenant.Spec) {
	selector := &metav1.LabelSelector{MatchLabels: want.ServerSelector()}
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		spec.TopologySpreadConstraints = append(spec.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: selector.DeepCopy(),
		})
	}
	spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
			Weight:          100,
			PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: selector},
		}},
	}}
}

// PodIP is a variable with the address of the pod.
func PodIP(variable string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"},
	}}
}

// FromSecret is a variable whose value is a key of a Secret.
func FromSecret(variable, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key,
	}}}
}

// Scratch is an empty volume on the node's disk, of a size in bytes.
func Scratch(name string, size int64) corev1.Volume { return emptyDir(name, size, "") }

// InMemory is an empty volume that never reaches a disk, of a size in bytes.
func InMemory(name string, size int64) corev1.Volume {
	return emptyDir(name, size, corev1.StorageMediumMemory)
}

func emptyDir(name string, size int64, medium corev1.StorageMedium) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
		Medium: medium, SizeLimit: Bytes(size),
	}}}
}

// Bytes is an amount of memory or of disk.
func Bytes(n int64) *resource.Quantity { return resource.NewQuantity(n, resource.BinarySI) }

// Probe asks every period, in seconds.
func Probe(handler corev1.ProbeHandler, period, failures int32) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: handler, PeriodSeconds: period, FailureThreshold: failures, TimeoutSeconds: 5, SuccessThreshold: 1}
}

// Limited are the resources of a container that ends, which are no more than the server's.
func Limited(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}
