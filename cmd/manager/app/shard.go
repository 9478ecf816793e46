package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errShardChanged ends a manager whose caches are of other namespaces than its shard now has.
var errShardChanged = errors.New("another set of namespaces has the labels of --shard-selector: the manager ends, to start again with these")

// noNamespace is what a shard without namespaces reads; nothing can have this name, and no name at all would mean all.
const noNamespace = "-"

// shard is the namespaces that had the labels at the start. Whatever a tenant refers to and is made of lies in its
// namespace, so that two shards never touch the same object.
type shard struct {
	selector   labels.Selector
	namespaces []string
}

func newShard(ctx context.Context, live client.Reader, selector string) (*shard, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, err
	}
	var found corev1.NamespaceList
	err = live.List(ctx, &found, client.MatchingLabelsSelector{Selector: parsed})
	if apierrors.IsForbidden(err) {
		return nil, errors.New("--shard-selector needs to see the labels of namespaces: bind the ClusterRole holdfast-shard to the operator's service account")
	}
	if err != nil {
		return nil, fmt.Errorf("list the namespaces of shard %s: %w", selector, err)
	}
	s := &shard{selector: parsed}
	for i := range found.Items {
		s.namespaces = append(s.namespaces, found.Items[i].Name)
	}
	return s, nil
}

// cache is limited to the namespaces of the shard.
func (s *shard) cache() cache.Options {
	return cache.Options{
		DefaultNamespaces: only(append([]string{noNamespace}, s.namespaces...)),
		ByObject:          map[client.Object]cache.ByObject{&corev1.Namespace{}: {Label: s.selector}},
	}
}

// watch ends the manager when a namespace joins the shard or leaves it.
func (s *shard) watch(ctx context.Context, mgr ctrl.Manager, end context.CancelCauseFunc) error {
	informer, err := mgr.GetCache().GetInformer(ctx, &corev1.Namespace{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch the namespaces of the shard: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if namespace, ok := object.(*corev1.Namespace); ok && !slices.Contains(s.namespaces, namespace.Name) {
				end(errShardChanged)
			}
		},
		// Of others than those of the shard nothing is cached, so that nothing goes.
		DeleteFunc: func(any) { end(errShardChanged) },
	})
	return err
}
