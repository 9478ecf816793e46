// Package adminapi is what a person does at a running Keycloak past the operator: signs in,
// and uses its admin REST interface. It verifies the server's certificate as a client would.
package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

const (
	// Master is the realm in which administrators sign in.
	Master  = "master"
	timeout = 30 * time.Second
	// signInClient is a client that every realm of a server has.
	signInClient = "admin-cli"
)

// Server is one Keycloak as a client reaches it. It is safe for several goroutines.
type Server struct {
	http *http.Client
	base string
}

// New reaches the server of an Access, whose accounts are not used.
func New(access idp.Access) (*Server, error) {
	client, base, err := idp.NewHTTPClient(access, timeout)
	if err != nil {
		return nil, err
	}
	client.Timeout = timeout
	return &Server{http: client, base: base}, nil
}

// Close ends idle connections.
func (s *Server) Close() { s.http.CloseIdleConnections() }

// Answer is what the server answered.
type Answer struct {
	Status int
	Body   []byte
}

// String is the status and what the server says of it.
func (a Answer) String() string {
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"errorMessage"`
	}
	text := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if json.Unmarshal(a.Body, &said) != nil {
		return text
	}
	for _, words := range []string{said.Error, said.Description, said.Message} {
		if words != "" {
			text += ": " + words
		}
	}
	return text
}

// OK tells whether the server did what it was asked.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// SignIn signs somebody in at a realm; token is empty when the server refuses.
func (s *Server) SignIn(ctx context.Context, realm, username, password string) (token string, answer Answer, err error) {
	form := url.Values{"grant_type": {"password"}, "client_id": {signInClient}, "username": {username}, "password": {password}}
	answer, err = s.send(ctx, http.MethodPost, "/realms/"+realm+"/protocol/openid-connect/token", "application/x-www-form-urlencoded", "", strings.NewReader(form.Encode()))
	if err != nil || !answer.OK() {
		return "", answer, err
	}
	var granted struct {
		Token string `json:"access_token"`
	}
	err = json.Unmarshal(answer.Body, &granted)
	return granted.Token, answer, err
}

// Ask makes a request of the admin REST interface below /admin/realms. into may be nil.
func (s *Server) Ask(ctx context.Context, token, method, path string, body, into any) (Answer, error) {
	var encoded bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&encoded).Encode(body); err != nil {
			return Answer{}, err
		}
	}
	answer, err := s.send(ctx, method, "/admin/realms"+path, "application/json", token, &encoded)
	if err != nil || into == nil || !answer.OK() {
		return answer, err
	}
	return answer, json.Unmarshal(answer.Body, into)
}

// Get asks for a path without signing in.
func (s *Server) Get(ctx context.Context, path string) (Answer, error) {
	return s.send(ctx, http.MethodGet, path, "", "", nil)
}

func (s *Server) send(ctx context.Context, method, path, kind, token string, body io.Reader) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return Answer{}, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, content}, err
}

// User is an account of a realm.
type User struct{ Username, Password string }

// AddUser makes an account with its password, and the rest of what the server wants of a
// person before it lets one in. It gives the account's id, which is empty when the server
// refuses.
func (s *Server) AddUser(ctx context.Context, token, realm string, user User) (id string, answer Answer, err error) {
	answer, err = s.Ask(ctx, token, http.MethodPost, "/"+realm+"/users", map[string]any{
		"username": user.Username, "enabled": true, "emailVerified": true, "firstName": "Jane", "lastName": "Doe", "email": user.Username + "@example.com",
		"credentials": []any{password(user.Password)}}, nil)
	if err != nil || !answer.OK() {
		return "", answer, err
	}
	var found []struct{ ID string }
	if _, err := s.Ask(ctx, token, http.MethodGet, "/"+realm+"/users?exact=true&username="+url.QueryEscape(user.Username), nil, &found); err != nil {
		return "", answer, err
	}
	if len(found) != 1 {
		return "", answer, fmt.Errorf("%d accounts are called %s", len(found), user.Username)
	}
	return found[0].ID, answer, nil
}

// SetPassword gives an account another password.
func (s *Server) SetPassword(ctx context.Context, token, realm, id, value string) (Answer, error) {
	return s.Ask(ctx, token, http.MethodPut, "/"+realm+"/users/"+id+"/reset-password", password(value), nil)
}

func password(value string) map[string]any {
	return map[string]any{"type": "password", "value": value, "temporary": false}
}
