package functional

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// A change waits for its window: until then a pod that dies comes back as it was, from
// the Secrets that it had, and however many changes waited, there is one rollout.
func TestAHeldRolloutComesBackAsItWas(t *testing.T) {
	t.Parallel()
	ns, window := namespace(t), &harness.Window{}
	operated(t, windowed(window), ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	serving, old, atFirst := acme.Status.ServingRevision, secretsOfPods(t, acme), podsOf(t, acme)

	window.Close()
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Hostname = "id.second.example" })
	awaitHeld(t, acme, serving)
	testenv.Eventually(t, waitDeadline, func() error {
		// What it names is new wherever the host name is in: the configuration and the certificate.
		for _, prefix := range []string{"acme-config-", "acme-tls-"} {
			if names := named(templateOf(t, acme)); !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) && !slices.Contains(old, name) }) {
				return fmt.Errorf("the template still names the old %s…: %v", prefix, names)
			}
		}
		return nil
	})
	second := awaitHeld(t, acme, serving).Status.DesiredRevision
	expectRevisions(t, acme, 2)
	edit(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "db"}}, func(secret *corev1.Secret) { secret.Data["password"] = []byte("another") })
	testenv.Eventually(t, waitDeadline, func() error {
		if now := awaitHeld(t, acme, serving).Status.DesiredRevision; now == second {
			return errors.New("the new password of the database is not in the desired revision")
		}
		return nil
	})
	expectRevisions(t, acme, 3)
	if partition := *setOf(t, acme).Spec.UpdateStrategy.RollingUpdate.Partition; partition != pods.HeldPartition {
		t.Errorf("partition %d, want %d", partition, pods.HeldPartition)
	}
	if now := podsOf(t, acme); !maps.Equal(now, atFirst) {
		t.Fatalf("pods were replaced outside the window: %v, then %v", atFirst, now)
	}

	for uid := range atFirst {
		kill(t, ns, uid)
	}
	back := awaitPods(t, acme, atFirst)
	for uid, revision := range back {
		if revision != serving {
			t.Errorf("a pod came back as revision %s, want %s", revision, serving)
		}
		expectRestartedFrom(t, uid, "id.acme.example")
	}
	if now := secretsOfPods(t, acme); !slices.Equal(now, old) {
		t.Errorf("the pods came back with Secrets %v, want %v", now, old)
	}
	if certificate := served(t, acme); certificate.VerifyHostname("id.acme.example") != nil {
		t.Errorf("what serves has a certificate for %v", certificate.DNSNames)
	}
	request(t, acme, "look-once-more")
	awaitHeld(t, acme, serving)
	for _, name := range old {
		if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: name}, &corev1.Secret{}); err != nil {
			t.Errorf("what the pods come back with was collected: %v", err)
		}
	}

	appeared := watchPods(t, acme)
	window.Open()
	request(t, acme, "the-window-opens")
	awaitUpToDate(t, acme)
	expectRevisions(t, acme, 3)
	if births := appeared(); len(births) != len(back) || slices.ContainsFunc(births, func(revision string) bool { return revision != acme.Status.DesiredRevision }) {
		t.Errorf("%d pods were made, of revisions %v; want one rollout: %d, all of %s", len(births), births, len(back), acme.Status.DesiredRevision)
	}
	testenv.Eventually(t, waitDeadline, func() error { return served(t, acme).VerifyHostname("id.second.example") })
	t.Logf("2 changes waited through the death of %d pods, %d Secrets stood, and %d pods were replaced once each when the window opened", len(atFirst), len(old), len(back))
	expectCollected(t, acme, window, old)
}

