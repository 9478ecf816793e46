package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// probeInterval is shorter than what pods ask for, so that nobody waits for it.
const probeInterval = 500 * time.Millisecond

// probe asks the container whether it is ready, as its readiness probe says.
func (p *pod) probe(ctx context.Context, container corev1.Container) {
	if container.ReadinessProbe == nil || container.ReadinessProbe.HTTPGet == nil {
		return
	}
	get := container.ReadinessProbe.HTTPGet
	address := fmt.Sprintf("https://127.0.0.1:%d%s", p.ports[get.Port.StrVal], get.Path)
	// As the kubelet, it does not look at the certificate.
	asker := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // see above
	defer asker.CloseIdleConnections()
	failures := 0
	for {
		if asks(ctx, asker, address) {
			failures = 0
			p.become(ctx, true)
		} else if failures++; failures >= int(container.ReadinessProbe.FailureThreshold) {
			p.become(ctx, false)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeInterval):
		}
	}
}

func asks(ctx context.Context, asker *http.Client, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := asker.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (p *pod) setReady(ready bool) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed = p.ready != ready
	p.ready = ready
	return changed
}

func (p *pod) become(ctx context.Context, ready bool) {
	if p.setReady(ready) {
		p.report(ctx, corev1.PodRunning, ready, nil)
	}
}

// report writes the pod's status, and again until it is written.
func (p *pod) report(ctx context.Context, phase corev1.PodPhase, ready bool, ended *corev1.ContainerStateTerminated) {
	for ctx.Err() == nil {
		now := &corev1.Pod{}
		err := p.node.Cluster.Get(ctx, client.ObjectKeyFromObject(p.object), now)
		if apierrors.IsNotFound(err) || err == nil && now.UID != p.object.UID {
			return
		}
		if err == nil {
			p.fill(now, phase, ready, ended)
			if err = p.node.Cluster.Status().Update(ctx, now); err == nil || apierrors.IsNotFound(err) {
				return
			}
		}
		if !apierrors.IsConflict(err) && p.pause(ctx, fmt.Errorf("status: %w", err)) {
			return
		}
	}
}

func (p *pod) fill(now *corev1.Pod, phase corev1.PodPhase, ready bool, ended *corev1.ContainerStateTerminated) {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	for _, condition := range []corev1.PodCondition{
		{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}, {Type: corev1.ContainersReady, Status: status}, {Type: corev1.PodReady, Status: status},
	} {
		condition.LastTransitionTime = metav1.Now()
		at := slices.IndexFunc(now.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == condition.Type })
		if at < 0 {
			now.Status.Conditions = append(now.Status.Conditions, condition)
		} else if now.Status.Conditions[at].Status != condition.Status {
			now.Status.Conditions[at] = condition
		}
	}
	if now.Status.StartTime == nil {
		now.Status.StartTime = new(metav1.Now())
	}
	now.Status.Phase, now.Status.HostIP, now.Status.PodIP = phase, "10.65.0.1", "10.65.0.2"
	now.Status.PodIPs = []corev1.PodIP{{IP: now.Status.PodIP}}
	container := p.object.Spec.Containers[0]
	p.mu.Lock()
	restarts := max(0, p.started-len(p.object.Spec.InitContainers)-1)
	p.mu.Unlock()
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
	if ended != nil {
		state = corev1.ContainerState{Terminated: ended}
	}
	now.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: container.Name, Image: container.Image, ImageID: container.Image,
		Ready: ready, Started: new(ended == nil), RestartCount: int32(restarts), State: state}}
}

// finish reports how the container of a Job's pod ended, with its last words.
func (p *pod) finish(ctx context.Context, container corev1.Container, code int) {
	phase, reason := corev1.PodSucceeded, "Completed"
	if code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	now := metav1.Now()
	p.report(ctx, phase, false, &corev1.ContainerStateTerminated{ExitCode: int32(code), Reason: reason, Message: p.lastWords(container, code), StartedAt: now, FinishedAt: now})
}
