package main

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type shown struct {
	name     string
	list     client.ObjectList
	describe func(client.Object) string
}

func shownKinds() []shown {
	return []shown{
		{"NetworkPolicy", &networkingv1.NetworkPolicyList{}, func(o client.Object) string {
			policy := o.(*networkingv1.NetworkPolicy)
			return fmt.Sprintf("%d ingress and %d egress rules", len(policy.Spec.Ingress), len(policy.Spec.Egress))
		}},
		{"Keystore", &v1alpha1.KeystoreList{}, func(o client.Object) string {
			store := o.(*v1alpha1.Keystore)
			return fmt.Sprintf("generation %d, %d entries, Secret %s", store.Status.CurrentGeneration, len(store.Spec.Entries), store.Status.SecretName)
		}},
		{"Secret", &corev1.SecretList{}, func(o client.Object) string {
			secret := o.(*corev1.Secret)
			immutable := "mutable"
			if secret.Immutable != nil && *secret.Immutable {
				immutable = "immutable"
			}
			return fmt.Sprintf("%s, %d keys", immutable, len(secret.Data))
		}},
		{"ConfigMap", &corev1.ConfigMapList{}, nil},
		{"Service", &corev1.ServiceList{}, nil},
		{"Job", &batchv1.JobList{}, func(o client.Object) string {
			return fmt.Sprintf("%d succeeded", o.(*batchv1.Job).Status.Succeeded)
		}},
		{"PodDisruptionBudget", &policyv1.PodDisruptionBudgetList{}, nil},
		{"StatefulSet", &appsv1.StatefulSetList{}, func(o client.Object) string {
			set := o.(*appsv1.StatefulSet)
			return fmt.Sprintf("%d of %d pods ready, revision %s", set.Status.ReadyReplicas, set.Status.Replicas, set.Spec.Template.Annotations[tenant.AnnotationRevision])
		}},
		{"Pod", &corev1.PodList{}, func(o client.Object) string { return string(o.(*corev1.Pod).Status.Phase) }},
	}
}

// lines describes those objects of a list that are the tenant's.
func (d *demo) lines(list client.ObjectList, describe func(client.Object) string) ([]string, error) {
	items, err := apimeta.ExtractList(list)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, item := range items {
		object := item.(client.Object)
		if object.GetLabels()[tenant.LabelPartOf] != tenant.PartOf && !strings.HasPrefix(object.GetName(), d.product.tenant.Name) {
			continue
		}
		line := object.GetName()
		if describe != nil {
			line = fmt.Sprintf("%-46s %s", line, describe(object))
		}
		lines = append(lines, line)
	}
	return lines, nil
}
