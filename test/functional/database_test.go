package functional

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// databaseGroup is the role of the database whose rights the server's accounts have.
const databaseGroup = "identity_server"

var postgres struct {
	sync.Once
	*localenv.Postgres
	err error
}

// engine gives the one PostgreSQL of these tests, in which Vault makes accounts.
func engine(t *testing.T) *localenv.Postgres {
	t.Helper()
	postgres.Do(func() {
		ctx := context.WithoutCancel(t.Context())
		if postgres.Postgres, postgres.err = localenv.StartPostgres(ctx, os.Stderr); postgres.err != nil {
			return
		}
		if _, postgres.err = postgres.Superuser(ctx, "CREATE ROLE "+databaseGroup+" NOLOGIN"); postgres.err == nil {
			postgres.err = world.Vault.EnableDatabase(ctx, localenv.TenantDatabaseMount, postgres.Postgres)
		}
	})
	if postgres.err != nil {
		t.Fatal(postgres.err)
	}
	return postgres.Postgres
}

func stopEngine() {
	if postgres.Postgres != nil {
		postgres.Close()
	}
}

func sql(t *testing.T, statement string) string {
	t.Helper()
	answer, err := engine(t).Superuser(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// databaseAccounts are the accounts that the pods hold, as user name and password, with their pods.
func databaseAccounts(ctx context.Context, acme *v1alpha1.IdentityTenant) (map[[2]string][]string, error) {
	var pods corev1.PodList
	if err := world.Admin.List(ctx, &pods, serverPods(acme)...); err != nil {
		return nil, err
	}
	held := map[[2]string][]string{}
	for _, pod := range pods.Items {
		for _, name := range named(pod.Spec) {
			if !strings.HasPrefix(name, acme.Name+"-credentials-") {
				continue
			}
			secret := &corev1.Secret{}
			if err := world.Admin.Get(ctx, client.ObjectKey{Namespace: acme.Namespace, Name: name}, secret); err != nil {
				now := &corev1.Pod{}
				if gone := world.Admin.Get(ctx, client.ObjectKeyFromObject(&pod), now); apierrors.IsNotFound(err) && (apierrors.IsNotFound(gone) || now.UID != pod.UID) {
					continue // it was replaced meanwhile
				}
				return nil, err
			}
			account := [2]string{string(secret.Data["DATABASE_USERNAME"]), string(secret.Data["DATABASE_PASSWORD"])}
			held[account] = append(held[account], pod.Name+" "+string(pod.UID))
		}
	}
	return held, nil
}

// account is the one that all pods hold, and that the database lets in.
func databaseAccount(t *testing.T, acme *v1alpha1.IdentityTenant) (username, password string) {
	t.Helper()
	held, err := databaseAccounts(t.Context(), acme)
	if err != nil || len(held) != 1 {
		t.Fatalf("the pods hold %d accounts, %v", len(held), err)
	}
	for account := range held {
		username, password = account[0], account[1]
	}
	if _, err := engine(t).Query(t.Context(), username, password, "SELECT 1"); err != nil {
		t.Errorf("the database refuses the account that pods hold: %v", err)
	}
	return username, password
}

// A password that Vault changes reaches the pods in one rollout, which waits for no window, since nobody signs in with the old
// one any more.
func TestAStaticRoleRollsWhenItsPasswordChanges(t *testing.T) {
	t.Parallel()
	engine(t)
	ns, clock := namespace(t), &shifted{}
	clock.set(tomorrow(12, 0, 0))
	options := harness.OperatorOptions{}
	options.Clock = clock
	operated(t, options, ns)
	username := strings.ReplaceAll(ns, "-", "_")
	sql(t, "CREATE ROLE "+username+" LOGIN IN ROLE "+databaseGroup)
	role := ns + "-static"
	if err := world.Vault.WriteDatabaseStaticRole(t.Context(), localenv.TenantDatabaseMount, role, username, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	schedule := scheduled(t, ns, "nightly", v1alpha1.ScheduleWindow{Start: "22:00", Duration: metav1.Duration{Duration: 4 * time.Hour}})
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: schedule.Name}}
	acme.Spec.Database.PostgreSQL.Credentials = v1alpha1.DatabaseCredentialsSource{VaultStaticRole: &v1alpha1.VaultStaticRoleCredentials{Role: role}}
	ready(t, acme)
	first := awaitUpToDate(t, acme).Status.ServingRevision
	name, before := databaseAccount(t, acme)
	if name != username {
		t.Errorf("the pods sign in as %q, want %q", name, username)
	}
	request(t, acme, "nothing-changed")
	if acme.Status.DesiredRevision != first {
		t.Error("a pass without a change made a revision")
	}

	if _, err := world.Vault.Root().Logical().WriteWithContext(t.Context(), localenv.TenantDatabaseMount+"/rotate-role/"+role, map[string]any{}); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "the-password-changed")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.ServingRevision != first && declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	if _, after := databaseAccount(t, acme); after == before {
		t.Error("the pods hold the old password")
	}
	expectRevisions(t, acme, 2)
	expectEvent(t, acme, v1alpha1.ReasonExpiring, "Vault changed the password of database/static-roles/"+role)

	second := acme.Status.ServingRevision
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	awaitHeld(t, acme, second)
}

