package functional

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/player"
)

func setOf(t *testing.T, acme *v1alpha1.IdentityTenant) *appsv1.StatefulSet {
	t.Helper()
	set := &appsv1.StatefulSet{}
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), set); err != nil {
		t.Fatal(err)
	}
	return set
}

func templateOf(t *testing.T, acme *v1alpha1.IdentityTenant) corev1.PodSpec {
	t.Helper()
	return setOf(t, acme).Spec.Template.Spec
}

func serverPods(acme *v1alpha1.IdentityTenant) []client.ListOption {
	return []client.ListOption{client.InNamespace(acme.Namespace), client.MatchingLabels{tenant.LabelInstance: acme.Name, tenant.LabelComponent: tenant.ComponentServer}}
}

func listPods(t *testing.T, acme *v1alpha1.IdentityTenant) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := world.Admin.List(t.Context(), &pods, serverPods(acme)...); err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// podsOf gives the revision of each of the tenant's pods.
func podsOf(t *testing.T, acme *v1alpha1.IdentityTenant) map[types.UID]string {
	t.Helper()
	found := map[types.UID]string{}
	for _, pod := range listPods(t, acme) {
		found[pod.UID] = pod.Annotations[tenant.AnnotationRevision]
	}
	return found
}

// awaitPods waits until as many ready pods took the place of all former ones.
func awaitPods(t *testing.T, acme *v1alpha1.IdentityTenant, former map[types.UID]string) map[types.UID]string {
	t.Helper()
	found := map[types.UID]string{}
	testenv.Eventually(t, waitDeadline, func() error {
		clear(found)
		for _, pod := range listPods(t, acme) {
			if _, old := former[pod.UID]; old || pod.Status.Phase != corev1.PodRunning {
				return fmt.Errorf("pod %s is %s", pod.Name, pod.Status.Phase)
			}
			found[pod.UID] = pod.Annotations[tenant.AnnotationRevision]
		}
		if len(found) != len(former) {
			return fmt.Errorf("%d pods, want %d", len(found), len(former))
		}
		return nil
	})
	return found
}

func awaitPendingPod(t *testing.T, acme *v1alpha1.IdentityTenant) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		var pods corev1.PodList
		if err := world.Admin.List(t.Context(), &pods, client.InNamespace(acme.Namespace), client.MatchingLabels{tenant.LabelInstance: acme.Name}); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Spec.NodeSelector["disk"] != "" && pod.Status.Phase == corev1.PodPending && pod.DeletionTimestamp == nil {
				return nil
			}
		}
		return fmt.Errorf("no pod of tenant %s waits for its node yet", acme.Name)
	})
}

