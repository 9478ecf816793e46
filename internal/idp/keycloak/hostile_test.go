package keycloak_test

import (
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hostile are texts that would become something else in keycloak.conf, or bring a secret in.
var hostile = []string{"x\nhttp-enabled=true", "x\rhttp-enabled=true", "${KC_DB_PASSWORD}", `x\`, "x\u2028y", "x\x00y", " x", "x ", ""}

func TestHostileTextIsRefused(t *testing.T) {
	for field, set := range map[string]func(*tenant.Spec, string){
		"spec.hostname":      func(want *tenant.Spec, text string) { want.Hostname = text },
		"spec.database.host": func(want *tenant.Spec, text string) { want.Database.Host = text },
		"spec.database.name": func(want *tenant.Spec, text string) { want.Database.Name = text },
	} {
		for _, text := range hostile {
			want := fullSpec()
			set(&want, text)
			_, err := keycloak.Driver{}.Config(want, idptest.FactsFor(want))
			if f := fault.Of(err, ""); err == nil || f.Reason != "InvalidSpec" || !strings.Contains(err.Error(), field) {
				t.Errorf("%s %q: want a refusal that names it, got %v", field, text, err)
			}
		}
	}
}

// TestEachLineIsOneKey reads the file as the server does: nothing that is declared adds a key.
func TestEachLineIsOneKey(t *testing.T) {
	for name, want := range cases() {
		file, err := evidence.Keycloak(render(t, want).files["keycloak.conf"])
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Repeated) > 0 {
			t.Errorf("%s: written twice: %v", name, file.Repeated)
		}
		for key := range file.Evidence()[control.KeycloakConf] {
			if strings.Contains(key, "password") && !strings.HasPrefix(key, "spi-password-policy--") || strings.Contains(key, "secret") || strings.Contains(key, "username") {
				t.Errorf("%s: a secret has a place in the file: %s", name, key)
			}
		}
	}
}

func TestWhatKeycloakDoesNotHaveIsRefused(t *testing.T) {
	for says, change := range map[string]func(*tenant.Spec){
		"spec.product.keycloak.version": func(want *tenant.Spec) { want.Version = tenant.Version{Major: 26, Minor: 3} },
		"write 26.4.x":                  func(want *tenant.Spec) { want.Version = tenant.Version{Major: 27} },
		"spec.database.mysql":           func(want *tenant.Spec) { want.Database.Type = tenant.MySQL },
		"spec.mail":                     func(want *tenant.Spec) { want.Mail = &tenant.Mail{Host: "smtp.acme.example"} },
		"extraConfig":                   func(want *tenant.Spec) { want.ExtraConfig = map[string]any{"a": "b"} },
	} {
		want := minimalSpec()
		change(&want)
		if _, err := (keycloak.Driver{}).Config(want, idptest.FactsFor(want)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want a refusal that says %q, got %v", says, err)
		}
	}
}

func inputs(t *testing.T) idp.Inputs {
	t.Helper()
	in := idp.Inputs{Generated: map[string]map[string]string{}, Database: idp.UsernamePassword{Username: "app", Password: "s3cr%t & more"}}
	for _, material := range (keycloak.Driver{}).Materials(minimalSpec()) {
		value, err := material.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Generated[material.Name] = value
	}
	return in
}

// TestPodsHoldNoAdministrator: what leaks from a pod opens nothing once the server ran.
func TestPodsHoldNoAdministrator(t *testing.T) {
	in := inputs(t)
	values, err := keycloak.Driver{}.Credentials(minimalSpec(), in)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		if string(value) == in.Generated[idp.MaterialAdministrator][idp.FieldPassword] {
			t.Errorf("%s is the administrator's password", key)
		}
	}
	if got := string(values["KC_DB_PASSWORD"]); got != in.Database.Password {
		t.Errorf("the server is given another password than the database's")
	}
	set := render(t, minimalSpec()).workload
	for _, variable := range set.Spec.Template.Spec.Containers[0].Env {
		if source := variable.ValueFrom; source != nil && source.SecretKeyRef != nil && strings.HasPrefix(source.SecretKeyRef.Name, "acme-credentials-") {
			if _, given := values[source.SecretKeyRef.Key]; !given {
				t.Errorf("%s reads %s, which nothing gives", variable.Name, source.SecretKeyRef.Key)
			}
		}
	}
	for _, container := range set.Spec.Template.Spec.InitContainers {
		for _, variable := range container.Env {
			if variable.ValueFrom != nil {
				t.Errorf("container %s holds %s", container.Name, variable.Name)
			}
		}
	}
}

func TestCredentialsThatCannotBeReadAreRefused(t *testing.T) {
	for name, change := range map[string]func(*idp.Inputs){
		"an expression": func(in *idp.Inputs) { in.Database.Password = "abc${HOME}" },
		"a published":   func(in *idp.Inputs) { in.Database.Password = "change_me" },
		"none":          func(in *idp.Inputs) { in.Database.Password = "" },
		"one account":   func(in *idp.Inputs) { in.Generated["bootstrap"]["username"] = "tenant-admin" },
		"a short one":   func(in *idp.Inputs) { in.Generated["bootstrap"]["password"] = "abc" },
		"no longer its": func(in *idp.Inputs) { delete(in.Generated, "administrator") },
	} {
		in := inputs(t)
		change(&in)
		_, err := keycloak.Driver{}.Credentials(minimalSpec(), in)
		if err == nil || fault.Of(err, "").Reason != "InvalidSpec" {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && in.Database.Password != "" && strings.Contains(err.Error(), in.Database.Password) {
			t.Errorf("%s: the message has the password: %v", name, err)
		}
	}
}

func TestTheSchemaJobHasToSayThatItIsDone(t *testing.T) {
	want := minimalSpec()
	if proof, err := (keycloak.Driver{}).SchemaProof(want, "schema made\n"); err != nil || proof.Image != want.Image {
		t.Errorf("%v, %v", proof, err)
	}
	if _, err := (keycloak.Driver{}).SchemaProof(want, "FATAL: password authentication failed"); err == nil || fault.Of(err, "").Reason != "SchemaFailed" {
		t.Errorf("a failure is taken for a proof: %v", err)
	}
}

// TestAdministratorsStayOffThePublicRoute: the root realm is theirs.
func TestAdministratorsStayOffThePublicRoute(t *testing.T) {
	shape := keycloak.Driver{}.Shape(fullSpec())
	for _, path := range shape.PublicPaths {
		if strings.HasPrefix(path, "/realms/master") || strings.HasPrefix(path, "/realms/root") || path == "/realms" || strings.HasPrefix(path, "/admin") {
			t.Errorf("%s is public", path)
		}
	}
	if !strings.Contains(strings.Join(shape.PublicPaths, " ")+" ", "/realms/shop/protocol ") {
		t.Errorf("nobody can sign in: %v", shape.PublicPaths)
	}
}
