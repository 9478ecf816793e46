// Package testenv gives a test package one real API server with Holdfast's definitions and generated Roles in it, so that what runs under
// test has the rights that it will have in a cluster and no others.
package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// The ServiceAccount that the operator runs as.
const (
	SystemNamespace = "holdfast-system"
	ManagerAccount  = "holdfast-controller-manager"
)

// Options says what a test package needs besides etcd and kube-apiserver. Each true costs a start of one to three seconds.
type Options struct {
	ControllerManager bool   // garbage collection, namespace deletion, pods of StatefulSets and Jobs
	Pods              bool   // simulated pods become Ready; needs ControllerManager
	CertManager       bool   // Certificates are issued; without it only their definitions are there
	GatewayAPI        bool   // definitions of the Gateway API
	AuditLog          string // file that gets a JSON line for each request; none when empty
}

// Environment is a running API server with Holdfast's definitions and Roles.
type Environment struct {
	Plane   *localenv.ControlPlane
	Admin   client.WithWatch // may do everything; for what a test arranges and inspects
	Manager *rest.Config     // the operator's ServiceAccount; for what is under test
	Scheme  *runtime.Scheme
}

// Main runs a package's tests in one environment, which keep receives before the first test. It is all that TestMain does:
//
//	var env *testenv.Environment
//
//	func TestMain(m *testing.M) {
//		testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
//	}
func Main(m *testing.M, options Options, keep func(*Environment)) { os.Exit(run(m, options, keep)) }

func run(m *testing.M, options Options, keep func(*Environment)) int {
	begin := time.Now()
	e, err := Start(context.Background(), options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv: the tests cannot run:", err)
		return 1
	}
	defer e.Stop()
	fmt.Fprintf(os.Stderr, "testenv: API server started in %s\n", time.Since(begin).Round(100*time.Millisecond))
	keep(e)
	return m.Run()
}

// Start starts an environment for a caller that is not a TestMain; the caller stops it.
func Start(ctx context.Context, options Options) (*Environment, error) {
	plane, err := localenv.StartControlPlane(ctx, localenv.ControlPlaneOptions{Log: os.Stderr, AuditLog: options.AuditLog})
	if err != nil {
		return nil, err
	}
	e := &Environment{Plane: plane, Scheme: newScheme()}
	if err := e.prepare(ctx, options); err != nil {
		plane.Stop()
		return nil, err
	}
	return e, nil
}

// Stop ends everything that Start began, and removes its data.
func (e *Environment) Stop() { e.Plane.Stop() }

func (e *Environment) prepare(ctx context.Context, options Options) (err error) {
	if err := e.installDefinitions(ctx, options); err != nil {
		return err
	}
	if e.Admin, err = client.NewWithWatch(e.Plane.Config(), client.Options{Scheme: e.Scheme}); err != nil {
		return err
	}
	if err := e.grantRoles(ctx); err != nil {
		return err
	}
	if e.Manager, err = e.Plane.ServiceAccountConfig(ctx, SystemNamespace, ManagerAccount); err != nil {
		return err
	}
	return e.startOthers(ctx, options)
}

func (e *Environment) installDefinitions(ctx context.Context, options Options) error {
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	paths := []string{filepath.Join(root, "config", "crd", "bases")}
	certManager, err := localenv.CertManagerCRDs(ctx)
	if err != nil {
		return err
	}
	paths = append(paths, certManager)
	if options.GatewayAPI {
		gateway, err := localenv.GatewayCRDs(ctx)
		if err != nil {
			return err
		}
		paths = append(paths, gateway)
	}
	return localenv.InstallCRDs(e.Plane.Config(), paths...)
}

func (e *Environment) startOthers(ctx context.Context, options Options) error {
	if options.ControllerManager || options.Pods {
		if _, err := e.Plane.StartControllerManager(ctx); err != nil {
			return err
		}
	}
	if options.Pods {
		if err := e.Plane.StartPods(ctx); err != nil {
			return err
		}
	}
	if options.CertManager {
		if _, err := e.Plane.StartCertManager(ctx); err != nil {
			return err
		}
	}
	return nil
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, cmv1.AddToScheme, gatewayv1.Install} {
		utilruntime.Must(add(scheme))
	}
	return scheme
}
