package functional

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// TestMissingReferencesAreWaitedFor starts a tenant of which nothing is there yet, then creates one thing after the other.
// Each time the tenant says which it waits for, calls nobody, and goes on by itself.
func TestMissingReferencesAreWaitedFor(t *testing.T) {
	t.Parallel()
	bare := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bare-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := world.Admin.Create(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	ns := bare.Name
	running := operate(t, harness.OperatorOptions{}, ns)
	tenant := harness.NewTenant(ns, "acme")
	tenant.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: "staff"}}}
	tenant.Spec.LogPolicyRef = &v1alpha1.LocalReference{Name: "logs"}
	tenant.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: "nightly"}}
	if err := world.Admin.Create(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	around := surroundings(ns)
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
	for _, step := range []struct {
		says   []string // reason and words of Ready's message
		supply []client.Object
	}{
		{[]string{v1alpha1.ReasonNamespaceNotAdmitted, ns, "RoleBinding"}, []client.Object{around["RoleBinding holdfast-tenant-namespace"]}},
		{[]string{v1alpha1.ReasonNotFound, "PasswordPolicy " + ns + "/staff", "spec.realms[0].passwordPolicyRef"}, []client.Object{&v1alpha1.PasswordPolicy{ObjectMeta: named("staff")}}},
		{[]string{v1alpha1.ReasonNotFound, "LogPolicy " + ns + "/logs", "spec.logPolicyRef"}, []client.Object{&v1alpha1.LogPolicy{ObjectMeta: named("logs")}}},
		{[]string{v1alpha1.ReasonNotFound, "RotationSchedule " + ns + "/nightly", "spec.maintenance.rotationRef"}, []client.Object{&v1alpha1.RotationSchedule{ObjectMeta: named("nightly"),
			Spec: v1alpha1.RotationScheduleSpec{Windows: []v1alpha1.ScheduleWindow{{Start: "22:00", Duration: metav1.Duration{Duration: time.Hour}}}}}}},
		{[]string{v1alpha1.ReasonNotFound, "Service " + ns + "/db", "spec.database.postgresql.host"}, []client.Object{around["Service db"]}},
		{[]string{v1alpha1.ReasonNotFound, "VaultConnection " + ns + "/vault", "spec.vaultRef"}, []client.Object{around["VaultConnection vault"]}},
		{[]string{v1alpha1.ReasonNotFound, "ConfigMap " + ns + "/vault-ca"}, []client.Object{around["ConfigMap vault-ca"]}},
		{[]string{v1alpha1.ReasonNotFound, "ServiceAccount " + ns + "/holdfast-vault"}, []client.Object{around["ServiceAccount holdfast-vault"]}},
		{[]string{v1alpha1.ReasonNotFound, "internal-ca"}, []client.Object{around["Issuer self-signed"], around["Certificate internal-ca"], around["Issuer internal-ca"]}},
		{[]string{v1alpha1.ReasonNotFound, "Secret " + ns + "/db"}, []client.Object{around["Secret db"]}},
	} {
		if err := world.Await(t.Context(), tenant, readyDeadline, says(metav1.ConditionFalse, step.says...)); err != nil {
			t.Fatalf("it does not say %q: %v", step.says, err)
		}
		if apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionStalled) || !apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionReconciling) {
			t.Errorf("what is only missing needs nobody: %s", harness.Describe(tenant))
		}
		for _, object := range step.supply {
			if err := world.Admin.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		if err := world.Await(t.Context(), tenant, readyDeadline, func(tenant *v1alpha1.IdentityTenant) bool {
			return !says(metav1.ConditionFalse, step.says...)(tenant)
		}); err != nil {
			t.Fatalf("it did not see what was created: %v", err)
		}
		t.Logf("%q: went on %s after it was created", strings.Join(step.says, " "), time.Since(begin).Round(10*time.Millisecond))
	}
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Error(err)
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

