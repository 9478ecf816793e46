package keystore

import (
	"context"
	"crypto"

	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// keysAtOnce bounds how many private keys are made at a time: an RSA key takes a core for tenths of a second, and whoever only
// waits for the API server should get one meanwhile.
const keysAtOnce = 2

// generateKey makes a private key once fewer than keysAtOnce others are being made.
func (r *Reconciler) generateKey(ctx context.Context, algorithm keystore.Algorithm, size int) (crypto.Signer, error) {
	r.generatorOnce.Do(func() { r.generating = make(chan struct{}, keysAtOnce) })
	select {
	case r.generating <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.generating }()
	if r.GenerateKey != nil {
		return r.GenerateKey(algorithm, size)
	}
	return keystore.GenerateKey(algorithm, size)
}
