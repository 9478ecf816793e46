package keycloak_test

import (
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
)

func TestTheAPIServerTakesIt(t *testing.T) {
	idptest.TheAPIServerTakesIt(t, keycloak.Driver{}, cases())
}
