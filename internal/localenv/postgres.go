package localenv

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgresSuperuser is the role that may do everything.
const postgresSuperuser = "postgres"

// Postgres is a real PostgreSQL server of this machine's own packages, over TLS, with one database. It refuses to run as root: there it runs as
// the user "postgres" that Debian's package makes, or else as "nobody".
type Postgres struct {
	Dir string // holds postgres.log

	bin        string
	account    *syscall.Credential // nil: as ourselves
	port       int
	serverName string // what its certificate is for
	ca         []byte
	superuser  string // its password
	process    *Process
	removeTree func()
}

// PostgresDatabase is the database that StartPostgres makes.
const PostgresDatabase = "identity"

// StartPostgres starts a new server. It needs the programs initdb, postgres and psql of PostgreSQL 13 or newer (hack/make/prerequisites.sh
// installs them on Debian).
func StartPostgres(ctx context.Context, log io.Writer) (*Postgres, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	dir, remove, err := workDir("", "postgres")
	if err != nil {
		return nil, err
	}
	p := &Postgres{Dir: dir, bin: bin, serverName: "localhost", superuser: rand.Text(), removeTree: remove}
	begin := time.Now()
	if err := p.start(ctx); err != nil {
		p.Close()
		return nil, err
	}
	if log != nil {
		fmt.Fprintf(log, "postgres started in %s\n", since(begin))
	}
	return p, nil
}

// postgresPrograms finds the folder that holds them: that of the initdb on the PATH, or Debian's for the newest version.
func postgresPrograms() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(candidates, func(a, b string) int { return postgresVersion(b) - postgresVersion(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append([]string{path}, candidates...)
	}
	for _, candidate := range candidates {
		path, err := filepath.EvalSymlinks(candidate)
		if err != nil {
			continue
		}
		complete := true
		for _, program := range []string{"postgres", "psql"} {
			_, err := os.Stat(filepath.Join(filepath.Dir(path), program))
			complete = complete && err == nil
		}
		if complete {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("PostgreSQL is missing: run hack/make/prerequisites.sh, which installs it on Debian and says elsewhere what to install")
}

// postgresVersion reads the version from the path of one of Debian's programs.
func postgresVersion(path string) int {
	number, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return number
}

func (p *Postgres) start(ctx context.Context) (err error) {
	if p.account, err = postgresAccount(); err != nil {
		return err
	}
	if p.port, err = freePort(); err != nil {
		return err
	}
	if err := p.initialise(ctx); err != nil {
		return err
	}
	if err := p.Restart(ctx); err != nil {
		return err
	}
	_, err = p.query(ctx, "postgres", postgresSuperuser, p.superuser, "CREATE DATABASE "+PostgresDatabase)
	return err
}

// Restart starts the server again that Kill ended, at the same address with the same data. The sessions of the one before notice in their own
// time that it is gone: each is in a process group of its own, which no signal of ours reaches, and the new one refuses to start beside them.
func (p *Postgres) Restart(ctx context.Context) error {
	patience := time.After(startDeadline)
	for {
		refused, err := p.launch(ctx)
		if err == nil || !refused {
			return err
		}
		select {
		case <-patience:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(pollPause):
		}
	}
}

// stillInUse is in the log of a server that refuses to start beside sessions of the one before.
const stillInUse = "pre-existing shared memory block"

// launch starts the server once. refused tells that sessions of the one before are still there.
func (p *Postgres) launch(ctx context.Context) (refused bool, err error) {
	said, err := p.log()
	if err != nil {
		return false, err
	}
	attributes := ownGroup(syscall.SIGQUIT) // it takes its children and its shared memory with it
	attributes.Credential = p.account
	// SIGINT ends sessions; on SIGTERM it would wait for them.
	if p.process, err = launch(p.Dir, "postgres", filepath.Join(p.bin, "postgres"), syscall.SIGINT, attributes, nil, "-D", p.file("data")); err != nil {
		return false, err
	}
	err = p.process.waitReady(ctx, func(ctx context.Context) error {
		_, err := p.query(ctx, "postgres", postgresSuperuser, p.superuser, "SELECT 1")
		return err
	})
	if err == nil {
		return false, nil
	}
	now, _ := p.log()
	return bytes.Contains(now[min(len(said), len(now)):], []byte(stillInUse)), err
}

// log returns what the server has said since it was made.
func (p *Postgres) log() ([]byte, error) {
	content, err := os.ReadFile(p.file("postgres.log"))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return content, err
}

// Kill ends the server and all its sessions at once, as a power cut would.
func (p *Postgres) Kill() { p.process.Kill() }

// postgresAccount is who the server runs as when we are root.
func postgresAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // as ourselves
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root, and this system has neither a user postgres nor nobody: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err, err2)
}

// initialise makes the data folder: passwords over TLS only, nothing kept on disk that a crash of the machine would have to find.
func (p *Postgres) initialise(ctx context.Context) error {
	authority, err := newAuthority("postgres-local")
	if err != nil {
		return err
	}
	certificate, key, err := authority.serverCertificate("postgres")
	if err != nil {
		return err
	}
	p.ca = authority.pem
	for name, content := range map[string][]byte{"ca.crt": p.ca, "server.crt": certificate, "server.key": key, "superuser": []byte(p.superuser)} {
		if err := os.WriteFile(p.file(name), content, 0o600); err != nil {
			return err
		}
	}
	if err := p.handOver(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "-D", p.file("data"), "-U", postgresSuperuser, "--pwfile", p.file("superuser"),
		"-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync")
	cmd.Dir, cmd.Env = p.Dir, []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + p.Dir}
	cmd.SysProcAttr = ownGroup(syscall.SIGKILL)
	cmd.SysProcAttr.Credential = p.account
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := runFromOneThread(cmd); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, lastLines(output.Bytes()))
	}
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\nfsync = off\nssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'\n",
		p.port, p.file("server.crt"), p.file("server.key"))
	return errors.Join(
		os.WriteFile(p.file("data/postgresql.auto.conf"), []byte(settings), 0o600),
		os.WriteFile(p.file("data/pg_hba.conf"), []byte("hostssl all all 127.0.0.1/32 scram-sha-256\n"), 0o600),
		p.handOver())
}

