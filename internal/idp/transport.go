package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// NewHTTPClient makes a client of one server, and the URL, without a path, that it is
// spoken to by. It trusts access.CA alone and verifies access.ServerName, however it
// dials. Fault: Waiting, reason ServerUnreachable, while nobody could vouch for the server.
func NewHTTPClient(access Access, dialTimeout time.Duration) (client *http.Client, base string, err error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(access.CA) {
		return nil, "", fault.Waiting(ReasonServerUnreachable,
			"there is no certificate authority yet that could vouch for %s", access.ServerName)
	}
	_, port, err := net.SplitHostPort(access.Address)
	if err != nil {
		return nil, "", fmt.Errorf("address %q of the identity server: %w", access.Address, err)
	}
	dial := access.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	var transport http.RoundTripper = &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dial(ctx, network, access.Address)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: access.ServerName, MinVersion: tls.VersionTLS12},
		// One connection reaches one member, so that what was written is what is read
		// back, however long the other members' caches live.
		MaxConnsPerHost: 1,
		IdleConnTimeout: time.Minute,
	}
	if access.WrapTransport != nil {
		transport = access.WrapTransport(transport)
	}
	return &http.Client{
		Transport: transport,
		// A redirect could carry the password to where nobody verified.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, "https://" + net.JoinHostPort(access.ServerName, port), nil
}

// mostBytes bounds an answer; the longest that is asked for takes some 30 KiB.
const mostBytes = 4 << 20

// Exchange sends a request of a client of NewHTTPClient and gives the status and the body of
// its answer. ctx is whose end says nothing about the server. Fault: Waiting, reason
// ServerUnreachable; the context's own error when it ended.
func Exchange(ctx context.Context, client *http.Client, access Access, base string, request *http.Request) (status int, body []byte, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, unreachable(ctx, access, base, err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, mostBytes+1)); err != nil {
		return 0, nil, unreachable(ctx, access, base, err)
	}
	return response.StatusCode, body, nil
}

// Decode reads the JSON of an answer to a call. Nothing is read where into is nil.
func Decode(call string, body []byte, into any) error {
	if into == nil {
		return nil
	}
	if len(body) > mostBytes {
		return fmt.Errorf("%s: the answer is longer than %d bytes", call, mostBytes)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: the answer is not the JSON that was expected", call)
	}
	return nil
}

// unreachable tells why a request had no answer.
func unreachable(ctx context.Context, access Access, base string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // we were stopped; that says nothing about the server
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fault.Waiting(ReasonServerUnreachable, "what answers at %s does not prove with its certificate that it is %s; "+
			"nothing was sent to it. Compare the issuer's CA with the keystore that the pods run with", access.Address, base).Because(err)
	}
	return fault.Waiting(ReasonServerUnreachable, "%s does not answer at %s; look at the pods and at the NetworkPolicies",
		base, access.Address).Because(err)
}
