package resolve_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// notJudged are settings that no control judges by their value.
var notJudged = map[string]string{
	"password.notUsername": "a gap: the product cannot do it, whatever is declared (PWD-04)",
	"password.notCommon":   "a gap: the product cannot do it, whatever is declared (PWD-05)",
	"invitation.enabled":   "accounts are made by invitation or not: both are right",
	"recovery.emailLink":   "one way to recover, or none: both are right",
}

// TestWhatIsResolvedMeetsEachControl: a tenant that declares nothing has settings that no
// profile finds weak.
func TestWhatIsResolvedMeetsEachControl(t *testing.T) {
	t.Parallel()
	for _, profile := range control.Profiles() {
		cr := smallest()
		cr.Spec.Hardening = &v1alpha1.Hardening{Profile: v1alpha1.HardeningProfile(profile)}
		want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
		if err != nil {
			t.Fatal(err)
		}
		target := control.Target{Product: string(want.Product), Version: want.Version.String(), Profile: want.Profile}
		for realm, settings := range want.Settings() {
			values := map[string][]string{}
			for setting, value := range settings {
				values[string(setting)] = []string{value}
			}
			for _, verdict := range control.Load().Judge(target, control.Evidence{control.Settings: values}) {
				for _, finding := range verdict.Findings {
					t.Errorf("%s, realm %s: %s: %s is %q, wanted %s", profile, realm, verdict.Control.ID, finding.Key, finding.Found, finding.Want)
				}
			}
		}
	}
}

// TestEverySettingHasAControl: a setting that no control knows could be declared as weak
// as anybody likes.
func TestEverySettingHasAControl(t *testing.T) {
	t.Parallel()
	settings, judged := settingNames(t), map[string]bool{}
	for _, entry := range control.Load() {
		for _, check := range entry.Checks {
			if check.In == control.Settings && (check.When != check.Key || settings[check.Key]) {
				judged[check.Key] = true
			}
		}
	}
	for name := range settings {
		if judged[name] == (notJudged[name] != "") {
			t.Errorf("setting %s is judged is %t, and the list of what is not judged says %q", name, judged[name], notJudged[name])
		}
	}
	for name := range judged {
		if !settings[name] {
			t.Errorf("a control judges %s, which is no setting", name)
		}
	}
	for name := range notJudged {
		if !settings[name] {
			t.Errorf("%s is listed as not judged, and is no setting", name)
		}
	}
}

// settingNames reads the names of all settings from where they are declared.
func settingNames(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "tenant", "settings.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Setting" {
			for _, value := range spec.Values {
				name, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				names[name] = true
			}
		}
		return true
	})
	if !names[string(tenant.PasswordMinLength)] {
		t.Fatal("the settings are not where they were")
	}
	return names
}
