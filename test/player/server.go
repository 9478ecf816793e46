package player

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// startDeadline is how long a stand-in may take to say where it listens.
const startDeadline = 20 * time.Second

// server is one running stand-in.
type server struct {
	name, namespace, instance string
	address                   string
	ready                     bool
	process                   *exec.Cmd
}

// start runs the stand-in's program; its first line of output is its address.
func start(program, home, state string, environment []string) (*server, error) {
	command := exec.Command(program, "--home", home, "--listen", "127.0.0.1:0", "--state", state)
	command.Env = environment
	command.SysProcAttr = endWithParent()
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(output).ReadString('\n')
		lines <- strings.TrimSpace(line)
	}()
	select {
	case line := <-lines:
		if fields := strings.Fields(line); len(fields) > 0 {
			return &server{address: fields[len(fields)-1], process: command}, nil
		}
		_ = command.Wait()
		return nil, fmt.Errorf("it exited: %s", strings.TrimSpace(said.String()))
	case <-time.After(startDeadline):
		_ = command.Process.Kill()
		return nil, fmt.Errorf("it did not say within %s where it listens", startDeadline)
	}
}

func (s *server) stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}