// TestContradictionsCallAPerson wants Stalled, with object and field, for what no time heals, and a way out by correcting it.
func TestContradictionsCallAPerson(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, economical(), ns)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
	foreign := &corev1.Service{ObjectMeta: named("taken"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	for _, object := range []client.Object{
		foreign,
		&corev1.Secret{ObjectMeta: named("vendor"), StringData: map[string]string{"username": "wso2carbon", "password": "wso2carbon"}},
		&corev1.Secret{ObjectMeta: named("keyless"), StringData: map[string]string{"user": "acme", "pass": "a good one"}},
		&cmv1.Issuer{ObjectMeta: named("acme"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: &acmev1.ACMEIssuer{
			Server: "https://acme.invalid/directory", PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "acme-account"}}}}}},
		&v1alpha1.RotationSchedule{ObjectMeta: named("hourly"), Spec: v1alpha1.RotationScheduleSpec{Every: &metav1.Duration{Duration: time.Hour},
			Windows: []v1alpha1.ScheduleWindow{{Start: "22:00", Duration: metav1.Duration{Duration: time.Hour}}}}},
		&v1alpha1.RotationSchedule{ObjectMeta: named("atlantic"), Spec: v1alpha1.RotationScheduleSpec{Every: &metav1.Duration{Duration: 720 * time.Hour}, TimeZone: "Europe/Atlantis"}},
		&corev1.Service{ObjectMeta: named("headless"), Spec: corev1.ServiceSpec{ClusterIP: "None", Ports: []corev1.ServicePort{{Port: 5432}}}},
	} {
		if err := world.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	database := func(tenant *v1alpha1.IdentityTenant) *v1alpha1.SQLDatabase { return tenant.Spec.Database.PostgreSQL }
	for _, c := range []struct {
		name   string
		spoil  func(*v1alpha1.IdentityTenant)
		says   []string
		repair func(*testing.T, *v1alpha1.IdentityTenant)
	}{
		{"outside", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Host = "db.corp.example" },
			[]string{v1alpha1.ReasonPeerUnknown, "db.corp.example", "spec.database.postgresql.peer"}, nil},
		{"elsewhere", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Host = "db.other.svc" },
			[]string{v1alpha1.ReasonPeerUnknown, "db.other.svc", "spec.database.postgresql.peer"}, nil},
		{"portless", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Port = 9999 },
			[]string{v1alpha1.ReasonPeerUnknown, "Service " + ns + "/db", "9999"}, nil},
		{"selectorless", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Host = "headless" },
			[]string{v1alpha1.ReasonPeerUnknown, "Service " + ns + "/headless", "spec.database.postgresql.host"}, nil},
		{"taken", func(*v1alpha1.IdentityTenant) {},
			[]string{v1alpha1.ReasonNameConflict, "Service " + ns + "/taken"}, func(t *testing.T, _ *v1alpha1.IdentityTenant) {
				if err := world.Admin.Delete(t.Context(), foreign); err != nil {
					t.Fatal(err)
				}
			}},
		{"vendor", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Credentials.SecretRef.Name = "vendor" },
			[]string{v1alpha1.ReasonInvalidSpec, "spec.database", "Secret vendor", "vendor publishes"}, func(t *testing.T, _ *v1alpha1.IdentityTenant) {
				replaceData(t, ns, "vendor", map[string][]byte{"username": []byte("acme"), "password": []byte("of nobody else")})
			}},
		{"hasty", func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Keystores = &v1alpha1.Keystores{TokenSigning: &v1alpha1.TokenSigningKey{RotationRef: &v1alpha1.LocalReference{Name: "hourly"}}}
		}, []string{v1alpha1.ReasonInvalidSpec, "spec.keystores.tokenSigning.rotationRef: RotationSchedule hourly", "1h apart", "23h15m apart or more"}, func(t *testing.T, _ *v1alpha1.IdentityTenant) {
			edit(t, &v1alpha1.RotationSchedule{ObjectMeta: named("hourly")}, func(schedule *v1alpha1.RotationSchedule) { schedule.Spec.Every.Duration = 720 * time.Hour })
		}},
		{"sunken", func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: "atlantic"}}
		}, []string{v1alpha1.ReasonInvalidSpec, "RotationSchedule " + ns + "/atlantic", "spec.maintenance.rotationRef", "spec.timeZone"}, func(t *testing.T, _ *v1alpha1.IdentityTenant) {
			edit(t, &v1alpha1.RotationSchedule{ObjectMeta: named("atlantic")}, func(schedule *v1alpha1.RotationSchedule) { schedule.Spec.TimeZone = "Atlantic/Azores" })
		}},
		{"keyless", func(tenant *v1alpha1.IdentityTenant) { database(tenant).Credentials.SecretRef.Name = "keyless" },
			[]string{v1alpha1.ReasonInvalidSpec, "Secret " + ns + "/keyless", `"username"`}, nil},
		{"public", func(tenant *v1alpha1.IdentityTenant) { tenant.Spec.IssuerRef.Name = "acme" },
			[]string{v1alpha1.ReasonIssuerUnsuitable, "Keystore public-tls", "issuerRef", "ACME"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tenant := harness.NewTenant(ns, c.name)
			c.spoil(tenant)
			if err := world.Admin.Create(t.Context(), tenant); err != nil {
				t.Fatal(err)
			}
			if err := world.Await(t.Context(), tenant, 2*readyDeadline, func(tenant *v1alpha1.IdentityTenant) bool {
				return says(metav1.ConditionFalse, c.says...)(tenant) && apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionStalled)
			}); err != nil {
				t.Fatalf("it does not say %q: %v", c.says, err)
			}
			ready := apimeta.FindStatusCondition(tenant.Status.Conditions, v1alpha1.ConditionReady)
			t.Log(ready.Reason+":", ready.Message)
			if c.repair == nil {
				return
			}
			c.repair(t, tenant)
			if err := world.AwaitReady(t.Context(), tenant, 2*readyDeadline); err != nil {
				t.Errorf("after the repair: %v", err)
			}
		})
	}
}

