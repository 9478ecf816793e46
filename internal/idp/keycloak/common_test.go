package keycloak_test

import (
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
)

// A Secret holds 1 MiB, and the list is not alone in it.
func TestTheListOfCommonPasswordsFitsIntoASecret(t *testing.T) {
	if size := len(keycloak.CommonPasswords()); size > 512<<10 {
		t.Errorf("%d bytes; want 512 KiB at most", size)
	} else {
		t.Logf("%d bytes", size)
	}
}
