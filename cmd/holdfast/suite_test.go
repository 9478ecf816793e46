package main

import (
	"os"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

// TestMain runs the tests beside a real API server, which the commands find as kubectl does.
func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) {
		env = e
		_ = os.Setenv("KUBECONFIG", e.Plane.Kubeconfig())
	})
}