// expectEvent waits for an event about the tenant.
func expectEvent(t *testing.T, acme *v1alpha1.IdentityTenant, reason, says string) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		var events eventsv1.EventList
		if err := world.Admin.List(t.Context(), &events, client.InNamespace(acme.Namespace)); err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Regarding.Name == acme.Name && event.Reason == reason && strings.Contains(event.Note, says) {
				return nil
			}
		}
		return fmt.Errorf("no event %s says %q", reason, says)
	})
}

// leasing has Vault make accounts for the tenants of a namespace.
func leasing(t *testing.T, ns string, ttl, maxTTL time.Duration) (role string) {
	t.Helper()
	engine(t)
	role = ns + "-app"
	err := world.Vault.WriteDatabaseRole(t.Context(), localenv.TenantDatabaseMount, role, localenv.DatabaseRole{MemberOf: databaseGroup, TTL: ttl, MaxTTL: maxTTL})
	if err == nil {
		err = world.Vault.WriteLeaseTokenRole(t.Context(), localenv.TenantTokenRole+ns, localenv.TenantDatabaseMount, role, 24*time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// leased is a tenant whose database account Vault makes.
func leased(ns, name, role string) *v1alpha1.IdentityTenant {
	acme := harness.NewTenant(ns, name)
	database := acme.Spec.Database.PostgreSQL
	owner := database.Credentials
	database.SchemaOwner = &owner
	database.Credentials = v1alpha1.DatabaseCredentialsSource{VaultDatabase: &v1alpha1.VaultDatabaseCredentials{Role: role, MemberOf: databaseGroup}}
	return acme
}

// awaitAccounts waits until the database has so many accounts that Vault made by a role.
func awaitAccounts(t *testing.T, role string, want int) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		if got := accounts(t, role); got != want {
			return fmt.Errorf("the database has %d accounts of %s, want %d", got, role, want)
		}
		return nil
	})
}

// accounts counts the leases of a role; Vault ends an account right after its lease.
func accounts(t *testing.T, role string) int {
	t.Helper()
	found, err := world.Vault.Root().Logical().ListWithContext(t.Context(), "sys/leases/lookup/"+localenv.TenantDatabaseMount+"/creds/"+role)
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		return 0
	}
	return len(found.Data["keys"].([]any))
}

// podsCanConnect wants the database to let in the account that each living pod holds.
func podsCanConnect(acme *v1alpha1.IdentityTenant) func(context.Context) error {
	acme = acme.DeepCopy() // the test goes on reading into its own meanwhile
	return func(ctx context.Context) error {
		held, err := databaseAccounts(ctx, acme)
		if err != nil {
			return err
		}
		for account, pods := range held {
			if _, err := postgres.Query(ctx, account[0], account[1], "SELECT 1"); err != nil {
				after, lost := databaseAccounts(ctx, acme)
				if lost != nil {
					return lost
				}
				for _, pod := range after[account] {
					if slices.Contains(pods, pod) {
						return fmt.Errorf("pod %s holds %s, and the database refuses it: %w", pod, account[0], err)
					}
				}
			}
		}
		return nil
	}
}

