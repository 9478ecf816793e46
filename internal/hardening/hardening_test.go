package hardening

import (
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

var target = control.Target{Product: "wso2is", Version: "7.3.0", Profile: control.Strict}

func TestAControlIsAsWeakAsItsWeakestRealm(t *testing.T) {
	t.Parallel()
	no := "false"
	catalogue := control.Catalogue{
		{ID: "ACC-01", Checks: []control.Check{
			{In: control.Deployment, Key: "a.b", Want: &control.Rule{Equals: &no}},
			{In: control.Settings, Key: "password.length.min", Default: []string{"8"}, Want: &control.Rule{AtLeast: "12"}},
		}},
		{ID: "ACC-02", Checks: []control.Check{{In: control.Pod, Key: "x", Want: &control.Rule{Set: true}}}},
		{ID: "ACC-03", Checks: []control.Check{{In: control.Settings, Key: "password.history", Want: &control.Rule{AtLeast: "5"}}}},
	}
	documents, err := Documents(idp.Files{"deployment.toml": []byte("[a]\nb = false\n"), "log4j2.properties": []byte("x = y\n"), "other": []byte("\x00")})
	if err != nil {
		t.Fatal(err)
	}
	if documents[control.Log]["x"][0] != "y" || len(documents) != 2 {
		t.Errorf("documents are %v", documents)
	}
	got := Judge(catalogue, target, documents, tenant.Settings{
		"root":     {tenant.PasswordMinLength: "12", tenant.PasswordHistory: "5"},
		"partners": {tenant.PasswordHistory: "9"},
	})
	if v := got[0]; v.Outcome != control.Weak || len(v.Findings) != 1 || v.Findings[0].Realm != "partners" || v.Findings[0].Found != nil {
		t.Errorf("the realm without the setting is %+v", v)
	}
	if got[1].Outcome != control.NotJudged || got[2].Outcome != control.Met {
		t.Errorf("%s and %s, want NotJudged and Met", got[1].Outcome, got[2].Outcome)
	}
	weak := Judge(catalogue, target, control.Evidence{control.Deployment: {"a.b": {"true"}}}, tenant.Settings{"root": {tenant.PasswordMinLength: "12"}})
	if v := weak[0]; v.Outcome != control.Weak || len(v.Findings) != 1 || v.Findings[0].Realm != "" || v.Findings[0].Key != "a.b" {
		t.Errorf("a weak file beside a strong realm is %+v", v)
	}
}

func TestAFileThatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	if _, err := Documents(idp.Files{"deployment.toml": []byte("a =")}); err == nil || !strings.Contains(err.Error(), "deployment.toml, line 1") {
		t.Error(err)
	}
}
