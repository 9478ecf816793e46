package functional

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/adminapi"
	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/node"
	"github.com/holdfast-iam/holdfast/test/player"
)

const (
	// keycloakDeadline is for a Java server that starts on a busy machine.
	keycloakDeadline = 10 * time.Minute
	keycloakImage    = "registry.example/keycloak@sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// realKeycloak is a tenant whose pod runs a real Keycloak, on a real PostgreSQL.
type realKeycloak struct {
	tenant   *v1alpha1.IdentityTenant
	node     *node.Node
	postgres *localenv.Postgres
	sent     *meter
	signIns  sync.Mutex
}

// signInSettles is how long after its answer to a login the server counts it, as a rule; quickSignIn
// is how soon one failure after another locks the account.
const (
	signInSettles = 250 * time.Millisecond
	quickSignIn   = 1100 * time.Millisecond
)

// oneAtATime has the operator and the test sign in one after the other: a server that locks
// accounts refuses an account while another login of it is under way, whatever its password, and
// one is under way until it is counted, which is after its answer.
func (k *realKeycloak) oneAtATime(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if strings.HasSuffix(request.URL.Path, "/openid-connect/token") {
			k.signIns.Lock()
			defer time.AfterFunc(signInSettles, k.signIns.Unlock)
		}
		return next.RoundTrip(request)
	})
}

// TestKeycloak takes one tenant from its manifest to a server that is changed by hand, whose
// administrator rotates, and which is killed together with its database.
func TestKeycloak(t *testing.T) {
	t.Parallel()
	k := startKeycloak(t)
	t.Run("a setting changed by hand is put back and told, and no other", k.settings)
	t.Run("the administrator rotates and is let in throughout", k.rotation)
	t.Run("outages are told, nothing is written blindly, all comes back", k.outages)
}

func startKeycloak(t *testing.T) *realKeycloak {
	t.Helper()
	begin := time.Now()
	ns := namespace(t)
	k := &realKeycloak{tenant: keycloakTenant(ns), sent: &meter{}}
	var err error
	if k.node, err = world.StartNode(os.Stderr); err != nil {
		t.Fatal(err)
	}
	owner, user := harness.NewAccount("shop_owner"), harness.NewAccount("shop")
	for name, account := range map[string]harness.Account{"shop-db-owner": owner, "shop-db": user} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, StringData: map[string]string{"username": account.Username, "password": account.Password}}
		if err := world.Admin.Create(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	k.postgres, err = harness.StartDatabase(t.Context(), world.Admin, k.node, harness.DatabaseOptions{Namespace: ns, Name: "shop", Owner: owner, User: user, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.postgres.Close)
	options := k.sent.options()
	options.Resync = 3 * time.Second
	options.Access.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return k.sent.product.Wrap(k.oneAtATime(next)) }
	operated(t, options, ns)
	if err := world.Admin.Create(t.Context(), k.tenant); err != nil {
		t.Fatal(err)
	}
	if err := world.AwaitReady(t.Context(), k.tenant, keycloakDeadline); err != nil {
		t.Fatal(err, world.Diagnose(context.WithoutCancel(t.Context()), ns))
	}
	t.Logf("Ready after %s", time.Since(begin).Round(100*time.Millisecond))
	pod := listPods(t, k.tenant)[0].Name
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", k.node.LogOf(ns, pod))
		}
	})
	return k
}

func keycloakTenant(ns string) *v1alpha1.IdentityTenant {
	shop := harness.NewTenant(ns, "shop")
	shop.Spec.Product = v1alpha1.Product{Keycloak: &v1alpha1.Keycloak{Version: "26.7.3", Image: keycloakImage}}
	shop.Spec.Replicas = new(int32(1))
	shop.Spec.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]string{corev1.LabelHostname: node.Name}, Tolerations: []corev1.Toleration{{Key: node.Taint, Operator: corev1.TolerationOpExists}}}
	shop.Spec.Database.PostgreSQL.Name = "shop"
	shop.Spec.Database.PostgreSQL.Credentials.SecretRef.Name = "shop-db"
	shop.Spec.Database.PostgreSQL.SchemaOwner = &v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "shop-db-owner"}}
	shop.Spec.Realms = []v1alpha1.Realm{{Name: "root"}, {Name: "shop"}}
	return shop
}

