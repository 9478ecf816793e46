package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Served reads over TLS which certificate a server serves, under the name and the authority of
// its Access. Fault: Waiting, reason ServerUnreachable.
func Served(ctx context.Context, access Access) (*x509.Certificate, error) {
	unreachable := func(err error) error {
		return fault.Waiting(ReasonServerUnreachable, "%s serves no certificate that can be read: %v", access.ServerName, err).Because(err)
	}
	dial := access.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	connection, err := dial(ctx, "tcp", access.Address)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = connection.Close() }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(access.CA)
	secured := tls.Client(connection, &tls.Config{RootCAs: roots, ServerName: access.ServerName, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, unreachable(err)
	}
	return secured.ConnectionState().PeerCertificates[0], nil
}
