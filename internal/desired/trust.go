package desired

import (
	"crypto/x509"
	"encoding/pem"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// trustKey is where the Gateway API and most clients look for a CA in a ConfigMap.
const trustKey = "ca.crt"

// TrustConfigMap publishes the certificate that clients of the server have to trust: the
// topmost one known of its TLS chain, which is the issuer's CA where the issuer gives
// it. It is one certificate, the only content that every Gateway has to understand.
//
// A Waiting fault says that the TLS store has no version yet, a Terminal one that its
// chain is not one of certificates.
func TrustConfigMap(want tenant.Spec, seen tenant.Facts) ([]client.Object, error) {
	store := want.KeystoreName(tenant.RoleTLS)
	chain := seen.Keystores[tenant.RoleTLS].CertificatePEM
	if len(chain) == 0 {
		return nil, fault.Waiting(reasonDependencyNotReady, "Keystore %s has no usable version yet, so there is no CA to publish", store)
	}
	top, err := topmost(store, chain)
	if err != nil {
		return nil, err
	}
	return sorted(&corev1.ConfigMap{
		TypeMeta:   typeOf(corev1.SchemeGroupVersion, "ConfigMap"),
		ObjectMeta: object(want, want.TrustConfigMapName(), componentKeystore),
		Data:       map[string]string{trustKey: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: top.Raw}))},
	}), nil
}

// topmost gives the last certificate of a chain that begins with the server's own.
// Whatever else may stand in the input never gets into a ConfigMap.
func topmost(store string, chain []byte) (*x509.Certificate, error) {
	var top *x509.Certificate
	for {
		var block *pem.Block
		if block, chain = pem.Decode(chain); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, fault.Terminal(reasonInvalidSpec, "the chain of Keystore %s holds something other than certificates; "+
				"look at what its issuer returns", store)
		}
		top = certificate
	}
	if top == nil {
		return nil, fault.Terminal(reasonInvalidSpec, "the chain of Keystore %s holds no certificate; look at what its issuer returns", store)
	}
	return top, nil
}
