// Command demo is the main job, shown: one manifest becomes a hardened, Vault-backed
// tenant, on a real API server, a real Vault and real cert-manager on this machine. Its
// server is a real Keycloak on a real PostgreSQL, or a stand-in of WSO2 Identity Server.
//
//	go run ./hack/demo                    show it, then remove everything
//	go run ./hack/demo -product wso2is    show it with the stand-in
//	go run ./hack/demo -keep              leave it running, with .local/kubeconfig and .local/vault.env
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// readyDeadline bounds the wait for the tenant, beside the builds.
const readyDeadline = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	keep := flag.Bool("keep", false, "leave everything running")
	name := flag.String("product", "keycloak", "the identity server: keycloak or wso2is")
	background := flag.String("operator", "", "run the operator for the environment in this folder (used by the demo itself)")
	flag.Parse()
	chosen, err := productNamed(*name)
	switch {
	case err != nil:
	case *background != "":
		err = operate(ctx, filepath.Dir(*background), chosen)
	default:
		log.SetLogger(logr.Discard()) // what the client would say goes to nobody; the operator has a log of its own
		err = show(ctx, chosen, *keep)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func show(ctx context.Context, chosen product, keep bool) (err error) {
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	if err := prerequisites(ctx, root); err != nil {
		return err
	}
	d := &demo{product: chosen, root: root, dir: filepath.Join(root, ".local"), begin: time.Now()}
	defer func() {
		if keep && err == nil {
			d.sayKept()
			return
		}
		if err != nil {
			d.explain()
		}
		// Without ctx: an interrupt must not keep the environment from being removed.
		err = errors.Join(err, d.local(context.WithoutCancel(ctx), "down"))
	}()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return d.local(ctx, "up") },
		d.connect, d.install, d.prepareVault, d.applySurroundings, d.startOperator, d.applyTenant, d.follow, d.observe, d.tree,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prerequisites says what is missing, such as a Java runtime, before anything is started.
func prerequisites(ctx context.Context, root string) error {
	command := exec.CommandContext(ctx, filepath.Join(root, "hack", "make", "prerequisites.sh"))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	return nil
}

// local runs the program that starts and stops the environment.
func (d *demo) local(ctx context.Context, verb string) error {
	command := exec.CommandContext(ctx, "go", "run", "./hack/local", verb)
	command.Dir, command.Stdout, command.Stderr = d.root, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute
	if err := command.Run(); err != nil {
		return fmt.Errorf("local environment, %s: %w", verb, err)
	}
	return nil
}

// say prints a line with the time since the start.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(d.begin).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) sayKept() {
	fmt.Printf(`
It goes on running. Look at it:
  export KUBECONFIG=%[1]s/kubeconfig PATH=%[1]s/bin:$PATH
  kubectl get iam -A
  kubectl -n %[2]s describe identitytenant %[3]s
  source %[1]s/vault.env && vault kv list secret/holdfast/%[2]s
Remove it with: make down
`, d.dir, d.product.tenant.Namespace, d.product.tenant.Name)
}

// explain shows the operator's last words after a failure.
func (d *demo) explain() {
	content, err := os.ReadFile(filepath.Join(d.dir, "operator.log"))
	if err != nil {
		return
	}
	if len(content) > 4000 {
		content = content[len(content)-4000:]
	}
	fmt.Fprintf(os.Stderr, "\nthe operator's last words:\n%s\n", content)
}
