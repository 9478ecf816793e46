// Package bench measures what tenants cost: requests, time and memory, next to a floor
// that is measured in the same run. Of that it asserts nothing but that tenants become
// Ready. And it measures what costs nothing: Secrets of others.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/go-logr/logr"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// deadline bounds each wait; a wait that needs it is a failure.
const deadline = 10 * time.Minute

var (
	world *harness.World
	audit string
	admin client.WithWatch // as world.Admin, known in the audit log
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	if encoded := os.Getenv(childVariable); encoded != "" {
		if err := runOperator(encoded); err != nil {
			fmt.Fprintln(os.Stderr, "operator:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// BenchmarkTenants prints what 1, 10 and 100 tenants cost; with -short, 1 and 10.
func BenchmarkTenants(b *testing.B) {
	startWorld(b)
	var runs []run
	sizes := []int{1, 10, 100}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, tenants := range sizes {
		runs = append(runs, measure(b, tenants, true))
		b.Logf("%d tenants: done after %s", tenants, b.Elapsed().Round(time.Second))
	}
	keys := measure(b, 10, false)
	printTable(b, runs, keys, keyTime(b))
}

func startWorld(b *testing.B) {
	b.Helper()
	folder := os.Getenv(keepVariable)
	if folder == "" {
		folder = b.TempDir()
	}
	audit = filepath.Join(folder, "audit.log")
	var err error
	if world, err = harness.Start(b.Context(), harness.Options{Audit: audit, WithoutServers: true}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(world.Stop)
	config := world.Plane.Config()
	config.UserAgent = agentBench
	if admin, err = client.NewWithWatch(config, client.Options{Scheme: world.Scheme}); err != nil {
		b.Fatal(err)
	}
}

// run is what one number of tenants cost.
type run struct {
	tenants, keystores int
	tally              tally
	seen               account       // what the operator's own transport counted
	ready              time.Duration // until every tenant was Ready
	cpu                time.Duration
	idle, full         int // KiB resident, without tenants and with them
	ungathered         int // the same before a garbage collection
	resync, restart    account
	verified           time.Duration // from a new start until every object was looked at
	bare, patient      tally
}

// measure lets a fresh operator process make tenants in a namespace of their own. The
// floor is measured beside it when it is asked for.
func measure(b *testing.B, tenants int, sharedKeys bool) run {
	b.Helper()
	r := run{tenants: tenants}
	namespace := prepare(b, fmt.Sprintf("bench-%d-%t", tenants, sharedKeys))
	operator := start(b, setup{Namespace: namespace, SharedKeys: sharedKeys})
	awaitConnection(b, namespace)
	before := operator.quiet(b, deadline)
	_, r.idle = operator.resident(b)
	cpu := operator.cpu(b)
	r.ready = create(b, namespace, tenants)
	r.seen = since(before, operator.quiet(b, deadline))
	r.cpu = operator.cpu(b) - cpu
	r.ungathered, r.full = operator.resident(b)
	r.tally = tallied(b, namespace, "holdfast")
	for _, e := range r.tally.made {
		if e.ObjectRef.Resource == "keystores" {
			r.keystores++
		}
	}
	if sharedKeys {
		r.resync = wake(b, operator, namespace, r)
	}
	operator.stop()
	if !sharedKeys {
		return r
	}
	r.restart, r.verified = restarted(b, namespace, r)
	r.bare, r.patient = floor(b, r, namespace)
	return r
}

// tallied reads the audit log. What the operator's transport counted has to be there.
func tallied(b *testing.B, namespace, creator string) tally {
	b.Helper()
	entries, err := readAudit(audit, namespace)
	if err != nil {
		b.Fatal(err)
	}
	return count(entries, creator)
}

func since(before, after account) account {
	after.Reads -= before.Reads
	after.Writes -= before.Writes
	after.Events -= before.Events
	after.VaultReads -= before.VaultReads
	after.Puts -= before.Puts
	after.Logins -= before.Logins
	for controller, n := range before.Reconciles {
		after.Reconciles[controller] -= n
	}
	return after
}

// prepare makes a namespace whose authority is ready to issue.
func prepare(b *testing.B, name string) string {
	b.Helper()
	namespace, err := world.Namespace(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	await(b, "the issuer "+namespace+"/internal-ca", func(ctx context.Context) bool {
		issuer := &cmv1.Issuer{}
		if err := world.Admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "internal-ca"}, issuer); err != nil {
			return false
		}
		for _, condition := range issuer.Status.Conditions {
			if condition.Type == cmv1.IssuerConditionReady && condition.Status == cmmeta.ConditionTrue {
				return true
			}
		}
		return false
	})
	return namespace
}

func awaitConnection(b *testing.B, namespace string) {
	b.Helper()
	await(b, "the VaultConnection", func(ctx context.Context) bool {
		connection := &v1alpha1.VaultConnection{}
		err := world.Admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "vault"}, connection)
		return err == nil && apimeta.IsStatusConditionTrue(connection.Status.Conditions, v1alpha1.ConditionReady)
	})
}

func await(b *testing.B, what string, done func(context.Context) bool) {
	b.Helper()
	for until := time.Now().Add(deadline); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if done(b.Context()) {
			return
		}
	}
	b.Fatalf("%s is not ready within %s", what, deadline)
}

func tenantName(i int) string { return fmt.Sprintf("t%03d", i) }

// create makes the tenants and waits until each is Ready.
func create(b *testing.B, namespace string, tenants int) time.Duration {
	b.Helper()
	begin := time.Now()
	watch, err := admin.Watch(b.Context(), &v1alpha1.IdentityTenantList{}, client.InNamespace(namespace))
	if err != nil {
		b.Fatal(err)
	}
	defer watch.Stop()
	var group sync.WaitGroup
	slots, failed := make(chan struct{}, inFlight), make(chan error, tenants)
	for i := range tenants {
		slots <- struct{}{}
		group.Go(func() {
			failed <- admin.Create(b.Context(), harness.NewTenant(namespace, tenantName(i)))
			<-slots
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			b.Fatal(err)
		}
	}
	ready := map[string]bool{}
	late := time.After(deadline)
	for len(ready) < tenants {
		select {
		case event := <-watch.ResultChan():
			tenant, ok := event.Object.(*v1alpha1.IdentityTenant)
			if ok && apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionReady) {
				ready[tenant.Name] = true
			}
		case <-late:
			b.Fatalf("%d of %d tenants are Ready within %s: %v", len(ready), tenants, deadline, unready(namespace))
		}
	}
	return time.Since(begin)
}

func unready(namespace string) error {
	var tenants v1alpha1.IdentityTenantList
	err := world.Admin.List(context.Background(), &tenants, client.InNamespace(namespace))
	for i := range tenants.Items {
		if !apimeta.IsStatusConditionTrue(tenants.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
			return errors.New(harness.Describe(&tenants.Items[i]))
		}
	}
	return err
}

// wake has every tenant and Keystore looked at once more although nothing changed: an
// annotation of a stranger wakes the operator and asks for nothing.
func wake(b *testing.B, operator *process, namespace string, r run) account {
	b.Helper()
	before := operator.quiet(b, deadline)
	for _, list := range []client.ObjectList{&v1alpha1.IdentityTenantList{}, &v1alpha1.KeystoreList{}} {
		if err := admin.List(b.Context(), list, client.InNamespace(namespace)); err != nil {
			b.Fatal(err)
		}
		objects, err := apimeta.ExtractList(list)
		if err != nil {
			b.Fatal(err)
		}
		for _, object := range objects {
			patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"holdfast.example/woken":"true"}}}`))
			if err := admin.Patch(b.Context(), object.(client.Object), patch); err != nil {
				b.Fatal(err)
			}
		}
	}
	await(b, "a look at every object", func(context.Context) bool {
		now, err := operator.ask("/account")
		return err == nil && now.Reconciles["identitytenant"]-before.Reconciles["identitytenant"] >= r.tenants &&
			now.Reconciles["keystore"]-before.Reconciles["keystore"] >= r.keystores
	})
	return since(before, operator.quiet(b, deadline))
}

// restarted starts the operator anew and counts until it is quiet again.
func restarted(b *testing.B, namespace string, r run) (account, time.Duration) {
	b.Helper()
	begin := time.Now()
	operator := start(b, setup{Namespace: namespace, SharedKeys: true})
	defer operator.stop()
	await(b, "a look at every object", func(context.Context) bool {
		now, err := operator.ask("/account")
		return err == nil && now.Busy == 0 && now.Reconciles["identitytenant"] >= r.tenants && now.Reconciles["keystore"] >= r.keystores
	})
	verified := time.Since(begin)
	return operator.quiet(b, deadline), verified
}

// floor lets a bare client create the same objects, twice: straight away, and waiting
// where anybody has to wait.
func floor(b *testing.B, r run, from string) (bare, patient tally) {
	b.Helper()
	for _, waits := range []bool{false, true} {
		name := fmt.Sprintf("floor-%d-%t", r.tenants, waits)
		copies, err := record(b.Context(), from, name, r.tally.made)
		if err != nil {
			b.Fatal(err)
		}
		prepare(b, name)
		for tenant := range copies {
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(harness.NewTenant(name, tenant))
			if err != nil {
				b.Fatal(err)
			}
			object := &unstructured.Unstructured{Object: content}
			object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IdentityTenant"))
			unstructured.RemoveNestedField(content, "status")
			copies[tenant] = append([]*unstructured.Unstructured{object}, copies[tenant]...)
		}
		c, err := newBareClient()
		if err != nil {
			b.Fatal(err)
		}
		if waits {
			err = c.waiting(b.Context(), name, copies)
		} else {
			err = c.straight(b.Context(), copies)
		}
		if err != nil {
			b.Fatal(err)
		}
		rest(b, name)
		if waits {
			patient = tallied(b, name, agentFloor)
		} else {
			bare = tallied(b, name, agentFloor)
		}
	}
	return bare, patient
}

// rest waits until the cluster is done with a namespace, so that its work is not counted
// against whoever comes next.
func rest(b *testing.B, namespace string) {
	b.Helper()
	last, still := -1, 0
	await(b, "the end of everybody's writes", func(context.Context) bool {
		entries, err := readAudit(audit, namespace)
		if err != nil || len(entries) != last {
			last, still = len(entries), 0
			return false
		}
		still++
		return still == 10
	})
}

// keyTime is the mean time that one RSA-3072 key takes, on this machine, now.
func keyTime(b *testing.B) time.Duration {
	b.Helper()
	const keys = 10
	begin := time.Now()
	for range keys {
		if _, err := keystore.GenerateKey(keystore.RSA, 3072); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begin) / keys
}
