package keystore

import (
	"context"
	"crypto/x509"
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// issuedPair is a key pair that cert-manager made.
type issuedPair struct {
	keystore.Entry
	authorities []*x509.Certificate
	issuer      v1alpha1.IssuerReference
	// certificate is as it was before the key pair was read.
	certificate *cmv1.Certificate
}

// issue has cert-manager make the key pair of an entry, and reads it once it is there. A pass asks once: with a certificate that
// came in between a rotation would wait for what the store already holds, and the store be neither of before nor of after.
func (p *pass) issue(ctx context.Context, e entry) (issuedPair, error) {
	if asked, done := p.issued[e.alias]; done {
		return asked.pair, asked.err
	}
	made, err := p.issueOnce(ctx, e)
	p.issued = map[string]issuance{e.alias: {made, err}} // a store has one at most
	return made, err
}

// issuance is what asking for a certificate came to.
type issuance struct {
	pair issuedPair
	err  error
}

func (p *pass) issueOnce(ctx context.Context, e entry) (issuedPair, error) {
	if err := p.checkIssuer(ctx, e); err != nil {
		return issuedPair{}, err
	}
	var live cmv1.Certificate
	key := client.ObjectKey{Namespace: p.want.namespace, Name: certificateName(p.want, e)}
	if err := p.client.Get(ctx, key, &live); apierrors.IsNotFound(err) {
		if err := p.prepareSecret(ctx, e); err != nil {
			return issuedPair{}, err
		}
	} else if err != nil {
		return issuedPair{}, certManagerFault(err)
	}
	if err := p.put(ctx, desiredCertificate(p.want, e)); err != nil {
		return issuedPair{}, certManagerFault(err)
	}
	if err := issuedYet(&live, p.want, e); err != nil {
		return issuedPair{}, err
	}
	made, err := p.readIssued(ctx, e)
	made.certificate = &live
	return made, err
}

// issuedYet says whether cert-manager is done. While it is at work the words stay the same, so that its many small steps do not
// become as many writes of ours; what it failed at is repeated.
func issuedYet(live *cmv1.Certificate, w want, e entry) error {
	name := certificateName(w, e)
	for _, condition := range live.Status.Conditions {
		switch {
		case condition.Type == cmv1.CertificateConditionIssuing && condition.Status == cmmeta.ConditionFalse && condition.Reason == "Failed":
			return fault.Waiting(v1alpha1.ReasonCertificatePending, "%s: cert-manager could not issue Certificate %s: %s", e.field(), name, condition.Message)
		case condition.Type == cmv1.CertificateConditionReady && condition.Status == cmmeta.ConditionTrue && condition.ObservedGeneration == live.Generation:
			return nil
		}
	}
	return fault.Waiting(v1alpha1.ReasonCertificatePending, "%s: cert-manager has not issued Certificate %s yet; if this stays, describe it", e.field(), name)
}

// readIssued reads the Secret of a certificate, past every cache.
func (p *pass) readIssued(ctx context.Context, e entry) (issuedPair, error) {
	var secret corev1.Secret
	name := certificateSecret(p.want, e)
	pending := func(why string) error {
		return fault.Waiting(v1alpha1.ReasonCertificatePending, "%s: Secret %s is not the wanted one yet: %s", e.field(), name, why)
	}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: name}, &secret); apierrors.IsNotFound(err) {
		return issuedPair{}, pending("it does not exist")
	} else if err != nil {
		return issuedPair{}, fmt.Errorf("%s: read Secret %s: %w", e.field(), name, err)
	}
	if secret.Annotations[cmv1.CertificateNameKey] != certificateName(p.want, e) {
		return issuedPair{}, conflict("Secret", name)
	}
	made, err := parsePair(e.alias, secret.Data[corev1.TLSPrivateKeyKey], secret.Data[corev1.TLSCertKey])
	if err != nil {
		return issuedPair{}, pending(err.Error())
	}
	if problem := e.mismatch(made.Chain[0]); problem != "" {
		return issuedPair{}, pending(problem)
	}
	var authorities []*x509.Certificate
	if ca := secret.Data[cmmeta.TLSCAKey]; len(ca) > 0 {
		if authorities, err = keystore.ParseCertificates(ca); err != nil {
			return issuedPair{}, pending(cmmeta.TLSCAKey + ": " + err.Error())
		}
	}
	return issuedPair{Entry: made, authorities: authorities, issuer: e.issued.issuer}, nil
}

// prepareSecret looks before cert-manager is asked: it would take over whatever Secret has the name. A Keystore that is made anew
// gets its old key back.
func (p *pass) prepareSecret(ctx context.Context, e entry) error {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	name := certificateSecret(p.want, e)
	err := p.Live.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return p.restoreIssued(ctx, e)
	case err != nil:
		return fmt.Errorf("%s: read Secret %s: %w", e.field(), name, err)
	case secret.Annotations[cmv1.CertificateNameKey] != certificateName(p.want, e):
		return conflict("Secret", name)
	}
	return nil
}

func conflict(kind, name string) error {
	return fault.Terminal(v1alpha1.ReasonNameConflict, "%s %s exists and belongs to someone else: delete or rename it, or rename this Keystore", kind, name)
}

// checkIssuer refuses an issuer that cannot sign what is asked. One that nobody here may read is cert-manager's to judge.
func (p *pass) checkIssuer(ctx context.Context, e entry) error {
	ref := e.issued.issuer
	if ref.Group != certManagerGroup {
		return nil
	}
	var spec cmv1.IssuerSpec
	var err error
	if ref.Kind == cmv1.ClusterIssuerKind {
		var issuer cmv1.ClusterIssuer
		err = p.Live.Get(ctx, client.ObjectKey{Name: ref.Name}, &issuer)
		spec = issuer.Spec
	} else {
		var issuer cmv1.Issuer
		err = p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: ref.Name}, &issuer)
		spec = issuer.Spec
	}
	field := e.field() + ".certificate.issuerRef"
	switch {
	case apierrors.IsForbidden(err):
		return nil
	case err != nil:
		return certManagerFault(missing(err, field, ref.Kind, ref.Name))
	case spec.ACME == nil:
		return nil
	}
	for _, name := range e.dnsNames {
		if !publicName(name) {
			return fault.Terminal(v1alpha1.ReasonIssuerUnsuitable,
				"%s: %s %s is ACME, which signs public names only, and dnsNames has %s; name a CA, Vault or self-signed issuer, or leave the name out",
				field, ref.Kind, ref.Name, name)
		}
	}
	return nil
}

// certManagerFault tells that the whole of cert-manager is missing.
func certManagerFault(err error) error {
	if apimeta.IsNoMatchError(err) {
		return fault.Waiting(v1alpha1.ReasonNotFound, "cert-manager is not installed: install it, or use selfSigned entries").Because(err)
	}
	return err
}
