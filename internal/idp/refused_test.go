package idp_test

import (
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

func TestAnswersAreBounded(t *testing.T) {
	got := idp.Bounded("a\r\nb\x00c\u0085d\u2029e\xff" + strings.Repeat("ü", 500))
	if strings.ContainsAny(got, "\r\n\x00\u0085\u2029") || len([]rune(got)) > 201 || !strings.HasPrefix(got, "a  b c d e?ü") {
		t.Errorf("bounded: %q", got)
	}
}
