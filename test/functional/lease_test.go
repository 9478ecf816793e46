package functional

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// leaseSecrets lists the Secrets that keep accounts.
func leaseSecrets(ctx context.Context, acme *v1alpha1.IdentityTenant) ([]string, error) {
	var secrets corev1.SecretList
	err := world.Admin.List(ctx, &secrets, client.InNamespace(acme.Namespace), client.MatchingLabels{tenant.LabelTenant: acme.Name}, client.HasLabels{tenant.LabelLease})
	var names []string
	for _, secret := range secrets.Items {
		names = append(names, secret.Name)
	}
	return names, err
}

// expectOneAccount waits until all that is left is the account of one generation, which every pod holds.
func expectOneAccount(t *testing.T, acme *v1alpha1.IdentityTenant, role string, generation int) {
	t.Helper()
	if generation > 1 { // nothing is written down of what never moved
		awaitPosition(t, acme, "database", fmt.Sprintf(`{"current":%d,`, generation))
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	awaitAccounts(t, role, 1)
	testenv.Eventually(t, waitDeadline, func() error {
		names, err := leaseSecrets(t.Context(), acme)
		if want := []string{fmt.Sprintf("%s-lease-%d", acme.Name, generation)}; err != nil || !slices.Equal(names, want) {
			return fmt.Errorf("accounts are kept in %v, %v, want %v", names, err, want)
		}
		return nil
	})
	databaseAccount(t, acme)
}

func revokeLeases(t *testing.T, role string) {
	t.Helper()
	_, err := world.Vault.Root().Logical().WriteWithContext(t.Context(), "sys/leases/revoke-prefix/"+localenv.TenantDatabaseMount+"/creds/"+role, map[string]any{"sync": true})
	if err != nil {
		t.Fatal(err)
	}
}

// An account is exchanged in the last window before its end and not in those before; one for which no window opens in time, and
// one that somebody revoked, are exchanged outside of any.
func TestADatabaseAccountIsExchangedInItsWindow(t *testing.T) {
	t.Parallel()
	ns, clock, m := namespace(t), &shifted{}, &meter{}
	role := leasing(t, ns, 24*time.Hour, 48*time.Hour)
	clock.set(tomorrow(12, 0, 0))
	options := m.options()
	options.Clock = clock
	operated(t, options, ns)
	schedule := scheduled(t, ns, "nightly", v1alpha1.ScheduleWindow{Start: "22:00", Duration: metav1.Duration{Duration: 4 * time.Hour}})
	acme := leased(ns, "acme", role)
	acme.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: schedule.Name}}
	ready(t, acme)
	first := awaitUpToDate(t, acme).Status.ServingRevision
	stop := always(t, podsCanConnect(acme))
	next := func() time.Time {
		for _, told := range acme.Status.Rotations {
			if told.Material == "database" && told.NextDue != nil {
				return told.NextDue.UTC()
			}
		}
		return time.Time{}
	}
	if got, want := next(), tomorrow(46, 0, 0); !got.Equal(want) {
		t.Errorf("the status tells that the account is exchanged at %s, want %s", got, want)
	}
	clock.set(tomorrow(23, 0, 0))
	request(t, acme, "the-first-night")
	awaitProven(t, acme)
	settle(t, m)
	if acme.Status.DesiredRevision != first || accounts(t, role) != 1 {
		t.Errorf("in the first night: revision %s, was %s; %d accounts", acme.Status.DesiredRevision, first, accounts(t, role))
	}
	m.reset()
	m.touched(t, acme, 5)
	settle(t, m)
	if writes := slices.DeleteFunc(m.written(), func(request string) bool { return strings.HasSuffix(request, "sys/leases/lookup") }); len(writes) > 0 {
		t.Errorf("an account that is kept was written about:\n%s", strings.Join(writes, "\n"))
	}

	clock.set(tomorrow(46, 0, 1))
	m.touched(t, acme, 1)
	expectOneAccount(t, acme, role, 2)
	expectRevisions(t, acme, 2)
	if got, want := next(), tomorrow(70, 0, 0); !got.Equal(want) {
		t.Errorf("the status tells that the next account is exchanged at %s, want %s", got, want)
	}

	// The operator was away for the window.
	clock.set(tomorrow(93, 0, 5)) // an hour before the end
	edit(t, schedule, func(schedule *v1alpha1.RotationSchedule) {
		schedule.Spec.Windows[0].Days = []v1alpha1.Weekday{weekday(tomorrow(24, 0, 0))}
	})
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
	})
	if told := messageOf(acme, v1alpha1.ConditionStalled); !strings.Contains(told, "spec.database.postgresql.credentials.vaultDatabase.role: accounts of database/"+role+" live for 48h") {
		t.Errorf("Stalled says %s", told)
	}
	expectOneAccount(t, acme, role, 3)
	expectEvent(t, acme, v1alpha1.ReasonExpiring, "the database account v-")

	third := acme.Status.ServingRevision
	edit(t, schedule, func(schedule *v1alpha1.RotationSchedule) { schedule.Spec.Windows[0].Days = nil })
	awaitUpToDate(t, acme)
	t.Logf("2 exchanges, of which no pod noticed anything in %d looks", stop())
	revokeLeases(t, role)
	m.touched(t, acme, 1)
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool { return seen.Status.ServingRevision != third })
	expectOneAccount(t, acme, role, 3)
	expectEvent(t, acme, v1alpha1.ReasonVaultLeaseGone, "Vault ended the database account of generation 3")
	expectEvent(t, acme, v1alpha1.ReasonExpiring, "Vault ended the database account that they hold")
}

