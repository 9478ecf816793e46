package localenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// KeycloakOptions say what a server starts from.
type KeycloakOptions struct {
	Log io.Writer // is told what is built and started; nobody when nil
	// Files are those of its folder conf, by name, keycloak.conf first of all: where the database is, and the PKCS#12 store for HTTPS. Which
	// ports and addresses it listens on is ours to say.
	Files map[string][]byte
	// Environment of the process, such as KC_DB_PASSWORD.
	Environment map[string]string
}

// Keycloak is a real server of one tenant, which keeps its data in a PostgreSQL that the caller brings. It can be killed, stopped, and started
// again at the same address.
type Keycloak struct {
	Dir string // holds keycloak.log and the server's home

	options        KeycloakOptions
	program        string
	port           int
	managementPort int
	clusterPort    int
	failurePort    int
	process        *Process
	remove         func()
}

// StartKeycloak builds what is missing and starts a server. The first start in an empty database makes the schema, which takes most of its time.
func StartKeycloak(ctx context.Context, options KeycloakOptions) (*Keycloak, error) {
	if err := Build(ctx, options.Log, KeycloakServer); err != nil {
		return nil, err
	}
	dir, remove, err := workDir("", "keycloak")
	if err != nil {
		return nil, err
	}
	k := &Keycloak{Dir: dir, options: options, remove: remove}
	if err := k.prepare(); err != nil {
		k.Close()
		return nil, err
	}
	if err := k.Start(ctx); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// prepare makes a home of its own around the programs of the cache.
func (k *Keycloak) prepare() (err error) {
	if k.program, err = KeycloakServer.Path(); err != nil {
		return err
	}
	for _, port := range []*int{&k.port, &k.managementPort, &k.clusterPort, &k.failurePort} {
		if *port, err = freePort(); err != nil {
			return err
		}
	}
	for _, folder := range []string{"conf", "providers", "themes", "data"} {
		if err := os.MkdirAll(k.File(folder), 0o700); err != nil {
			return err
		}
	}
	for name, content := range k.options.Files {
		if err := os.WriteFile(filepath.Join(k.File("conf"), name), content, 0o600); err != nil {
			return err
		}
	}
	return os.Symlink(filepath.Join(k.program, "lib"), k.File("lib"))
}

// File returns the path of a file in the server's home.
func (k *Keycloak) File(name string) string { return filepath.Join(k.Dir, name) }

// Start starts the server again that Kill or Stop ended, and waits until its health check on the management port says that it is ready.
func (k *Keycloak) Start(ctx context.Context) error {
	java, err := exec.LookPath("java")
	if err != nil {
		return fmt.Errorf("a Java runtime is missing: run hack/make/prerequisites.sh: %w", err)
	}
	begin := time.Now()
	environment := make([]string, 0, len(k.options.Environment))
	for name, value := range k.options.Environment {
		environment = append(environment, name+"="+value)
	}
	// kc.sh would leave its Java behind when it is killed.
	k.process, err = launch(k.Dir, string(KeycloakServer), java, syscall.SIGTERM, ownGroup(syscall.SIGKILL), environment, k.arguments()...)
	if err != nil {
		return err
	}
	k.process.deadline, k.process.pause = 5*startDeadline, 5*pollPause // a Java server that makes 90 tables
	health := "https://" + loopback(k.managementPort) + "/health/ready"
	if err := k.process.waitReady(ctx, answers(insecureClient, health)); err != nil {
		return err
	}
	if k.options.Log != nil {
		fmt.Fprintf(k.options.Log, "keycloak started in %s\n", since(begin))
	}
	return nil
}

// arguments are those of kc.sh start. Compiling little and collecting with one thread is what a server of a short life is best with.
func (k *Keycloak) arguments() []string {
	arguments := []string{"-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError", "-Dfile.encoding=UTF-8",
		"-Djava.io.tmpdir=" + k.Dir, "-Djdk.tls.rejectClientInitiatedRenegotiation=true", "-Duser.language=en", "-Duser.country=US"}
	for _, opened := range []string{"util", "util.concurrent", "security", "lang"} {
		arguments = append(arguments, "--add-opens=java.base/java."+opened+"=ALL-UNNAMED")
	}
	return append(arguments, "--enable-native-access=ALL-UNNAMED",
		"-Djgroups.fd.port-offset="+strconv.Itoa(k.failurePort-k.clusterPort),
		"-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
		"-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dpicocli.disable.closures=true",
		"-Dkc.home.dir="+k.Dir, "-Djboss.server.config.dir="+k.File("conf"),
		"-cp", k.File("lib/quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint", "start", "--optimized",
		"--http-host=127.0.0.1", fmt.Sprintf("--https-port=%d", k.port), fmt.Sprintf("--http-management-port=%d", k.managementPort),
		"--cache-embedded-network-bind-address=127.0.0.1", fmt.Sprintf("--cache-embedded-network-bind-port=%d", k.clusterPort))
}

// Address returns where it serves HTTPS, as host:port.
func (k *Keycloak) Address() string { return loopback(k.port) }

// ManagementAddress returns where it serves health and metrics.
func (k *Keycloak) ManagementAddress() string { return loopback(k.managementPort) }

// Kill ends the server at once, as a power cut would.
func (k *Keycloak) Kill() { k.process.Kill() }

// Stop asks the server to end and returns when it is gone.
func (k *Keycloak) Stop() { k.process.Stop() }

// Close ends the server and removes its home. Its database stays.
func (k *Keycloak) Close() {
	if k.process != nil {
		k.process.Stop()
	}
	k.remove()
}

// Role makes an account of PostgreSQL that owns the database, with all that a server needs which makes its own tables.
func (p *Postgres) Role(ctx context.Context, name, password string) error {
	_, err := p.Superuser(ctx, "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'")
	_, err2 := p.Superuser(ctx, "ALTER DATABASE "+PostgresDatabase+" OWNER TO "+name)
	return errors.Join(err, err2)
}
