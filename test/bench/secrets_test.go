package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// aimGrowth is how much the manager may grow by Secrets that are no matter of it.
const aimGrowth = 10_000_000 // bytes

// window is how long memory is looked at for one figure: a garbage collection may come at any moment of it.
const window = 30 * time.Second

// BenchmarkUnrelatedSecrets fails when 1,000 Secrets of 512 KiB that no custom resource names let the manager grow by more
// than the aim: half of them lie beside a Keystore of its own, in a namespace that it watches, half where it is not admitted.
// With -short 100 of 64 KiB.
func BenchmarkUnrelatedSecrets(b *testing.B) {
	startWorld(b)
	number, size := 1000, 512<<10
	if testing.Short() {
		number, size = 100, 64<<10
	}
	program, err := harness.BuildManager(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	namespace := prepare(b, "admitted")
	begin := func(name string) *localenv.Process {
		b.Helper()
		process, err := program.Start(world.Environment, b.TempDir(), name, "--leader-elect=false", "--metrics-bind-address=0")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(process.Stop)
		return process
	}
	running := begin("running")
	keystoreReady(b, namespace, "before")
	before := look(b, running.PID, nil)

	foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}}
	if err := admin.Create(b.Context(), foreign); err != nil {
		b.Fatal(err)
	}
	came := make(chan error, 1)
	go func() { came <- fill(b.Context(), []string{namespace, foreign.Name}, number, size) }()
	with := look(b, running.PID, came)
	running.Stop()

	// What a manager takes that starts with them all there, and works.
	started := begin("started")
	keystoreReady(b, namespace, "after")
	again := look(b, started.PID, nil)

	fmt.Printf("\nMemory of the manager beside %d Secrets of %d KiB that are no matter of it, half of them beside a Keystore.\n"+
		"%d cores, %s. Real: API server, etcd, controllers, Vault, cert-manager, and cmd/manager in its own process.\n\n", number, size>>10, runtime.NumCPU(), runtime.Version())
	row := func(label string, s spell) {
		fmt.Printf("%-58s%9.1f MB to %.1f MB resident\n", label, mb(s.lowest), mb(s.highest))
	}
	row("before they came", before)
	row("while they came, and after", with)
	row("of a manager that started with them there", again)
	growth := with.highest - before.lowest
	fmt.Printf("%-58s%9.1f MB at most, the aim is %.0f MB\n", "growth", mb(growth), mb(aimGrowth))
	b.ReportMetric(mb(growth), "MB-growth")
	for what, s := range map[string]spell{"a manager that runs": with, "a manager that starts": again} {
		if s.highest-before.lowest > aimGrowth {
			b.Errorf("%s takes %.1f MB with them and %.1f MB without", what, mb(s.highest), mb(before.lowest))
		}
	}
}

func mb(bytes int) float64 { return float64(bytes) / 1e6 }

// spell is how much memory a process had at least and at most, in bytes.
type spell struct{ lowest, highest int }

// look watches a process's memory until what comes has come, and for the window after that.
func look(b *testing.B, pid int, comes <-chan error) (s spell) {
	b.Helper()
	end := time.After(window)
	if comes != nil {
		end = nil
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now := residentOf(b, pid)
		if s.lowest == 0 || now < s.lowest {
			s.lowest = now
		}
		s.highest = max(s.highest, now)
		select {
		case err := <-comes:
			if err != nil {
				b.Fatal(err)
			}
			comes, end = nil, time.After(window)
		case <-end:
			return s
		case <-tick.C:
		}
	}
}

// residentOf a process, in bytes.
func residentOf(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("/proc tells no resident memory")
	return 0
}

// fill makes Secrets in the namespaces in turn.
func fill(ctx context.Context, namespaces []string, number, size int) error {
	var group sync.WaitGroup
	failed, slots := make(chan error, number), make(chan struct{}, 4)
	value := bytes.Repeat([]byte("unrelated "), size/10)
	for i := range number {
		slots <- struct{}{}
		group.Go(func() {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespaces[i%len(namespaces)], Name: fmt.Sprintf("unrelated-%d", i)}, Data: map[string][]byte{"value": value}}
			failed <- admin.Create(ctx, secret)
			<-slots
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// keystoreReady makes a Keystore and waits until the manager made it Ready, by when it watches all that it watches there.
func keystoreReady(b *testing.B, namespace, name string) {
	b.Helper()
	store := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.KeystoreSpec{
		VaultRef: v1alpha1.LocalReference{Name: "vault"},
		Entries: []v1alpha1.KeystoreEntry{{Alias: "tls", Certificate: &v1alpha1.EntryCertificate{
			IssuerRef: &v1alpha1.IssuerReference{Name: "internal-ca"}, DNSNames: []string{name + "." + namespace + ".svc"}}}}}}
	if err := admin.Create(b.Context(), store); err != nil {
		b.Fatal(err)
	}
	await(b, "the Keystore "+name, func(ctx context.Context) bool {
		err := admin.Get(ctx, client.ObjectKeyFromObject(store), store)
		return err == nil && apimeta.IsStatusConditionTrue(store.Status.Conditions, v1alpha1.ConditionReady)
	})
}
