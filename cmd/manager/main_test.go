package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The linker says nothing when the variable that it is to write does not exist. So a manager that is built as make image builds it has to
// tell the version that it was given.
func TestTheImagesVersionIsTheOneThatTheManagerTells(t *testing.T) {
	variable := constant(t, filepath.Join("..", "..", "hack", "image", "build.go"), "versionVariable")
	program := filepath.Join(t.TempDir(), "manager")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-w -X "+variable+"=v1.2.3-told", "-o", program, ".")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	// It tells its version before it looks for the cluster, which there is none of.
	output, err := exec.CommandContext(t.Context(), program, "--kubeconfig="+filepath.Join(t.TempDir(), "none")).CombinedOutput()
	if err == nil || !strings.Contains(string(output), `"version":"v1.2.3-told"`) {
		t.Errorf("a manager that was built with -X %s=v1.2.3-told ended with %v and said\n%s", variable, err, output)
	}
}

// constant reads a string constant of a file.
func constant(t *testing.T, path, name string) (value string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && spec.Names[0].Name == name {
			value, err = strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	if err != nil || value == "" {
		t.Fatalf("%s has no constant %s: %v", path, name, err)
	}
	return value
}
