// Package standin is a stand-in for WSO2 Identity Server, for tests and for the
// demo. It is not the product: it has no login page, knows one grant and keeps its
// database in a file. What it does as the real one does, because operators trip over
// it, is this: it starts from the deployment.toml and the stores of one pod, refuses
// to start where the real one would, reads nothing again until it is restarted,
// shares its database with the other pods of a tenant, and has the quirks of the REST
// APIs for accounts, password rules and governance connectors (of 7.3.0).
package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what a server is started from.
type Options struct {
	// Home holds conf/deployment.toml and security/, where the stores are.
	Home fs.FS
	// Environment looks up the variables that deployment.toml refers to.
	Environment func(name string) (string, bool)
	// State is the database, shared by the pods of a tenant.
	State *State
	// Listener is where it serves HTTPS. Start takes it over.
	Listener net.Listener
	// CacheFor is how long a pod answers from what it read before although another
	// pod wrote; zero reads the database each time.
	CacheFor time.Duration
	// Without names connectors and properties that this build does not have.
	Without []string
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Server is one running stand-in.
type Server struct {
	configuration configuration
	stores        stores
	without       []string
	state         *State
	cache         realmCache
	now           func() time.Time
	http          *http.Server
	listener      net.Listener
	done          chan error

	// swallow makes writes of settings answer 200 and change nothing.
	swallow atomic.Bool
	unwell  atomic.Bool

	mutex        sync.Mutex
	requests     []string
	beforeCommit func()
	afterWrite   func()
}

// Start reads everything once and serves until Close. An error is what the real
// server would write before it exits with 1, or would only find out later.
func Start(o Options) (*Server, error) {
	configuration, err := readConfiguration(o.Home, o.Environment)
	if err != nil {
		return nil, err
	}
	stores, err := readStores(o.Home, configuration)
	if err != nil {
		return nil, err
	}
	certificate, err := configuration.tls(stores)
	if err != nil {
		return nil, err
	}
	if err := o.State.start(configuration); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{configuration: configuration, stores: stores, without: o.Without, state: o.State, listener: o.Listener, done: make(chan error, 1), now: o.Now,
		cache: realmCache{lifetime: o.CacheFor, now: o.Now}}
	s.http = &http.Server{
		Handler:           s.recorded(s.routes()),
		TLSConfig:         certificate,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // handshakes that a test breaks on purpose
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	go func() {
		err := s.http.ServeTLS(o.Listener, "", "")
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		s.done <- err
	}()
	return s, nil
}

// Address is host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Wait returns when the server stopped serving.
func (s *Server) Wait() error { return <-s.done }

// Close stops at once, as a killed pod does.
func (s *Server) Close() error { return s.http.Close() }

// Shutdown lets requests under way finish.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// SwallowWrites makes later writes of settings answer 200 without changing anything,
// as the real one does when its database fails behind it.
func (s *Server) SwallowWrites(swallow bool) { s.swallow.Store(swallow) }

// Unwell makes the health check answer 503.
func (s *Server) Unwell(unwell bool) { s.unwell.Store(unwell) }

// BeforeCommit is called once, between the moment when the next PATCH of a connector
// has read the realm's properties and the moment when it writes them all back.
func (s *Server) BeforeCommit(f func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.beforeCommit = f
}

func (s *Server) commit() {
	s.mutex.Lock()
	f := s.beforeCommit
	s.beforeCommit = nil
	s.mutex.Unlock()
	if f != nil {
		f()
	}
}

// AfterWrite is called after each write of settings, before it is answered.
func (s *Server) AfterWrite(f func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.afterWrite = f
}

func (s *Server) written() {
	s.mutex.Lock()
	f := s.afterWrite
	s.mutex.Unlock()
	if f != nil {
		f()
	}
}

// Requests are the requests so far, as "METHOD path", without query.
func (s *Server) Requests() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *Server) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mutex.Unlock()
		w.Header().Set("Server", s.configuration.serverHeader())
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

// refusal is why the server does not start.
func refusal(format string, args ...any) error {
	return fmt.Errorf("the stand-in does not start: "+format, args...)
}
