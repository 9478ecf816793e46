package functional

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// manager is a running manager program and where its metrics are.
type manager struct {
	metrics string
	stop    func()
	log     string
}

// Of two managers one works, and when it is stopped the other goes on without waiting for a lease to run out. Their metrics are
// for whoever has the role to read them, and for nobody else. The first one works as on an older cluster.
func TestTwoManagersShareALeaseAndShowMetricsToReadersAlone(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	program, err := harness.BuildManager(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	older := program
	older.Environment = []string{harness.FirstLists}
	first := startManager(t, older, "first", ns)
	holder := awaitHolder(t, first, "")
	judged(t, ns, "one", first)
	connected(t, ns, first)
	second := startManager(t, program, "second", ns)
	reader := serviceAccount(t, ns, "reader", &rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "holdfast-metrics-reader"})
	stranger := serviceAccount(t, ns, "stranger", nil)
	for token, want := range map[string]int{
		"": http.StatusUnauthorized, stranger: http.StatusForbidden, reader: http.StatusOK,
		"wrong": http.StatusInternalServerError, // controller-runtime takes a token that nobody knows for a failure to ask
	} {
		for _, m := range []manager{first, second} {
			testenv.Eventually(t, waitDeadline, func() error {
				status, body, err := m.read(t, token)
				if err != nil {
					return err
				}
				if status != want {
					return fmt.Errorf("a reader with a token of %d letters is answered %d, want %d", len(token), status, want)
				}
				if told := strings.Contains(body, "controller_runtime_"); told != (status == http.StatusOK) {
					return fmt.Errorf("answer %d has metrics: %t", status, told)
				}
				return nil
			})
		}
	}
	if now := awaitHolder(t, first, ""); now != holder {
		t.Errorf("the second manager took the lease of the first: %s, then %s", holder, now)
	}
	first.stop()
	awaitHolder(t, second, holder)
	judged(t, ns, "two", second)
}

func startManager(t *testing.T, program harness.Program, name, ns string) manager {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	process, err := program.Start(world.Environment, t.TempDir(), name, "--watch-namespaces="+ns, "--metrics-bind-address="+address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Stop)
	return manager{metrics: "https://" + address + "/metrics", stop: process.Stop, log: process.LogFile}
}

// read asks for the metrics. Who the server is matters not here: its certificate is one that it made for itself.
func (m manager) read(t *testing.T, token string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return 0, "", errors.Join(err, m.ended())
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}

func (m manager) ended() error {
	log, err := os.ReadFile(m.log)
	if err != nil {
		return err
	}
	return errors.New("its log: " + strings.Join(tail(strings.Split(string(log), "\n"), 10), "\n"))
}

// awaitHolder waits until the lease is held, by another than the given one.
func awaitHolder(t *testing.T, m manager, other string) (holder string) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		var leases coordinationv1.LeaseList
		if err := world.Admin.List(t.Context(), &leases, client.InNamespace(testenv.SystemNamespace)); err != nil {
			return err
		}
		if len(leases.Items) != 1 || leases.Items[0].Spec.HolderIdentity == nil || *leases.Items[0].Spec.HolderIdentity == "" || *leases.Items[0].Spec.HolderIdentity == other {
			return errors.Join(fmt.Errorf("%d leases, and no new holder", len(leases.Items)), m.ended())
		}
		holder = *leases.Items[0].Spec.HolderIdentity
		return nil
	})
	return holder
}

// judged makes a policy and waits until a manager looked at it.
func judged(t *testing.T, ns, name string, m manager) {
	t.Helper()
	policy := &v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	if err := world.Admin.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, waitDeadline, func() error {
		if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(policy), policy); err != nil {
			return err
		}
		if len(policy.Status.Conditions) == 0 {
			return errors.Join(errors.New("nobody judged the policy "+name), m.ended())
		}
		return nil
	})
}

// connected waits until a manager signed in at Vault, by when it watches all that it watches in the namespace.
func connected(t *testing.T, ns string, m manager) {
	t.Helper()
	connection := &v1alpha1.VaultConnection{}
	testenv.Eventually(t, waitDeadline, func() error {
		if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "vault"}, connection); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(connection.Status.Conditions, v1alpha1.ConditionReady) {
			return errors.Join(fmt.Errorf("the VaultConnection: %v", connection.Status.Conditions), m.ended())
		}
		return nil
	})
}

// serviceAccount gives a token of a new service account, to which a role of the whole cluster is bound, if any.
func serviceAccount(t *testing.T, ns, name string, role *rbacv1.RoleRef) (token string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	if err := world.Admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if role != nil {
		binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: ns + "-" + name}, RoleRef: *role,
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: name}}}
		if err := world.Admin.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
	}
	token, err := world.Plane.ServiceAccountToken(t.Context(), ns, name, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
