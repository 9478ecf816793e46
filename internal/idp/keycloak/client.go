package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
)

const (
	// callTimeout is for one request; the first ones after a start take seconds.
	callTimeout = 20 * time.Second
	// masterRealm is what Keycloak calls the root realm.
	masterRealm = "master"
	signInPath  = "/realms/" + masterRealm + "/protocol/openid-connect/token"
	signOutPath = "/realms/" + masterRealm + "/protocol/openid-connect/logout"
	// signInClient is the client of the master realm that every server has for its
	// administrators' command lines.
	signInClient = "admin-cli"
	// early is how long before its end a token is not used any more.
	early = 10 * time.Second
)

// connection makes requests to one server and tells their failures apart.
type connection struct {
	http   *http.Client
	access idp.Access
	// base is the URL without path, with the name that the certificate is for.
	base string
}

func newClient(access idp.Access) (*connection, error) {
	http, base, err := idp.NewHTTPClient(access, callTimeout)
	if err != nil {
		return nil, err
	}
	return &connection{http: http, access: access, base: base}, nil
}

// call is one request. Without a session it is open to everybody.
type call struct {
	method, path string
	session      *session
	body         any
	into         any
	// secret says that an answer could repeat a secret of the body: nothing of it is kept but
	// one word.
	secret bool
}

// refusal is an answer that the caller has to judge.
type refusal struct {
	call   string
	status int
	// code is what the server calls it, such as invalidPasswordHistoryMessage.
	code   string
	detail string
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%s answered %d", r.call, r.status)
	for _, more := range []string{r.code, r.detail} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

// do makes the request. Faults: Waiting ServerUnreachable, also for a server that answers
// that it fails; Terminal ServerRefusedLogin; a *refusal for other answers.
func (c *connection) do(ctx context.Context, r call) error {
	var body io.Reader
	kind := "application/json"
	switch given := r.body.(type) {
	case nil:
	case url.Values:
		body, kind = strings.NewReader(given.Encode()), "application/x-www-form-urlencoded"
	default:
		encoded, err := json.Marshal(given)
		if err != nil {
			return err
		}
		body = bytes.NewReader(encoded)
	}
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(callCtx, r.method, c.base+r.path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	if r.session != nil {
		request.Header.Set("Authorization", "Bearer "+r.session.token)
	}
	status, answer, err := idp.Exchange(ctx, c.http, c.access, c.base, request)
	if err != nil {
		return err
	}
	if status >= 300 {
		return c.refused(r, status, answer)
	}
	return idp.Decode(r.method+" "+r.path, answer, r.into)
}

// refused turns an answer's status into a fault. The server's own words are kept where
// they cannot be about a password.
func (c *connection) refused(r call, status int, body []byte) error {
	answer := &refusal{call: r.method + " " + r.path, status: status}
	var message struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"errorMessage"`
	}
	if json.Unmarshal(body, &message) == nil {
		answer.code = codeOf(message.Error, message.Message)
		if !r.secret && !strings.Contains(r.path, "/users") {
			answer.detail = idp.Bounded(strings.TrimSpace(message.Description + " " + message.Message))
		}
	}
	switch {
	case status == http.StatusForbidden && r.session != nil:
		return fault.Terminal(idp.ReasonServerRefusedLogin, "%s lets the account %q in but does not permit what is asked; "+
			"give it the role admin of the realm master", c.base, r.session.username).Because(answer)
	case status == http.StatusUnauthorized && r.session != nil:
		return fault.Waiting(idp.ReasonServerRefusedLogin, "%s ended the session of the account %q; it signs in again", c.base, r.session.username).Because(answer)
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return fault.Waiting(idp.ReasonServerUnreachable, "%s answers that it cannot serve (%d); look at its log, and whether its database answers", c.base, status).Because(answer)
	}
	return answer
}

var codes = regexp.MustCompile(`^[A-Za-z_]{1,60}$`)

// codeOf takes what the server calls a refusal: one word, which no password is taken for.
func codeOf(candidates ...string) string {
	for _, candidate := range candidates {
		if codes.MatchString(candidate) {
			return candidate
		}
	}
	return ""
}

// session is a login of an account to the master realm.
type session struct {
	username       string
	token, refresh string
	until          time.Time
}

// signIn lets an account in; nil when the server refuses it.
func (c *connection) signIn(ctx context.Context, account idp.UsernamePassword) (*session, error) {
	var answer struct {
		Token   string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Seconds int    `json:"expires_in"`
	}
	begin := time.Now()
	err := c.do(ctx, call{method: http.MethodPost, path: signInPath, into: &answer, body: url.Values{
		"grant_type": {"password"}, "client_id": {signInClient}, "username": {account.Username}, "password": {account.Password}}})
	var refused *refusal
	switch {
	case err == nil:
		return &session{account.Username, answer.Token, answer.Refresh, begin.Add(time.Duration(answer.Seconds)*time.Second - early)}, nil
	case errors.As(err, &refused) && refused.code == "invalid_grant":
		return nil, nil //nolint:nilnil // the account is refused
	case refused != nil && (refused.status == http.StatusBadRequest || refused.status == http.StatusUnauthorized):
		return nil, fault.Terminal(idp.ReasonServerRefusedLogin, "%s lets nobody sign in through the client %s of the realm master; "+
			"give it back its direct access grants", c.base, signInClient).Because(err)
	}
	return nil, err
}

// signOut ends a session, which would live on for as long as the realm lets sessions idle.
func (c *connection) signOut(ctx context.Context, s *session) error {
	return c.do(ctx, call{method: http.MethodPost, path: signOutPath, body: url.Values{"client_id": {signInClient}, "refresh_token": {s.refresh}}})
}