// TestHostileWishesHarmNobody gives tenants whatever strings the schema takes at its bounds. None may be Ready by luck
// with a broken child, none may stop the operator, and the neighbour is served all the while.
func TestHostileWishesHarmNobody(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, economical(), ns)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	long := strings.Repeat("a", 40)
	labels := strings.TrimSuffix(strings.Repeat(strings.Repeat("b", 60)+".", 4), ".")
	hostile := "\"]]\n[super_admin]\npassword = \"x\" ${jndi:ldap://x} $env{DATA_KEY} </Property> `id` %n%s"
	for _, object := range []client.Object{
		&v1alpha1.LogPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "hostile"}, Spec: v1alpha1.LogPolicySpec{
			Masking: []v1alpha1.MaskingPattern{{Name: "greedy", Pattern: `(a+)+$`}, {Name: "breakout", Pattern: `[^"\\$<>%]{1,200}`}}}},
		&v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "extreme"}, Spec: v1alpha1.PasswordPolicySpec{
			Length: &v1alpha1.PasswordLength{Min: new(int32(64)), Max: new(int32(64))}}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "hostile"}, Data: map[string][]byte{"username": []byte(hostile), "password": []byte(hostile)}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "binary"}, Data: map[string][]byte{"username": {0xff, 0xfe, 0}, "password": {0, 1, 2, 0x1b}}},
	} {
		if err := world.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	wishes := map[string]func(*v1alpha1.IdentityTenant){
		long:    func(tenant *v1alpha1.IdentityTenant) { tenant.Spec.Hostname = labels[:200] + ".example" },
		"hosts": func(tenant *v1alpha1.IdentityTenant) { tenant.Spec.Database.PostgreSQL.Host = strings.Repeat("A", 253) },
		"names": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Database.PostgreSQL.Name = "d" + strings.Repeat("_", 62)
		},
		"hostile": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Database.PostgreSQL.Credentials.SecretRef.Name = "hostile"
		},
		"binary": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Database.PostgreSQL.Credentials.SecretRef.Name = "binary"
		},
		"logs": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.LogPolicyRef = &v1alpha1.LocalReference{Name: "hostile"}
		},
		"policies": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: "extreme"}}}
		},
		"selectors": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]string{"not a label!": "\n"}, PriorityClassName: strings.Repeat("p", 63)}
		},
		"peers": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Network = &v1alpha1.Network{From: []v1alpha1.Peer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"not a label!": strings.Repeat("v", 64)}}}}}
		},
		"quantities": func(tenant *v1alpha1.IdentityTenant) {
			tenant.Spec.Resources = &v1alpha1.Resources{CPU: "999999999999.999", Memory: "9999999999999Gi"}
		},
	}
	accepted := map[string]bool{}
	for name, spoil := range wishes {
		tenant := harness.NewTenant(ns, name)
		tenant.Spec.Hostname = "id.example"
		spoil(tenant)
		if err := world.Admin.Create(t.Context(), tenant); err != nil {
			t.Logf("%s is refused: %v", name, err)
			continue
		}
		accepted[name] = true
	}
	neighbour := harness.NewTenant(ns, "neighbour")
	if err := world.Admin.Create(t.Context(), neighbour); err != nil {
		t.Fatal(err)
	}
	if err := world.AwaitReady(t.Context(), neighbour, 3*readyDeadline); err != nil {
		t.Fatal(err)
	}
	for name := range accepted {
		tenant := harness.NewTenant(ns, name)
		if err := world.Await(t.Context(), tenant, readyDeadline, func(tenant *v1alpha1.IdentityTenant) bool {
			return apimeta.FindStatusCondition(tenant.Status.Conditions, v1alpha1.ConditionReady) != nil
		}); err != nil {
			t.Errorf("nobody looked at %s: %v", name, err)
			continue
		}
		ready := apimeta.FindStatusCondition(tenant.Status.Conditions, v1alpha1.ConditionReady)
		t.Logf("%s is %s: %s", name, ready.Reason, ready.Message)
		if ready.Reason == v1alpha1.ReasonError {
			t.Errorf("%s is tried again and again although only a person can help: %s", name, ready.Message)
		}
		if strings.Contains(fmt.Sprint(tenant.Status), "super_admin") {
			t.Errorf("%s: the status quotes what a Secret holds", name)
		}
	}
	if err := world.AwaitReady(t.Context(), neighbour, readyDeadline); err != nil {
		t.Error(err)
	}
	if panics := panicked(t); panics > 0 {
		t.Errorf("%d reconciles panicked", panics)
	}
	t.Logf("%d hostile wishes, %d of them accepted, no panic", len(wishes), len(accepted))
}

