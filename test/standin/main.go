// Command standin runs one stand-in for WSO2 Identity Server: a process per pod, for
// tests and for the demo. It is not the product. Variables that deployment.toml refers
// to come from its environment; it prints its address, serves until it is told to
// stop, and exits with 1 and the reason where the real server would not start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
)

func main() {
	home := flag.String("home", "", "folder with conf/deployment.toml and security/")
	listen := flag.String("listen", "127.0.0.1:0", "address to serve HTTPS on")
	state := flag.String("state", "", "file that stands for the database; the pods of a tenant share it")
	cache := flag.Duration("cache", 0, "how long another pod's write may go unseen")
	flag.Parse()
	if err := run(*home, *listen, *state, *cache); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(home, listen, state string, cache time.Duration) error {
	if home == "" || state == "" {
		return errors.New("standin: --home and --state are needed; see --help")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	server, err := standin.Start(standin.Options{
		Home: os.DirFS(home), Environment: os.LookupEnv, State: standin.FileState(state), Listener: listener, CacheFor: cache,
	})
	if err != nil {
		return err
	}
	fmt.Println(server.Address())
	context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(deadline)
	})
	return server.Wait()
}
