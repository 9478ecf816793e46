package resolve

import (
	"fmt"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	defaultTLSDuration    = 2160 * time.Hour
	defaultTLSRenewBefore = 720 * time.Hour
	defaultRSASize        = 3072
	// defaultPublishAhead is longer than libraries of clients keep published keys by default.
	defaultPublishAhead = time.Hour
	defaultECDSASize    = 256
	// selfSignedDuration is long since these certificates only carry a public key: what
	// ends a key's life is its rotation. RFC 5280 4.1.2.5 sets no bound.
	selfSignedDuration = 87600 * time.Hour
)

// keystores gives the stores of a server, the trust store last since it reads the others.
func keystores(cr *v1alpha1.IdentityTenant, want tenant.Spec, defaults *[]tenant.Default) ([]tenant.Keystore, error) {
	declared := v1alpha1.Keystores{}
	if cr.Spec.Keystores != nil {
		declared = *cr.Spec.Keystores
	}
	var signing *v1alpha1.SigningKey
	if key := declared.TokenSigning; key != nil {
		signing = &v1alpha1.SigningKey{Size: key.Size}
	}
	tokens := signingStore(tenant.RoleSigning, "tokenSigning", signing, defaults)
	tokens.Ring, tokens.Unmounted = true, want.Product == tenant.Keycloak
	if declared.TokenSigning == nil || declared.TokenSigning.PublishAhead == nil {
		note(defaults, "spec.keystores.tokenSigning.publishAhead", "1h")
	}
	stores := []tenant.Keystore{tlsStore(declared.TLS, defaults), tokens}
	trust := tenant.Keystore{Role: tenant.RoleTrust, Trusted: trusted(cr)}
	if want.Product != tenant.WSO2IS {
		trust.PEM = true // Keycloak hands the file on to its driver of PostgreSQL, which reads nothing else
		return append(stores, trust), nil
	}
	if want.Version.AtLeast(7, 2) {
		stores = append(stores, signingStore(tenant.RoleFederation, "federationSigning", declared.FederationSigning, defaults))
	} else if declared.FederationSigning != nil {
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec,
			"spec.keystores.federationSigning: WSO2 Identity Server %s signs SAML messages with the token-signing key; a key apart needs 7.2 or newer: remove the field", want.Version)
	}
	stores = append(stores, signingStore(tenant.RoleInternal, "internal", declared.Internal, defaults))
	return append(stores, trust), nil
}

// publishAhead is for how long the next signing key is published before it signs.
func publishAhead(cr *v1alpha1.IdentityTenant) time.Duration {
	if stores := cr.Spec.Keystores; stores != nil && stores.TokenSigning != nil && stores.TokenSigning.PublishAhead != nil {
		return stores.TokenSigning.PublishAhead.Duration
	}
	return defaultPublishAhead
}

func tlsStore(declared *v1alpha1.TLSKey, defaults *[]tenant.Default) tenant.Keystore {
	key := v1alpha1.TLSKey{}
	if declared != nil {
		key = *declared
	}
	store := tenant.Keystore{Role: tenant.RoleTLS, Alias: "tls", Issued: true, Algorithm: string(key.Algorithm), Size: key.Size,
		Duration: defaultTLSDuration, RenewBefore: defaultTLSRenewBefore}
	if ref := key.ExistingKeystoreRef; ref != nil {
		return tenant.Keystore{Role: tenant.RoleTLS, Alias: store.Alias, Existing: ref.Name}
	}
	if store.Algorithm == "" {
		store.Algorithm = string(v1alpha1.ECDSA)
		note(defaults, "spec.keystores.tls.algorithm", store.Algorithm)
	}
	if store.Size == 0 {
		store.Size = defaultECDSASize
		if store.Algorithm == string(v1alpha1.RSA) {
			store.Size = defaultRSASize
		}
		note(defaults, "spec.keystores.tls.size", fmt.Sprint(store.Size))
	}
	if key.Duration != nil {
		store.Duration = key.Duration.Duration
	} else {
		note(defaults, "spec.keystores.tls.duration", "2160h")
	}
	if key.RenewBefore != nil {
		store.RenewBefore = key.RenewBefore.Duration
	} else {
		note(defaults, "spec.keystores.tls.renewBefore", "720h")
	}
	return store
}

func signingStore(role tenant.KeystoreRole, field string, declared *v1alpha1.SigningKey, defaults *[]tenant.Default) tenant.Keystore {
	store := tenant.Keystore{Role: role, Alias: string(role), Algorithm: string(v1alpha1.RSA), Size: defaultRSASize, Duration: selfSignedDuration}
	if declared != nil && declared.ExistingKeystoreRef != nil {
		return tenant.Keystore{Role: role, Alias: store.Alias, Existing: declared.ExistingKeystoreRef.Name}
	}
	if declared != nil && declared.Size != 0 {
		store.Size = declared.Size
	} else {
		note(defaults, "spec.keystores."+field+".size", fmt.Sprint(store.Size))
	}
	return store
}

// trusted are the certificates of spec.keystores.trust and of the database.
func trusted(cr *v1alpha1.IdentityTenant) []tenant.CertificateSource {
	var declared []v1alpha1.CertificateSource
	if cr.Spec.Keystores != nil && cr.Spec.Keystores.Trust != nil {
		declared = append(declared, cr.Spec.Keystores.Trust.Certificates...)
	}
	if _, database := sqlDatabase(cr); database.CA != nil {
		declared = append(declared, *database.CA)
	}
	var sources []tenant.CertificateSource
	seen := map[tenant.CertificateSource]bool{}
	for _, source := range declared {
		resolved := tenant.CertificateSource{}
		if ref := source.ConfigMapRef; ref != nil {
			resolved = tenant.CertificateSource{ConfigMap: ref.Name, Key: ref.Key}
		} else if ref := source.SecretRef; ref != nil {
			resolved = tenant.CertificateSource{Secret: ref.Name, Key: ref.Key}
		}
		if !seen[resolved] {
			seen[resolved] = true
			sources = append(sources, resolved)
		}
	}
	return sources
}
