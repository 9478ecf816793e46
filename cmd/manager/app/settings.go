// Package app is the operator as a program: its flags, what is checked before it starts, and its wiring. It is apart from
// the command so that the reference of its flags, the chart's schema and tests read the very same flags.
package app

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/access"
)

// Settings are what the flags say.
type Settings struct {
	Operator operator.Options

	MetricsAddress, ProbeAddress string
	TraceEndpoint                string
	LeaderElect                  bool
	LeaderNamespace              string
	WatchNamespaces              Names
	ShardSelector                string
	QPS                          float64
	Burst                        int
	Logging                      zap.Options
}

// Bind makes the flags, with their defaults.
func (s *Settings) Bind(flags *flag.FlagSet) {
	flags.StringVar(&s.MetricsAddress, "metrics-bind-address", ":8443", "address of the metrics over authenticated TLS; 0 turns them off")
	flags.StringVar(&s.ProbeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&s.TraceEndpoint, "trace-endpoint", "", "URL of an OTLP collector that gets a trace of each reconcile over gRPC, such as https://collector.observability.svc:4317; default: no traces")
	flags.BoolVar(&s.LeaderElect, "leader-elect", true, "have one active manager among several; each shard has a lease of its own, given back when the manager stops")
	flags.StringVar(&s.LeaderNamespace, "leader-election-namespace", "", "namespace of the lease; default: the operator's own")
	flags.StringVar(&s.Operator.Namespace, "operator-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the operator's pods, which tenants admit; default $POD_NAMESPACE")
	flags.StringVar(&s.Operator.ServiceAccount, "service-account", cmp.Or(os.Getenv("POD_SERVICE_ACCOUNT"), access.DefaultServiceAccount), "the operator's service account, as it is told to whoever has to let the operator into a namespace; default $POD_SERVICE_ACCOUNT, else "+access.DefaultServiceAccount)
	flags.StringVar(&s.Operator.TenantRole, "tenant-role", access.DefaultRole, "the role that lets the operator into a namespace, as it is told there: clusterrole/NAME, or role/NAME where the operator has no right of the whole cluster")
	flags.Var(&s.WatchNamespaces, "watch-namespaces", "namespaces to work in, with commas between; nothing else is read, and rights in these suffice; default: all")
	flags.StringVar(&s.ShardSelector, "shard-selector", "", "labels of the namespaces to work in, such as holdfast-shard=a or !holdfast-shard; not together with --watch-namespaces")
	flags.StringVar(&s.Operator.ClusterID, "cluster-id", "", "by what Vault tells this cluster from others: the UID of the namespace kube-system; default: it is read, which needs a right of the whole cluster")
	s.bindLimits(flags)
	s.Logging.BindFlags(flags)
}

func (s *Settings) bindLimits(flags *flag.FlagSet) {
	flags.IntVar(&s.Operator.Concurrency, "concurrency", 4, "objects of one kind that are worked on at once, from 1")
	s.Operator.Workers = operator.Workers{}
	flags.Var(s.Operator.Workers, "workers", "the same by kind, such as identitytenant=8,keystore=2; kinds: "+strings.Join(operator.Kinds(), ", "))
	flags.Float64Var(&s.QPS, "kube-api-qps", -1, "requests a second to the API server at most; -1: no limit here, the API server's own fairness acts")
	flags.IntVar(&s.Burst, "kube-api-burst", 100, "requests to the API server at once at most, where --kube-api-qps is a limit; from 1")
	flags.DurationVar(&s.Operator.Resync, "resync", 5*time.Minute, "how often a tenant is looked at although nothing changed that can be watched, from 10s")
	flags.DurationVar(&s.Operator.Progress, "progress-interval", 30*time.Second, "how long a status may be withheld that only shows how far a first installation has come; negative: not at all")
	flags.DurationVar(&s.Operator.DeletionPatience, "deletion-patience", 2*time.Minute, "how long a deletion waits for pods and for a Vault that does not answer")
	flags.IntVar(&s.Operator.KeepRecords.Count, "rotation-records-kept", 20, "RotationRecords that stay of each material of an object, from 1; the last one, and the last that succeeded, always stay")
	flags.DurationVar(&s.Operator.KeepRecords.Age, "rotation-records-age", 17520*time.Hour, "how long a RotationRecord stays at most, from 1h")
}

// Check refuses what cannot work, with all that is wrong at once.
func (s *Settings) Check() error {
	var wrong []error
	refuse := func(refused bool, format string, values ...any) {
		if refused {
			wrong = append(wrong, fmt.Errorf(format, values...))
		}
	}
	refuse(s.Operator.Namespace == "", "--operator-namespace is empty: set it, or POD_NAMESPACE, to where the operator's pods run")
	refuse(!access.IsServiceAccount(s.Operator.ServiceAccount), "--service-account=%q: write the name of a service account", s.Operator.ServiceAccount)
	refuse(!access.IsRole(s.Operator.TenantRole), "--tenant-role=%q: write clusterrole/NAME or role/NAME", s.Operator.TenantRole)
	refuse(len(s.WatchNamespaces) > 0 && s.ShardSelector != "", "--watch-namespaces and --shard-selector both say where to work: keep one")
	_, err := labels.Parse(s.ShardSelector)
	refuse(err != nil, "--shard-selector: %w", err)
	refuse(s.Operator.Concurrency < 1, "--concurrency=%d: work on 1 object at least", s.Operator.Concurrency)
	refuse(s.QPS == 0 || s.QPS > 0 && s.Burst < 1, "--kube-api-qps=%v --kube-api-burst=%d: allow some requests, or set --kube-api-qps=-1 for no limit", s.QPS, s.Burst)
	refuse(s.Operator.Resync < 10*time.Second, "--resync=%s: leave at least 10s between two looks", s.Operator.Resync)
	refuse(s.Operator.KeepRecords.Count < 1 || s.Operator.KeepRecords.Age < time.Hour, "--rotation-records-kept=%d --rotation-records-age=%s: keep at least 1 for at least 1h",
		s.Operator.KeepRecords.Count, s.Operator.KeepRecords.Age)
	return errors.Join(wrong...)
}

// Names is a flag of names with commas between.
type Names []string

func (n *Names) String() string { return strings.Join(*n, ",") }

// Set reads the names; each stays once.
func (n *Names) Set(text string) error {
	*n = nil
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(*n, name) {
			*n = append(*n, name)
		}
	}
	return nil
}
