package functional

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// auditLog is where the API server of this test program writes a line for each request.
var auditLog = filepath.Join(os.TempDir(), fmt.Sprintf("holdfast-audit-%d.log", os.Getpid()))

// TestNoSecretLeavesVaultAndSecrets gathers every secret value around one tenant and looks for each, in every form that
// it may take, in everything else that the operator writes or makes others write.
func TestNoSecretLeavesVaultAndSecrets(t *testing.T) {
	ns := namespace(t)
	var said log
	tokens, spans := &tokens{}, traces(t)
	options := harness.OperatorOptions{Logger: funcr.NewJSON(said.line, funcr.Options{Verbosity: 1000}), WrapAPI: tokens.wrap}
	options.WrapVault = tokens.wrap
	running := operate(t, options, ns)
	role := leasing(t, ns, time.Hour, 24*time.Hour)
	tenant, other := ready(t, furnish(t, ns)), ready(t, leased(ns, "leased", role))
	before := gather(t, ns)
	replaceDatabasePassword(t, tenant)
	ask(t, other, v1alpha1.AnnotationRotate, "another-account database")
	expectOneAccount(t, other, role, 2)
	ask(t, tenant, v1alpha1.AnnotationRotate, "leak system:leaked endpoint-application:leaked administrator:leaked data-key")
	awaitComplete(t, tenant, "leak")
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}

	needles := gather(t, ns)
	for form, where := range before {
		needles[form] = where
	}
	tokens.add(needles)
	places := writtenBy(t, ns)
	places["the operator's log, at every level"] = said.bytes()
	places["the traces"] = fmt.Appendf(nil, "%+v", spans.GetSpans())
	expectSpans(t, spans.GetSpans(), tenant)
	total := 0
	for place, content := range places {
		total += len(content)
		for _, found := range find(content, needles) {
			t.Errorf("%s holds %s", place, found)
		}
	}
	if _, records := recordsOf(t, tenant); len(records) != 4 {
		t.Errorf("%d records of rotations were looked at, want 4", len(records))
	}
	t.Logf("looked for %d secret values in %d forms, in %d places of %d bytes together; the log has %d of them", values(needles), len(needles), len(places), total, len(places["the operator's log, at every level"]))
	if total < 100_000 || values(needles) < 20 {
		t.Error("that is less than there must be: the search looked in the wrong places")
	}
	plant(t, ns, needles)
}

// replaceDatabasePassword has a second set of values made and rolled out, with the other paths through the code that this takes.
func replaceDatabasePassword(t *testing.T, tenant *v1alpha1.IdentityTenant) {
	t.Helper()
	account := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: tenant.Namespace, Name: "db"}, account); err != nil {
		t.Fatal(err)
	}
	account.Data["password"] = []byte("Hunter2-of-" + tenant.Namespace)
	if err := world.Admin.Update(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	former := tenant.Status.ServingRevision
	if err := world.Await(t.Context(), tenant, 2*readyDeadline, func(tenant *v1alpha1.IdentityTenant) bool {
		return tenant.Status.ServingRevision != former && tenant.Status.ServingRevision == tenant.Status.DesiredRevision
	}); err != nil {
		t.Fatal(err)
	}
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Fatal(err)
	}
}

// plant leaks one value on purpose, deep inside an encoding, to see that the search would have found it.
func plant(t *testing.T, ns string, needles map[string]string) {
	t.Helper()
	account := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "db"}, account); err != nil {
		t.Fatal(err)
	}
	leak := &corev1.ConfigMap{Data: map[string]string{"blob": base64.StdEncoding.EncodeToString(append([]byte("password="), account.Data["password"]...))}}
	leak.Namespace, leak.Name = ns, "leak"
	if err := world.Admin.Create(t.Context(), leak); err != nil {
		t.Fatal(err)
	}
	for place, content := range visible(t, ns) {
		found := find(content, needles)
		if place == "ConfigMap leak" && len(found) == 0 {
			t.Error("a value that was leaked on purpose was not found: this test proves nothing")
		}
	}
}

