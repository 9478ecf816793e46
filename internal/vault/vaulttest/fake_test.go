package vaulttest

import "testing"

func TestFakeKVContract(t *testing.T) {
	KVContract(t, func(testing.TB) Subject { return new(FakeKV).Subject() })
}
