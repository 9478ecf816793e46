package functional

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/player"
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
	if partition := *setOf(t, acme).Spec.UpdateStrategy.RollingUpdate.Partition; partition != wso2is.HeldPartition {
		t.Errorf("partition %d, want %d", partition, wso2is.HeldPartition)
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
	acme.Spec.Database.PostgreSQL.SchemaOwner = &v1alpha1.CredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}}
	acme.Spec.Database.PostgreSQL.Credentials.SecretRef.Name = "not-there-yet"
	if err := world.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionSecretsReady, metav1.ConditionFalse, v1alpha1.ReasonNotFound)
	})
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]string{"disk": "none"}}
		spec.Database.PostgreSQL.Credentials = *spec.Database.PostgreSQL.SchemaOwner
	})
	awaitPendingPod(t, acme)
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Scheduling = nil })
	serving := awaitUpToDate(t, acme).Status.ServingRevision
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	awaitHeld(t, acme, serving)
	t.Log("installed and repaired outside the window; the next change is held")
}

// waitDeadline is for what a small, busy machine does in seconds.
const waitDeadline = 2 * time.Minute

// operated runs the operator for the given namespaces until the test ends.
func operated(t *testing.T, options harness.OperatorOptions, namespaces ...string) *harness.Operator {
	t.Helper()
	if options.GenerateKey == nil {
		options.GenerateKey = spareKeys
	}
	running := operate(t, options, namespaces...)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

// spareKeys gives RSA keys out again and again: making a real one for each store of each
// tenant would be most of what these tests wait for.
func spareKeys(algorithm keystore.Algorithm, size int) (crypto.Signer, error) {
	if algorithm != keystore.RSA {
		return keystore.GenerateKey(algorithm, size)
	}
	spare.Lock()
	defer spare.Unlock()
	if keys := spare.keys[size]; len(keys) < 4 { // more than a tenant has stores with RSA keys
		key, err := keystore.GenerateKey(algorithm, size)
		if err != nil {
			return nil, err
		}
		spare.keys[size] = append(keys, key)
		return key, nil
	}
	spare.turn++
	return spare.keys[size][spare.turn%len(spare.keys[size])], nil
}

var spare = struct {
	sync.Mutex
	keys map[int][]crypto.Signer
	turn int
}{keys: map[int][]crypto.Signer{}}

func windowed(window *harness.Window) harness.OperatorOptions {
	return harness.OperatorOptions{Options: operator.Options{WindowOpen: func(types.NamespacedName) bool { return window.IsOpen() }}}
}

// edit changes a tenant's spec, or a Secret, as a person does.
func edit[O client.Object, E any](t *testing.T, object O, edit func(*E)) {
	t.Helper()
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	before := object.DeepCopyObject().(client.Object)
	switch edited := any(object).(type) {
	case *v1alpha1.IdentityTenant:
		edit(any(&edited.Spec).(*E))
	default:
		edit(edited.(*E))
	}
	if err := world.Admin.Patch(t.Context(), object, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// request asks for a pass by annotation and waits until it was made.
func request(t *testing.T, acme *v1alpha1.IdentityTenant, token string) {
	t.Helper()
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), acme); err != nil {
		t.Fatal(err)
	}
	if err := world.Annotate(t.Context(), acme, map[string]string{v1alpha1.AnnotationReconcile: token}); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Reconcile == token
	})
}

func await(t *testing.T, acme *v1alpha1.IdentityTenant, asked func(*v1alpha1.IdentityTenant) bool) *v1alpha1.IdentityTenant {
	t.Helper()
	if err := world.Await(t.Context(), acme, waitDeadline, asked); err != nil {
		t.Fatal(err, world.Diagnose(context.WithoutCancel(t.Context()), acme.Namespace))
	}
	return acme
}

// declares tells whether a condition of the present generation has this value and reason.
func declares(acme *v1alpha1.IdentityTenant, conditionType string, value metav1.ConditionStatus, reason string) bool {
	return slices.ContainsFunc(acme.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == conditionType && c.Status == value && c.Reason == reason && c.ObservedGeneration == acme.Generation
	})
}

// awaitHeld waits until a change is held for its window while the given revision serves.
func awaitHeld(t *testing.T, acme *v1alpha1.IdentityTenant, serving string) *v1alpha1.IdentityTenant {
	t.Helper()
	return await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionFalse, v1alpha1.ReasonRolloutScheduled) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRolloutScheduled) &&
			seen.Status.ServingRevision == serving && seen.Status.DesiredRevision != serving
	})
}

func awaitUpToDate(t *testing.T, acme *v1alpha1.IdentityTenant) *v1alpha1.IdentityTenant {
	t.Helper()
	return await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}

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

// watchPods notes the pods that are made from now on; what it returns gives their revisions.
func watchPods(t *testing.T, acme *v1alpha1.IdentityTenant) func() []string {
	t.Helper()
	known := podsOf(t, acme)
	watching, err := world.Admin.Watch(t.Context(), &corev1.PodList{}, serverPods(acme)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watching.Stop)
	var mu sync.Mutex
	born := map[types.UID]string{}
	go func() {
		for event := range watching.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			mu.Lock()
			if _, old := known[pod.UID]; !old {
				born[pod.UID] = pod.Annotations[tenant.AnnotationRevision]
			}
			mu.Unlock()
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Values(born))
	}
}
