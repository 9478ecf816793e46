// Package gitops runs the health scripts for Argo CD on objects as a real run left them. It is a module of its own, so that the
// operator's needs no Lua.
package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

var folder = filepath.Join("..", "..", "config", "argocd")

// scripts gives the script of each kind, as the ConfigMap will have it.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	var kustomization struct {
		ConfigMapGenerator []struct{ Files []string }
	}
	parse(t, filepath.Join(folder, "kustomization.yaml"), &kustomization)
	found := map[string]string{}
	for _, generator := range kustomization.ConfigMapGenerator {
		for _, file := range generator.Files {
			key, name, _ := strings.Cut(file, "=")
			kind, known := strings.CutPrefix(key, "resource.customizations.health.iam.holdfast.dev_")
			content, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil || !known {
				t.Fatalf("%s: %v", file, err)
			}
			found[kind] = string(content)
		}
	}
	return found
}

func parse(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// health runs a script with no more than the basic functions, of which Argo CD gives some more.
func health(t *testing.T, script string, object map[string]any) (status, message string) {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	state.Push(state.NewFunction(lua.OpenBase))
	state.Push(lua.LString(lua.BaseLibName))
	state.Call(1, 0)
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script gives %v", state.Get(-1))
	}
	return result.RawGetString("status").String(), result.RawGetString("message").String()
}

// value is a document as a script sees it.
func value(state *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range of {
			table.RawSetString(key, value(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range of {
			table.Append(value(state, inner))
		}
		return table
	case string:
		return lua.LString(of)
	case float64:
		return lua.LNumber(of)
	case bool:
		return lua.LBool(of)
	}
	return lua.LNil
}

func TestEachKindHasAHealthScript(t *testing.T) {
	definitions, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(definitions) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	known := scripts(t)
	for _, path := range definitions {
		var definition struct {
			Spec struct{ Names struct{ Kind string } }
		}
		parse(t, path, &definition)
		if _, found := known[definition.Spec.Names.Kind]; !found {
			t.Errorf("config/argocd/kustomization.yaml has no line for %s", definition.Spec.Names.Kind)
		}
		delete(known, definition.Spec.Names.Kind)
	}
	for kind := range known {
		t.Errorf("config/argocd/kustomization.yaml has a line for %s, which is no kind", kind)
	}
}

// TestHealthOfObjectsOfARealRun goes through testdata/KIND.CASE.yaml. What kstatus, and with it Flux, calls Current is Healthy or
// Suspended, what it calls InProgress is Progressing, and Failed is Degraded.
func TestHealthOfObjectsOfARealRun(t *testing.T) {
	known := scripts(t)
	wanted := map[string]string{
		"unseen": "Progressing", "underway": "Progressing", "rotating": "Progressing", "waiting": "Progressing", "missing": "Progressing",
		"ready": "Healthy", "waived": "Healthy", "unused": "Healthy", "held": "Healthy", "sealed": "Healthy", "succeeded": "Healthy",
		"stalled": "Degraded", "weak": "Degraded", "expired": "Degraded", "failed": "Degraded", "refused": "Degraded",
		"suspended": "Suspended",
		// What serves needs no Vault; the connection is what is sealed.
		"VaultConnection.sealed": "Progressing",
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range files {
		kind, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".")
		seen[kind] = true
		var object map[string]any
		parse(t, path, &object)
		status, message := health(t, known[kind], object)
		want, of := wanted[kind+"."+name]
		if !of {
			want = wanted[name]
		}
		if status != want || message == "" || message == "nil" {
			t.Errorf("%s is %s (%s), want %s", path, status, message, want)
		}
	}
	for kind := range known {
		if !seen[kind] {
			t.Errorf("no %s of a real run was looked at", kind)
		}
	}
	t.Logf("%d objects of %d kinds", len(files), len(seen))
}

func TestHealthFollowsTheConditions(t *testing.T) {
	known := scripts(t)
	for kind, script := range known {
		if kind == "RotationRecord" {
			continue
		}
		read := func() (object, status map[string]any) {
			parse(t, filepath.Join("testdata", kind+".ready.yaml"), &object)
			return object, object["status"].(map[string]any)
		}
		object, status := read()
		object["metadata"].(map[string]any)["generation"] = status["observedGeneration"].(float64) + 1
		if got, _ := health(t, script, object); got != "Progressing" {
			t.Errorf("%s after a change that nobody looked at: %s", kind, got)
		}
		object, status = read()
		status["conditions"] = append(status["conditions"].([]any), map[string]any{"type": "Stalled", "status": "True", "message": "write another host"})
		if got, message := health(t, script, object); got != "Degraded" || message != "write another host" {
			t.Errorf("%s that waits for a person: %s, %s", kind, got, message)
		}
	}
	var object map[string]any
	parse(t, filepath.Join("testdata", "IdentityTenant.ready.yaml"), &object)
	for _, condition := range object["status"].(map[string]any)["conditions"].([]any) {
		if condition := condition.(map[string]any); condition["type"] == "UpToDate" {
			condition["status"], condition["message"] = "False", "held until the window"
		}
	}
	if got, message := health(t, known["IdentityTenant"], object); got != "Healthy" || message != "held until the window" {
		t.Errorf("a change that is held: %s, %s", got, message)
	}
	parse(t, filepath.Join("testdata", "RotationRecord.succeeded.yaml"), &object)
	for outcome, want := range map[string]string{"Failed": "Degraded", "Superseded": "Healthy", "": "Progressing"} {
		object["status"].(map[string]any)["outcome"] = outcome
		if outcome == "" {
			delete(object["status"].(map[string]any), "outcome")
		}
		if got, _ := health(t, known["RotationRecord"], object); got != want {
			t.Errorf("a record with the outcome %q: %s, want %s", outcome, got, want)
		}
	}
}