func kill(t *testing.T, ns string, uid types.UID) {
	t.Helper()
	var pods corev1.PodList
	if err := world.Admin.List(t.Context(), &pods, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		if pods.Items[i].UID != uid {
			continue
		}
		if err := world.Admin.Delete(t.Context(), &pods.Items[i], client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
}

// named lists the Secrets that a pod's spec names, sorted.
func named(spec corev1.PodSpec) []string {
	var names []string
	for _, volume := range spec.Volumes {
		if volume.Secret != nil {
			names = append(names, volume.Secret.SecretName)
		}
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				if source.Secret != nil {
					names = append(names, source.Secret.Name)
				}
			}
		}
	}
	for _, container := range spec.Containers {
		for _, variable := range container.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
				names = append(names, variable.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func secretsOfPods(t *testing.T, acme *v1alpha1.IdentityTenant) []string {
	t.Helper()
	var names []string
	for _, pod := range listPods(t, acme) {
		names = append(names, named(pod.Spec)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func revisionsOf(t *testing.T, acme *v1alpha1.IdentityTenant) []appsv1.ControllerRevision {
	t.Helper()
	var revisions appsv1.ControllerRevisionList
	if err := world.Admin.List(t.Context(), &revisions, serverPods(acme)...); err != nil {
		t.Fatal(err)
	}
	return revisions.Items
}

func expectRevisions(t *testing.T, acme *v1alpha1.IdentityTenant, want int) {
	t.Helper()
	revisions := revisionsOf(t, acme)
	if len(revisions) == want {
		return
	}
	t.Errorf("%d ControllerRevisions, want %d:", len(revisions), want)
	for _, revision := range revisions {
		var kept struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		if err := json.Unmarshal(revision.Data.Raw, &kept); err != nil {
			t.Fatal(err)
		}
		t.Logf("revision %d: %v", revision.Revision, named(kept.Spec.Template.Spec))
	}
}

// expectRestartedFrom wants the stand-in of a pod to have read a configuration for this host.
func expectRestartedFrom(t *testing.T, uid types.UID, host string) {
	t.Helper()
	file := filepath.Join(world.Player.Folder, string(uid), "conf", "deployment.toml")
	testenv.Eventually(t, waitDeadline, func() error {
		content, err := os.ReadFile(file)
		if err == nil && !strings.Contains(string(content), host) {
			err = fmt.Errorf("%s is for another host than %s", file, host)
		}
		return err
	})
}

// served gives the certificate that the tenant's server presents.
func served(t *testing.T, acme *v1alpha1.IdentityTenant) *x509.Certificate {
	t.Helper()
	var certificate *x509.Certificate
	testenv.Eventually(t, waitDeadline, func() error {
		connection, err := player.Dialer(world.Player.Proxy())(t.Context(), "tcp", acme.Name+"."+acme.Namespace+".svc:9443")
		if err != nil {
			return err
		}
		defer connection.Close()
		secured := tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		if err := secured.HandshakeContext(t.Context()); err != nil {
			return err
		}
		certificate = secured.ConnectionState().PeerCertificates[0]
		return nil
	})
	return certificate
}

// watchPods notes the pods that are made from now on; what it returns gives their revisions. A test that
// fails tells what became of each.
func watchPods(t *testing.T, acme *v1alpha1.IdentityTenant) func() []string {
	t.Helper()
	known := podsOf(t, acme)
	var mu sync.Mutex
	born := map[types.UID]string{}
	var history []string
	follow := func(kind string, list client.ObjectList, options []client.ListOption, tell func(client.Object) string) {
		watching, err := world.Admin.Watch(t.Context(), list, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(watching.Stop)
		go func() {
			for event := range watching.ResultChan() {
				object, ok := event.Object.(client.Object)
				if !ok {
					continue
				}
				mu.Lock()
				history = append(history, fmt.Sprintf("%s %s %s %s %s", time.Now().Format("15:04:05.000"), event.Type, kind, object.GetName(), tell(object)))
				if _, old := known[object.GetUID()]; !old && kind == "Pod" {
					born[object.GetUID()] = object.GetAnnotations()[tenant.AnnotationRevision]
				}
				mu.Unlock()
			}
		}()
	}
	follow("Pod", &corev1.PodList{}, serverPods(acme), func(object client.Object) string {
		pod := object.(*corev1.Pod)
		ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		return fmt.Sprintf("%s of %s: %s %s, ready %t, ends %t", pod.UID, pod.Labels[appsv1.ControllerRevisionHashLabelKey],
			pod.Status.Phase, pod.Status.Reason, ready, pod.DeletionTimestamp != nil)
	})
	follow("StatefulSet", &appsv1.StatefulSetList{}, serverPods(acme)[:1], func(object client.Object) string {
		set := object.(*appsv1.StatefulSet)
		return fmt.Sprintf("generation %d, partition %d: %+v", set.Generation, *set.Spec.UpdateStrategy.RollingUpdate.Partition, set.Status)
	})
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if t.Failed() {
			t.Logf("what became of the pods of %s:\n%s", acme.Namespace, strings.Join(history, "\n"))
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Values(born))
	}
}