// public are keys, of Secrets and of values in Vault, that anybody may know.
func public(key string) bool {
	return slices.Contains([]string{"username", "certificates", "authorities", "issuer", "holdfast.owner", "alias", "grantee"}, key) ||
		strings.HasSuffix(key, ".crt") || strings.HasSuffix(strings.ToLower(key), "username") || strings.HasSuffix(key, "_USER")
}

// gather gives every form of every secret value around the tenants of a namespace, and where each is kept.
func gather(t *testing.T, ns string) map[string]string {
	t.Helper()
	needles := map[string]string{}
	gatherVault(t, needles, localenv.TenantKVPrefix+"/"+ns+"/")
	var secrets corev1.SecretList
	if err := world.Admin.List(t.Context(), &secrets, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		if strings.Contains(secret.Name, "-config-") {
			continue // the server's files: no secrets, but one of the places to look in
		}
		for key, value := range secret.Data {
			if !public(key) {
				add(needles, value, "the value of key "+key+" of Secret "+secret.Name)
			}
		}
	}
	return needles
}

func gatherVault(t *testing.T, needles map[string]string, path string) {
	t.Helper()
	logical := world.Vault.Root().Logical()
	listed, err := logical.ListWithContext(t.Context(), localenv.TenantKVMount+"/metadata/"+path)
	if err != nil || listed == nil {
		t.Fatalf("list %s in Vault: %v, %v", path, listed, err)
	}
	for _, key := range listed.Data["keys"].([]any) {
		name := path + key.(string)
		if strings.HasSuffix(name, "/") {
			gatherVault(t, needles, name)
			continue
		}
		read, err := logical.ReadWithContext(t.Context(), localenv.TenantKVMount+"/data/"+name)
		if err != nil {
			t.Fatal(err)
		}
		for field, value := range read.Data["data"].(map[string]any) {
			if !public(field) && !strings.HasSuffix(name, "/installed/1") { // choices, that the configuration shows
				add(needles, []byte(value.(string)), "the field "+field+" of Vault's "+name)
			}
		}
	}
}

// add notes the forms in which a value may show up: as it is, in JSON, in hexadecimal, in base64 at any offset of a longer
// text; of a key its lines, its bytes and its private number too.
func add(needles map[string]string, value []byte, where string) {
	if len(value) < 8 {
		return // too short to be a secret, or to be told from chance
	}
	quoted, err := json.Marshal(string(value))
	if err != nil {
		quoted = nil
	}
	forms := [][]byte{value, bytes.Trim(quoted, `"`), []byte(hex.EncodeToString(value))}
	for offset := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, offset), value...))
		// The first and last characters depend on the neighbours.
		forms = append(forms, []byte(encoded[min(4*min(offset, 1), len(encoded)):len(encoded)-4]))
	}
	if block, _ := pem.Decode(value); block != nil && strings.Contains(block.Type, "PRIVATE KEY") {
		lines := strings.Split(strings.TrimSpace(string(value)), "\n")
		forms = append(forms, []byte(strings.Join(lines[1:len(lines)-1], "")), []byte(lines[len(lines)-3]), block.Bytes,
			[]byte(hex.EncodeToString(block.Bytes)), []byte(base64.StdEncoding.EncodeToString(block.Bytes)))
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			forms = append(forms, privateNumber(key)...)
		}
	}
	for _, form := range forms {
		if len(form) >= 8 {
			needles[string(form)] = where
		}
	}
}

// privateNumber gives RSA's private exponent and ECDSA's scalar.
func privateNumber(key any) [][]byte {
	var number []byte
	switch key := key.(type) {
	case *rsa.PrivateKey:
		number = key.D.Bytes()
	case *ecdsa.PrivateKey:
		number, _ = key.Bytes()
	}
	return [][]byte{number, []byte(hex.EncodeToString(number)), []byte(base64.StdEncoding.EncodeToString(number))}
}

// values counts what is looked for, whatever its forms.
func values(needles map[string]string) int {
	distinct := map[string]bool{}
	for _, where := range needles {
		distinct[where] = true
	}
	return len(distinct)
}

