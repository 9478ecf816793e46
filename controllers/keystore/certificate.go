package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/keystore"
)

const certManagerGroup = "cert-manager.io"

// maxCommonName is RFC 5280's bound.
const maxCommonName = 64

func certificateName(w want, e entry) string { return w.name + "-" + e.alias }
func certificateSecret(w want, e entry) string {
	return certificateName(w, e) + "-certificate"
}

// desiredCertificate asks cert-manager for a key pair: a new key with each certificate, and no more history than cert-manager
// itself needs, since versions are kept here.
func desiredCertificate(w want, e entry) *cmv1.Certificate {
	usages := []cmv1.KeyUsage{cmv1.UsageDigitalSignature, cmv1.UsageServerAuth}
	if e.algorithm == keystore.RSA {
		usages = append(usages, cmv1.UsageKeyEncipherment)
	}
	certificate := &cmv1.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.CertificateKind},
		ObjectMeta: w.object(certificateName(w, e)),
		Spec: cmv1.CertificateSpec{
			SecretName:           certificateSecret(w, e),
			SecretTemplate:       &cmv1.CertificateSecretTemplate{Labels: map[string]string{labelCertificateOf: w.name}},
			IssuerRef:            cmmeta.IssuerReference{Name: e.issued.issuer.Name, Kind: e.issued.issuer.Kind, Group: e.issued.issuer.Group},
			DNSNames:             slices.Clone(e.dnsNames),
			Duration:             &metav1.Duration{Duration: e.duration},
			RenewBefore:          &metav1.Duration{Duration: e.issued.renewBefore},
			Usages:               usages,
			RevisionHistoryLimit: new(int32(1)),
			PrivateKey: &cmv1.CertificatePrivateKey{
				Algorithm: cmv1.PrivateKeyAlgorithm(e.algorithm), Size: e.size,
				RotationPolicy: cmv1.RotationPolicyAlways, Encoding: cmv1.PKCS8,
			},
		},
	}
	// Some clients still want a name in the subject, and an empty one is not to everybody's taste.
	if first := e.dnsNames[0]; len(first) <= maxCommonName && !strings.HasPrefix(first, "*") {
		certificate.Spec.CommonName = first
	}
	return certificate
}

// mismatch tells in which way a certificate is not, or not yet, the one that was asked for; empty when it is.
func (e entry) mismatch(certificate *x509.Certificate) string {
	for _, name := range e.dnsNames {
		if !slices.Contains(certificate.DNSNames, name) {
			return "its names lack " + name
		}
	}
	if size := keySize(certificate.PublicKey); e.algorithm != algorithmOf(certificate.PublicKey) || e.size != size {
		return "its key is of another algorithm or size"
	}
	return ""
}

func algorithmOf(public crypto.PublicKey) keystore.Algorithm {
	switch public.(type) {
	case *rsa.PublicKey:
		return keystore.RSA
	case *ecdsa.PublicKey:
		return keystore.ECDSA
	}
	return ""
}

func keySize(public crypto.PublicKey) int {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen()
	case *ecdsa.PublicKey:
		return key.Params().BitSize
	}
	return 0
}

// withAuthority appends the CA to a chain when it is known and not in it: the last certificate of the result is the topmost
// one that anybody knows.
func withAuthority(chain, authorities []*x509.Certificate) []*x509.Certificate {
	for range authorities {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(authorities, func(ca *x509.Certificate) bool {
			return !slices.ContainsFunc(chain, ca.Equal) && last.CheckSignatureFrom(ca) == nil
		})
		if next < 0 {
			break
		}
		chain = append(slices.Clone(chain), authorities[next])
	}
	return chain
}

// publicName reports whether a public authority could vouch for a DNS name.
func publicName(name string) bool {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	if len(labels) < 2 {
		return false
	}
	switch labels[len(labels)-1] {
	case "svc", "local", "internal", "localhost", "localdomain", "lan", "home", "corp", "test", "example", "invalid":
		return false
	}
	return true
}
