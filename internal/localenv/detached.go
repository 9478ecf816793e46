package localenv

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Running reports whether the process is alive and was started for the environment in dir. Every program of an environment has a file of
// dir among its arguments, so a process that only took over an old id is told apart.
func Running(pid int, dir string) bool {
	return strings.Contains(commandLine(pid), dir+string(os.PathSeparator))
}

// KillDetached ends a detached process of the environment in dir, with its children, and returns when it is gone.
func KillDetached(pid int, dir string) error {
	for begin := time.Now(); Running(pid, dir); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			return errors.New("the process does not end, although it was killed; pid " + strconv.Itoa(pid))
		}
		if err := killGroup(pid); err != nil {
			return err
		}
	}
	return nil
}

// farewellPatience is how long StopDetached waits for a process to end by itself.
const farewellPatience = 20 * time.Second

// StopDetached asks a detached process of the environment in dir to end, and kills it when it does not.
func StopDetached(pid int, dir string) error {
	if Running(pid, dir) {
		_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended meanwhile
	}
	for begin := time.Now(); Running(pid, dir) && time.Since(begin) < farewellPatience; time.Sleep(20 * time.Millisecond) {
	}
	return KillDetached(pid, dir)
}

// commandLine returns a process's arguments; it is empty for a process that has ended, even if nobody has collected its exit yet.
func commandLine(pid int) string {
	if content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err == nil {
		return string(content)
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		return ""
	}
	output, _ := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output() // fails when there is no such process
	return string(output)
}
