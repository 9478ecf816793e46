package main

import (
	"bytes"
	"context"
	"errors"
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
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

const soon = 20 * time.Second

// screen is what a person sees while the command runs.
type screen struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.String()
}

func runRotateOn(ctx context.Context, out *screen, arguments ...string) error {
	command := rotateCommandAt(pace{every: 20 * time.Millisecond, grace: 500 * time.Millisecond})
	command.SetArgs(arguments)
	command.SetIn(strings.NewReader(""))
	command.SetOut(out)
	command.SetErr(out)
	command.SilenceErrors, command.SilenceUsage = true, true
	return command.ExecuteContext(ctx)
}

func runRotate(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	out := &screen{}
	err := runRotateOn(t.Context(), out, arguments...)
	return out.String(), err
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := env.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// newTenant is a tenant that nobody operates; its status is what the test says.
func newTenant(t *testing.T) *v1alpha1.IdentityTenant {
	t.Helper()
	acme := &v1alpha1.IdentityTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: env.ForeignNamespace(t), Name: "acme", Annotations: map[string]string{"example.com/other": "stays"}},
		Spec: v1alpha1.IdentityTenantSpec{
			Product:   v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: "registry.example/is@sha256:" + strings.Repeat("0", 64)}},
			Hostname:  "id.acme.example",
			VaultRef:  v1alpha1.LocalReference{Name: "vault"},
			IssuerRef: v1alpha1.IssuerReference{Name: "internal-ca"},
			Database: v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{Host: "db.iam.svc", Name: "identity",
				Credentials: v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}}}},
		},
	}
	create(t, acme)
	return acme
}

func newKeystore(t *testing.T) *v1alpha1.Keystore {
	t.Helper()
	selfSigned := &v1alpha1.EntryCertificate{SelfSigned: &v1alpha1.SelfSigned{}}
	app := &v1alpha1.Keystore{
		ObjectMeta: metav1.ObjectMeta{Namespace: env.ForeignNamespace(t), Name: "app"},
		Spec: v1alpha1.KeystoreSpec{VaultRef: v1alpha1.LocalReference{Name: "vault"}, Entries: []v1alpha1.KeystoreEntry{
			{Alias: "signing", Certificate: selfSigned, Ring: true}, {Alias: "client", Certificate: selfSigned},
			{Alias: "partner", Trusted: &v1alpha1.TrustedSource{ConfigMapRef: &v1alpha1.KeySelector{Name: "partner", Key: "ca.crt"}}},
		}},
	}
	create(t, app)
	return app
}

// annotation gives what the object is asked for now.
func annotation(t *testing.T, object client.Object) string {
	t.Helper()
	if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	return object.GetAnnotations()[v1alpha1.AnnotationRotate]
}

// patched writes a status, as the operator would.
func patched(t *testing.T, object client.Object, change func()) {
	t.Helper()
	before := object.DeepCopyObject().(client.Object)
	change()
	if err := env.Admin.Status().Patch(t.Context(), object, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

func expectSays(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
}

func TestRotateAsksByTheAnnotation(t *testing.T) {
	acme := newTenant(t)
	out, err := runRotate(t, "tenant", "acme", "-n", acme.Namespace, "--token", "first")
	if err != nil || annotation(t, acme) != "first" || acme.Annotations["example.com/other"] != "stays" {
		t.Fatalf("%v, annotations %v\n%s", err, acme.Annotations, out)
	}
	expectSays(t, out, "1. administrator", "system", "Replaced: 2 pods", "Logged out: nobody", "SAML partners", "--token first --wait")
	for _, left := range []string{"data-key:", "internal:", "database:"} {
		if strings.Contains(out, left) {
			t.Errorf("it announces %s\n%s", left, out)
		}
	}
	manager := ""
	for _, field := range acme.ManagedFields {
		if strings.Contains(field.FieldsV1.GetRawString(), v1alpha1.AnnotationRotate) {
			manager = field.Manager
		}
	}
	if manager != askManager {
		t.Errorf("the API server does not know who asked: %q", manager)
	}
	out, err = runRotate(t, "idt", "acme", "-n", acme.Namespace, "--material", "token-signing:leaked,administrator")
	if err != nil {
		t.Fatal(err)
	}
	expectSays(t, out, "1. administrator", "2. token-signing: a fresh next key", `takes the place of the request "first"`, "whoever holds a token")
	asked, err := rotation.ParseRequest(annotation(t, acme), "")
	if err != nil || asked.Token == "first" || len(asked.Materials) != 2 || asked.Materials["token-signing"] != rotation.Leaked {
		t.Errorf("%v: the annotation is %q", err, annotation(t, acme))
	}
	if _, err := time.Parse("20060102-150405", asked.Token[:15]); err != nil {
		t.Errorf("the token %q does not begin with a time", asked.Token)
	}
}

// After a leak a person sees first what it will do, in the order in which it matters.
func TestRotateAllPrintsItsBlastRadius(t *testing.T) {
	acme := newTenant(t)
	create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: acme.Namespace, Name: "default"}}, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: acme.Namespace, Name: "acme-0", Labels: map[string]string{tenant.LabelTenant: "acme", tenant.LabelComponent: tenant.ComponentServer}},
		Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "x", Image: "x", SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}}},
	})
	out, err := runRotate(t, "tenant", "acme", "-n", acme.Namespace, "--all", "--token", "leak")
	if err != nil {
		t.Fatal(err)
	}
	if want := "leak administrator:leaked endpoint-application:leaked federation-signing:leaked system:leaked tls:leaked token-signing:leaked"; annotation(t, acme) != want {
		t.Errorf("asked %q, want %q", annotation(t, acme), want)
	}
	expectSays(t, out, "pods acme-0", "Left as it is: data-key", "Left as it is: internal", "not made by Holdfast")
	order := []int{}
	for _, name := range []string{"administrator:", "token-signing:", "system:", "endpoint-application:", "federation-signing:", "tls:"} {
		order = append(order, strings.Index(out, ". "+name))
	}
	for i := range order[1:] {
		if order[i] < 0 || order[i+1] < order[i] {
			t.Fatalf("not in order: %v\n%s", order, out)
		}
	}
	if strings.Index(out, "Asked:") < strings.Index(out, "Replaced:") {
		t.Error("it asked before it said what that does")
	}

	// The data key only with its name and a second yes.
	out, err = runRotate(t, "tenant", "acme", "-n", acme.Namespace, "--all", "--material", "data-key", "--token", "lost")
	if err == nil || !strings.Contains(err.Error(), "--yes") || strings.Contains(annotation(t, acme), "lost") {
		t.Errorf("%v: it went on without a yes: %s", err, annotation(t, acme))
	}
	expectSays(t, out, "lost for ever")
	if _, err = runRotate(t, "tenant", "acme", "-n", acme.Namespace, "--all", "--material", "data-key", "--token", "lost", "--yes"); err != nil || !strings.Contains(annotation(t, acme), "data-key:leaked") {
		t.Errorf("%v: asked %s", err, annotation(t, acme))
	}
}

