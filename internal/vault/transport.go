package vault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// requestTimeout bounds one request, its redirect included.
	requestTimeout = 10 * time.Second
	dialTimeout    = 3 * time.Second
	// maxConnections to one Vault.
	maxConnections = 16
	// maxAnswer bounds what a server at a wrong or hostile address can make us
	// keep in memory; a KV value is at most 1 MiB.
	maxAnswer = 4 << 20
)

var errCutOff = errors.New("the answer is larger than any of Vault")

// newTransport speaks HTTP/1.1 on purpose: there a request that timed out takes
// its connection with it, while a dead HTTP/2 connection stays in the pool.
func newTransport(ca string) *http.Transport {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(ca))
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		// A burst of reconciles waits its turn instead of dialling once for each.
		MaxConnsPerHost:        maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// newAPIClient makes a client without token. It takes nothing from the VAULT_*
// environment of the process, which belongs to nobody's connection.
func newAPIClient(conn Connection, transport http.RoundTripper) (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address: conn.Address,
		HttpClient: &http.Client{
			Transport: bounded{transport},
			// vault/api follows the one redirect of a standby by itself.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Timeout: requestTimeout,
		// No hidden retries: the work queue retries with back-off, and a write
		// of unknown outcome has to be followed by a read, not by itself.
		MaxRetries: 0,
	})
	if err != nil {
		return nil, err
	}
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	if conn.Namespace != "" {
		client.SetNamespace(conn.Namespace)
	}
	return client, nil
}

// bounded refuses to read more than maxAnswer of any answer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if answer != nil && answer.Body != nil {
		answer.Body = &boundedBody{answer.Body, maxAnswer}
	}
	return answer, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errCutOff
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
