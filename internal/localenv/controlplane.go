package localenv

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ControlPlaneOptions says how StartControlPlane runs. The zero value is an API server for one test process.
type ControlPlaneOptions struct {
	Dir      string    // keeps data, logs and kubeconfig, and is left in place; a temporary folder when empty
	Log      io.Writer // is told what is built and started; nobody when nil
	AuditLog string    // the file that gets one JSON line for each finished request, without bodies; no audit when empty
	Detached bool      // the programs outlive this process
}

// ControlPlane is a running etcd and kube-apiserver with RBAC, PodSecurity admission and ServiceAccount tokens,
// and whatever was started on top of them. Its administrator is a member of system:masters.
type ControlPlane struct {
	Dir string // holds kubeconfig, kube-apiserver.log and the other programs' logs

	options   ControlPlaneOptions
	authority *authority
	port      int
	admin     *rest.Config
	processes []*Process
	remove    func()
}

// StartControlPlane builds what is missing, starts etcd and kube-apiserver and returns when the API server answers /readyz.
// Controllers, pods and cert-manager are added with StartControllerManager, StartPods and StartCertManager.
func StartControlPlane(ctx context.Context, options ControlPlaneOptions) (*ControlPlane, error) {
	if err := Build(ctx, options.Log, Etcd, KubeAPIServer); err != nil {
		return nil, err
	}
	dir, remove, err := workDir(options.Dir, "kubernetes")
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{Dir: dir, options: options, remove: remove}
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context) (err error) {
	if c.authority, err = newAuthority("holdfast-local"); err != nil {
		return err
	}
	etcd, err := c.startEtcd(ctx)
	if err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, etcd); err != nil {
		return err
	}
	return c.WriteKubeconfig(c.Kubeconfig(), c.admin)
}

func (c *ControlPlane) startEtcd(ctx context.Context) (address string, err error) {
	client, err := freePort()
	if err != nil {
		return "", err
	}
	peer, err := freePort()
	if err != nil {
		return "", err
	}
	address, peerAddress := "http://"+loopback(client), "http://"+loopback(peer)
	_, err = c.run(ctx, Etcd, answers(http.DefaultClient, address+"/health"),
		"--data-dir="+filepath.Join(c.Dir, "etcd"), "--log-level=warn",
		"--unsafe-no-fsync", // a power cut may cost the data, and the environment is as quick on a slow disk as on a fast one
		"--listen-client-urls="+address, "--advertise-client-urls="+address,
		"--listen-peer-urls="+peerAddress, "--initial-advertise-peer-urls="+peerAddress, "--initial-cluster=default="+peerAddress)
	return address, err
}

func (c *ControlPlane) startAPIServer(ctx context.Context, etcd string) (err error) {
	if c.port, err = freePort(); err != nil {
		return err
	}
	if err := c.writeCertificates(); err != nil {
		return err
	}
	if c.admin, err = c.UserConfig("holdfast-admin", "system:masters"); err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(c.admin)
	if err != nil {
		return err
	}
	arguments := []string{
		"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", c.port),
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", // a Service's endpoints may not be a loopback address
		"--tls-cert-file=" + c.file("server.crt"), "--tls-private-key-file=" + c.file("server.key"), "--client-ca-file=" + c.file("ca.crt"),
		"--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.file("sa.key"), "--service-account-signing-key-file=" + c.file("sa.key"),
	}
	if c.options.AuditLog != "" {
		if err := c.write("audit-policy.yaml", []byte(auditPolicy)); err != nil {
			return err
		}
		arguments = append(arguments, "--audit-log-path="+c.options.AuditLog, "--audit-policy-file="+c.file("audit-policy.yaml"),
			"--audit-log-maxsize=10000") // MB: whoever reads it wants all of it in one file
	}
	_, err = c.run(ctx, KubeAPIServer, answers(client, c.admin.Host+"/readyz"), arguments...)
	return err
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`

// StartControllerManager adds kube-controller-manager: it deletes namespaces, collects garbage, makes ServiceAccounts, pods of StatefulSets and Jobs.
func (c *ControlPlane) StartControllerManager(ctx context.Context) (*Process, error) {
	if err := Build(ctx, c.options.Log, KubeControllerManager); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return c.run(ctx, KubeControllerManager, c.healthz(port),
		"--kubeconfig="+c.Kubeconfig(), "--authentication-kubeconfig="+c.Kubeconfig(), "--authorization-kubeconfig="+c.Kubeconfig(),
		"--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", port), "--cert-dir="+c.file("controller-manager"), "--leader-elect=false",
		"--service-account-private-key-file="+c.file("sa.key"), "--root-ca-file="+c.file("ca.crt"), "--use-service-account-credentials")
}

// Stop ends all programs at once and removes their data, unless Dir was given.
func (c *ControlPlane) Stop() {
	for i := len(c.processes) - 1; i >= 0; i-- {
		c.processes[i].Kill() // the data goes too, so there is nothing to end in good order
	}
	c.remove()
}

// Processes lists what runs, in the order of its start.
func (c *ControlPlane) Processes() []*Process { return c.processes }

// run starts a program, waits until it is ready, and remembers it for Stop.
func (c *ControlPlane) run(ctx context.Context, program Program, ready func(context.Context) error, arguments ...string) (*Process, error) {
	process, err := start(c.Dir, program, c.options.Detached, arguments...)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, process)
	return process, process.waitReady(ctx, ready)
}

// healthz is the readiness of a Kubernetes component that serves https with a certificate it made itself.
func (c *ControlPlane) healthz(port int) func(context.Context) error {
	return answers(insecureClient, "https://"+loopback(port)+"/healthz")
}

func (c *ControlPlane) writeCertificates() error {
	certificate, key, err := c.authority.serverCertificate("kube-apiserver", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	_, serviceAccounts, err := newKey()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"ca.crt": c.authority.pem, "server.crt": certificate, "server.key": key, "sa.key": serviceAccounts} {
		if err := c.write(name, content); err != nil {
			return err
		}
	}
	return nil
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.Dir, name) }

func (c *ControlPlane) write(name string, content []byte) error {
	return os.WriteFile(c.file(name), content, 0o600)
}

// Client returns a client with the administrator's rights.
func (c *ControlPlane) Client() *kubernetes.Clientset { return kubernetes.NewForConfigOrDie(c.admin) }
