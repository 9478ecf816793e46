// Package samples checks the manifests of this folder.
package samples

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var folders = []string{"minimal", "full", "keystore", "keycloak"}

// A sample is what people copy: a real API server has to take each file as it is, in
// the order of the names, and know every field of it.
func TestSamplesApply(t *testing.T) {
	env, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatalf("no API server to ask: %v", err)
	}
	t.Cleanup(env.Stop)
	strict := client.WithFieldValidation(env.Admin, metav1.FieldValidationStrict)
	for _, folder := range folders {
		for _, o := range read(t, folder) {
			if err := strict.Create(t.Context(), o.DeepCopy()); err != nil {
				t.Errorf("%s: %s %s: %v", folder, o.GetKind(), o.GetName(), err)
			}
		}
	}
}

// notShown are fields that no sample has, with the reason.
var notShown = map[string]string{
	"Database.mysql":           "the same fields as postgresql",
	"Database.mssql":           "the same fields as postgresql",
	"VaultAuth.token":          "for a development Vault on loopback alone",
	"VaultTokenAuth.secretRef": "for a development Vault on loopback alone",
	"Route.ingress":            "the admin route shows it",
	"AdminRoute.gateway":       "the public route shows it",

	"TLSKey.existingKeystoreRef":     "a Keystore of one's own takes the place of all that full/ shows",
	"SigningKey.existingKeystoreRef": "a Keystore of one's own takes the place of all that full/ shows",

	"DatabaseCredentialsSource.secretRef": "the mail account shows it",
	"VaultKVCredentials.mount":            "a comment beside the database account of full/ shows it",
	"VaultKVCredentials.usernameField":    "a comment beside the database account of full/ shows it",
	"VaultKVCredentials.passwordField":    "a comment beside the database account of full/ shows it",
}

// A field that no sample shows is a field that nobody finds.
func TestSamplesShowEveryField(t *testing.T) {
	specs := map[string]reflect.Type{
		"IdentityTenant":   reflect.TypeFor[v1alpha1.IdentityTenantSpec](),
		"Keystore":         reflect.TypeFor[v1alpha1.KeystoreSpec](),
		"PasswordPolicy":   reflect.TypeFor[v1alpha1.PasswordPolicySpec](),
		"LogPolicy":        reflect.TypeFor[v1alpha1.LogPolicySpec](),
		"VaultConnection":  reflect.TypeFor[v1alpha1.VaultConnectionSpec](),
		"RotationSchedule": reflect.TypeFor[v1alpha1.RotationScheduleSpec](),
	}
	shown, known := map[string]bool{}, map[string]bool{}
	for _, folder := range folders {
		for _, o := range read(t, folder) {
			if spec, ok := specs[o.GetKind()]; ok && o.GroupVersionKind().Group == v1alpha1.GroupVersion.Group {
				collect(spec, o.Object["spec"], shown)
			}
		}
	}
	for _, spec := range specs {
		list(spec, known)
	}
	for field := range known {
		if _, excepted := notShown[field]; !shown[field] && !excepted {
			t.Errorf("no sample shows %s: add it to full/ (or say in notShown why not)", field)
		}
	}
	for field := range notShown {
		if !known[field] || shown[field] {
			t.Errorf("notShown lists %s, which is shown or does not exist", field)
		}
	}
}

// collect notes each field of type t that the value sets, as Type.field.
func collect(t reflect.Type, value any, fields map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			collect(element(t), item, fields)
		}
	case map[string]any:
		eachField(t, func(name string, of reflect.Type) {
			if set, ok := v[name]; ok {
				fields[element(t).Name()+"."+name] = true
				collect(of, set, fields)
			}
		})
	}
}

// list notes each field of type t and of the types below it.
func list(t reflect.Type, fields map[string]bool) {
	eachField(t, func(name string, of reflect.Type) {
		field := element(t).Name() + "." + name
		if !fields[field] {
			fields[field] = true
			list(of, fields)
		}
	})
}

// eachField calls f for each field of a struct of our API; other types are not ours to show.
func eachField(t reflect.Type, f func(name string, of reflect.Type)) {
	t = element(t)
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.PkgPath(), "/api/v1alpha1") {
		return
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		f(name, field.Type)
	}
}

func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func read(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s (%v)", folder, err)
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, document := range strings.Split(string(content), "\n---\n") {
			o := &unstructured.Unstructured{}
			if err := utilyaml.Unmarshal([]byte(document), &o.Object); err != nil {
				t.Fatal(fmt.Errorf("%s, document %d: %w", file, i+1, err))
			}
			objects = append(objects, o)
		}
	}
	return objects
}
