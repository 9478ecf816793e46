package helm

import (
	"context"
	"flag"
	"path/filepath"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/cmd/manager/app"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/drivers"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/player"
)

// deadline is for what a small, busy machine does in seconds.
const deadline = 4 * time.Minute

// cluster is a real API server with its controllers, Vault and cert-manager, on which nothing of Holdfast is installed.
type cluster struct {
	*harness.World
	proxy string
}

func start(t *testing.T) *cluster {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(t.Output())))
	plane, err := localenv.StartControlPlane(ctx, localenv.ControlPlaneOptions{Log: t.Output()})
	must(err)
	t.Cleanup(plane.Stop)
	_, err = plane.StartControllerManager(ctx)
	must(err)
	must(plane.StartPods(ctx))
	_, err = plane.StartCertManager(ctx)
	must(err)
	gateway, err := localenv.GatewayCRDs(ctx)
	must(err)
	must(localenv.InstallCRDs(plane.Config(), gateway))
	vault, err := localenv.StartVault(ctx, localenv.VaultOptions{Log: t.Output(), TLS: true})
	must(err)
	t.Cleanup(vault.Close)
	must(vault.AdmitTenants(ctx, plane))
	scheme, err := operator.Scheme()
	must(err)
	must(apiextensionsv1.AddToScheme(scheme))
	admin, err := client.NewWithWatch(plane.Config(), client.Options{Scheme: scheme})
	must(err)
	program, err := harness.BuildStandIn(ctx, t.TempDir())
	must(err)
	servers := &player.Player{Cluster: admin, Program: program, Folder: t.TempDir(), Log: t.Output()}
	lifetime, end := context.WithCancel(context.WithoutCancel(ctx))
	t.Cleanup(end)
	must(servers.Start(lifetime))
	return &cluster{World: &harness.World{Environment: &testenv.Environment{Plane: plane, Admin: admin, Scheme: scheme}, Vault: vault}, proxy: servers.Proxy()}
}

// helm gives Helm's own access to the cluster.
func (c *cluster) helm(t *testing.T) *action.Configuration {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	path, namespace := c.Plane.Kubeconfig(), testenv.SystemNamespace
	flags.KubeConfig, flags.Namespace = &path, &namespace
	configuration := &action.Configuration{}
	if err := configuration.Init(flags, namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return configuration
}

// install installs a chart and gives the objects of the release.
func (c *cluster) install(t *testing.T, of *chart.Chart, values string) []client.Object {
	t.Helper()
	install := action.NewInstall(c.helm(t))
	install.ReleaseName, install.Namespace, install.CreateNamespace = "holdfast", testenv.SystemNamespace, true
	release, err := install.RunWithContext(t.Context(), of, given(t, values))
	if err != nil {
		t.Fatal(err)
	}
	var objects []client.Object
	for _, object := range decode(t, release.Manifest) {
		objects = append(objects, object)
	}
	return objects
}

// uninstall gives what stays of the objects of a release; what is being deleted does not.
func (c *cluster) uninstall(t *testing.T, objects []client.Object) (left []client.Object) {
	t.Helper()
	if _, err := action.NewUninstall(c.helm(t)).Run("holdfast"); err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		err := c.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object)
		if err == nil && object.GetDeletionTimestamp() == nil {
			left = append(left, object)
		} else if client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
	return left
}

// operate runs the manager with the arguments of the release's Deployment, as its service account, and gives what ends it. It
// reaches identity servers by the proxy of the simulated pods; all else is as in its image.
func (c *cluster) operate(t *testing.T, arguments []string) (stop func()) {
	t.Helper()
	settings, flags := &app.Settings{}, flag.NewFlagSet("manager", flag.ContinueOnError)
	settings.Bind(flags)
	own := []string{"--operator-namespace=" + testenv.SystemNamespace, "--leader-election-namespace=" + testenv.SystemNamespace,
		"--metrics-bind-address=0", "--health-probe-bind-address=0"}
	if err := flags.Parse(append(arguments, own...)); err != nil {
		t.Fatal(err)
	}
	settings.Operator.Drivers = drivers.All()
	settings.Operator.Access.Dial = player.Dialer(c.proxy)
	account, err := c.Plane.ServiceAccountConfig(t.Context(), testenv.SystemNamespace, testenv.ManagerAccount)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, account, settings) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("the manager ended with", err)
		}
	}
}

// surround makes a namespace with what a tenant needs, but for what lets the operator in.
func (c *cluster) surround(t *testing.T, name string) {
	t.Helper()
	if err := c.Admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	for _, object := range c.Surroundings() {
		if _, right := object.(*rbacv1.RoleBinding); right {
			continue
		}
		object.SetNamespace(name)
		if err := c.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(filepath.Join(name, object.GetName()), err)
		}
	}
}

// letIn runs what a tenant says that it waits for, with the names of the release.
func (c *cluster) letIn(t *testing.T, tenant *v1alpha1.IdentityTenant) {
	t.Helper()
	var told string
	if err := c.Await(t.Context(), tenant, deadline, func(seen *v1alpha1.IdentityTenant) bool {
		ready := apimeta.FindStatusCondition(seen.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != v1alpha1.ReasonNamespaceNotAdmitted {
			return false
		}
		told = ready.Message
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if err := harness.RunSaid(t.Context(), c.Plane, told, t.Output()); err != nil {
		t.Fatal(err)
	}
}
