package keystore

import (
	"encoding/hex"
	"testing"
)

// The vectors of RFC 2268 section 5 whose key is as strong as it is long.
func TestRC2Vectors(t *testing.T) {
	for _, c := range []struct{ key, plain, sealed string }{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		key, _ := hex.DecodeString(c.key)
		sealed, _ := hex.DecodeString(c.sealed)
		if got := hex.EncodeToString(decryptRC2(key, make([]byte, rc2BlockBytes), sealed)); got != c.plain {
			t.Errorf("key %s: %s, want %s", c.key, got, c.plain)
		}
	}
}
