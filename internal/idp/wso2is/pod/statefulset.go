package pod

import (
	"maps"
	"math"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// HeldPartition is the partition of a rollout that waits for its window: no ordinal
// reaches it, so that the newest template is applied and no pod is replaced.
const HeldPartition int32 = math.MaxInt32

const reasonDependencyNotReady = "DependencyNotReady"

// StatefulSet runs the server. config names the Secret that holds the files of
// Driver.Config. Faults: Waiting while the facts do not name every Secret yet.
func StatefulSet(want tenant.Spec, seen tenant.Facts, config string) (*appsv1.StatefulSet, error) {
	if err := complete(want, seen, config); err != nil {
		return nil, err
	}
	set := &appsv1.StatefulSet{
		TypeMeta: metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       want.Namespace,
			Name:            want.StatefulSetName(),
			Labels:          want.Labels(tenant.ComponentServer),
			OwnerReferences: []metav1.OwnerReference{want.Owner},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas:    want.Replicas,
			ServiceName: want.HeadlessServiceName(),
			Selector:    &metav1.LabelSelector{MatchLabels: want.ServerSelector()},
			// One after the other: the first start writes administrator, applications and
			// registry into an empty database, and two that do so at once collide.
			PodManagementPolicy: appsv1.OrderedReadyPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(partition(want))},
			},
			RevisionHistoryLimit: new(int32(3)),
			Template:             template(want, seen, config),
		},
	}
	return set, nil
}

func partition(want tenant.Spec) int32 {
	if want.WindowOpen {
		return 0
	}
	return HeldPartition
}

func complete(want tenant.Spec, seen tenant.Facts, config string) error {
	if config == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's configuration is not named yet")
	}
	if seen.Credentials == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's credentials does not exist yet")
	}
	for _, role := range layout.Roles(want.Version) {
		if seen.Keystores[role].SecretName == "" {
			return fault.Waiting(reasonDependencyNotReady, "Keystore %s has no usable version yet", want.KeystoreName(role))
		}
	}
	return nil
}

func template(want tenant.Spec, seen tenant.Facts, config string) corev1.PodTemplateSpec {
	labels := want.Labels(tenant.ComponentServer)
	maps.Copy(labels, want.ServerSelector())
	spec := corev1.PodSpec{
		ServiceAccountName: want.ServiceAccountName(),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsUser:           new(layout.UserID),
			RunAsGroup:          new(layout.UserID),
			FSGroup:             new(layout.UserID),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
		},
		InitContainers:                []corev1.Container{homeContainer(want), prepareContainer(want, seen)},
		Containers:                    []corev1.Container{serverContainer(want, seen)},
		Volumes:                       volumes(want, seen, config),
		TerminationGracePeriodSeconds: new(int64(graceSeconds)),
	}
	schedule(&spec, want)
	podsecurity.Harden(&spec)
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

// schedule spreads the pods over nodes and zones where it can: a cluster with one
// node still gets all of them.
func schedule(spec *corev1.PodSpec, want tenant.Spec) {
	spec.NodeSelector = maps.Clone(want.Scheduling.NodeSelector)
	spec.Tolerations = slices.Clone(want.Scheduling.Tolerations)
	spec.PriorityClassName = want.Scheduling.PriorityClassName
	for _, name := range want.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
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

// environment is what deployment.toml refers to; the init container that renders has
// the same.
func environment(want tenant.Spec, seen tenant.Facts) []corev1.EnvVar {
	all := []corev1.EnvVar{{Name: layout.EnvPodIP, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"},
	}}}
	for _, key := range layout.CredentialKeys(want) {
		all = append(all, fromSecret(key, seen.Credentials, key))
	}
	for _, role := range layout.Roles(want.Version) {
		all = append(all, fromSecret(layout.EnvStorePassword(role), seen.Keystores[role].SecretName, layout.PasswordKey))
	}
	slices.SortFunc(all, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func fromSecret(variable, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key,
	}}}
}