// handOver gives the folder to the account that the server runs as.
func (p *Postgres) handOver() error {
	if p.account == nil {
		return nil
	}
	for _, name := range []string{".", "ca.crt", "server.crt", "server.key", "superuser", "data/postgresql.auto.conf", "data/pg_hba.conf"} {
		if err := os.Chown(p.file(name), int(p.account.Uid), int(p.account.Gid)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p *Postgres) file(name string) string { return filepath.Join(p.Dir, name) }

// Port returns where it listens, on 127.0.0.1.
func (p *Postgres) Port() int { return p.port }

// CA returns the PEM certificate of the authority that signed the server's certificate.
func (p *Postgres) CA() []byte { return p.ca }

// Present has the server show another certificate from now on, in PEM and with the one of its authority, by which its clients know it as
// serverName.
func (p *Postgres) Present(ctx context.Context, serverName string, certificate, key, ca []byte) error {
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		if err := os.WriteFile(p.file(name), content, 0o600); err != nil {
			return err
		}
	}
	if err := p.handOver(); err != nil {
		return err
	}
	if _, err := p.Superuser(ctx, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	p.serverName, p.ca = serverName, ca
	if err := errors.Join(os.WriteFile(p.file("ca.crt"), ca, 0o600), p.handOver()); err != nil {
		return err
	}
	return p.process.waitReady(ctx, func(ctx context.Context) error { // it reloads in its own time
		_, err := p.Superuser(ctx, "SELECT 1")
		return err
	})
}

// CreateDatabase makes a database beside PostgresDatabase, which a role owns that exists.
func (p *Postgres) CreateDatabase(ctx context.Context, name, owner string) error {
	_, err := p.Superuser(ctx, "CREATE DATABASE "+name+" OWNER "+owner)
	return err
}

// SuperuserIn is Superuser in another database.
func (p *Postgres) SuperuserIn(ctx context.Context, database, sql string) (string, error) {
	return p.query(ctx, database, postgresSuperuser, p.superuser, sql)
}

// Superuser runs SQL in the database as the role that may do everything, and returns what it answers, a line for each row.
func (p *Postgres) Superuser(ctx context.Context, sql string) (string, error) {
	return p.Query(ctx, postgresSuperuser, p.superuser, sql)
}

// Query signs in to the database over verified TLS, as an application would, runs SQL and returns what it answers, a line for each row.
func (p *Postgres) Query(ctx context.Context, username, password, sql string) (string, error) {
	return p.query(ctx, PostgresDatabase, username, password, sql)
}

func (p *Postgres) query(ctx context.Context, database, username, password, sql string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PGHOST=" + p.serverName, "PGHOSTADDR=127.0.0.1", fmt.Sprintf("PGPORT=%d", p.port), "PGDATABASE=" + database, "PGUSER=" + username,
		"PGPASSWORD=" + password, "PGSSLMODE=verify-full", "PGSSLROOTCERT=" + p.file("ca.crt"), "PGCONNECT_TIMEOUT=10"}
	var output, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("psql as %s: %w: %s", username, err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(output.String()), nil
}

// Close ends the server, its sessions with it, and removes its data.
func (p *Postgres) Close() {
	if p.process != nil {
		p.process.Stop()
	}
	p.removeTree()
}
