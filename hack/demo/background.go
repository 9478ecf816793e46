package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/player"
)

// tokenLifetime of the operator's ServiceAccount token, in seconds.
const tokenLifetime = 24 * 3600

// startOperator runs this program again in the background, as the operator, so that it
// outlives a demo that is kept.
func (d *demo) startOperator(context.Context) error {
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
	command := exec.Command(program, "-operator", filepath.Join(d.dir, "operator.log"))
	command.Dir, command.Stdout, command.Stderr = d.root, log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	d.say("The operator runs as ServiceAccount holdfast-system/holdfast-controller-manager, with its rights and no others")
	return d.record(command.Process.Pid, log.Name())
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
	state["processes"] = append(processes, map[string]any{"name": "holdfast operator and stand-ins", "pid": pid, "logFile": log})
	if content, err = json.MarshalIndent(state, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// operate is the background process: the operator, and a stand-in behind each pod.
func operate(ctx context.Context, dir string) error {
	ctrl.SetLogger(zap.New())
	d := &demo{dir: dir, begin: time.Now()}
	if err := d.connect(ctx); err != nil {
		return err
	}
	program, err := harness.BuildStandIn(ctx, dir)
	if err != nil {
		return err
	}
	pods := &player.Player{Cluster: d.cluster, Program: program, Folder: filepath.Join(dir, "pods"), Log: os.Stdout}
	if err := pods.Start(ctx); err != nil {
		return err
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
	<-ctx.Done()
	return running.Stop()
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