// A tenant whose account Vault makes: it outlives the operator and its login, is exchanged before it ends while pods go from one
// to the other, and ends when no pod holds it, when somebody asks, and with the tenant.
func TestADatabaseAccountIsLeased(t *testing.T) {
	t.Parallel()
	ns, clock := namespace(t), &shifted{}
	role := leasing(t, ns, time.Hour, 8*time.Hour)
	options := harness.OperatorOptions{}
	options.Clock = clock
	running := operate(t, options, ns)
	acme := ready(t, leased(ns, "acme", role))
	first := awaitUpToDate(t, acme).Status.ServingRevision
	name, _ := databaseAccount(t, acme)
	if granted := sql(t, "SELECT pg_has_role('"+name+"', '"+databaseGroup+"', 'member')"); granted != "t" {
		t.Errorf("the account is no member of %s: %s", databaseGroup, granted)
	}
	stop := always(t, podsCanConnect(acme))

	// The operator ends, and so does its login: the account works, and the next life takes it up.
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	revokeLogins(t, ns)
	if again, _ := databaseAccount(t, acme); again != name {
		t.Errorf("the account %s became %s", name, again)
	}
	clock.offset.Store(int64(40 * time.Minute)) // it is time to renew
	operated(t, options, ns)
	request(t, acme, "another-life")
	awaitUpToDate(t, acme)
	if acme.Status.ServingRevision != first || accounts(t, role) != 1 {
		t.Errorf("after a restart: revision %s, was %s; %d accounts", acme.Status.ServingRevision, first, accounts(t, role))
	}
	if renewed := termsOf(t, acme, 1).Until; renewed.Before(clock.Now().Add(50 * time.Minute)) {
		t.Errorf("the account was not renewed: it ends at %s, and now it is %s", renewed, clock.Now())
	}

	// Before its end another one is taken.
	clock.offset.Store(int64(7 * time.Hour))
	request(t, acme, "near-its-end")
	awaitPosition(t, acme, "database", `{"current":2,"at"`)
	awaitUpToDate(t, acme)
	second, _ := databaseAccount(t, acme)
	if second == name {
		t.Error("the pods hold the account that is near its end")
	}
	awaitAccounts(t, role, 1)
	expectRevisions(t, acme, 2)
	expectEvent(t, acme, v1alpha1.EventRotated, "Rotated database from generation 1 to 2, since its account ends at")

	// Somebody asks for another one.
	ask(t, acme, v1alpha1.AnnotationRotate, "leak database:leaked")
	awaitPosition(t, acme, "database", `{"current":3,"request":"leak"`)
	awaitUpToDate(t, acme)
	third, password := databaseAccount(t, acme)
	awaitAccounts(t, role, 1)
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Rotate == "leak"
	})
	causes := map[v1alpha1.RotationCause]bool{}
	testenv.Eventually(t, waitDeadline, func() error {
		var records v1alpha1.RotationRecordList
		if err := world.Admin.List(t.Context(), &records, client.InNamespace(ns)); err != nil {
			return err
		}
		for _, record := range records.Items {
			if record.Spec.Material == "database" && record.Status.Outcome == v1alpha1.RotationSucceeded {
				causes[record.Spec.Cause] = true
			}
		}
		if len(causes) != 2 || !causes[v1alpha1.CauseExpiry] || !causes[v1alpha1.CauseLeak] {
			return fmt.Errorf("it is written down why for %v", causes)
		}
		return nil
	})
	t.Logf("3 accounts, of which none was missed in %d looks", stop())

	if err := world.Admin.Delete(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	awaitAccounts(t, role, 0)
	testenv.Eventually(t, waitDeadline, func() error {
		if _, err := engine(t).Query(t.Context(), third, password, "SELECT 1"); err == nil {
			return fmt.Errorf("the account %s outlives its tenant", third)
		}
		return nil
	})
}

// revokeLogins ends every login of a namespace, and nobody else's: who deletes a connection has no other login left.
func revokeLogins(t *testing.T, ns string) {
	t.Helper()
	token := world.Vault.Root().Logical()
	listed, err := token.ListWithContext(t.Context(), "auth/token/accessors")
	if err != nil {
		t.Fatal(err)
	}
	revoked := 0
	for _, accessor := range listed.Data["keys"].([]any) {
		found, err := token.WriteWithContext(t.Context(), "auth/token/lookup-accessor", map[string]any{"accessor": accessor})
		if err != nil {
			continue // it ended meanwhile
		}
		about, _ := found.Data["meta"].(map[string]any)
		if about["service_account_namespace"] != ns {
			continue
		}
		if _, err := token.WriteWithContext(t.Context(), "auth/token/revoke-accessor", map[string]any{"accessor": accessor}); err != nil {
			t.Fatal(err)
		}
		revoked++
	}
	if revoked == 0 {
		t.Fatalf("nobody was signed in for namespace %s", ns)
	}
}

// termsOf reads what the Secret of a generation of the account says of its life.
func termsOf(t *testing.T, acme *v1alpha1.IdentityTenant, generation int) desired.LeaseTerms {
	t.Helper()
	secret := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: fmt.Sprintf("%s-lease-%d", acme.Name, generation)}, secret); err != nil {
		t.Fatal(err)
	}
	lease, err := desired.ReadLease(secret)
	if err != nil {
		t.Fatal(err)
	}
	return lease.Terms
}
