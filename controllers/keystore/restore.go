package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// errNothingKept: there is no value to read, and none is made for the sake of reading.
var errNothingKept = errors.New("nothing is kept")

// restoreIssued lays the newest key of an entry, which Vault kept, where cert-manager will look for it: a Keystore that was
// deleted and made anew, or restored in another cluster, goes on with the certificate that its pods have. A certificate that is
// not the wanted one, or that would be renewed at once, stays where it is.
func (p *pass) restoreIssued(ctx context.Context, e entry) error {
	newest, err := p.newestGeneration(ctx, e.alias)
	if err != nil || newest == 0 {
		return err
	}
	data, _, err := p.ensure(ctx, e.alias, newest, func() (map[string]string, error) { return nil, errNothingKept })
	if errors.Is(err, errNothingKept) || errors.Is(err, vault.ErrDeleted) {
		p.vaultErr = nil
		return nil
	}
	if err != nil {
		return err
	}
	if !e.goesOn(data, p.Clock.Now()) {
		return nil
	}
	return p.layForCertManager(ctx, e, map[string][]byte{
		corev1.TLSPrivateKeyKey: []byte(data[fieldPrivateKey]),
		corev1.TLSCertKey:       []byte(data[fieldCertificates]),
		cmmeta.TLSCAKey:         []byte(data[fieldAuthorities]),
	})
}

// goesOn reports whether a kept key pair is still what the entry asks for, of the same issuer, and not due for renewal.
func (e entry) goesOn(data map[string]string, now time.Time) bool {
	kept, err := parsePair(e.alias, []byte(data[fieldPrivateKey]), []byte(data[fieldCertificates]))
	return err == nil && data[fieldIssuer] == issuerText(e.issued.issuer) && e.mismatch(kept.Chain[0]) == "" &&
		now.Before(kept.Chain[0].NotAfter.Add(-e.issued.renewBefore))
}

// layForCertManager makes the Secret as cert-manager itself would have made it. From then on it is cert-manager's.
func (p *pass) layForCertManager(ctx context.Context, e entry, data map[string][]byte) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.want.namespace, Name: certificateSecret(p.want, e),
			Labels: map[string]string{labelCertificateOf: p.want.name, cmv1.PartOfCertManagerControllerLabelKey: "true"},
			Annotations: map[string]string{
				cmv1.CertificateNameKey:       certificateName(p.want, e),
				cmv1.IssuerNameAnnotationKey:  e.issued.issuer.Name,
				cmv1.IssuerKindAnnotationKey:  e.issued.issuer.Kind,
				cmv1.IssuerGroupAnnotationKey: e.issued.issuer.Group,
			},
		},
		Type: corev1.SecretTypeTLS,
		Data: data,
	}
	if len(data[cmmeta.TLSCAKey]) == 0 {
		delete(data, cmmeta.TLSCAKey)
	}
	if err := p.client.Create(ctx, secret, client.FieldOwner(FieldManager)); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("%s: restore Secret %s: %w", e.field(), secret.Name, err)
	}
	return nil
}

func issuerText(issuer v1alpha1.IssuerReference) string {
	return strings.Join([]string{issuer.Group, issuer.Kind, issuer.Name}, "/")
}