func weekday(at time.Time) v1alpha1.Weekday { return v1alpha1.Weekday(at.Weekday().String()[:3]) }

// What cannot last is refused before anything is made, and what Vault does not allow says what to allow. A refused request is
// written down.
func TestADatabaseRoleThatCannotServe(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	role := leasing(t, ns, time.Hour, 90*time.Minute)
	operated(t, harness.OperatorOptions{}, ns)
	acme := leased(ns, "acme", role)
	acme.Spec.Database.PostgreSQL.Credentials.VaultDatabase.TokenRole = "holdfast-somebody-else"
	if err := world.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	stalls := func(reason string, says ...string) {
		t.Helper()
		await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
			if !declares(seen, v1alpha1.ConditionSecretsReady, metav1.ConditionFalse, reason) && !declares(seen, v1alpha1.ConditionVaultReady, metav1.ConditionFalse, reason) {
				return false
			}
			told := messageOf(seen, v1alpha1.ConditionStalled)
			return !slices.ContainsFunc(says, func(part string) bool { return !strings.Contains(told, part) })
		})
		if names, err := leaseSecrets(t.Context(), acme); err != nil || len(names) > 0 || accounts(t, role) > 0 {
			t.Errorf("%s: something was made: %v, %v, %d accounts", reason, names, err, accounts(t, role))
		}
	}
	field := "spec.database.postgresql.credentials.vaultDatabase"
	stalls(v1alpha1.ReasonInvalidSpec, field+".role", "live for 1h30m", "for 2h or more")
	leasing(t, ns, time.Hour, 3*time.Hour)
	request(t, acme, "longer")
	stalls(v1alpha1.ReasonVaultForbidden, field, `"auth/token/roles/holdfast-somebody-else"`)
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Database.PostgreSQL.Credentials.VaultDatabase.TokenRole = ""
		spec.Database.PostgreSQL.Credentials.VaultDatabase.Role = ns + "-nobody"
	})
	stalls(v1alpha1.ReasonVaultRoleInvalid, field, "database/roles/"+ns+"-nobody")
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Database.PostgreSQL.Credentials.VaultDatabase.Role = role
	})
	expectOneAccount(t, acme, role, 1)

	ask(t, acme, v1alpha1.AnnotationRotate, "never database:drop")
	awaitRecords(t, acme, "database 1-2 Request never: Started,Refused Failed")
}

