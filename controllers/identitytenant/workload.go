package identitytenant

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// applyWorkload brings the newest template to the cluster, always: outside the window
// its partition holds it, so that a pod that dies comes back as it was.
func (p *pass) applyWorkload(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	if p.asking {
		return fault.Waiting(v1alpha1.ReasonProgressing, "the pods stay as they are until all that rotates now did, so that there is one rollout")
	}
	live, err := p.statefulSet(ctx, want)
	if err != nil {
		return err
	}
	if want.Replicas == nil {
		// The number belongs to an autoscaler: repeating what it said last keeps it.
		want.Replicas = new(int32(tenant.DefaultReplicas))
		if live != nil && live.Spec.Replicas != nil {
			want.Replicas = live.Spec.Replicas
		}
	}
	want.OldDataKey = seen.DataKey != nil && seen.DataKey.Predecessor != 0
	around, err := p.build(ctx, want, seen, live)
	if err != nil {
		return err
	}
	p.revision = around.Revision
	before := len(p.changes)
	err = p.put(ctx, around.Objects...)
	p.announceExpiring(p.changes[before:]) // also when what comes behind the pods failed: the next pass changes them no more
	if err != nil {
		return p.explainExposure(want, err)
	}
	kinds := []client.ObjectList{&corev1.ServiceAccountList{}, &corev1.ServiceList{}, &policyv1.PodDisruptionBudgetList{}, &appsv1.StatefulSetList{}, &networkingv1.IngressList{}}
	if p.servesGateway() {
		kinds = append(kinds, &gatewayv1.HTTPRouteList{}, &gatewayv1.BackendTLSPolicyList{})
	}
	if err := p.prune(ctx, want, around.Objects, kinds...); err != nil {
		return err
	}
	if err := p.unblock(ctx, want); err != nil {
		return err
	}
	return p.collect(ctx, want, around.Config, seen.Credentials)
}

func (p *pass) servesGateway() bool {
	_, err := p.client.RESTMapper().RESTMapping(schema.GroupKind{Group: gatewayv1.GroupName, Kind: "HTTPRoute"}, gatewayv1.GroupVersion.Version)
	return err == nil
}

// explainExposure says what to do about a Gateway in a cluster without Gateway API.
func (p *pass) explainExposure(want tenant.Spec, err error) error {
	gateway := want.Exposure.Public != nil && len(want.Exposure.Public.Gateways) > 0 || want.Exposure.Admin != nil && len(want.Exposure.Admin.Gateways) > 0
	if gateway && apimeta.IsNoMatchError(err) {
		return fault.Waiting(v1alpha1.ReasonNotFound, "spec.exposure names a Gateway, but this cluster has no Gateway API: install its CRDs, or use ingress")
	}
	return err
}

// observeWorkload counts pods and tells which revision serves.
func (p *pass) observeWorkload(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	seen.DesiredRevision = p.revision
	set, err := p.statefulSet(ctx, want)
	if err != nil {
		return err
	}
	if set == nil {
		return fault.Waiting(v1alpha1.ReasonProgressing, "the pods are not made yet")
	}
	if seen.DesiredRevision == "" {
		seen.DesiredRevision = set.Spec.Template.Annotations[tenant.AnnotationRevision]
	}
	seen.Pods = tenant.Pods{Wanted: 1, Ready: set.Status.ReadyReplicas, Updated: set.Status.UpdatedReplicas}
	if set.Spec.Replicas != nil {
		seen.Pods.Wanted = *set.Spec.Replicas
	}
	seen.Pods.Held, seen.Pods.Expiring = held(set), p.expires
	if err := p.observeHold(ctx, want, set, seen); err != nil {
		return err
	}
	if err := p.serving(ctx, set, seen); err != nil {
		return err
	}
	if enough := max(1, seen.Pods.Wanted-1); set.Status.ObservedGeneration != set.Generation || seen.Pods.Ready < enough {
		return fault.Waiting(v1alpha1.ReasonPodsNotReady, "%d of %d pods are ready: see kubectl get pods -l %s=%s", seen.Pods.Ready, seen.Pods.Wanted, tenant.LabelInstance, want.Name)
	}
	return nil
}

// held tells whether a newer template waits for its window.
func held(set *appsv1.StatefulSet) bool { return !released(set) && moving(set) }

// released tells whether pods are replaced as soon as the template changes.
func released(set *appsv1.StatefulSet) bool {
	rolling := set.Spec.UpdateStrategy.RollingUpdate
	return rolling == nil || rolling.Partition == nil || *rolling.Partition == 0
}

// moving tells whether pods are of another template than the newest.
func moving(set *appsv1.StatefulSet) bool {
	return set.Status.CurrentRevision != set.Status.UpdateRevision
}

// serving finds the revision that every pod runs. While a rollout moves there is none.
func (p *pass) serving(ctx context.Context, set *appsv1.StatefulSet, seen *tenant.Facts) error {
	if set.Status.ObservedGeneration != set.Generation || seen.Pods.Ready < seen.Pods.Wanted {
		return nil
	}
	if moving(set) && !seen.Pods.Held || !moving(set) && set.Status.UpdatedReplicas < seen.Pods.Wanted {
		return nil
	}
	template, err := p.servingTemplate(ctx, set)
	if err != nil || template == nil {
		return err
	}
	seen.ServingRevision = template.Annotations[tenant.AnnotationRevision]
	seen.ServingVersion = template.Annotations[tenant.AnnotationProductVersion]
	return nil
}

// servingTemplate is the template of the pods that are not yet replaced, which is the newest
// one when all are. Nil: the one before it is not kept any more.
func (p *pass) servingTemplate(ctx context.Context, set *appsv1.StatefulSet) (*corev1.PodTemplateSpec, error) {
	if !moving(set) {
		return &set.Spec.Template, nil
	}
	revision := &appsv1.ControllerRevision{}
	err := p.client.Get(ctx, client.ObjectKey{Namespace: set.Namespace, Name: set.Status.CurrentRevision}, revision)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // a rollout that ended meanwhile is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read the serving revision: %w", err)
	}
	template, err := templateOf(revision)
	return &template, err
}

// statefulSet reads the tenant's StatefulSet, nil when there is none.
func (p *pass) statefulSet(ctx context.Context, want tenant.Spec) (*appsv1.StatefulSet, error) {
	set := &appsv1.StatefulSet{}
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: want.StatefulSetName()}, set)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // none yet is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read the StatefulSet: %w", err)
	}
	return set, nil
}

// credentialsOf finds the credentials Secret that a template's containers read.
func credentialsOf(want tenant.Spec, set *appsv1.StatefulSet) string {
	if set == nil {
		return ""
	}
	return credentialsIn(want, set.Spec.Template.Spec)
}

func credentialsIn(want tenant.Spec, pod corev1.PodSpec) string {
	for _, container := range pod.Containers {
		for _, variable := range container.Env {
			if variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil {
				continue
			}
			if name := variable.ValueFrom.SecretKeyRef.Name; strings.HasPrefix(name, want.Name+"-credentials-") {
				return name
			}
		}
	}
	return ""
}
