package hardening

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	documents := control.Evidence{control.Deployment: {"a.b": {"false"}}}
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

// driver renders what a test gives it.
type driver struct {
	idp.Driver
	files idp.Files
}

func (d driver) Config(tenant.Spec, tenant.Facts) (idp.Files, error) { return d.files, nil }

func (d driver) Workload(tenant.Spec, tenant.Facts, string) ([]client.Object, error) {
	set := &appsv1.StatefulSet{}
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "server", Args: []string{"-Dx=y"}}}
	return []client.Object{&corev1.Service{}, set}, nil
}

func TestDocumentsAreFilesAndPods(t *testing.T) {
	t.Parallel()
	files := idp.Files{"deployment.toml": []byte("[a]\nb = false\n"), "log4j2.properties": []byte("c = d\n"), "other": []byte("\x00")}
	documents, err := Documents(driver{files: files}, tenant.Spec{}, tenant.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) != 4 || documents[control.Deployment]["a.b"][0] != "false" || documents[control.Log]["c"][0] != "d" || documents[control.Pod]["argument.x"][0] != "y" {
		t.Errorf("documents are %v", documents)
	}
	files["deployment.toml"] = []byte("a =")
	if _, err := Documents(driver{files: files}, tenant.Spec{}, tenant.Facts{}); err == nil || !strings.Contains(err.Error(), "deployment.toml, line 1") {
		t.Error(err)
	}
}
