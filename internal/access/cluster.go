package access

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Cluster knows by what this cluster is told from others on the same Vault. The zero value
// is ready, and safe for many goroutines.
type Cluster struct {
	// Known is the answer where it was told; empty: it is read.
	Known string

	mu sync.Mutex
	id string
}

// ID gives the UID of the namespace kube-system, which it reads once unless it is known.
func (c *Cluster) ID(ctx context.Context, live client.Reader) (string, error) {
	if c.Known != "" {
		return c.Known, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" {
		system := &corev1.Namespace{}
		if err := live.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, system); err != nil {
			return "", fmt.Errorf("identify the cluster by the namespace %s: %w", metav1.NamespaceSystem, err)
		}
		c.id = string(system.UID)
	}
	return c.id, nil
}
