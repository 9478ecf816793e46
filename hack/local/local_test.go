package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

func TestUpServesAndDownLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".local")
	if err := up(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = down(dir) }) // a second down is harmless
	s, err := load(dir)
	if err != nil || len(s.Processes) != 7 {
		t.Fatalf("state names %d programs, %v; want 7", len(s.Processes), err)
	}

	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{}); err != nil {
		t.Errorf("the kubeconfig does not reach the API server: %v", err)
	}
	variables, err := os.ReadFile(filepath.Join(dir, "vault.env"))
	if err != nil || !strings.Contains(string(variables), "VAULT_ADDR="+s.Vault+"\n") {
		t.Errorf("vault.env does not name %s: %v", s.Vault, err)
	}
	if err := status(dir); err != nil {
		t.Errorf("status: %v", err)
	}

	if err := down(dir); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Processes {
		if localenv.Running(p.PID, dir) {
			t.Errorf("%s still runs", p.Name)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestAnInterruptedUpLeavesNothing(t *testing.T) {
	if err := localenv.Build(t.Context(), t.Output()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), ".local")
	ctx, interrupt := context.WithCancel(t.Context())
	seen := make(chan state, 1)
	go func() { // interrupts as soon as something runs
		defer interrupt()
		for ctx.Err() == nil {
			if s, err := load(dir); err == nil && len(s.Processes) > 2 {
				seen <- s
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := up(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted up: %v, want context.Canceled", err)
	}
	for _, p := range (<-seen).Processes {
		if localenv.Running(p.PID, dir) {
			t.Errorf("%s still runs", p.Name)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
