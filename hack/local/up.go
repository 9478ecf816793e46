package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// environment is what up has started so far.
type environment struct {
	dir   string
	plane *localenv.ControlPlane
	vault *localenv.Vault
}

func up(ctx context.Context, dir string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	if n := s.running(dir); n > 0 {
		fmt.Printf("%d programs run already\n", n)
		return status(dir)
	}
	begin := time.Now()
	if err := localenv.Build(ctx, os.Stdout); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil { // the rest of an environment that a reboot ended
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	e := &environment{dir: dir}
	if err := e.start(ctx); err != nil {
		return errors.Join(err, e.save(), down(dir))
	}
	fmt.Printf("\nup in %s\n  export KUBECONFIG=%s\n  source %s\n  export PATH=%s:$PATH\n", time.Since(begin).Round(100*time.Millisecond),
		filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "vault.env"), filepath.Join(dir, "bin"))
	return nil
}

// start runs each step, tells how long it took, and records what runs after each, so that an interrupted start leaves nothing behind.
func (e *environment) start(ctx context.Context) error {
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"etcd and kube-apiserver", e.startControlPlane},
		{"kube-controller-manager", func(ctx context.Context) error { _, err := e.plane.StartControllerManager(ctx); return err }},
		{"kube-scheduler and kwok with one simulated node", func(ctx context.Context) error { return e.plane.StartPods(ctx) }},
		{"Gateway API definitions", e.installGatewayAPI},
		{"cert-manager", func(ctx context.Context) error { _, err := e.plane.StartCertManager(ctx); return err }},
		{"vault, initialised and unsealed", e.startVault},
		{"vault's KV engine, policy and Kubernetes sign-in", e.admitTenants},
		{"kubeconfig, vault.env and commands", e.writeAccess},
	}
	for i, step := range steps {
		begin := time.Now()
		fmt.Printf("start %d of %d: %s", i+1, len(steps), step.name)
		err := step.run(ctx)
		fmt.Printf(", %s\n", time.Since(begin).Round(100*time.Millisecond))
		if err = errors.Join(err, e.save()); err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) startControlPlane(ctx context.Context) (err error) {
	e.plane, err = localenv.StartControlPlane(ctx, localenv.ControlPlaneOptions{Dir: e.dir, Log: os.Stdout, Detached: true})
	return err
}

func (e *environment) installGatewayAPI(ctx context.Context) error {
	definitions, err := localenv.GatewayCRDs(ctx)
	if err != nil {
		return err
	}
	return localenv.InstallCRDs(e.plane.Config(), definitions)
}

func (e *environment) startVault(ctx context.Context) (err error) {
	e.vault, err = localenv.StartVault(ctx, localenv.VaultOptions{Dir: e.dir, Log: os.Stdout, TLS: true, Detached: true})
	return err
}

func (e *environment) save() error {
	var s state
	var running []*localenv.Process
	if e.plane != nil {
		s.APIServer, running = e.plane.Host(), e.plane.Processes()
	}
	if e.vault != nil {
		s.Vault, running = e.vault.Address(), append(running[:len(running):len(running)], e.vault.Process())
	}
	for _, p := range running {
		s.Processes = append(s.Processes, process{Name: p.Name, PID: p.PID, LogFile: p.LogFile})
	}
	return s.save(e.dir)
}
