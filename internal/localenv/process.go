package localenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// startDeadline bounds the wait for a program to answer. A start takes seconds; the rest is for a machine that compiles at the same time.
const startDeadline = 2 * time.Minute

// pollPause is how long to wait before a program is asked again whether it is ready.
const pollPause = 50 * time.Millisecond

// Process is a running program.
type Process struct {
	Name    string // such as "kube-apiserver"
	PID     int    // also its process group
	LogFile string // what it prints

	farewell syscall.Signal // asks it to end
	deadline time.Duration  // startDeadline, or what a slow program needs
	pause    time.Duration  // pollPause, or what a program can answer that has much to do
	exited   chan struct{}
	exitCode int       // once exited is closed
	ending   sync.Once // an id that was given back may belong to a stranger: no second signal
}

// start runs program with its output in dir/<program>.log. detached lets it outlive this process.
func start(dir string, program Program, detached bool, arguments ...string) (*Process, error) {
	path, err := program.Path()
	if err != nil {
		return nil, err
	}
	return launch(dir, string(program), path, syscall.SIGTERM, ownGroup(deathSignal(program, detached)), nil, arguments...)
}

// Launch runs a program that was built elsewhere, in dir, with its output in dir/<name>.log. It dies with this process; SIGTERM asks it to end.
// environment is what it needs beside the usual.
func Launch(dir, name, path string, environment []string, arguments ...string) (*Process, error) {
	return launch(dir, name, path, syscall.SIGTERM, ownGroup(syscall.SIGKILL), environment, arguments...)
}

// launch runs the program at path, in dir, with its output in dir/<name>.log. farewell is the signal by which Stop asks it to end; environment
// is what it needs beside the usual.
func launch(dir, name, path string, farewell syscall.Signal, attributes *syscall.SysProcAttr, environment []string, arguments ...string) (*Process, error) {
	logFile := filepath.Join(dir, name+".log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(path, arguments...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}, environment...) // no proxy, VAULT_* or KUBECONFIG of the user's shell
	cmd.SysProcAttr = attributes

	p := &Process{Name: name, LogFile: logFile, farewell: farewell, deadline: startDeadline, pause: pollPause, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.exited)
		runtime.LockOSThread() // see runFromOneThread
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			p.exitCode = cmd.ProcessState.ExitCode()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = cmd.Process.Pid
	return p, nil
}

// Wait returns the exit code once the process has ended, -1 when a signal ended it. It fails only when ctx ends first.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-p.exited:
		return p.exitCode, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// deathSignal is what a program gets when its parent dies. Vault is asked and not killed, so that it takes its plugins with it.
func deathSignal(program Program, detached bool) syscall.Signal {
	switch {
	case detached:
		return 0
	case program == VaultServer:
		return syscall.SIGTERM
	default:
		return syscall.SIGKILL
	}
}

// runFromOneThread runs cmd from a thread that lives as long as cmd does: the kernel sends the parent-death signal when the thread that
// started a process ends, and Go may end a thread whenever a goroutine locked to it returns.
func runFromOneThread(cmd *exec.Cmd) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		result <- cmd.Run()
	}()
	return <-result
}

// waitReady polls until ready returns nil. It gives up when the process ends, when ctx ends, or after its deadline; the error shows the end of the log.
func (p *Process) waitReady(ctx context.Context, ready func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, p.deadline)
	defer cancel()
	for {
		err := ready(limited)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.failed(errors.New("it ended"))
		case <-limited.Done():
			if ctx.Err() != nil { // the caller's wish, not the program's fault
				return fmt.Errorf("waiting for %s: %w", p.Name, ctx.Err())
			}
			return p.failed(fmt.Errorf("not within %s; last answer: %w", p.deadline, err))
		case <-time.After(p.pause):
		}
	}
}

func (p *Process) failed(why error) error {
	log, _ := os.ReadFile(p.LogFile)
	return fmt.Errorf("%s did not become ready: %w\nthe end of %s:\n%s", p.Name, why, p.LogFile, lastLines(log))
}

// Kill ends the process and its children at once, as a power cut would, and returns when it is gone.
func (p *Process) Kill() { p.ending.Do(p.killAndWait) }

// Stop asks the process to end and returns when it and its children are gone; after ten seconds it kills them.
func (p *Process) Stop() {
	p.ending.Do(func() {
		_ = errors.Join(syscall.Kill(p.PID, p.farewell), p.Resume()) // it may have ended already
		select {
		case <-p.exited:
		case <-time.After(10 * time.Second):
		}
		p.killAndWait()
	})
}

func (p *Process) killAndWait() {
	_ = killGroup(p.PID) // it may have ended already
	<-p.exited
}

// Pause freezes the process until Resume: its sockets stay open and nothing answers, as with a machine that hangs.
func (p *Process) Pause() error { return syscall.Kill(p.PID, syscall.SIGSTOP) }

// Resume ends Pause.
func (p *Process) Resume() error { return syscall.Kill(p.PID, syscall.SIGCONT) }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
