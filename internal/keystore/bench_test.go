package keystore

import (
	"fmt"
	"testing"
)

func BenchmarkEncodePKCS12(b *testing.B) {
	single := []Entry{newFamily(b, rsaKey(b), "tls").entry("tls")}
	for name, entries := range map[string][]Entry{"key=1": single, "key=3,trusted=2": mixed(b, rsaKey(b))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustEncode(b, entries)
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	entries := mixed(b, rsaKey(b))
	for b.Loop() {
		mustDigest(b, entries, password)
	}
}

func BenchmarkDecodePKCS12(b *testing.B) {
	store := mustEncode(b, mixed(b, rsaKey(b)))
	for b.Loop() {
		mustDecode(b, store)
	}
}

func BenchmarkGenerateKey(b *testing.B) {
	for _, c := range []struct {
		algorithm Algorithm
		size      int
	}{{RSA, 2048}, {RSA, 3072}, {RSA, 4096}, {ECDSA, 256}, {ECDSA, 384}, {ECDSA, 521}} {
		b.Run(fmt.Sprintf("%s-%d", c.algorithm, c.size), func(b *testing.B) {
			for b.Loop() {
				if _, err := GenerateKey(c.algorithm, c.size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
