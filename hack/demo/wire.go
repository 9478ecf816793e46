package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/test/adminapi"
	"github.com/holdfast-iam/holdfast/test/player"
)

const (
	// publicHost is the sample's hostname, which is in the server's certificate.
	publicHost = "id.shop.example"
	realm      = "shop"
	// administratorPath is where Vault has the account that the operator made first.
	administratorPath = "holdfast/iam/identitytenant/shop/administrator/1"
	mostFailures      = 30
	handshakeTimeout  = 20 * time.Second
)

// wire looks at the server as its clients and an attacker do.
type wire struct {
	access        idp.Access
	server        *adminapi.Server
	administrator string // a token
	problems      []error
}

// observe shows what a real server refuses and accepts, as its answers came over the wire.
func (d *demo) observe(ctx context.Context) error {
	if !d.product.real {
		return nil
	}
	w := &wire{}
	if err := w.connect(ctx, d); err != nil {
		return err
	}
	defer w.server.Close()
	fmt.Println()
	d.say("Asking the server over HTTPS, at the port of its Service, as %s:", publicHost)
	for _, look := range []func(context.Context) error{w.certificate, w.transport, w.vendorLogin, w.passwords, w.login, w.lockout} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return errors.Join(w.problems...)
}

func (w *wire) connect(ctx context.Context, d *demo) (err error) {
	issuer := &corev1.Secret{}
	if err := d.cluster.Get(ctx, client.ObjectKey{Namespace: d.product.tenant.Namespace, Name: "internal-ca"}, issuer); err != nil {
		return err
	}
	w.access = idp.Access{Address: fmt.Sprintf("%s.%s.svc:8443", d.product.tenant.Name, d.product.tenant.Namespace), ServerName: publicHost,
		CA: issuer.Data[corev1.TLSCertKey], Dial: player.Dialer(d.proxy)}
	if w.server, err = adminapi.New(w.access); err != nil {
		return err
	}
	username, password, err := d.account(ctx, administratorPath)
	if err != nil {
		return err
	}
	token, answer, err := w.server.SignIn(ctx, adminapi.Master, username, password)
	if err == nil && token == "" {
		err = fmt.Errorf("the administrator of Vault is not let in: %s", answer)
	}
	w.administrator = token
	return err
}

// note prints an observation, and remembers one that is not what is promised.
func (w *wire) note(accepted, wanted bool, what, seen string) {
	word := "refused "
	if accepted {
		word = "accepted"
	}
	fmt.Printf("         %s  %-44s %s\n", word, what, seen)
	if accepted != wanted {
		w.problems = append(w.problems, fmt.Errorf("%s was %s: %s", what, strings.TrimSpace(word), seen))
	}
}

// handshake opens a connection by TLS of one version.
func (w *wire) handshake(ctx context.Context, version uint16) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	plain, err := w.access.Dial(ctx, "tcp", w.access.Address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = plain.Close() }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.access.CA)
	connection := tls.Client(plain, &tls.Config{RootCAs: roots, ServerName: publicHost, MinVersion: version, MaxVersion: version})
	err = connection.HandshakeContext(ctx)
	return connection.ConnectionState(), err
}

func (w *wire) certificate(ctx context.Context) error {
	state, err := w.handshake(ctx, tls.VersionTLS13)
	if err != nil {
		return err
	}
	leaf := state.PeerCertificates[0]
	w.note(true, true, "TLS 1.3", fmt.Sprintf("%s; certificate for %s, issued by %s, verified", tls.CipherSuiteName(state.CipherSuite), publicHost, leaf.Issuer.CommonName))
	return nil
}

func (w *wire) transport(ctx context.Context) error {
	state, err := w.handshake(ctx, tls.VersionTLS12)
	w.note(err == nil, true, "TLS 1.2", said(err, tls.CipherSuiteName(state.CipherSuite)))
	_, err = w.handshake(ctx, tls.VersionTLS11)
	w.note(err == nil, false, "TLS 1.1", said(err, "the handshake was made"))
	accepted, seen, err := w.plain(ctx)
	w.note(accepted, false, "plain HTTP", seen)
	return err
}