// find tells which values a text holds, never quoting them.
func find(content []byte, needles map[string]string) []string {
	var found []string
	for form, where := range needles {
		if at := bytes.Index(content, []byte(form)); at >= 0 && !slices.Contains(found, where) {
			found = append(found, where)
		}
	}
	slices.Sort(found)
	return found
}

// writtenBy collects what is written around the tenants of a namespace, and whatever else a person or a machine gets to see.
func writtenBy(t *testing.T, ns string) map[string][]byte {
	t.Helper()
	places := visible(t, ns)
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	places["the metrics"] = fmt.Append(nil, families)
	places["the output of holdfast render"] = render(t, ns)
	if places["the API server's audit log"], err = os.ReadFile(auditLog); err != nil {
		t.Fatal(err)
	}
	return places
}

// visible gives every object as a whole, events included, but only the metadata of Secrets.
func visible(t *testing.T, ns string) map[string][]byte {
	t.Helper()
	places := map[string][]byte{}
	for _, object := range everything(t, ns) {
		if object.GetKind() == "Secret" && !strings.Contains(object.GetName(), "-config-") {
			delete(object.Object, "data")
		}
		content, err := json.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		places[object.GetKind()+" "+object.GetName()] = content
		if object.GetKind() == "Secret" {
			places["the files in Secret "+object.GetName()] = payload(object)
		}
	}
	return places
}

func payload(secret unstructured.Unstructured) (all []byte) {
	data, _, _ := unstructured.NestedStringMap(secret.Object, "data")
	for _, encoded := range data {
		decoded, _ := base64.StdEncoding.DecodeString(encoded)
		all = append(append(all, decoded...), '\n')
	}
	return all
}

// render runs the command on everything that a person has in a namespace, Secrets included.
func render(t *testing.T, ns string) []byte {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "holdfast")
	build := exec.Command("go", "build", "-o", program, "./cmd/holdfast")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var manifests bytes.Buffer
	for _, object := range everything(t, ns) {
		if len(object.GetOwnerReferences()) > 0 || !slices.Contains([]string{"IdentityTenant", "PasswordPolicy", "LogPolicy", "VaultConnection", "Service", "Secret", "ConfigMap"}, object.GetKind()) {
			continue
		}
		if err := json.NewEncoder(&manifests).Encode(object.Object); err != nil {
			t.Fatal(err)
		}
		manifests.WriteString("---\n")
	}
	command := exec.Command(program, "render", "-f", "-")
	command.Stdin = &manifests
	output, err := command.CombinedOutput()
	if err != nil || len(output) < 10_000 {
		t.Fatalf("holdfast render: %v\n%s", err, output)
	}
	return output
}

// log keeps what a logger writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(text)
	l.text.WriteByte('\n')
}

func (l *log) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text.Bytes())
}

// tokens notes by which tokens the operator signs in.
type tokens struct{ seen sync.Map }

func (s *tokens) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		for header, where := range map[string]string{"X-Vault-Token": "a token for Vault", "Authorization": "a token for the API server"} {
			if token := strings.TrimPrefix(request.Header.Get(header), "Bearer "); token != "" {
				s.seen.Store(token, where)
			}
		}
		return next.RoundTrip(request)
	})
}

func (s *tokens) add(needles map[string]string) {
	s.seen.Range(func(token, where any) bool {
		add(needles, []byte(token.(string)), where.(string))
		return true
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// everything gives every object of a namespace, of every kind that the API server lists.
func everything(t *testing.T, ns string) []unstructured.Unstructured {
	t.Helper()
	kinds, err := listable()
	if err != nil {
		t.Fatal(err)
	}
	var all []unstructured.Unstructured
	for _, kind := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := world.Admin.List(context.WithoutCancel(t.Context()), list, client.InNamespace(ns)); err != nil {
			t.Fatalf("list %s: %v", kind, err)
		}
		all = append(all, list.Items...)
	}
	return all
}
