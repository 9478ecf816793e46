package keystore

import (
	"crypto/x509"
	"slices"
)

// vendorAlias names the key pair, the stores and the password that WSO2
// products are shipped with (catalogue DEF-02).
const vendorAlias = "wso2carbon"

// vendorKeys are the KeyIDs of the key pairs that WSO2 Identity Server has
// shipped under vendorAlias, taken from every version of its default stores in
// the product's public repository. Their private keys are public, whatever
// alias, subject or renewed certificate they come with.
var vendorKeys = []string{
	"2pCcYrG90hDFxwOCsVya7wpbQjqhBy3OPsFyyT-7108",
	"60eTUMJyaMpxl_a5KGd_m-uzM-YvEMpJ2wflanOyyWE",
	"Eqdpw_aA8gfvclZfkJRbg1-iz6ZBt8U0JkHjhngLuXg",
	"KDlu4bz8PN3e-nJpLGqw_-KEJLYXWvHL2PLRrcFT5bE",
	"iE9jp-GSVgCeV0HDWKXQPpTm4aBuG7RBTlYj3EcWwOU",
	"q528nCEEonmVOPOtk3N935e1et7iEOcLF1UlQEcQtqs",
	"rYdMQjguKkZKPbp4f7OgteLeMBAFRXQnWKb78Mtqyl4",
	"yqCKt4u2Ij3X9GSpiLeI4vvVpYmQM7HN8Z-HJ97xReM",
}

// isVendorCertificate reports a certificate of a shipped key pair. The subject
// catches the generations that came after this list.
func isVendorCertificate(certificate *x509.Certificate) bool {
	id, err := KeyID(certificate.PublicKey)
	if err == nil && slices.Contains(vendorKeys, id) {
		return true
	}
	return certificate.Subject.CommonName == "localhost" && slices.Contains(certificate.Subject.Organization, "WSO2")
}