// plain asks without TLS.
func (w *wire) plain(ctx context.Context) (accepted bool, seen string, err error) {
	connection, err := w.access.Dial(ctx, "tcp", w.access.Address)
	if err != nil {
		return false, "", err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return false, "", err
	}
	if _, err := fmt.Fprintf(connection, "GET /realms/%s HTTP/1.1\r\nHost: %s\r\n\r\n", realm, publicHost); err != nil {
		return false, said(err, ""), nil
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return false, "no answer within " + handshakeTimeout.String(), nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return false, "the connection was closed without an answer", nil
	case err != nil:
		return false, "what came back is no HTTP: " + err.Error(), nil
	}
	_ = response.Body.Close()
	return response.StatusCode < http.StatusBadRequest, response.Status, nil
}

func (w *wire) vendorLogin(ctx context.Context) error {
	token, answer, err := w.server.SignIn(ctx, adminapi.Master, "admin", "admin")
	w.note(token != "", false, "the vendor's login admin/admin, realm master", answer.String())
	return err
}

// Passwords that people of the demo have or would like. The accounts are made for it, in a
// server that lives for minutes.
const (
	person    = "jane-doe-1990-oslo-A1"
	good      = "Correct-Horse-7-staple"
	changed   = "Another-Horse-8-staple"
	common    = "Password-2024"
	weak      = "short-A1"
	classless = "no-capital-letter-7"
)

func (w *wire) passwords(ctx context.Context) error {
	id, answer, err := w.server.AddUser(ctx, w.administrator, realm, adminapi.User{Username: person, Password: good})
	if err != nil {
		return err
	}
	w.note(id != "", true, "a new account with a good password", answer.String())
	if id == "" {
		return errors.New("the account of the demo could not be made: " + answer.String())
	}
	for _, c := range []struct {
		what, password string
		wanted         bool
	}{
		{"a password that is too short", weak, false}, {"one without a capital letter", classless, false}, {"one equal to the user name", person, false},
		{"a common one, " + common, common, false}, {"the one that the account has", good, false},
		{"a good new one", changed, true}, {"the one before it, again", good, false},
	} {
		answer, err := w.server.SetPassword(ctx, w.administrator, realm, id, c.password)
		if err != nil {
			return err
		}
		w.note(answer.OK(), c.wanted, c.what, answer.String())
	}
	return nil
}

func (w *wire) login(ctx context.Context) error {
	token, answer, err := w.server.SignIn(ctx, realm, person, changed)
	w.note(token != "", true, "a login with the right password", answer.String())
	return err
}

// lockout fails until the server says that the account is locked, then has the right password.
func (w *wire) lockout(ctx context.Context) error {
	var users []struct{ ID string }
	if _, err := w.server.Ask(ctx, w.administrator, http.MethodGet, "/"+realm+"/users?exact=true&username="+person, nil, &users); err != nil || len(users) != 1 {
		return fmt.Errorf("%d accounts are called %s: %w", len(users), person, err)
	}
	var seen struct {
		Disabled    bool
		NumFailures int
	}
	failures := 0
	for ; !seen.Disabled && failures < mostFailures; failures++ {
		if _, _, err := w.server.SignIn(ctx, realm, person, "Wrong-password-1"); err != nil {
			return err
		}
		if _, err := w.server.Ask(ctx, w.administrator, http.MethodGet, "/"+realm+"/attack-detection/brute-force/users/"+users[0].ID, nil, &seen); err != nil {
			return err
		}
	}
	token, answer, err := w.server.SignIn(ctx, realm, person, changed)
	state, err2 := json.Marshal(map[string]any{"disabled": seen.Disabled, "numFailures": seen.NumFailures})
	w.note(token != "", false, fmt.Sprintf("the right password after %d wrong ones", failures), fmt.Sprintf("%s; locked, as the server tells its administrator: %s", answer, state))
	return errors.Join(err, err2)
}

func said(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}
