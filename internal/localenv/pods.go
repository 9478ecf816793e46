package localenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SimulatedNode is the name of the node that kwok plays. Pods of other nodes it leaves alone.
const SimulatedNode = "simulated-node"

// kwokStages are the parts of kwok's own play that we use: a node becomes Ready, a pod becomes Ready, a Job's pod completes.
var kwokStages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml",
}

// ourStages end the pod of a schema Job with the verdict that the real one would print, and take a deleted pod away.
var ourStages = []string{"hack/local/stages/schema-verdict.yaml", "hack/local/stages/pod-delete.yaml"}

// StartPods adds kube-scheduler and kwok with one node, so that pods are bound and become Ready, and those of Jobs complete.
// The pods are simulated: no container runs, no image is pulled, no probe is asked. Pods come from StartControllerManager.
func (c *ControlPlane) StartPods(ctx context.Context) error {
	if err := Build(ctx, c.options.Log, KubeScheduler, Kwok); err != nil {
		return err
	}
	if err := c.startScheduler(ctx); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	module, err := Kwok.module(ctx, "sigs.k8s.io/kwok")
	if err != nil {
		return err
	}
	arguments := []string{
		"--kubeconfig=" + c.Kubeconfig(), "--manage-single-node=" + SimulatedNode, "--node-lease-duration-seconds=40",
		"--cidr=10.64.0.0/16", "--server-address=" + loopback(port),
	}
	for _, stage := range kwokStages {
		arguments = append(arguments, "--config="+filepath.Join(module, "kustomize", "stage", stage))
	}
	root, err := Root()
	if err != nil {
		return err
	}
	for _, stage := range ourStages {
		arguments = append(arguments, "--config="+filepath.Join(root, stage))
	}
	kwok, err := c.run(ctx, Kwok, answers(http.DefaultClient, "http://"+loopback(port)+"/healthz"), arguments...)
	if err != nil {
		return err
	}
	return c.addNode(ctx, kwok)
}

func (c *ControlPlane) startScheduler(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	_, err = c.run(ctx, KubeScheduler, c.healthz(port),
		"--kubeconfig="+c.Kubeconfig(), "--authentication-kubeconfig="+c.Kubeconfig(), "--authorization-kubeconfig="+c.Kubeconfig(),
		"--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", port), "--cert-dir="+c.file("scheduler"), "--leader-elect=false")
	return err
}

func (c *ControlPlane) addNode(ctx context.Context, kwok *Process) error {
	nodes := c.Client().CoreV1().Nodes()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   SimulatedNode,
		Labels: map[string]string{corev1.LabelHostname: SimulatedNode, corev1.LabelOSStable: "linux", corev1.LabelTopologyZone: "simulated-zone"},
	}}
	// Room for any number of simulated pods, which use none of it.
	node.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10k"), corev1.ResourceMemory: resource.MustParse("100Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Ti"), corev1.ResourcePods: resource.MustParse("100k"),
	}
	node.Status.Allocatable = node.Status.Capacity
	if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	return kwok.waitReady(ctx, func(ctx context.Context) error {
		node, err := nodes.Get(ctx, SimulatedNode, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("the node is not Ready")
	})
}
