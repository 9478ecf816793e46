package functional

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
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

// databaseAccounts are the accounts that the pods hold, as user name and password, with their pods' names.
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
				return nil, err
			}
			account := [2]string{string(secret.Data["DATABASE_USERNAME"]), string(secret.Data["DATABASE_PASSWORD"])}
			held[account] = append(held[account], pod.Name)
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
