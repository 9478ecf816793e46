package node

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// pod is one pod's life on this node.
type pod struct {
	node   *Node
	object *corev1.Pod
	folder string
	ports  map[string]int // of loopback, by the name of the container's port
	ending chan struct{}
	once   sync.Once
	told   string // the last problem, which is told once

	mu      sync.Mutex
	process *localenv.Process
	started int // containers, the initial ones too
	ready   bool
}

func newPod(n *Node, object *corev1.Pod) (*pod, error) {
	p := &pod{node: n, object: object.DeepCopy(), folder: filepath.Join(n.Folder, string(object.UID)), ports: map[string]int{}, ending: make(chan struct{})}
	for _, port := range object.Spec.Containers[0].Ports {
		free, err := localenv.FreePort()
		if err != nil {
			return nil, err
		}
		p.ports[port.Name] = free
	}
	return p, nil
}

func (p *pod) instance() string { return p.object.Labels[tenant.LabelInstance] }

func (p *pod) isServer() bool {
	return p.object.Labels[tenant.LabelComponent] == tenant.ComponentServer
}

func (p *pod) https() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("127.0.0.1:%d", p.ports[portHTTPS])
}

func (p *pod) isReady() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// live runs the pod's containers one after the other, as the kubelet does. A pod of these has
// one that is no initial container.
func (p *pod) live(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	for err := p.prepare(ctx); err != nil; err = p.prepare(ctx) { // a Secret that is not there yet
		if p.pause(ctx, fmt.Errorf("prepare: %w", err)) {
			return
		}
	}
	for _, container := range p.object.Spec.InitContainers {
		for {
			code, err := p.run(ctx, container)
			if err == nil && code == 0 {
				break
			}
			if p.pause(ctx, err) {
				return
			}
		}
	}
	container := p.object.Spec.Containers[0]
	if p.object.Spec.RestartPolicy == corev1.RestartPolicyNever {
		p.report(ctx, corev1.PodRunning, true, nil)
		code, err := p.run(ctx, container)
		if err == nil {
			p.finish(ctx, container, code)
		}
		return
	}
	for {
		probing, stop := context.WithCancel(ctx)
		var probe sync.WaitGroup
		p.report(ctx, corev1.PodRunning, false, nil)
		probe.Go(func() { p.probe(probing, container) })
		_, err := p.run(ctx, container)
		stop()
		probe.Wait()
		p.setReady(false)
		p.report(ctx, corev1.PodRunning, false, nil)
		if p.pause(ctx, err) {
			return
		}
		for p.node.isHeld() {
			if p.pause(ctx, nil) {
				return
			}
		}
	}
}

// pause tells what went wrong and waits; true: the pod is to end.
func (p *pod) pause(ctx context.Context, problem error) bool {
	if problem != nil && ctx.Err() == nil && p.told != problem.Error() {
		p.told = problem.Error()
		fmt.Fprintf(p.node.Log, "node: pod %s/%s: %v\n", p.object.Namespace, p.object.Name, problem)
	}
	select {
	case <-ctx.Done():
		return true
	case <-time.After(time.Second):
		return false
	}
}

// run starts a container and returns its exit code.
func (p *pod) run(ctx context.Context, container corev1.Container) (int, error) {
	command, environment, err := p.translate(ctx, container)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	process, err := localenv.Launch(p.home(container.Name), logName, command[0], environment, command[1:]...)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	p.process, p.started = process, p.started+1
	p.mu.Unlock()
	fmt.Fprintf(p.node.Log, "node: pod %s/%s: container %s runs as process %d\n", p.object.Namespace, p.object.Name, container.Name, process.PID)
	code, err := process.Wait(ctx)
	if err != nil {
		process.Stop()
		return 0, err
	}
	process.Kill() // whatever it left behind
	fmt.Fprintf(p.node.Log, "node: pod %s/%s: container %s ended with %d after %s\n", p.object.Namespace, p.object.Name, container.Name, code, time.Since(begin).Round(100*time.Millisecond))
	return code, nil
}

func (p *pod) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = false
	if p.process != nil {
		p.process.Kill()
	}
}

// end ends the pod's processes and returns when they are gone.
func (p *pod) end() {
	p.once.Do(func() { close(p.ending) })
	p.mu.Lock()
	process := p.process
	p.mu.Unlock()
	if process != nil {
		process.Stop()
	}
}
