package keycloak_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// minimalSpec is what resolve makes of the smallest tenant.
func minimalSpec() tenant.Spec {
	account := tenant.Credentials{Mount: "secret", Path: "acme/db", UsernameField: "username", PasswordField: "password"}
	want := tenant.Spec{
		Namespace: "iam",
		Name:      "acme",
		Owner: metav1.OwnerReference{
			APIVersion: "iam.holdfast.dev/v1alpha1", Kind: "IdentityTenant", Name: "acme", UID: "6b1c0a5e-2f5e-4f59-9a83-0d5a4e1b7c11",
			Controller: new(true), BlockOwnerDeletion: new(true),
		},
		Product:  tenant.Keycloak,
		Version:  tenant.Version{Major: 26, Minor: 7, Patch: 3},
		Profile:  control.Strict,
		Image:    "registry.example/keycloak@sha256:" + strings.Repeat("0", 63) + "1",
		Hostname: "id.acme.example",
		Replicas: new(int32(2)),
		CPU:      resource.MustParse("2"),
		Memory:   resource.MustParse("4Gi"),
		Database: tenant.Database{
			Type: tenant.PostgreSQL, Host: "db.iam.svc", Port: 5432, Name: "identity", SharedName: "identity", AgentName: "identity",
			Credentials: account, SchemaOwner: account,
		},
		Realms:     []tenant.Realm{{Name: tenant.RootRealm}},
		Logs:       tenant.Logs{Server: tenant.LogStream{Level: "WARN", JSON: true}, Audit: tenant.LogStream{Level: "INFO", JSON: true}, Access: true},
		WindowOpen: true,
	}
	for _, role := range []tenant.KeystoreRole{tenant.RoleTLS, tenant.RoleSigning, tenant.RoleTrust} {
		want.Keystores = append(want.Keystores, tenant.Keystore{Role: role, Alias: string(role), Algorithm: "RSA", Size: 3072, Duration: time.Hour})
	}
	return want
}

// fullSpec uses every field that the driver reads.
func fullSpec() tenant.Spec {
	want := minimalSpec()
	want.Exposure = tenant.Exposure{
		Public: &tenant.Route{Hostname: want.Hostname}, Admin: &tenant.Route{Hostname: "admin.acme.example"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16")},
	}
	want.Replicas = nil
	want.Memory = resource.MustParse("6Gi")
	want.ImagePullSecrets = []string{"registry", "mirror"}
	want.Scheduling = tenant.Scheduling{
		NodeSelector: map[string]string{"pool": "identity"}, PriorityClassName: "important",
		Tolerations: []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "identity", Effect: corev1.TaintEffectNoSchedule}},
	}
	want.Realms = append(want.Realms, tenant.Realm{Name: "shop"}, tenant.Realm{Name: "partners.example"})
	want.Logs = tenant.Logs{
		Server:  tenant.LogStream{Level: "DEBUG", JSON: true, File: &tenant.LogFile{MaxSizeBytes: 10 << 20, Keep: 20}},
		Audit:   tenant.LogStream{Level: "INFO", JSON: true, File: &tenant.LogFile{MaxSizeBytes: 20 << 20, Keep: 3}},
		Masking: []tenant.MaskingPattern{{Name: "card.visa", Pattern: `4[0-9]{15}`}},
	}
	want.WindowOpen = false
	return want
}

// rendering is all that the driver makes of a tenant.
type rendering struct {
	files    idp.Files
	workload *appsv1.StatefulSet
	job      *batchv1.Job
	jobFile  *corev1.ConfigMap
}

func render(t *testing.T, want tenant.Spec) rendering {
	t.Helper()
	var r rendering
	var err error
	if r.files, err = (keycloak.Driver{}).Config(want, idptest.FactsFor(want)); err != nil {
		t.Fatal(err)
	}
	workload, err := keycloak.Driver{}.Workload(want, idptest.FactsFor(want), "acme-config-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := keycloak.Driver{}.SchemaJob(want, idptest.FactsFor(want), "acme-schema-credentials-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	r.workload, r.job, r.jobFile = workload[0].(*appsv1.StatefulSet), jobs[0].(*batchv1.Job), jobs[1].(*corev1.ConfigMap)
	return r
}
