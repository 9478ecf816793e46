package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/node"
	"github.com/holdfast-iam/holdfast/test/player"
)

// tokenLifetime of the operator's ServiceAccount token, in seconds.
const tokenLifetime = 24 * 3600

// startOperator runs this program again in the background, as the operator, so that it
// outlives a demo that is kept.
func (d *demo) startOperator(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// go run removes its program when it ends; the background one needs a copy that stays.
	program := filepath.Join(d.dir, "operator")
	content, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	if err := os.WriteFile(program, content, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(d.dir, "operator.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	command := exec.Command(program, "-product", d.product.name, "-operator", filepath.Join(d.dir, "operator.log"))
	command.Dir, command.Stdout, command.Stderr = d.root, log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	if err := d.record(command.Process.Pid, log.Name()); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	if d.proxy, err = d.awaitBackground(ctx, ended); err != nil {
		return err
	}
	if d.product.real {
		d.say("PostgreSQL runs with a certificate of cert-manager's; a node of this demo runs pods as processes")
	}
	d.say("The operator runs as ServiceAccount holdfast-system/holdfast-controller-manager, with its rights and no others")
	return nil
}

// proxyFile has the address that reaches pods, once all of the background process runs.
const proxyFile = "proxy"

func (d *demo) awaitBackground(ctx context.Context, ended <-chan error) (proxy string, err error) {
	for {
		content, err := os.ReadFile(filepath.Join(d.dir, proxyFile))
		if err == nil {
			return string(content), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case err := <-ended:
			return "", fmt.Errorf("the operator ended: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// record has `make status` and `make down` know of the background process.
func (d *demo) record(pid int, log string) error {
	path := filepath.Join(d.dir, "state.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	state := map[string]any{}
	if err := json.Unmarshal(content, &state); err != nil {
		return err
	}
	processes, _ := state["processes"].([]any)
	state["processes"] = append(processes, map[string]any{"name": "holdfast operator and servers", "pid": pid, "logFile": log, "asked": true})
	if content, err = json.MarshalIndent(state, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// operate is the background process: the operator, and what stands behind each pod.
func operate(ctx context.Context, dir string, chosen product) (err error) {
	ctrl.SetLogger(zap.New())
	d := &demo{product: chosen, dir: dir, begin: time.Now()}
	if err := d.connect(ctx); err != nil {
		return err
	}
	pods := &player.Player{Cluster: d.cluster, Folder: filepath.Join(dir, "pods"), Log: os.Stdout}
	if !chosen.real {
		if pods.Program, err = harness.BuildStandIn(ctx, dir); err != nil {
			return err
		}
	}
	if err := pods.Start(ctx); err != nil {
		return err
	}
	if chosen.real {
		stop, err := d.startReal(ctx, pods)
		if err != nil {
			return err
		}
		defer stop()
	}
	account, err := serviceAccount(ctx, d.config)
	if err != nil {
		return err
	}
	options := harness.OperatorOptions{Config: account, Proxy: pods.Proxy()}
	options.Progress = -1 // each step is shown as it happens
	running, err := harness.StartOperator(ctx, options)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, proxyFile), []byte(pods.Proxy()), 0o600); err != nil {
		return errors.Join(err, running.Stop())
	}
	<-ctx.Done()
	return running.Stop()
}

// startReal starts the database, and the node on which all pods run from now on.
func (d *demo) startReal(ctx context.Context, pods *player.Player) (stop func(), err error) {
	simulated := &corev1.Node{}
	if err := d.cluster.Get(ctx, client.ObjectKey{Name: localenv.SimulatedNode}, simulated); err != nil {
		return nil, err
	}
	before := client.MergeFrom(simulated.DeepCopy())
	simulated.Spec.Unschedulable = true
	if err := d.cluster.Patch(ctx, simulated, before); err != nil {
		return nil, err
	}
	n := &node.Node{Cluster: d.cluster, Folder: filepath.Join(d.dir, "node"), Log: os.Stdout}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	pods.Also(n.Find)
	options := harness.DatabaseOptions{Namespace: d.product.tenant.Namespace, Name: d.product.tenant.Name, Log: os.Stdout}
	for path, account := range map[string]*harness.Account{ownerPath: &options.Owner, userPath: &options.User} {
		if account.Username, account.Password, err = d.account(ctx, path); err != nil {
			return nil, err
		}
	}
	postgres, err := harness.StartDatabase(ctx, d.cluster, n, options)
	if err != nil {
		return nil, err
	}
	return func() { n.Wait(); postgres.Close() }, nil
}

// serviceAccount is the access of the operator's own ServiceAccount.
func serviceAccount(ctx context.Context, admin *rest.Config) (*rest.Config, error) {
	clients, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(tokenLifetime))}}
	answer, err := clients.CoreV1().ServiceAccounts("holdfast-system").CreateToken(ctx, "holdfast-controller-manager", request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of the operator's ServiceAccount: %w", err)
	}
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = answer.Status.Token
	return config, nil
}
