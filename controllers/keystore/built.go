package keystore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// built is a version that was seen to be what its material makes, down to the labels of its Secret. While the material and the
// Secret stay the same there is nothing to compute: to encode a store, with its stretched password, is the dearest part of a pass.
type built struct {
	input           [sha256.Size]byte
	secret          types.UID
	resourceVersion string
	generation      int64
}

// digest tells materials apart. It stays in memory: it would let a guessed password be tested.
func (m material) digest(entriesDigest string) ([sha256.Size]byte, error) {
	var input []byte
	add := func(value []byte) { input = append(binary.AppendUvarint(input, uint64(len(value))), value...) }
	chain := func(certificates []*x509.Certificate) {
		input = binary.AppendUvarint(input, uint64(len(certificates)))
		for _, certificate := range certificates {
			add(certificate.Raw)
		}
	}
	add([]byte(entriesDigest)) // an annotation of the Secret
	add([]byte(m.password))
	for _, e := range m.entries {
		var key []byte
		if e.PrivateKey != nil {
			var err error
			if key, err = x509.MarshalPKCS8PrivateKey(e.PrivateKey); err != nil {
				return [sha256.Size]byte{}, err
			}
		}
		add([]byte(e.Alias))
		add(key)
		chain(e.Chain)
	}
	for _, alias := range slices.Sorted(maps.Keys(m.chains)) {
		add([]byte(alias))
		chain(m.chains[alias])
	}
	return sha256.Sum256(input), nil
}

// builtBefore gives the index of the version that is known to be what the material makes, and -1 when it has to be looked at.
func (p *pass) builtBefore(input [sha256.Size]byte) int {
	if p.want.target != "" {
		return -1 // the bytes are wanted for the copy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.built[p.cr.UID]
	if !ok || known.input != input {
		return -1
	}
	return slices.IndexFunc(p.versions, func(v version) bool {
		return v.secret.UID == known.secret && v.secret.ResourceVersion == known.resourceVersion && v.generation == known.generation
	})
}

// rememberBuilt is called when a pass looked at the current version and had nothing to write.
func (p *pass) rememberBuilt(input [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.built == nil {
		p.built = map[types.UID]built{}
	}
	p.built[p.cr.UID] = built{input, p.current.secret.UID, p.current.secret.ResourceVersion, p.current.generation}
}
