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

const (
	// callTimeout is for one request; the first ones after a start take seconds.
	callTimeout = 20 * time.Second
	// mostBytes bounds an answer; a category of connectors takes about 30 KiB.
	mostBytes = 4 << 20
)

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
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if response.StatusCode >= 300 {
		return c.refused(r, response.StatusCode, body)
	}
	if r.into == nil {
		return nil
	}
	if len(body) > mostBytes {
		return fmt.Errorf("%s %s: the answer is longer than %d bytes", r.method, r.path, mostBytes)
	}
	if err := json.Unmarshal(body, r.into); err != nil {
		return fmt.Errorf("%s %s: the answer is not the JSON that was expected", r.method, r.path)
	}
	return nil
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

func (c *client) unreachable(ctx context.Context, err error) error {
	return idp.Unreachable(ctx, c.access, c.base, err)
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
