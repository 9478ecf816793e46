// Package fault names the three ways in which work can fail, so that one place
// can turn a failure into a condition, an event and a requeue.
//
//   - Terminal: a person is needed. Shown, counted, and tried again only when
//     something that we watch changes.
//   - Waiting: another thing has to happen first. A quiet requeue.
//   - Transient: every other error. Returned to the work queue and backed off.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind tells who has to act before the work can go on.
type Kind int

const (
	// KindTransient faults heal by trying again.
	KindTransient Kind = iota
	// KindWaiting faults heal when another object or system changes.
	KindWaiting
	// KindTerminal faults heal when a person changes something.
	KindTerminal
)

// Fault is an error with the reason that the condition and the event show.
type Fault struct {
	Kind Kind
	// Reason is one CamelCase word, a constant of api/v1alpha1.
	Reason string
	// Message says what, where and what to do next. It never quotes a secret.
	Message string
	// RetryAfter is when to look again at the latest; zero leaves it to watches
	// and to the caller's default.
	RetryAfter time.Duration
	cause      error
}

// Error implements error.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.Message + ": " + f.cause.Error()
	}
	return f.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (f *Fault) Unwrap() error { return f.cause }

// Because returns a copy of f with its cause, which is shown after the message.
func (f *Fault) Because(cause error) *Fault {
	g := *f
	g.cause = cause
	return &g
}

// After returns a copy of f that asks to be tried again at the latest after d.
func (f *Fault) After(d time.Duration) *Fault {
	g := *f
	g.RetryAfter = d
	return &g
}

// Terminal makes a fault that needs a person.
func Terminal(reason, format string, args ...any) *Fault {
	return &Fault{Kind: KindTerminal, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Waiting makes a fault that another object's or system's change will heal.
func Waiting(reason, format string, args ...any) *Fault {
	return &Fault{Kind: KindWaiting, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Of returns the first Fault in err's chain. A transient error comes back with
// the given fallback reason and the error's own text, and no error as nil.
func Of(err error, fallbackReason string) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		// The whole chain's text: wrapping adds the context that the fault lacks.
		g := *f
		g.Message = err.Error()
		g.cause = nil
		return &g
	}
	return &Fault{Kind: KindTransient, Reason: fallbackReason, Message: err.Error()}
}

// Is reports whether there is a Fault in err's chain: without one it is transient.
func Is(err error) bool {
	var f *Fault
	return errors.As(err, &f)
}

// IsTerminal reports whether a person is needed.
func IsTerminal(err error) bool { return kindOf(err) == KindTerminal }

// IsWaiting reports whether another thing has to happen first.
func IsWaiting(err error) bool { return kindOf(err) == KindWaiting }

func kindOf(err error) Kind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return KindTransient
}

// Worse is the one of two errors to tell: one that needs a person before one that heals, else
// the first. Nil is no error.
func Worse(first, second error) error {
	if first == nil || second != nil && IsTerminal(second) && !IsTerminal(first) {
		return second
	}
	return first
}