// A suspended tenant's account is kept alive; one that comes from elsewhere ends what Vault made.
func TestADatabaseAccountIsKeptWhileSuspended(t *testing.T) {
	t.Parallel()
	ns, clock := namespace(t), &shifted{}
	role := leasing(t, ns, time.Hour, 24*time.Hour)
	options := harness.OperatorOptions{}
	options.Clock = clock
	operated(t, options, ns)
	acme := ready(t, leased(ns, "acme", role))
	awaitUpToDate(t, acme)
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Suspend = true })
	clock.offset.Store(int64(50 * time.Minute))
	request(t, acme, "suspended")
	testenv.Eventually(t, waitDeadline, func() error {
		if until := termsOf(t, acme, 1).Until; until.Before(clock.Now().Add(50 * time.Minute)) {
			return fmt.Errorf("the account of a suspended tenant ends at %s, and now it is %s", until, clock.Now())
		}
		return nil
	})
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Suspend = false
		spec.Database.PostgreSQL.Credentials = *spec.Database.PostgreSQL.SchemaOwner
	})
	awaitUpToDate(t, acme)
	awaitAccounts(t, role, 0)
	testenv.Eventually(t, waitDeadline, func() error {
		names, err := leaseSecrets(t.Context(), acme)
		if err != nil || len(names) > 0 {
			return fmt.Errorf("accounts are kept in %v, %v", names, err)
		}
		return nil
	})
}

// The operator is killed at each step of an exchange, before it and when it was done but not answered: each time one account is
// left, which all pods hold, and at no time is there a pod whose account the database refuses. The
// usual run takes a third of the kills, make crash all.
func TestADatabaseAccountSurvivesEveryKill(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	role := leasing(t, ns, time.Hour, 24*time.Hour)
	running := operate(t, harness.OperatorOptions{}, ns)
	acme := ready(t, leased(ns, "acme", role))
	awaitUpToDate(t, acme)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	stop := always(t, podsCanConnect(acme))
	steps := []struct{ name, method, path string }{
		{"the token is made", "", "/v1/auth/token/create/"},
		{"the token is kept", http.MethodPost, "/secrets"},
		{"the account is made", http.MethodGet, "/v1/database/creds/"},
		{"the account is kept", http.MethodPatch, "-lease-"},
		{"the position moves", http.MethodPut, "/identitytenant/acme/position/1"},
		{"the pods' Secret is made", http.MethodPatch, "/secrets/acme-credentials-"},
		{"the pods' template is written", http.MethodPatch, "/statefulsets/acme"},
		{"the former account is over", http.MethodPatch, "-lease-"},
		{"the former account ends", "", "/v1/auth/token/revoke-self"},
		{"its Secret is removed", http.MethodDelete, "-lease-"},
	}
	generation, points := 1, 0
	for i, step := range steps {
		for _, after := range []bool{false, true} {
			if points++; os.Getenv(crashVariable) == "" && points%3 != 1 {
				continue
			}
			kill := controllertest.NewKillWhen(after, func(request *http.Request) bool {
				return (step.method == "" || request.Method == step.method) && strings.Contains(request.URL.Path, step.path) &&
					(step.name != "the former account is over" || strings.HasSuffix(request.URL.Path, fmt.Sprintf("-lease-%d", generation)))
			})
			options := harness.OperatorOptions{WrapAPI: kill.WrapAPI}
			options.WrapVault = kill.WrapVault
			doomed := operate(t, options, ns)
			ask(t, acme, v1alpha1.AnnotationRotate, fmt.Sprintf("kill-%d-%t database", i, after))
			select {
			case <-kill.Dead():
			case <-time.After(waitDeadline):
				t.Fatalf("%s: nobody came there", step.name)
			}
			if err := doomed.Stop(); err != nil {
				t.Fatal(err)
			}
			survivor := operate(t, harness.OperatorOptions{}, ns)
			generation++
			expectOneAccount(t, acme, role, generation)
			if err := survivor.Stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("killed at %d points of %d; no pod noticed anything in %d looks", generation-1, points, stop())
}

// Two operators that are alive at once come to one account.
func TestTwoOperatorsTakeOneDatabaseAccount(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	role := leasing(t, ns, time.Hour, 24*time.Hour)
	operated(t, harness.OperatorOptions{}, ns)
	operated(t, harness.OperatorOptions{}, ns)
	acme := leased(ns, "acme", role)
	if err := world.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	expectOneAccount(t, acme, role, 1)
	stop := always(t, podsCanConnect(acme))
	for generation := 2; generation <= 4; generation++ {
		ask(t, acme, v1alpha1.AnnotationRotate, fmt.Sprintf("turn-%d database", generation))
		expectOneAccount(t, acme, role, generation)
	}
	t.Logf("3 exchanges by two operators; no pod noticed anything in %d looks", stop())
}