// says tells whether Ready has a status and all of the words in its reason and message.
func says(status metav1.ConditionStatus, words ...string) func(*v1alpha1.IdentityTenant) bool {
	return func(tenant *v1alpha1.IdentityTenant) bool {
		ready := apimeta.FindStatusCondition(tenant.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != status {
			return false
		}
		for _, word := range words {
			if !strings.Contains(ready.Reason+" "+ready.Message, word) {
				return false
			}
		}
		return true
	}
}

// surroundings are the objects around a tenant, by kind and name.
func surroundings(ns string) map[string]client.Object {
	around := map[string]client.Object{}
	for _, object := range world.Surroundings() {
		object.SetNamespace(ns)
		around[reflect.TypeOf(object).Elem().Name()+" "+object.GetName()] = object
	}
	return around
}

func replaceData(t *testing.T, ns, name string, data map[string][]byte) {
	t.Helper()
	secret := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: name}, secret); err != nil {
		t.Fatal(err)
	}
	secret.Data = data
	if err := world.Admin.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

// panicked counts reconciles that ended in a panic, over the life of this process.
func panicked(t *testing.T) (total int) {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "controller_runtime_reconcile_panics_total" {
			for _, metric := range family.GetMetric() {
				total += int(metric.GetCounter().GetValue())
			}
		}
	}
	return total
}

// economical is an operator that does not make a fresh RSA key for each of many tenants.
func economical() harness.OperatorOptions {
	options := harness.OperatorOptions{}
	options.GenerateKey = spareKeys
	return options
}
