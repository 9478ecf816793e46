// Package waking says which changes of an object are worth a reconcile. Controllers of the
// cluster write progress into status in many small steps, and each would cost a pass.
package waking

import (
	"context"
	"fmt"
	"maps"
	"slices"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// Child passes on to next what may have to be put back or tells something new of a child:
// its removal, and updates by Changed. A creation is our own doing, seldom news: it is
// passed on where creations says so.
func Child(next handler.EventHandler, creations bool) handler.EventHandler {
	return child{next, creations}
}

type child struct {
	handler.EventHandler
	creations bool
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Create implements handler.EventHandler.
func (c child) Create(ctx context.Context, e event.CreateEvent, q queue) {
	if c.creations {
		c.EventHandler.Create(ctx, e, q)
	}
}

// Update implements handler.EventHandler.
func (c child) Update(ctx context.Context, e event.UpdateEvent, q queue) {
	if Changed(e.ObjectOld, e.ObjectNew) {
		c.EventHandler.Update(ctx, e, q)
	}
}

// OwnChild is Child as a predicate, for kinds in the manager's own cache.
func OwnChild() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool { return Changed(e.ObjectOld, e.ObjectNew) },
	}
}

// Changed tells whether an update changed more than bookkeeping: the spec, metadata that
// people and controllers set, or the part of the status that we read.
func Changed(before, after client.Object) bool {
	// Kinds without a spec keep no generation: each update of them counts.
	if after.GetGeneration() == 0 || before.GetGeneration() != after.GetGeneration() ||
		(before.GetDeletionTimestamp() == nil) != (after.GetDeletionTimestamp() == nil) ||
		!maps.Equal(before.GetLabels(), after.GetLabels()) || !maps.Equal(before.GetAnnotations(), after.GetAnnotations()) ||
		!slices.Equal(before.GetFinalizers(), after.GetFinalizers()) ||
		!equality.Semantic.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences()) {
		return true
	}
	return !equality.Semantic.DeepEqual(told(before), told(after))
}

// told is what we read of a status.
func told(object client.Object) any {
	switch object := object.(type) {
	case *appsv1.StatefulSet:
		s := object.Status
		return appsv1.StatefulSetStatus{ObservedGeneration: s.ObservedGeneration, Replicas: s.Replicas, ReadyReplicas: s.ReadyReplicas,
			UpdatedReplicas: s.UpdatedReplicas, CurrentRevision: s.CurrentRevision, UpdateRevision: s.UpdateRevision}
	case *batchv1.Job:
		return object.Status.Conditions
	case *cmv1.Certificate:
		return issued(object)
	case *v1alpha1.Keystore:
		return object.Status
	}
	return nil
}

// issued leaves out cert-manager's steps on the way to a certificate.
func issued(certificate *cmv1.Certificate) (told []string) {
	for _, condition := range certificate.Status.Conditions {
		switch {
		case condition.Type == cmv1.CertificateConditionReady && condition.Status == cmmeta.ConditionTrue && condition.ObservedGeneration == certificate.Generation:
			told = append(told, "ready")
		case condition.Type == cmv1.CertificateConditionIssuing && condition.Status == cmmeta.ConditionFalse:
			told = append(told, condition.Reason, condition.Message)
		}
	}
	if certificate.Status.Revision != nil {
		told = append(told, fmt.Sprint("revision ", *certificate.Status.Revision))
	}
	return told
}
