package rotation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]rotation.Request{
		"":           {},
		"2027-01-15": {Token: "2027-01-15"},
		" now  tls ": {Token: "now", Materials: map[string]rotation.Verb{"tls": rotation.Renew}},
		"a token-signing:leaked system": {Token: "a", Materials: map[string]rotation.Verb{
			"token-signing": rotation.Leaked, "system": rotation.Renew}},
		"b token-signing:drop": {Token: "b", Materials: map[string]rotation.Verb{"token-signing": rotation.Drop}},
	} {
		got, err := rotation.ParseRequest(text, "InvalidSpec")
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestParseRequestRefusesWhatItCannotRepeat(t *testing.T) {
	for _, text := range []string{"-x", "a/b", "t tls:", "t tls:burn", "t ../x", "t TLS", "é", strings.Repeat("x", 600), "t " + strings.Repeat("tls ", 200)} {
		_, err := rotation.ParseRequest(text, "InvalidSpec")
		if !fault.IsTerminal(err) || !strings.Contains(err.Error(), "iam.holdfast.dev/rotate") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
