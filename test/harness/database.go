package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/test/node"
)

const (
	// databaseService and databaseIssuer are what Surroundings and the samples have.
	databaseService = "db"
	databaseIssuer  = "internal-ca"
	databasePort    = 5432
	issueDeadline   = time.Minute
)

// Account is one of PostgreSQL.
type Account struct{ Username, Password string }

// DatabaseOptions of a real PostgreSQL.
type DatabaseOptions struct {
	// Namespace has the Service and the issuer.
	Namespace string
	// Name of the database.
	Name string
	// Owner of the tables, and User of the server, who may not change tables.
	Owner, User Account
	Log         io.Writer
}

// StartDatabase starts a real PostgreSQL behind the Service db of a namespace, for pods of the
// node. Its certificate is from the namespace's issuer; accounts and grants are those of
// docs/keycloak.md. The caller closes it.
func StartDatabase(ctx context.Context, cluster client.Client, n *node.Node, options DatabaseOptions) (p *localenv.Postgres, err error) {
	name := databaseService + "." + options.Namespace + ".svc"
	issued, err := issue(ctx, cluster, options.Namespace, name)
	if err != nil {
		return nil, fmt.Errorf("certificate of the database: %w", err)
	}
	if p, err = localenv.StartPostgres(ctx, options.Log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if err := p.Present(ctx, name, issued.Data[corev1.TLSCertKey], issued.Data[corev1.TLSPrivateKeyKey], issued.Data[cmmeta.TLSCAKey]); err != nil {
		return nil, err
	}
	for _, account := range []Account{options.Owner, options.User} {
		if _, err := p.Superuser(ctx, "CREATE ROLE "+account.Username+" LOGIN PASSWORD '"+account.Password+"'"); err != nil {
			return nil, err
		}
	}
	owner, user := options.Owner.Username, options.User.Username
	if err := p.CreateDatabase(ctx, options.Name, owner); err != nil {
		return nil, err
	}
	_, err = p.SuperuserIn(ctx, options.Name, "ALTER SCHEMA public OWNER TO "+owner+"; GRANT USAGE ON SCHEMA public TO "+user+
		"; ALTER DEFAULT PRIVILEGES FOR ROLE "+owner+" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "+user)
	return p, errors.Join(err, n.Serve(fmt.Sprintf("%s:%d", name, databasePort), p.Port()))
}

// NewAccount has a password of its own.
func NewAccount(username string) Account { return Account{username, rand.Text()} }

// issue has cert-manager make a certificate and returns its Secret.
func issue(ctx context.Context, cluster client.Client, namespace, name string) (*corev1.Secret, error) {
	certificate := &cmv1.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: databaseService + "-tls"}, Spec: cmv1.CertificateSpec{
		SecretName: databaseService + "-tls", DNSNames: []string{name}, IssuerRef: cmmeta.IssuerReference{Name: databaseIssuer},
		PrivateKey: &cmv1.CertificatePrivateKey{Algorithm: cmv1.ECDSAKeyAlgorithm, Size: 256, RotationPolicy: cmv1.RotationPolicyAlways},
	}}
	if err := cluster.Create(ctx, certificate); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, issueDeadline)
	defer cancel()
	for {
		secret := &corev1.Secret{}
		err := cluster.Get(ctx, client.ObjectKeyFromObject(certificate), secret)
		if err == nil && len(secret.Data[corev1.TLSCertKey]) > 0 {
			return secret, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("not issued within %s: %w", issueDeadline, errors.Join(err, ctx.Err()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
