package standin_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// edit replaces text in deployment.toml.
func edit(t *testing.T, h hometest.Home, old, now string) {
	t.Helper()
	text := string(h.Files["conf/deployment.toml"].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("deployment.toml has no %q", old)
	}
	h.Files["conf/deployment.toml"] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, now, 1))}
}

func TestStartRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*testing.T, hometest.Home)
		says  string
	}{
		"no configuration":       {func(_ *testing.T, h hometest.Home) { delete(h.Files, "conf/deployment.toml") }, "conf/deployment.toml"},
		"broken TOML":            {func(t *testing.T, h hometest.Home) { edit(t, h, "[server]", "[server") }, "conf/deployment.toml"},
		"undefined variable":     {func(_ *testing.T, h hometest.Home) { delete(h.Environment, "DATA_KEY") }, "encryption.key: $env{DATA_KEY}"},
		"undefined in an array":  {func(_ *testing.T, h hometest.Home) { delete(h.Environment, "SIGNING_PASSWORD") }, "$env{SIGNING_PASSWORD}"},
		"unknown reference":      {func(t *testing.T, h hometest.Home) { edit(t, h, "$ref{keystore.tls.password}", "$ref{no.such}") }, "$ref{no.such}"},
		"circle":                 {func(t *testing.T, h hometest.Home) { edit(t, h, `"id.acme.example"`, `"$ref{server.hostname}"`) }, "circle"},
		"secret without a vault": {func(t *testing.T, h hometest.Home) { edit(t, h, "$env{DATA_KEY}", "$secret{data_key}") }, "$secret{data_key}"},
		"HTTP open":              {func(t *testing.T, h hometest.Home) { edit(t, h, "enabled = false", "enabled = true") }, "transport.http.enabled"},
		"HTTP off as a string":   {func(t *testing.T, h hometest.Home) { edit(t, h, "enabled = false", `enabled = "false"`) }, "transport.http.enabled"},
		"HTTP left out":          {func(t *testing.T, h hometest.Home) { edit(t, h, "enabled = false", "") }, "transport.http.enabled"},
		"short data key": {func(_ *testing.T, h hometest.Home) { h.Environment["DATA_KEY"] = "03BAFEB27A8E871CAD83C5CD4E771DAB" },
			"encryption.key is not 64"},
		"data key not hexadecimal": {func(_ *testing.T, h hometest.Home) { h.Environment["DATA_KEY"] = strings.Repeat("g", 64) }, "encryption.key is not 64"},
		"bad old key":              {func(t *testing.T, h hometest.Home) { edit(t, h, "[encryption]", "[encryption]\nold_key = \"1\"") }, "encryption.old_key"},
		"store missing":            {func(_ *testing.T, h hometest.Home) { delete(h.Files, "security/internal.p12") }, "internal.p12"},
		"truststore missing":       {func(_ *testing.T, h hometest.Home) { delete(h.Files, "security/trust.p12") }, "trust.p12"},
		"wrong store password":     {func(_ *testing.T, h hometest.Home) { h.Environment["TLS_PASSWORD"] += "x" }, "store tls.p12"},
		"alias missing":            {func(t *testing.T, h hometest.Home) { edit(t, h, `alias = "current"`, `alias = "previous"`) }, `no key of alias "previous"`},
		"alias of a certificate": {func(t *testing.T, h hometest.Home) {
			edit(t, h, "primary.p12", "trust.p12")
			edit(t, h, `alias = "federation"`, `alias = "authority"`)
			h.Environment["PRIMARY_PASSWORD"] = h.Environment["TRUST_PASSWORD"]
		}, `no key of alias "authority"`},
		"key password of its own": {func(t *testing.T, h hometest.Home) {
			edit(t, h, `key_password = "$env{INTERNAL_PASSWORD}"`, `key_password = "another"`)
		}, "key_password"},
		"JKS": {func(t *testing.T, h hometest.Home) {
			edit(t, h, "file_name = \"trust.p12\"\ntype = \"PKCS12\"", "file_name = \"trust.p12\"\ntype = \"JKS\"")
		}, "reads PKCS12"},
		"mapping to no store": {func(t *testing.T, h hometest.Home) {
			edit(t, h, `keystore_file_name = "signing.p12"`, `keystore_file_name = "x.p12"`)
		}, "keystore.mapping.oauth"},
		"old protocol": {func(t *testing.T, h hometest.Home) { edit(t, h, "TLSv1.2+TLSv1.3", "TLSv1.1+TLSv1.2") }, "TLSv1.1"},
		"no known cipher": {func(t *testing.T, h hometest.Home) {
			edit(t, h, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_AES_256_GCM_SHA384", "NONE")
		}, "ciphers"},
		"administrator without":    {func(_ *testing.T, h hometest.Home) { h.Environment["BOOTSTRAP_PASSWORD"] = "" }, "super_admin"},
		"path out of the security": {func(t *testing.T, h hometest.Home) { edit(t, h, `"tls.p12"`, `"../../tls.p12"`) }, "tls.p12"},
	} {
		t.Run(name, func(t *testing.T) {
			home := hometest.New(t)
			c.spoil(t, home)
			server, err := standin.Start(home.Options(t, standin.NewState()))
			if err == nil {
				_ = server.Close()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			for variable, secret := range home.Environment {
				if len(secret) > 8 && strings.Contains(err.Error(), secret) {
					t.Errorf("error quotes %s: %v", variable, err)
				}
			}
		})
	}
}

// One predecessor of the data key is readable, two are not, as in the product.
func TestDataKeyHasOnePredecessor(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	first := home.Environment["DATA_KEY"]
	home.Start(t, state)

	second := home.Clone()
	second.Environment["DATA_KEY"], second.Environment["OLD_KEY"] = keystore.GenerateDataKey(), first
	edit(t, second, "[encryption]", "[encryption]\nold_key = \"$env{OLD_KEY}\"")
	second.Start(t, state)

	third := second.Clone()
	third.Environment["DATA_KEY"], third.Environment["OLD_KEY"] = keystore.GenerateDataKey(), second.Environment["DATA_KEY"]
	if _, err := standin.Start(third.Options(t, state)); err == nil {
		t.Fatal("a third key starts although data of the first is still there")
	}
	if err := state.ForgetSealed(second.Environment["DATA_KEY"]); err != nil {
		t.Fatal(err)
	}
	third.Start(t, state)

	swapped := home.Clone()
	swapped.Environment["DATA_KEY"] = keystore.GenerateDataKey()
	if _, err := standin.Start(swapped.Options(t, state)); err == nil {
		t.Fatal("a key that nobody announced starts")
	}
}
