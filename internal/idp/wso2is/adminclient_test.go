package wso2is

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
)

// A server that takes a request and never answers holds nobody up for good.
func TestCallHasADeadline(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	certificate := server.Certificate()
	c, err := newClient(idp.Access{
		Address: server.Listener.Addr().String(), ServerName: certificate.DNSNames[0],
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.timeout != callTimeout {
		t.Errorf("a call may take %s, want %s", c.timeout, callTimeout)
	}
	c.timeout = 100 * time.Millisecond
	err = c.do(t.Context(), call{method: http.MethodGet, path: "/"})
	if f := fault.Of(err, ""); !fault.IsWaiting(err) || f.Reason != idp.ReasonServerUnreachable {
		t.Errorf("error %v; want Waiting ServerUnreachable", err)
	}
}