// A running Keycloak is given the keys that sign, and nothing else of what the pods hold.
func TestRotateTellsThatAKeycloaksSigningKeyReplacesNoPod(t *testing.T) {
	cr := &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme"}}
	cr.Spec.Product.Keycloak = &v1alpha1.Keycloak{}
	target := &tenantTarget{cr}
	lines, err := target.effects(t.Context(), nil, map[string]rotation.Verb{string(tenant.RoleSigning): rotation.Renew}, false)
	if err != nil {
		t.Fatal(err)
	}
	expectSays(t, strings.Join(lines, "\n"), "Replaced: no pod", "token-signing")
	if !target.rolls(tenantMaterials[slices.IndexFunc(tenantMaterials, func(m tenantMaterial) bool { return m.name == string(tenant.RoleTLS) })]) {
		t.Error("a TLS key replaces no pod")
	}
}

func TestRotateTellsWhatIsWrong(t *testing.T) {
	acme, app := newTenant(t), newKeystore(t)
	owned := newKeystore(t)
	before := owned.DeepCopy()
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "iam.holdfast.dev/v1alpha1", Kind: "IdentityTenant", Name: "ap", UID: "x", Controller: new(true)}}
	if err := env.Admin.Patch(t.Context(), owned, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	for says, arguments := range map[string][]string{
		"no IdentityTenant nobody in namespace " + acme.Namespace: {"tenant", "nobody", "-n", acme.Namespace},
		"no Keystore acme":                      {"keystore", "acme", "-n", acme.Namespace},
		"write one of administrator":            {"tenant", "acme", "-n", acme.Namespace, "--material", "token-sining"},
		"spec.database":                         {"tenant", "acme", "-n", acme.Namespace, "--material", "database"},
		"is for a Keystore":                     {"tenant", "acme", "-n", acme.Namespace, "--material", "system:drop"},
		"--material system:lost":                {"tenant", "acme", "-n", acme.Namespace, "--material", "system:lost"},
		"write a token":                         {"tenant", "acme", "-n", acme.Namespace, "--token", "a b"},
		"write one of signing, client, passwor": {"keystore", "app", "-n", app.Namespace, "--material", "partner"},
		"is for a ring":                         {"keystore", "app", "-n", app.Namespace, "--material", "client:drop"},
		"rotate tenant ap --material":           {"keystore", "app", "-n", owned.Namespace},
		"accepts 1 arg":                         {"keystore"},
	} {
		if out, err := runRotate(t, arguments...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want it to say %q\n%s", arguments, err, says, out)
		}
	}
	if annotation(t, acme) != "" || annotation(t, app) != "" || annotation(t, owned) != "" {
		t.Error("something was asked nevertheless")
	}
}

