package localenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from a range below the one that Linux and macOS hand out for outgoing connections,
// so that a program which is stopped finds its port free when it starts again.
const firstPort, lastPort = 20000, 29999

// freePort returns a port of 127.0.0.1 that nothing listens on and that no other process gets from this function while this one lives.
func freePort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		release, err := lockFile(fmt.Sprintf("ports/%d", port))
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil {
			return 0, err
		}
		listener, err := net.Listen("tcp", loopback(port))
		if err == nil {
			held.Store(port, release)
			return port, listener.Close()
		}
		release()
	}
	return 0, fmt.Errorf("no free port between %d and %d on 127.0.0.1", firstPort, lastPort)
}

// FreePort is freePort for what other packages start.
func FreePort() (int, error) { return freePort() }

// held keeps the locks of the ports that this process was given: the garbage collector would close a file that nothing refers to.
var held sync.Map

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
