// Command local runs a real environment for Holdfast on this machine: an API server with its controllers, Vault and cert-manager,
// compiled from source and run as ordinary processes on 127.0.0.1. Only the pods are simulated, by kwok.
//
//	go run ./hack/local up      build what is missing, start everything, write .local/kubeconfig and .local/vault.env
//	go run ./hack/local status  say what runs where
//	go run ./hack/local down    stop everything and remove .local
//	go run ./hack/local build   only build, into the cache that tests use too
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetLogger(logr.Discard()) // what libraries would say of no logger is no news
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, ".local")
	if len(arguments) != 1 {
		return errors.New("say what to do: up, down, status or build")
	}
	switch arguments[0] {
	case "up":
		return up(ctx, dir)
	case "down":
		return down(dir)
	case "status":
		return status(dir)
	case "build":
		return localenv.Build(ctx, os.Stdout)
	default:
		return fmt.Errorf("%q is none of up, down, status and build", arguments[0])
	}
}
