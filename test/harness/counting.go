package harness

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Counter counts the requests that pass a transport, and what they write.
type Counter struct {
	mu       sync.Mutex
	requests []string
}

// Wrap is the Counter around a transport.
func (c *Counter) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		c.mu.Lock()
		c.requests = append(c.requests, request.Method+" "+request.URL.Path)
		c.mu.Unlock()
		return next.RoundTrip(request)
	})
}

// Requests are all requests so far, as "METHOD path".
func (c *Counter) Requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// Writes are the requests that change something. Reviews of access and requests for tokens
// are POSTs that keep nothing, and leases are a manager's heartbeat.
func (c *Counter) Writes() []string {
	return slices.DeleteFunc(c.Requests(), func(request string) bool { return !IsWrite(request) })
}

// Reset forgets what was counted.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

// IsWrite tells whether a request, as "METHOD path", changes something.
func IsWrite(request string) bool {
	method, path, _ := strings.Cut(request, " ")
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, "LIST":
		return false
	}
	for _, harmless := range []string{"/selfsubjectaccessreviews", "/subjectaccessreviews", "/token", "/tokenreviews", "/leases/", "/leases", "/login"} {
		if strings.HasSuffix(path, harmless) || strings.Contains(path, "/leases/") {
			return false
		}
	}
	return true
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
