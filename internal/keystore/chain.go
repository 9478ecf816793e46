package keystore

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A PKCS#12 store does not say which certificates form a chain. Java finds the
// first certificate of a key by its localKeyId and then looks for each issuer
// among all certificates of the store: by name, and since JDK 17 also by key
// identifier (JDK 11 takes the first of the name). So a chain can come back
// longer than it was given (its root is also a trusted entry) or wrong (two
// authorities of one name, without identifiers that tell them apart). We walk as
// Java does before we write, and refuse what would come back wrong.

// checkOrder makes sure that each certificate was issued by the next.
func checkOrder(chain []*x509.Certificate) string {
	for i := range len(chain) - 1 {
		child, parent := chain[i], chain[i+1]
		if nameOf(child.RawIssuer) != nameOf(parent.RawSubject) {
			return fmt.Sprintf("certificate %d (%s) was not issued by certificate %d (%s); order the chain from the key's certificate to the root",
				i+1, subjectOf(child), i+2, subjectOf(parent))
		}
		err := child.CheckSignatureFrom(parent)
		if err == nil && len(child.AuthorityKeyId) > 0 && len(parent.SubjectKeyId) > 0 && !bytes.Equal(child.AuthorityKeyId, parent.SubjectKeyId) {
			err = errors.New("its authority key identifier is another one")
		}
		if err != nil {
			return fmt.Sprintf("certificate %d (%s) does not verify with certificate %d (%s): %v",
				i+1, subjectOf(child), i+2, subjectOf(parent), err)
		}
	}
	return ""
}

// rebuildChains replaces each chain with the one that Java will show for it.
func rebuildChains(entries []Entry) ([]Entry, error) {
	all := bySubject(storeCertificates(entries))
	rebuilt := slices.Clone(entries)
	for i, e := range entries {
		if e.PrivateKey == nil {
			continue
		}
		rebuilt[i].Chain = all.chainOf(e.Chain[0])
		if problem := checkOrder(rebuilt[i].Chain); problem != "" {
			return nil, &EntryError{Alias: e.Alias, Problem: "another certificate of the store has the subject of this entry's issuer, another key and no key identifier " +
				"that tells them apart, and Java would take it into the chain; use another store, or authorities with distinct subjects: " + problem}
		}
	}
	return rebuilt, nil
}

// storeCertificates lists a store's certificates in the order in which they are
// written: the keys' own, then their issuers, then the trusted ones.
func storeCertificates(entries []Entry) []*x509.Certificate {
	var own, trusted []*x509.Certificate
	for _, e := range entries {
		if e.PrivateKey == nil {
			trusted = append(trusted, e.Chain[0])
		} else {
			own = append(own, e.Chain[0])
		}
	}
	return slices.Concat(own, issuers(entries), trusted)
}

// issuers lists the chain certificates behind the first, each once. Of those
// with one subject the newest comes first: it is the one that Java takes.
func issuers(entries []Entry) []*x509.Certificate {
	var found []*x509.Certificate
	for _, e := range entries {
		found = append(found, e.Chain[1:]...)
	}
	slices.SortFunc(found, func(a, b *x509.Certificate) int {
		return cmp.Or(cmp.Compare(nameOf(a.RawSubject), nameOf(b.RawSubject)), b.NotAfter.Compare(a.NotAfter), bytes.Compare(a.Raw, b.Raw))
	})
	found = slices.CompactFunc(found, (*x509.Certificate).Equal)
	return slices.DeleteFunc(found, func(issuer *x509.Certificate) bool {
		return slices.ContainsFunc(entries, func(e Entry) bool { return e.PrivateKey != nil && e.Chain[0].Equal(issuer) })
	})
}

// subjects lists certificates by the name of their subject, in the order of the
// store.
type subjects map[string][]*x509.Certificate

func bySubject(certificates []*x509.Certificate) subjects {
	all := subjects{}
	for _, certificate := range certificates {
		name := nameOf(certificate.RawSubject)
		all[name] = append(all[name], certificate)
	}
	return all
}

// chainOf walks from a key's certificate to the root, as Java's PKCS12KeyStore
// does: without looking at signatures, except to tell a root.
func (s subjects) chainOf(leaf *x509.Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for next := leaf; next != nil && !slices.ContainsFunc(chain, next.Equal); next = s.issuerOf(next) {
		chain = append(chain, next)
		if isSelfSigned(next) {
			break
		}
	}
	return chain
}

func (s subjects) issuerOf(child *x509.Certificate) *x509.Certificate {
	var unmarked *x509.Certificate
	for _, candidate := range s[nameOf(child.RawIssuer)] {
		switch {
		case len(child.AuthorityKeyId) == 0 || bytes.Equal(child.AuthorityKeyId, candidate.SubjectKeyId):
			return candidate
		case len(candidate.SubjectKeyId) == 0:
			unmarked = candidate
		}
	}
	return unmarked
}

func isSelfSigned(certificate *x509.Certificate) bool {
	return nameOf(certificate.RawIssuer) == nameOf(certificate.RawSubject) &&
		certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature) == nil
}

// nameOf gives the form in which Java compares names: letter case, outer and
// repeated spaces and the kind of string do not count.
func nameOf(raw []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &name); err != nil || len(rest) > 0 {
		return string(raw)
	}
	var canonical strings.Builder
	for _, set := range name {
		for _, attribute := range set {
			value := strings.Join(strings.Fields(fmt.Sprint(attribute.Value)), " ")
			fmt.Fprintf(&canonical, "%s=%q,", attribute.Type, strings.ToLower(value))
		}
		canonical.WriteByte(';')
	}
	return canonical.String()
}
