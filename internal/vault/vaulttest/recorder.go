package vaulttest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Recorder is a transport that remembers what was sent to Vault, and can fail
// in its place. Its Wrap fits vault.Options.WrapTransport.
type Recorder struct {
	// Fail, when set, may answer or fail instead of the network; nil, nil lets
	// the request through. Set it before the first request, or guard it yourself.
	Fail func(*http.Request) (*http.Response, error)
	// After, when set, sees each answer and may put a failure in its place.
	After func(*http.Request, *http.Response, error) (*http.Response, error)

	mu       sync.Mutex
	requests []string
	tokens   map[string]bool
}

// Wrap puts the recorder before next.
func (r *Recorder) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		r.record(request)
		if r.Fail != nil {
			if answer, err := r.Fail(request); answer != nil || err != nil {
				return answer, err
			}
		}
		answer, err := next.RoundTrip(request)
		if r.After != nil {
			return r.After(request, answer, err)
		}
		return answer, err
	})
}

func (r *Recorder) record(request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request.Method+" "+strings.TrimPrefix(request.URL.Path, "/v1/"))
	if token := request.Header.Get("X-Vault-Token"); token != "" {
		if r.tokens == nil {
			r.tokens = map[string]bool{}
		}
		r.tokens[token] = true
	}
}

// Requests lists the requests so far, as "METHOD path".
func (r *Recorder) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Reset forgets the requests so far.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// Tokens lists the Vault tokens that were sent, for tests that look for leaks.
func (r *Recorder) Tokens() (tokens []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token := range r.tokens {
		tokens = append(tokens, token)
	}
	return tokens
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
