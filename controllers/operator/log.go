package operator

import (
	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// mostVerbose is the highest level at which the operator logs, whatever was asked for: client-go, which logs through
// the logger of the reconcile, writes the bodies of requests and answers at level 8 and above, and Secrets are among them.
const mostVerbose = 7

// bounded is a manager whose controllers never log the body of a request.
type bounded struct{ ctrl.Manager }

func (m bounded) GetLogger() logr.Logger {
	logger := m.Manager.GetLogger()
	if sink := logger.GetSink(); sink != nil {
		return logger.WithSink(boundedSink{sink})
	}
	return logger
}

// boundedSink leaves out what is above mostVerbose.
type boundedSink struct{ logr.LogSink }

func (s boundedSink) Enabled(level int) bool {
	return level <= mostVerbose && s.LogSink.Enabled(level)
}

func (s boundedSink) WithValues(keysAndValues ...any) logr.LogSink {
	return boundedSink{s.LogSink.WithValues(keysAndValues...)}
}

func (s boundedSink) WithName(name string) logr.LogSink { return boundedSink{s.LogSink.WithName(name)} }

// WithCallDepth keeps the caller right where the wrapped sink knows callers.
func (s boundedSink) WithCallDepth(depth int) logr.LogSink {
	if sink, ok := s.LogSink.(logr.CallDepthLogSink); ok {
		return boundedSink{sink.WithCallDepth(depth)}
	}
	return s
}
