package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// operation is what was tried, for messages.
type operation struct {
	verb string // read, create, update, delete, list
	path string // the API path that a policy names
	// capabilities that the policy needs on path, quoted.
	capabilities string
	// carriesValue: Vault's own words are not repeated, they could quote it.
	carriesValue bool
}

// explain turns an error of vault/api into a fault. It asks Vault's health
// endpoint only where the answer alone does not tell the cause.
func (c *Client) explain(ctx context.Context, signedIn *api.Client, op operation, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("VaultConnection %s: %s %s: %w", c.conn.Name, op.verb, op.path, ctx.Err())
	}
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return c.explainNetwork(op, err)
	}
	said := words(answer, signedIn.Token())
	if op.carriesValue {
		said = ""
	}
	switch code := answer.StatusCode; {
	case tokenRejected(err):
		return c.tokenUseless()
	case code == http.StatusForbidden:
		return fault.Terminal(ReasonForbidden,
			"VaultConnection %s: Vault refuses to %s %s; allow %s on path %q in the policy of its role",
			c.conn.Name, op.verb, op.path, op.capabilities, op.path).After(retryByHand)
	case code == http.StatusNotFound && contains(answer, "no handler for route"):
		return c.mountMissing(op.path)
	case rawPlainHTTP(answer):
		return fault.Terminal(ReasonConnectionInvalid,
			"VaultConnection %s: spec.address is http, but the server speaks TLS; write https", c.conn.Name).After(retryByHand)
	}
	if f := c.explainState(ctx, signedIn, answer); f != nil {
		return f
	}
	return fmt.Errorf("VaultConnection %s: Vault answered %d to %s %s; Vault's log tells more%s",
		c.conn.Name, answer.StatusCode, op.verb, op.path, said)
}

// explainState tells apart the states in which Vault serves nobody.
func (c *Client) explainState(ctx context.Context, anyClient *api.Client, answer *api.ResponseError) error {
	name, address := c.conn.Name, c.conn.Address
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests:
		return fault.Waiting(ReasonRateLimited,
			"VaultConnection %s: a rate limit quota of Vault refuses requests; raise it or wait", name).After(retrySoon)
	case code == http.StatusPreconditionFailed, code == 472, code == 473,
		contains(answer, "local node not active"), contains(answer, "replication DR secondary mode"):
		return c.standby()
	case code < http.StatusInternalServerError:
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	health, err := anyClient.Sys().HealthWithContext(ctx)
	switch {
	case err != nil || health.Version == "":
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: %s answered %d and is not Vault, perhaps a proxy without a healthy Vault behind it",
			name, address, answer.StatusCode).After(retryOutage)
	case !health.Initialized:
		return fault.Waiting(ReasonNotInitialized,
			"VaultConnection %s: Vault at %s is not initialized; run vault operator init", name, address).After(retryOutage)
	case health.Sealed:
		return fault.Waiting(ReasonSealed,
			"VaultConnection %s: Vault at %s is sealed; unseal it", name, address).After(retryOutage)
	case health.Standby || health.ReplicationDRMode == "secondary":
		return c.standby()
	}
	return nil
}

// tokenUseless is for a token that was given to us, or that Vault made a moment
// ago; any other one is replaced by a new login.
func (c *Client) tokenUseless() error {
	what := "Vault does not know the token that it just gave; look at the limits (uses, time to live, bound addresses) of the role"
	if c.conn.Auth.Token != nil {
		what = "Vault does not know the token of spec.auth.token; put a valid one there"
	}
	return fault.Terminal(ReasonLoginFailed, "VaultConnection %s: %s", c.conn.Name, what).After(retryByHand)
}

func (c *Client) standby() error {
	return fault.Waiting(ReasonStandby,
		"VaultConnection %s: a standby of Vault answered at %s and could not forward to the active node; wait for the election, or let spec.address name the active node",
		c.conn.Name, c.conn.Address).After(retrySoon)
}

func (c *Client) mountMissing(path string) error {
	return fault.Terminal(ReasonMountMissing,
		"VaultConnection %s: nothing is mounted at %s; enable an engine there, or correct the mount", c.conn.Name, path).After(retryByHand)
}

// explainNetwork is for requests that got no answer of Vault.
func (c *Client) explainNetwork(op operation, err error) error {
	// url.Error repeats method and URL, which the message has already.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	name, address := c.conn.Name, c.conn.Address
	var (
		unknownCA x509.UnknownAuthorityError
		wrongName x509.HostnameError
		invalid   x509.CertificateInvalidError
		netErr    net.Error
		dial      *net.OpError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknownCA):
		return fault.Terminal(ReasonUnreachable,
			"VaultConnection %s: spec.ca does not contain the authority that signed the certificate of %s", name, address).
			Because(err).After(retryByHand)
	case errors.As(err, &wrongName):
		return fault.Terminal(ReasonUnreachable,
			"VaultConnection %s: the certificate of %s is for another name; correct spec.address or the certificate", name, address).
			Because(err).After(retryByHand)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: the certificate of %s has expired or is not valid yet; renew it", name, address).After(retryOutage)
	case errors.As(err, &invalid):
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: the certificate of %s is not valid", name, address).Because(invalid).After(retryOutage)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fault.Terminal(ReasonConnectionInvalid,
			"VaultConnection %s: spec.address is https, but %s does not speak TLS", name, address).After(retryByHand)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: cannot connect to %s", name, address).Because(steady(err)).After(retryOutage)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: %s did not answer in time to %s %s", name, address, op.verb, op.path).After(retryOutage)
	case wrapped != nil, errors.As(err, &netErr), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errCutOff):
		return fault.Waiting(ReasonUnreachable,
			"VaultConnection %s: the connection to %s broke while it was to %s %s", name, address, op.verb, op.path).
			Because(steady(err)).After(retrySoon)
	}
	return fmt.Errorf("VaultConnection %s: the answer of %s to %s %s makes no sense", name, address, op.verb, op.path)
}

// steady is the cause without what differs from one try to the next, such as
// the local port: a message that changes would write the status on every pass.
func steady(err error) error {
	var (
		dns    *net.DNSError
		number syscall.Errno
		netErr net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return errors.New("no such host")
	case errors.As(err, &dns):
		return errors.New("DNS does not answer")
	case errors.As(err, &number):
		return number
	case errors.As(err, &netErr) && netErr.Timeout():
		return errors.New("timeout")
	case errors.Is(err, errCutOff):
		return errCutOff
	}
	return nil
}

// words are what Vault said, on one line and bounded. A body that is not
// Vault's JSON is left out: at a wrong address it can be anything.
func words(answer *api.ResponseError, secrets ...string) string {
	if answer.RawError {
		return ""
	}
	text := strings.Join(strings.FieldsFunc(strings.Join(answer.Errors, "; "), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	if text == "" {
		return ""
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return ": " + text
}

func contains(answer *api.ResponseError, text string) bool {
	return !answer.RawError && strings.Contains(strings.Join(answer.Errors, "\n"), text)
}

func rawPlainHTTP(answer *api.ResponseError) bool {
	return answer.StatusCode == http.StatusBadRequest && answer.RawError &&
		strings.Contains(answer.Errors[0], "HTTP request to an HTTPS server")
}

// tokenRejected: Vault knows the path but not, or no longer, the token.
func tokenRejected(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden && contains(answer, "invalid token")
}
