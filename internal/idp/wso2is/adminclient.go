package wso2is

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
)

// callTimeout is for one request; the first ones after a start take seconds.
const callTimeout = 20 * time.Second

// client makes requests to one server and tells their failures apart.
type client struct {
	http *http.Client
	// base is the URL without path, with the name that the certificate is for.
	base   string
	access idp.Access
	// timeout bounds one request.
	timeout time.Duration
}

// call is one request.
type call struct {
	method, path string
	// account signs in; nil makes an open request.
	account *idp.UsernamePassword
	body    any
	into    any
	// secret calls are about accounts: nothing of their answers is repeated.
	secret bool
}

// refusal is an answer that the caller has to judge.
type refusal struct {
	call   string
	status int
	code   string
	detail string
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%s answered %d", r.call, r.status)
	if r.detail != "" {
		text += ": " + r.detail
	}
	return text
}

func newClient(access idp.Access) (*client, error) {
	http, base, err := idp.NewHTTPClient(access, callTimeout)
	if err != nil {
		return nil, err
	}
	return &client{http: http, access: access, base: base, timeout: callTimeout}, nil
}

// do makes the request. Faults: Waiting ServerUnreachable, Terminal
// ServerRefusedLogin; a *refusal for other answers of the 3xx and 4xx kind; the
// server's own errors are transient.
func (c *client) do(ctx context.Context, r call) error {
	callCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := c.request(callCtx, r)
	if err != nil {
		return err
	}
	status, body, err := idp.Exchange(ctx, c.http, c.access, c.base, request)
	if err != nil {
		return err
	}
	if status >= 300 {
		return c.refused(r, status, body)
	}
	return idp.Decode(r.method+" "+r.path, body, r.into)
}

func (c *client) request(ctx context.Context, r call) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if r.secret {
		request.Header.Set("Accept", "application/scim+json")
	}
	if body != nil {
		request.Header.Set("Content-Type", request.Header.Get("Accept"))
	}
	if r.account != nil {
		request.SetBasicAuth(r.account.Username, r.account.Password)
	}
	return request, nil
}

// refused turns an answer's status into a fault.
func (c *client) refused(r call, status int, body []byte) error {
	answer := &refusal{call: r.method + " " + r.path, status: status}
	if !r.secret {
		var message struct{ Code, Message, Description string }
		if json.Unmarshal(body, &message) == nil {
			answer.code = idp.Bounded(message.Code)
			answer.detail = idp.Bounded(message.Description)
			if answer.detail == "" {
				answer.detail = idp.Bounded(message.Message)
			}
		}
	}
	switch {
	case status == http.StatusUnauthorized && r.account != nil:
		return fault.Terminal(idp.ReasonServerRefusedLogin, "%s refuses the account %q: its password is not the one in Vault, "+
			"or the account is locked; set the password in the server or unlock the account", c.base, r.account.Username).Because(answer)
	case status == http.StatusForbidden && r.account != nil:
		return fault.Terminal(idp.ReasonServerRefusedLogin, "%s lets the account %q in but does not permit what is asked; "+
			"give it the administrator's role", c.base, r.account.Username).Because(answer)
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway,
		status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return fault.Waiting(idp.ReasonServerUnreachable, "%s is not ready", c.base).Because(answer)
	}
	return answer
}
