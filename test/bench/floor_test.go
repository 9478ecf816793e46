package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// inFlight is how many requests the bare client has on their way at most: as many as the
// operator has workers for tenants and Keystores.
const inFlight = 8

// plan is what the bare client creates, by tenant, in the operator's order.
type plan map[string][]*unstructured.Unstructured

// record copies what the operator made, so that a bare client can make the same.
func record(ctx context.Context, namespace, to string, made []entry) (plan, error) {
	byKind := map[schema.GroupVersionKind]map[string]*unstructured.Unstructured{}
	copies := plan{}
	for _, e := range made {
		gvk, err := world.Admin.RESTMapper().KindFor(schema.GroupVersionResource{Group: e.ObjectRef.APIGroup, Version: e.ObjectRef.APIVersion, Resource: e.ObjectRef.Resource})
		if err != nil {
			return nil, err
		}
		if byKind[gvk] == nil {
			if byKind[gvk], err = list(ctx, namespace, gvk); err != nil {
				return nil, err
			}
		}
		live := byKind[gvk][e.ObjectRef.Name]
		if live == nil {
			return nil, fmt.Errorf("the operator made %s %s, which is not there any more", gvk.Kind, e.ObjectRef.Name)
		}
		tenant := e.ObjectRef.Name[:len(tenantName(0))]
		copies[tenant] = append(copies[tenant], bare(live, to))
	}
	return copies, nil
}

func list(ctx context.Context, namespace string, gvk schema.GroupVersionKind) (map[string]*unstructured.Unstructured, error) {
	all := &unstructured.UnstructuredList{}
	all.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err := world.Admin.List(ctx, all, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	found := map[string]*unstructured.Unstructured{}
	for i := range all.Items {
		found[all.Items[i].GetName()] = &all.Items[i]
	}
	return found, nil
}

// bare is an object as a client would send it. Its owners become an annotation of the same
// size: the owners in the other namespace have other UIDs.
func bare(live *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	object := live.DeepCopy()
	delete(object.Object, "status")
	owners, _ := json.Marshal(live.GetOwnerReferences())
	annotations := live.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations["holdfast.example/owners"] = string(owners)
	object.Object["metadata"] = map[string]any{"name": live.GetName(), "namespace": namespace}
	object.SetLabels(live.GetLabels())
	object.SetAnnotations(annotations)
	for _, set := range [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}} { // of a Service
		if ip, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP"); ip != corev1.ClusterIPNone {
			unstructured.RemoveNestedField(object.Object, set...)
		}
	}
	if live.GetKind() == "Job" {
		unstructured.RemoveNestedField(object.Object, "spec", "selector")
		for _, label := range []string{"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"} {
			unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "labels", label)
		}
	}
	return object
}

// bareClient creates a plan's objects and nothing else.
type bareClient struct {
	client.WithWatch
	slots chan struct{}
}

func newBareClient() (*bareClient, error) {
	config := world.Plane.Config()
	config.UserAgent = agentFloor
	c, err := client.NewWithWatch(config, client.Options{Scheme: world.Scheme})
	return &bareClient{c, make(chan struct{}, inFlight)}, err
}

func (c *bareClient) create(ctx context.Context, object client.Object) error {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	return c.Create(ctx, object)
}

// straight creates everything as fast as it goes.
func (c *bareClient) straight(ctx context.Context, p plan) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, objects := range p {
		for _, object := range objects {
			c.slots <- struct{}{}
			group.Go(func() {
				defer func() { <-c.slots }()
				if err := c.Create(ctx, object); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			})
		}
	}
	group.Wait()
	return failed
}

// waiting creates a tenant's objects in the order in which anybody would have to: what
// needs the certificate after it was issued, and what needs the schema after its Job.
func (c *bareClient) waiting(ctx context.Context, namespace string, p plan) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	certificates, err := c.awaited(ctx, namespace, &cmv1.CertificateList{})
	if err != nil {
		return err
	}
	jobs, err := c.awaited(ctx, namespace, &batchv1.JobList{})
	if err != nil {
		return err
	}
	ended := make(chan error, len(p))
	for tenant, objects := range p {
		go func() {
			first, second, third := phases(objects)
			ended <- errors.Join(c.all(ctx, first), certificates.wait(ctx, tenant), c.all(ctx, second), jobs.wait(ctx, tenant), c.all(ctx, third))
		}()
	}
	for range p {
		err = errors.Join(err, <-ended)
	}
	return err
}

func phases(objects []*unstructured.Unstructured) (first, second, third []*unstructured.Unstructured) {
	job := false
	for _, object := range objects {
		switch kind := object.GetKind(); {
		case job:
			third = append(third, object)
		case kind == "Job":
			job = true
			second = append(second, object)
		case kind == "Secret":
			second = append(second, object)
		default:
			first = append(first, object)
		}
	}
	return first, second, third
}

func (c *bareClient) all(ctx context.Context, objects []*unstructured.Unstructured) (err error) {
	for _, object := range objects {
		err = errors.Join(err, c.create(ctx, object))
	}
	return err
}

// awaited tells, by tenant, when its one object of a kind is done.
type awaited struct {
	mu   sync.Mutex
	done map[string]chan struct{}
}

func (c *bareClient) awaited(ctx context.Context, namespace string, kind client.ObjectList) (*awaited, error) {
	a := &awaited{done: map[string]chan struct{}{}}
	watch, err := c.Watch(ctx, kind, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	go func() {
		defer watch.Stop()
		for event := range watch.ResultChan() {
			object, ok := event.Object.(client.Object)
			if !ok || !isDone(object) || len(object.GetName()) <= len(tenantName(0)) {
				continue
			}
			channel := a.channel(object.GetName()[:len(tenantName(0))])
			select {
			case <-channel:
			default:
				close(channel)
			}
		}
	}()
	return a, nil
}

func isDone(object client.Object) bool {
	switch object := object.(type) {
	case *cmv1.Certificate:
		for _, condition := range object.Status.Conditions {
			if condition.Type == cmv1.CertificateConditionReady && condition.Status == cmmeta.ConditionTrue {
				return true
			}
		}
	case *batchv1.Job:
		return object.Status.Succeeded > 0
	}
	return false
}

func (a *awaited) channel(tenant string) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done[tenant] == nil {
		a.done[tenant] = make(chan struct{})
	}
	return a.done[tenant]
}

func (a *awaited) wait(ctx context.Context, tenant string) error {
	select {
	case <-a.channel(tenant):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", tenant, ctx.Err())
	}
}
