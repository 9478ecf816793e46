package localenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/vault/api"
)

// VaultOptions says how StartVault runs. The zero value is a Vault over plain http for one test process.
type VaultOptions struct {
	Dir      string    // keeps data and logs, and is left in place; a temporary folder when empty
	Log      io.Writer // is told what is built and started; nobody when nil
	TLS      bool      // serves https for 127.0.0.1 and localhost, with a certificate of its own authority (see CA)
	Detached bool      // the program outlives this process
}

// Vault is a real server with raft storage of one member: it can be sealed, stopped, and started again on the same address with the same data.
// It starts initialised and unsealed. The Kubernetes auth plugin is in its catalogue (see EnableKubernetesAuth).
type Vault struct {
	Dir string // holds vault.log

	options     VaultOptions
	port        int
	clusterPort int // raft listens there for other members; there are none
	ca          []byte
	unsealKey   string
	rootToken   string
	client      *api.Client
	process     *Process
	remove      func()
}

// StartVault builds what is missing, starts a new Vault, initialises and unseals it.
func StartVault(ctx context.Context, options VaultOptions) (*Vault, error) {
	if err := Build(ctx, options.Log, VaultServer, VaultKubernetesAuth); err != nil {
		return nil, err
	}
	dir, remove, err := workDir(options.Dir, "vault")
	if err != nil {
		return nil, err
	}
	v := &Vault{Dir: dir, options: options, remove: remove}
	if err := v.start(ctx); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

func (v *Vault) start(ctx context.Context) (err error) {
	if v.port, err = freePort(); err != nil {
		return err
	}
	if v.clusterPort, err = freePort(); err != nil {
		return err
	}
	if err := v.configure(); err != nil {
		return err
	}
	if v.client, err = v.Client(""); err != nil {
		return err
	}
	if err := v.run(ctx); err != nil {
		return err
	}
	secret, err := v.client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("initialise vault: %w", err)
	}
	v.unsealKey, v.rootToken = secret.Keys[0], secret.RootToken
	v.client.SetToken(v.rootToken)
	return v.Unseal(ctx)
}

// configure writes vault.hcl, and the certificate that it names.
func (v *Vault) configure() error {
	listener := "tls_disable = true"
	if v.options.TLS {
		authority, err := newAuthority("vault-local")
		if err != nil {
			return err
		}
		certificate, key, err := authority.serverCertificate("vault")
		if err != nil {
			return err
		}
		v.ca = authority.pem
		for name, content := range map[string][]byte{"ca.crt": v.ca, "server.crt": certificate, "server.key": key} {
			if err := os.WriteFile(v.file(name), content, 0o600); err != nil {
				return err
			}
		}
		listener = fmt.Sprintf("tls_cert_file = %q\n  tls_key_file = %q", v.file("server.crt"), v.file("server.key"))
	}
	plugins, err := pluginDirectory()
	if err != nil {
		return err
	}
	config := fmt.Sprintf(`disable_mlock = true
api_addr = %q
plugin_directory = %q
cluster_addr = "https://%s"
storage "raft" {
  path = %q
  node_id = "local"
  performance_multiplier = 1
}
listener "tcp" {
  address = %q
  %s
}
`, v.Address(), plugins, loopback(v.clusterPort), v.file("data"), loopback(v.port), listener)
	if err := os.MkdirAll(v.file("data"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(v.file("vault.hcl"), []byte(config), 0o600)
}

// pluginDirectory is the cache folder of the Kubernetes auth plugin. Vault refuses a path with a symbolic link in it.
func pluginDirectory() (string, error) {
	path, err := VaultKubernetesAuth.Path()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(filepath.Dir(path))
}

// run starts the server and waits until it answers; it is then sealed or not yet initialised.
func (v *Vault) run(ctx context.Context) (err error) {
	v.process, err = start(v.Dir, VaultServer, v.options.Detached, "server", "-config="+v.file("vault.hcl"))
	if err != nil {
		return err
	}
	return v.process.waitReady(ctx, func(ctx context.Context) error {
		_, err := v.client.Sys().SealStatusWithContext(ctx)
		return err
	})
}

func (v *Vault) file(name string) string { return filepath.Join(v.Dir, name) }

// Address returns the URL of the server; it stays the same over Stop and Restart.
func (v *Vault) Address() string {
	if v.options.TLS {
		return "https://" + loopback(v.port)
	}
	return "http://" + loopback(v.port)
}

// RootToken returns the token that may do everything.
func (v *Vault) RootToken() string { return v.rootToken }

// CA returns the PEM certificate of the authority that signed the server's certificate, nil over plain http.
func (v *Vault) CA() []byte { return v.ca }

// Client returns a new client with this token; an empty one makes a client that has yet to log in.
// It neither retries nor follows the VAULT_* variables of the environment.
func (v *Vault) Client(token string) (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address, config.MaxRetries = v.Address(), 0
	if v.ca != nil {
		if err := config.ConfigureTLS(&api.TLSConfig{CACertBytes: v.ca}); err != nil {
			return nil, err
		}
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.ClearNamespace()
	client.SetToken(token)
	return client, nil
}

// Root returns a client with the root token.
func (v *Vault) Root() *api.Client { return v.client }
