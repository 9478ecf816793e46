package main

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/controllers/operator"
)

// namespaceFlag describes -n, which every command that asks a cluster has.
const namespaceFlag = "namespace in the cluster; default: that of the kubeconfig's context"

// connect reaches the cluster of the kubeconfig, as kubectl does, and tells the namespace that is
// meant: the given one or that of the context.
func connect(namespace string) (client.Client, string, error) {
	scheme, err := operator.Scheme()
	if err != nil {
		return nil, "", err
	}
	rules, overrides := clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}
	overrides.Context.Namespace = namespace
	kubeconfig := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("find the cluster: %w", err)
	}
	namespace, _, err = kubeconfig.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("find the namespace: %w", err)
	}
	cluster, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, "", fmt.Errorf("reach the cluster: %w", err)
	}
	return cluster, namespace, nil
}