// person reaches the server as somebody else than the operator.
func (k *realKeycloak) person(t *testing.T) *adminapi.Server {
	t.Helper()
	issuer := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: k.tenant.Namespace, Name: "internal-ca"}, issuer); err != nil {
		t.Fatal(err)
	}
	name := k.tenant.Name + "." + k.tenant.Namespace + ".svc"
	server, err := adminapi.New(idp.Access{Address: name + ":8443", ServerName: name, CA: issuer.Data[corev1.TLSCertKey], Dial: player.Dialer(world.Player.Proxy()), WrapTransport: k.oneAtATime})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// administrator signs in with a generation of the managed account.
func (k *realKeycloak) administrator(t *testing.T, number int) (*adminapi.Server, string) {
	t.Helper()
	server, account := k.person(t), generationOf(t, k.tenant, "administrator", number)
	token, answer, err := server.SignIn(t.Context(), adminapi.Master, account["username"], account["password"])
	if err != nil || token == "" {
		t.Fatalf("the administrator signs in: %s, %v", answer, err)
	}
	return server, token
}

func (k *realKeycloak) settings(t *testing.T) {
	server, token := k.administrator(t, 1)
	realm := func() map[string]any {
		var seen map[string]any
		if answer, err := server.Ask(t.Context(), token, http.MethodGet, "/shop", nil, &seen); err != nil || !answer.OK() {
			t.Fatalf("%s, %v", answer, err)
		}
		return seen
	}
	declared := realm()["passwordPolicy"].(string)
	weak := strings.Replace(declared, "length(12)", "length(4)", 1)
	if weak == declared {
		t.Fatalf("the policy has no length(12): %s", declared)
	}
	byHand := map[string]any{"passwordPolicy": weak, "displayName": "Theirs"}
	if answer, err := server.Ask(t.Context(), token, http.MethodPut, "/shop", byHand, nil); err != nil || !answer.OK() {
		t.Fatalf("%s, %v", answer, err)
	}
	note := awaitEvents(t, k.tenant.Namespace, "IdentityTenant", v1alpha1.EventSettingRestored, 1)[0]
	for _, told := range []string{"shop", "password.length.min", `"4"`, `"12"`} {
		if !strings.Contains(note, told) {
			t.Errorf("the event does not tell %s: %s", told, note)
		}
	}
	now := realm()
	if got := rules(now["passwordPolicy"]); !slices.Equal(got, rules(declared)) {
		t.Errorf("the policy is %v, want %v", got, rules(declared))
	}
	if now["displayName"] != "Theirs" {
		t.Errorf("the display name, which nobody declared, became %v", now["displayName"])
	}
	t.Log(note)
}

func rules(policy any) []string {
	text, _ := policy.(string)
	all := strings.Split(text, " and ")
	slices.Sort(all)
	return all
}

// rotation asks all the time with the password that was let in last, and at once with the
// other one where that is refused: more failures would lock the account.
func (k *realKeycloak) rotation(t *testing.T) {
	server, unread := k.person(t), k.tenant.DeepCopy()
	current := 1
	let := func(ctx context.Context, number int) (bool, string, error) {
		// One that is broken off goes on in the server, which refuses the next one meanwhile.
		ctx = context.WithoutCancel(ctx)
		account, err := generation(ctx, unread, "administrator", number)
		if err != nil || account == nil {
			return false, "not in Vault", err
		}
		token, answer, err := server.SignIn(ctx, adminapi.Master, account["username"], account["password"])
		return token != "", answer.String(), err
	}
	stop := always(t, func(ctx context.Context) error {
		var refused []string
		for attempt := range 4 {
			if attempt == 2 { // a busy server may yet be counting the login before
				<-time.After(quickSignIn)
			}
			in, said, err := let(ctx, current)
			if in || err != nil {
				return err
			}
			refused = append(refused, fmt.Sprintf("password %d: %s", current, said))
			current = 3 - current
		}
		return fmt.Errorf("the server lets the administrator in with neither password: %s", strings.Join(refused, ", "))
	})
	ask(t, k.tenant, v1alpha1.AnnotationRotate, "first administrator")
	awaitPosition(t, k.tenant, "administrator", `{"current":2,"request":"first"`)
	awaitComplete(t, k.tenant, "first")
	asked := stop()
	// The one before is refused by now: that is how the other came to be asked. Asking with it once more could lock the account. A refusal of the
	// right one counts as no failure.
	testenv.Eventually(t, 90*time.Second, func() error {
		in, said, err := let(t.Context(), 2)
		if err == nil && !in {
			err = fmt.Errorf("the new password: %s; want it let in", said)
		}
		return err
	})
	if current != 2 {
		t.Error("the former password was let in to the end")
	}
	t.Logf("asked %d times, one password worked each time", asked)
}

