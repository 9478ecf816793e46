// Package node is a node of a cluster whose pods do run: each container is a process of this
// machine, started by the pod's own command with the pod's own environment, Secrets and
// ConfigMaps. Nothing isolates one from another: where a container would see a file system
// of its own, paths are moved below a folder of the pod, and ports that a pod has to itself
// become free ones of loopback. It knows one image, that of Keycloak.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

const (
	// Name of the node, and value of its label kubernetes.io/hostname.
	Name = "this-machine"
	// Taint keeps pods away that do not ask for this node. Its value is empty, its effect
	// NoSchedule.
	Taint = "iam.holdfast.dev/processes"

	pollInterval  = 200 * time.Millisecond
	leaseDuration = 40 * time.Second
)

// Node runs pods. Its fields are set before Start.
type Node struct {
	// Cluster is an administrator's access.
	Cluster client.Client
	// Folder keeps what pods have on disk.
	Folder string
	// Log is told of each start and end.
	Log io.Writer
	// Tainted keeps away pods that do not tolerate Taint.
	Tainted bool

	image string // the root of the one image

	mu       sync.Mutex
	pods     map[types.UID]*pod
	services map[string]string // NAME:PORT as pods call it, and NAME:PORT where it is here
	held     bool
	running  sync.WaitGroup
}

// Start joins the cluster and runs pods until ctx ends.
func (n *Node) Start(ctx context.Context) error {
	if err := localenv.Build(ctx, n.Log, localenv.KeycloakServer); err != nil {
		return err
	}
	n.pods, n.image = map[types.UID]*pod{}, filepath.Join(n.Folder, "image")
	program, err := localenv.KeycloakServer.Path()
	if err != nil {
		return err
	}
	if err := errors.Join(linkTree(program, n.image), n.writeJava(), n.join(ctx)); err != nil {
		return fmt.Errorf("node %s: %w", Name, err)
	}
	n.running.Go(func() { n.watch(ctx) })
	return nil
}

// Wait returns when all processes have ended, after the context of Start has.
func (n *Node) Wait() { n.running.Wait() }

// Serve has pods reach a Service, as NAME:PORT, at a port of loopback.
func (n *Node) Serve(service string, port int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.services == nil {
		n.services = map[string]string{}
	}
	n.services[service] = fmt.Sprintf("%s:%d", host(service), port)
	return n.writeHosts()
}

// Hold keeps containers that end from being started again, until Release.
func (n *Node) Hold() { n.hold(true) }

// Release ends Hold.
func (n *Node) Release() { n.hold(false) }

func (n *Node) hold(held bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = held
}

func (n *Node) isHeld() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held
}

// join makes the Node object and keeps its lease, by which the cluster knows that it lives.
func (n *Node) join(ctx context.Context) error {
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: map[string]string{
		corev1.LabelHostname: Name, corev1.LabelOSStable: "linux", corev1.LabelTopologyZone: Name}}}
	if n.Tainted {
		object.Spec.Taints = []corev1.Taint{{Key: Taint, Effect: corev1.TaintEffectNoSchedule}}
	}
	if err := n.Cluster.Create(ctx, object); err != nil {
		return err
	}
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1k"), corev1.ResourceMemory: resource.MustParse("10Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("10Ti"), corev1.ResourcePods: resource.MustParse("1k")}
	now, before := metav1.Now(), client.MergeFrom(object.DeepCopy())
	object.Status = corev1.NodeStatus{Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now}}}
	if err := n.Cluster.Status().Patch(ctx, object, before); err != nil { // others write into it already
		return err
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: Name}}
	n.running.Go(func() {
		for renewed := false; ; {
			lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: new(Name), LeaseDurationSeconds: new(int32(leaseDuration.Seconds())), RenewTime: new(metav1.NowMicro())}
			write := func() error { return n.Cluster.Update(ctx, lease) }
			if !renewed {
				write = func() error { return n.Cluster.Create(ctx, lease) }
			}
			err := write()
			if renewed = renewed || err == nil; err != nil && ctx.Err() == nil {
				fmt.Fprintln(n.Log, "node: lease:", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(leaseDuration / 4):
			}
		}
	})
	return nil
}

func (n *Node) watch(ctx context.Context) {
	defer n.endAll()
	for {
		if err := n.look(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(n.Log, "node:", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollInterval):
		}
	}
}

// look begins the life of new pods and ends that of deleted ones.
func (n *Node) look(ctx context.Context) error {
	var bound corev1.PodList
	if err := n.Cluster.List(ctx, &bound, client.MatchingFields{"spec.nodeName": Name}); err != nil {
		return err
	}
	there := map[types.UID]bool{}
	for i := range bound.Items {
		object := &bound.Items[i]
		there[object.UID] = true
		if object.DeletionTimestamp == nil {
			if err := n.begin(ctx, object); err != nil {
				return err
			}
		} else {
			n.end(n.known()[object.UID])
			err := n.Cluster.Delete(ctx, object, client.GracePeriodSeconds(0), client.Preconditions{UID: &object.UID})
			if client.IgnoreNotFound(err) != nil {
				return err
			}
		}
	}
	for uid, found := range n.known() {
		if !there[uid] {
			n.end(found)
		}
	}
	return nil
}

// begin runs a pod that it does not run yet.
func (n *Node) begin(ctx context.Context, object *corev1.Pod) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pods[object.UID] != nil || object.Status.Phase != corev1.PodPending {
		return nil
	}
	found, err := newPod(n, object)
	if err != nil {
		return err
	}
	n.pods[object.UID] = found
	n.running.Go(func() { found.live(ctx) })
	return nil
}

func (n *Node) known() map[types.UID]*pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.pods)
}

// end has a pod's processes end, and forgets it with its files.
func (n *Node) end(found *pod) {
	if found == nil {
		return
	}
	found.end()
	n.mu.Lock()
	delete(n.pods, found.object.UID)
	n.mu.Unlock()
	_ = os.RemoveAll(found.folder)
}

func (n *Node) endAll() {
	for _, found := range n.known() {
		n.end(found)
	}
}