// expectCollected wants Secrets of former revisions for as long as a ControllerRevision
// names them, and no longer.
func expectCollected(t *testing.T, acme *v1alpha1.IdentityTenant, window *harness.Window, old []string) {
	t.Helper()
	window.Close() // changes make revisions but no pods
	now := secretsOfPods(t, acme)
	// The stores have a history of their own.
	old = slices.DeleteFunc(slices.Clone(old), func(name string) bool {
		return slices.Contains(now, name) || !strings.HasPrefix(name, "acme-config-") && !strings.HasPrefix(name, "acme-credentials-")
	})
	if len(old) != 2 {
		t.Fatalf("the first configuration and credentials should be among the old Secrets: %v", old)
	}
	changes := 0
	for ; changes < 8; changes++ {
		var gone []string
		request(t, acme, fmt.Sprint("collect-", changes))
		revisions := revisionsOf(t, acme)
		for _, name := range old {
			err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: name}, &corev1.Secret{})
			if err != nil {
				gone = append(gone, name)
			}
			isNamed := slices.ContainsFunc(revisions, func(r appsv1.ControllerRevision) bool { return strings.Contains(string(r.Data.Raw), `"`+name+`"`) })
			if err != nil && isNamed {
				t.Fatalf("Secret %s is gone although a ControllerRevision names it", name)
			}
		}
		if len(gone) == len(old) {
			t.Logf("%v went %d changes later, with the last ControllerRevision that named them", old, changes)
			return
		}
		edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
			spec.Resources = &v1alpha1.Resources{CPU: fmt.Sprintf("%d", 3+changes)}
		})
		awaitHeld(t, acme, acme.Status.ServingRevision)
	}
	t.Errorf("%v still stand after %d changes, with %d ControllerRevisions", old, changes, len(revisionsOf(t, acme)))
}

// A rollout whose pods cannot become ready does not block the change that repairs it:
// not after a good revision, not at the very first, and not when the window closed on it.
func TestARepairGoesPastABrokenRollout(t *testing.T) {
	t.Parallel()
	ns, window := namespace(t), &harness.Window{}
	options := harness.OperatorOptions{}
	options.WindowOpen = func(tenant types.NamespacedName) bool { return tenant.Name != "closed" || window.IsOpen() }
	operated(t, options, ns)
	nowhere := &v1alpha1.Scheduling{NodeSelector: map[string]string{"disk": "none"}}
	broken := func(spec *v1alpha1.IdentityTenantSpec) { spec.Scheduling = nowhere }
	repaired := func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Scheduling, spec.Resources = nil, &v1alpha1.Resources{CPU: "1"}
	}

	first, later, closed := harness.NewTenant(ns, "first"), harness.NewTenant(ns, "later"), harness.NewTenant(ns, "closed")
	broken(&first.Spec) // neither its schema Job nor its pods find a node
	for _, made := range []*v1alpha1.IdentityTenant{first, later, closed} {
		if err := world.Admin.Create(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	for _, made := range []*v1alpha1.IdentityTenant{later, closed} {
		if err := world.AwaitReady(t.Context(), made, waitDeadline); err != nil {
			t.Fatal(err)
		}
	}
	good := closed.Status.ServingRevision
	edit(t, later, broken)
	edit(t, closed, broken)
	for _, made := range []*v1alpha1.IdentityTenant{first, later, closed} {
		awaitPendingPod(t, made)
	}

	edit(t, later, repaired)
	edit(t, first, repaired)
	awaitUpToDate(t, later)
	awaitUpToDate(t, first)
	window.Close()
	request(t, closed, "the-window-closes")
	awaitHeld(t, closed, good)
	testenv.Eventually(t, waitDeadline, func() error {
		for uid, revision := range podsOf(t, closed) {
			if revision != good {
				return fmt.Errorf("pod %s stays at the broken revision %s", uid, revision)
			}
		}
		return nil
	})
	edit(t, closed, repaired)
	awaitHeld(t, closed, good)
	window.Open()
	request(t, closed, "the-window-opens")
	awaitUpToDate(t, closed)
	t.Log("3 broken rollouts were repaired by the next change: of a running tenant, of a schema Job without a node, and of one whose window had closed")
}

// A first install is not held, and neither is its repair: nothing serves that a rollout could harm.
func TestAFirstInstallDoesNotWaitForAWindow(t *testing.T) {
	t.Parallel()
	ns, window := namespace(t), &harness.Window{}
	window.Close()
	operated(t, windowed(window), ns)
	acme := harness.NewTenant(ns, "acme")
	// The schema Job gets what it needs, the pods do not yet.
	acme.Spec.Mail = &v1alpha1.Mail{Host: "smtp.example.com", From: "identity@acme.example", Peer: &v1alpha1.Peer{CIDRs: []string{"192.0.2.0/24"}},
		Credentials: v1alpha1.CredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "not-there-yet"}}}
	if err := world.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionSecretsReady, metav1.ConditionFalse, v1alpha1.ReasonNotFound)
	})
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]string{"disk": "none"}}
		spec.Mail = nil
	})
	awaitPendingPod(t, acme)
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Scheduling = nil })
	serving := awaitUpToDate(t, acme).Status.ServingRevision
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	awaitHeld(t, acme, serving)
	t.Log("installed and repaired outside the window; the next change is held")
}