func (k *realKeycloak) outages(t *testing.T) {
	recovers := func(what string) {
		t.Helper()
		begin := time.Now()
		if err := world.Await(t.Context(), k.tenant, keycloakDeadline, func(seen *v1alpha1.IdentityTenant) bool {
			return declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
				declares(seen, v1alpha1.ConditionSettingsApplied, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		}); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%s: recovered after %s", what, time.Since(begin).Round(100*time.Millisecond))
	}
	recovers("before") // a rotation ends with a pass of its own
	k.sent.reset()
	k.postgres.Kill()
	k.tells(t, "the database is gone")
	k.node.Hold()
	defer k.node.Release()
	pod := listPods(t, k.tenant)[0].Name
	k.node.Kill(k.tenant.Namespace, pod)
	k.tells(t, "the server is gone too")
	k.expectBlind(t)
	k.restartPostgres(t)
	k.node.Release()
	recovers("the database first, then the server")

	k.sent.reset()
	k.node.Hold()
	k.node.Kill(k.tenant.Namespace, pod)
	k.tells(t, "the server is gone")
	k.postgres.Kill()
	before := k.node.Starts(k.tenant.Namespace, pod)
	k.node.Release()
	eventually(t, "the server to be started without its database", func() bool { return k.node.Starts(k.tenant.Namespace, pod) > before })
	k.tells(t, "both are gone")
	k.expectBlind(t)
	k.restartPostgres(t)
	recovers("the server first, then the database")
}

func (k *realKeycloak) restartPostgres(t *testing.T) {
	t.Helper()
	if err := k.postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// tells waits until the tenant is not Ready, and says in words that its server does not answer.
func (k *realKeycloak) tells(t *testing.T, what string) {
	t.Helper()
	begin := time.Now()
	await(t, k.tenant, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodsNotReady) ||
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionFalse, idp.ReasonServerUnreachable)
	})
	said := messageOf(k.tenant, v1alpha1.ConditionReady)
	if !strings.Contains(said, "0 of 1 pods are ready") && !strings.Contains(said, "does not answer") && !strings.Contains(said, "cannot serve") {
		t.Errorf("%s: Ready is False in these words: %s", what, said)
	}
	t.Logf("%s: told after %s: %s", what, time.Since(begin).Round(100*time.Millisecond), said)
}

// expectBlind wants nothing written since the meter was reset but what says how it is.
func (k *realKeycloak) expectBlind(t *testing.T) {
	t.Helper()
	signsOut := func(request string) bool { return strings.HasSuffix(request, "/openid-connect/logout") }
	if writes := slices.DeleteFunc(k.sent.product.Writes(), signsOut); len(writes) > 0 {
		t.Errorf("written to the server that did not answer: %v", writes)
	}
	other := slices.DeleteFunc(k.sent.api.Writes(), func(request string) bool {
		return strings.HasSuffix(request, "/status") || strings.Contains(request, "/events")
	})
	if other = append(other, k.sent.vault.Writes()...); len(other) > 0 {
		t.Errorf("written meanwhile: %v", other)
	}
}
