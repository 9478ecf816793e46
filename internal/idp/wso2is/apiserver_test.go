package wso2is_test

import (
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
)

func TestTheAPIServerTakesIt(t *testing.T) { idptest.TheAPIServerTakesIt(t, wso2is.Driver{}, cases()) }
