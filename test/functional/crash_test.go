package functional

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// crashVariable set to "all" kills at every write, twice; else every few writes, so that
// the usual run stays short.
const crashVariable = "HOLDFAST_CRASH_POINTS"

// usualPoints is how many writes the usual run kills at.
const usualPoints = 12

// lanes run side by side, since a case mostly waits.
const lanes = 3

// TestACrashAtAnyWriteConverges kills the operator at each write of a first reconcile, to
// the API server and to Vault, before it is sent and after it was committed, and wants
// the end state of an undisturbed run. Invariants 1, 4, 8 and 10 (docs/invariants.md).
func TestACrashAtAnyWriteConverges(t *testing.T) {
	reference, writes := undisturbed(t)
	stride := max(1, len(writes)/usualPoints)
	if os.Getenv(crashVariable) == "all" {
		stride = 1
	}
	type point struct {
		at        int64
		committed bool
	}
	var points []point
	for at := 1; at <= len(writes); at += stride {
		points = append(points, point{int64(at), false}, point{int64(at), true})
	}
	t.Logf("a first reconcile makes %d writes to the API server and Vault; the operator is killed at %d points (%s=all for every one)", len(writes), len(points), crashVariable)
	queue := make(chan point)
	var group sync.WaitGroup
	for range lanes {
		group.Go(func() {
			for p := range queue {
				name := fmt.Sprintf("write %d, committed %v", p.at, p.committed)
				if err := crashOnce(t, child{KillAt: p.at, Committed: p.committed}, reference, p.at%7 == 3); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	for _, p := range points {
		queue <- p
	}
	close(queue)
	group.Wait()
}

// undisturbed runs one tenant to Ready and gives its end state and its writes.
func undisturbed(t *testing.T) ([]string, []string) {
	t.Helper()
	ns := namespace(t)
	running := spawn(t, child{Namespace: ns})
	tenant := ready(t, harness.NewTenant(ns, "acme"))
	state, err := endState(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	running.kill()
	return state, running.writes(t)
}

// crashOnce is one case. wiped loses the status of everything between the two lives.
func crashOnce(t *testing.T, c child, reference []string, wiped bool) error {
	ctx := t.Context()
	ns, err := world.Namespace(ctx, "crash-")
	if err != nil {
		return err
	}
	c.Namespace = ns
	tenant := harness.NewTenant(ns, "acme")
	first := spawn(t, c)
	if err := world.Admin.Create(ctx, tenant); err != nil {
		return err
	}
	if !first.awaitEnd(readyDeadline) {
		// The order of writes is the scheduler's: this run needed fewer of them.
		t.Logf("write %d was not reached in this run", c.KillAt)
		first.kill()
	}
	if wiped {
		if err := wipeStatus(ctx, ns); err != nil {
			return err
		}
	}
	second := spawn(t, child{Namespace: ns})
	defer second.kill()
	if err := world.AwaitReady(ctx, tenant, readyDeadline); err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		state, err := endState(ctx, tenant)
		diff := cmp.Diff(reference, state)
		if err == nil && diff == "" {
			return world.Admin.Delete(ctx, tenant)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v the end state differs (-undisturbed +crashed, %w):\n%s", last(first.writes(t)), err, diff)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func last(lines []string) string {
	if len(lines) == 0 {
		return "no write"
	}
	return lines[len(lines)-1]
}

func wipeStatus(ctx context.Context, ns string) error {
	var tenants v1alpha1.IdentityTenantList
	if err := world.Admin.List(ctx, &tenants, client.InNamespace(ns)); err != nil {
		return err
	}
	for i := range tenants.Items {
		before := tenants.Items[i].DeepCopy()
		tenants.Items[i].Status = v1alpha1.IdentityTenantStatus{}
		if err := world.Admin.Status().Patch(ctx, &tenants.Items[i], client.MergeFrom(before)); err != nil {
			return err
		}
	}
	var stores v1alpha1.KeystoreList
	if err := world.Admin.List(ctx, &stores, client.InNamespace(ns)); err != nil {
		return err
	}
	for i := range stores.Items {
		before := stores.Items[i].DeepCopy()
		stores.Items[i].Status = v1alpha1.KeystoreStatus{}
		if err := world.Admin.Status().Patch(ctx, &stores.Items[i], client.MergeFrom(before)); err != nil {
			return err
		}
	}
	return nil
}

// content is the digest by which versioned objects are named: it differs between runs,
// since keys do.
var content = regexp.MustCompile(`-[0-9a-f]{10}$`)

// endState lists what exists, in words that are equal for equal outcomes: names without
// digests, versions in Vault, generations and revisions.
func endState(ctx context.Context, tenant *v1alpha1.IdentityTenant) ([]string, error) {
	var state []string
	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &networkingv1.NetworkPolicyList{},
		&policyv1.PodDisruptionBudgetList{}, &appsv1.StatefulSetList{}, &appsv1.ControllerRevisionList{}, &batchv1.JobList{}, &cmv1.CertificateList{}, &v1alpha1.KeystoreList{},
	} {
		if err := world.Admin.List(ctx, list, client.InNamespace(tenant.Namespace)); err != nil {
			return nil, err
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			object := item.(client.Object)
			if strings.HasPrefix(object.GetName(), tenant.Name+"-") || object.GetName() == tenant.Name {
				state = append(state, describe(object))
			}
		}
	}
	values, err := vaultState(ctx, "holdfast/"+tenant.Namespace+"/")
	if err != nil {
		return nil, err
	}
	state = append(state, values...)
	state = append(state, fmt.Sprint("serving the desired revision: ", tenant.Status.ServingRevision == tenant.Status.DesiredRevision))
	slices.Sort(state)
	return state, nil
}

func describe(object client.Object) string {
	name := content.ReplaceAllString(object.GetName(), "-*")
	text := strings.TrimPrefix(fmt.Sprintf("%T ", object), "*") + name
	switch object := object.(type) {
	case *v1alpha1.Keystore:
		text += fmt.Sprintf(" generation %d of %d versions", object.Status.CurrentGeneration, len(object.Status.Versions))
	case *appsv1.ControllerRevision:
		text = fmt.Sprintf("rollout %d", object.Revision)
	}
	return text
}

// vaultState lists every value below a path with the number of its versions.
func vaultState(ctx context.Context, path string) ([]string, error) {
	listed, err := world.Vault.Root().Logical().ListWithContext(ctx, "secret/metadata/"+path)
	if err != nil || listed == nil {
		return nil, err
	}
	var state []string
	keys, _ := listed.Data["keys"].([]any)
	for _, key := range keys {
		name := path + key.(string)
		if strings.HasSuffix(name, "/") {
			below, err := vaultState(ctx, name)
			if err != nil {
				return nil, err
			}
			state = append(state, below...)
			continue
		}
		metadata, err := world.Vault.Root().Logical().ReadWithContext(ctx, "secret/metadata/"+name)
		if err != nil {
			return nil, err
		}
		_, relative, _ := strings.Cut(strings.TrimPrefix(name, "holdfast/"), "/")
		state = append(state, fmt.Sprintf("Vault %s versions %v", relative, metadata.Data["current_version"]))
	}
	return state, nil
}
