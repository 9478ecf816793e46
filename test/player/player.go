// Package player stands a stand-in server behind each simulated pod of an identity
// server: one process per pod, started from the Secrets that this pod's own spec names,
// ended with the pod, and reachable under the names of the pod's Service. Simulated pods
// have no network, so a proxy on loopback carries connections to them; what is carried
// is TLS from end to end.
package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// pollInterval is how soon a new pod gets its server.
const pollInterval = 200 * time.Millisecond

// Player watches pods and keeps a server behind each.
type Player struct {
	// Cluster reads pods and Secrets, as an administrator.
	Cluster client.Client
	// Program is the stand-in's executable.
	Program string
	// Folder keeps the servers' homes and databases.
	Folder string
	// Log is told of each start and end.
	Log io.Writer

	proxy net.Listener
	mu    sync.Mutex
	pods  map[types.UID]*server
	also  []func(name string) (address string, ok bool)
	turn  int
}

// Start begins to play and to carry connections until ctx ends.
func (p *Player) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the proxy: %w", err)
	}
	p.proxy, p.pods = listener, map[types.UID]*server{}
	go p.serve(ctx)
	go p.watch(ctx)
	return nil
}

// Proxy is the address of the proxy, for Dialer.
func (p *Player) Proxy() string { return p.proxy.Addr().String() }

// Also has the proxy carry connections to servers that are none of the Player's, by the name
// that is called.
func (p *Player) Also(find func(name string) (address string, ok bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.also = append(p.also, find)
}

func (p *Player) watch(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if err := p.reconcile(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(p.Log, "player:", err)
		}
		select {
		case <-ctx.Done():
			p.stopAll()
			return
		case <-tick.C:
		}
	}
}

func (p *Player) reconcile(ctx context.Context) error {
	var pods corev1.PodList
	if err := p.Cluster.List(ctx, &pods, client.MatchingLabels{tenant.LabelPartOf: tenant.PartOf, tenant.LabelComponent: tenant.ComponentServer}); err != nil {
		return err
	}
	live := map[types.UID]bool{}
	var problems []error
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Spec.NodeName != localenv.SimulatedNode { // a real server may run there
			continue
		}
		if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		live[pod.UID] = true
		problems = append(problems, p.ensure(ctx, pod))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for uid, found := range p.pods {
		if !live[uid] {
			found.stop()
			delete(p.pods, uid)
			fmt.Fprintf(p.Log, "stand-in of pod %s ended with its pod\n", found.name)
		}
	}
	return errors.Join(problems...)
}

// ensure starts the server of a pod once in the pod's life: what changes in its Secrets
// later is never read.
func (p *Player) ensure(ctx context.Context, pod *corev1.Pod) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.pods[pod.UID]; found != nil {
		found.ready = podReady(pod)
		return nil
	}
	home := filepath.Join(p.Folder, string(pod.UID))
	environment, err := materialize(ctx, p.Cluster, pod, home)
	if err != nil {
		return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	state := filepath.Join(p.Folder, pod.Namespace+"-"+pod.Labels[tenant.LabelInstance]+".json")
	started, err := start(p.Program, home, state, environment)
	if err != nil {
		// As a container that exits: tried again, here with the next poll.
		return errors.Join(fmt.Errorf("stand-in of pod %s/%s: %w", pod.Namespace, pod.Name, err), os.RemoveAll(home))
	}
	started.name, started.namespace, started.instance, started.ready = pod.Name, pod.Namespace, pod.Labels[tenant.LabelInstance], podReady(pod)
	p.pods[pod.UID] = started
	fmt.Fprintf(p.Log, "stand-in of pod %s/%s listens on %s\n", pod.Namespace, pod.Name, started.address)
	return nil
}

func podReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (p *Player) stopAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for uid, found := range p.pods {
		found.stop()
		delete(p.pods, uid)
	}
}

// find gives the address of a server that is called NAME.NAMESPACE.svc, or
// POD.HEADLESS.NAMESPACE.svc.
func (p *Player) find(name string) (address string, ok bool) {
	p.mu.Lock()
	also := slices.Clone(p.also)
	p.mu.Unlock()
	for _, find := range also {
		if address, ok := find(name); ok {
			return address, true
		}
	}
	labels := strings.Split(name, ".")
	switch {
	case len(labels) > 3 && labels[3] == "svc":
		return p.pod(labels[2], labels[0])
	case len(labels) >= 2:
		return p.pick(labels[1], labels[0])
	}
	return "", false
}

// pick gives the address of a ready pod's server, in turn.
func (p *Player) pick(namespace, instance string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ready []string
	for _, found := range p.pods {
		if found.ready && found.namespace == namespace && found.instance == instance {
			ready = append(ready, found.address)
		}
	}
	if len(ready) == 0 {
		return "", false
	}
	p.turn++
	return ready[p.turn%len(ready)], true
}

// pod gives the address of one pod's server.
func (p *Player) pod(namespace, name string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, found := range p.pods {
		if found.namespace == namespace && found.name == name {
			return found.address, true
		}
	}
	return "", false
}
