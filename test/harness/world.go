// Package harness puts a whole world together for tests from a user's seat and for the
// demo: a real API server with its controllers, real Vault, real cert-manager, the
// operator itself under its own ServiceAccount, and simulated pods with a stand-in
// server behind each.
package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/node"
	"github.com/holdfast-iam/holdfast/test/player"
)

// World is all that a tenant needs, running on this machine.
type World struct {
	*testenv.Environment
	Vault  *localenv.Vault
	Player *player.Player

	folder   string
	lifetime context.Context
	cancel   context.CancelFunc
	node     *node.Node
}

// Options of a World.
type Options struct {
	// Audit is the file for the API server's audit log; empty for none.
	Audit string
	// WithoutServers leaves the pods without stand-ins.
	WithoutServers bool
	// Log is told what is built and started.
	Log io.Writer
}

// Start puts a World together; the caller stops it.
func Start(ctx context.Context, options Options) (w *World, err error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	folder, err := os.MkdirTemp("", "holdfast-world-")
	if err != nil {
		return nil, err
	}
	lifetime, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w = &World{folder: folder, lifetime: lifetime, cancel: cancel}
	defer func() {
		if err != nil {
			w.Stop()
		}
	}()
	if w.Environment, err = testenv.Start(ctx, testenv.Options{ControllerManager: true, Pods: true, CertManager: true, GatewayAPI: true, AuditLog: options.Audit}); err != nil {
		return w, fmt.Errorf("start Kubernetes: %w", err)
	}
	if w.Vault, err = localenv.StartVault(ctx, localenv.VaultOptions{Log: options.Log, TLS: true}); err != nil {
		return w, fmt.Errorf("start Vault: %w", err)
	}
	if err = w.Vault.AdmitTenants(ctx, w.Plane); err != nil {
		return w, fmt.Errorf("prepare Vault: %w", err)
	}
	if options.WithoutServers {
		return w, nil
	}
	program, err := BuildStandIn(ctx, folder)
	if err != nil {
		return w, err
	}
	w.Player = &player.Player{Cluster: w.Admin, Program: program, Folder: filepath.Join(folder, "pods"), Log: options.Log}
	return w, w.Player.Start(lifetime)
}

// Stop ends everything and removes its data.
func (w *World) Stop() {
	w.cancel()
	if w.node != nil {
		w.node.Wait()
	}
	if w.Vault != nil {
		w.Vault.Close()
	}
	if w.Environment != nil {
		w.Environment.Stop()
	}
	_ = os.RemoveAll(w.folder)
}

// StartNode adds a node on which pods run that ask for it by its name and tolerate its taint:
// those of Keycloak, whose servers the operator then reaches as it does the stand-ins.
func (w *World) StartNode(log io.Writer) (*node.Node, error) {
	n := &node.Node{Cluster: w.Admin, Folder: filepath.Join(w.folder, "node"), Log: log, Tainted: true}
	if err := n.Start(w.lifetime); err != nil {
		return nil, err
	}
	w.node = n
	w.Player.Also(n.Find)
	return n, nil
}

// BuildStandIn compiles the stand-in server into a folder.
func BuildStandIn(ctx context.Context, folder string) (string, error) {
	root, err := localenv.Root()
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, "standin")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./test/standin")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in: %w\n%s", err, output)
	}
	return program, nil
}