func TestRotateAKeystoreAfterALeakNeedsTwoRequests(t *testing.T) {
	app := newKeystore(t)
	out, err := runRotate(t, "keystore", "app", "-n", app.Namespace, "--all", "--token", "leak")
	if err != nil || annotation(t, app) != "leak client:leaked password:leaked signing:leaked" {
		t.Fatalf("%v: asked %q", err, annotation(t, app))
	}
	expectSays(t, out, "goes on signing until the ring moves", "--material signing:drop", "what mounts the Secret")
	before := app.DeepCopy()
	app.Annotations[v1alpha1.AnnotationRollback] = "2"
	if err := env.Admin.Patch(t.Context(), app, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if _, err = runRotate(t, "keystore", "app", "-n", app.Namespace); err == nil || !strings.Contains(err.Error(), "rolled back to version 2") {
		t.Errorf("%v: it rotates what is pinned", err)
	}
}

// watching runs the command with --wait until it ends.
func watching(t *testing.T, arguments ...string) (*screen, <-chan error) {
	t.Helper()
	out, ended := &screen{}, make(chan error, 1)
	go func() { ended <- runRotateOn(t.Context(), out, arguments...) }()
	return out, ended
}

func awaitSays(t *testing.T, out *screen, part string) {
	t.Helper()
	testenv.Eventually(t, soon, func() error {
		if !strings.Contains(out.String(), part) {
			return errors.New(part + " is not said:\n" + out.String())
		}
		return nil
	})
}

func TestRotateWaitsUntilItIsComplete(t *testing.T) {
	acme := newTenant(t)
	out, ended := watching(t, "tenant", "acme", "-n", acme.Namespace, "--token", "now", "--material", "system", "--wait")
	awaitSays(t, out, "Asked:")
	annotation(t, acme)
	patched(t, acme, func() {
		acme.Status.Rotations = []v1alpha1.RotationStatus{{Material: "system", Reason: "RolloutInFlight", Message: "system waits for pods"}, {Material: "tls", Reason: "WindowClosed", Message: "not asked for"}}
		acme.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionUpToDate, "False", v1alpha1.ReasonProgressing, "Rolling to revision r2: 1 of 2 pods run it")}
	})
	awaitSays(t, out, "1 of 2 pods run it")
	if expectSays(t, out.String(), "system waits for pods"); strings.Contains(out.String(), "not asked for") {
		t.Errorf("it tells of what nobody asked for:\n%s", out)
	}
	writer := record.Writer{Client: env.Admin, Live: env.Admin, Clock: realClock{}}
	if err := writer.Note(t.Context(), record.Rotation{Subject: record.SubjectOf("IdentityTenant", acme), Material: "system", Cause: v1alpha1.CauseRequest, Request: "now",
		To: v1alpha1.RotatedMaterial{Generation: 2}}, record.Did(v1alpha1.StepKeyMade, "Vault has it")); err != nil {
		t.Fatal(err)
	}
	awaitSays(t, out, "system generation 2: KeyMade, Vault has it")
	select {
	case err := <-ended:
		t.Fatalf("it ended before it was complete: %v", err)
	default:
	}
	patched(t, acme, func() { acme.Status.Requests = &v1alpha1.ObservedRequests{Rotate: "now"} })
	if err := <-ended; err != nil || !strings.Contains(out.String(), "now is complete") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Count(out.String(), "1 of 2 pods") != 1 {
		t.Errorf("a line comes again and again:\n%s", out)
	}
	// Asked again it is only looked at.
	again, err := runRotate(t, "tenant", "acme", "-n", acme.Namespace, "--token", "now", "--material", "system", "--wait")
	if err != nil || !strings.Contains(again, "is complete") || strings.Contains(again, "Asked") {
		t.Errorf("%v\n%s", err, again)
	}
}

// A person who is needed and a deadline end the waiting, each with its code.
func TestRotateWaitEndsWithACode(t *testing.T) {
	app := newKeystore(t)
	patched(t, app, func() {
		app.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonInvalidSpec, "an older mistake")}
	})
	out, ended := watching(t, "keystore", "app", "-n", app.Namespace, "--token", "one", "--wait")
	awaitSays(t, out, "Asked:")
	annotation(t, app)
	patched(t, app, func() {
		app.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonVaultValueMissing, "restore the value")}
	})
	if err := <-ended; exitCode(err) != exitStalled || !strings.Contains(err.Error(), "restore the value") {
		t.Errorf("%d: %v", exitCode(err), err)
	}
	if _, err := runRotate(t, "keystore", "app", "-n", app.Namespace, "--token", "two", "--wait"); exitCode(err) != exitStalled {
		t.Errorf("a Stalled that stays does not end it: %v", err)
	}
	patched(t, app, func() { app.Status.Conditions = nil })
	if _, err := runRotate(t, "keystore", "app", "-n", app.Namespace, "--token", "three", "--wait", "--timeout", "100ms"); exitCode(err) != exitDeadline {
		t.Errorf("%d: %v", exitCode(err), err)
	}
	if exitCode(os.ErrNotExist) != 1 {
		t.Error("another error has a code of its own")
	}
}

func condition(conditionType, status, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: metav1.ConditionStatus(status), Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
}

type realClock struct{}

func (realClock) Now() time.Time                  { return time.Now() }
func (realClock) Since(t time.Time) time.Duration { return time.Since(t) }
