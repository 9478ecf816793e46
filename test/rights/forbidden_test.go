package rights

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{ControllerManager: true}, func(e *testenv.Environment) { env = e })
}

// action is something that the operator must not be able to do. In its path, OPEN is a namespace that admitted the operator,
// FOREIGN one that did not, and SYSTEM the operator's own.
type action struct {
	name   string
	method string
	path   string
	body   string // empty is {}
	as     map[string]string
}

// TestTheOperatorIsRefused tries each action with the operator's own token. The API server refuses it by the roles, and not
// because there is no such path: an administrator gets another answer.
func TestTheOperatorIsRefused(t *testing.T) {
	open, foreign := env.Namespace(t), env.ForeignNamespace(t)
	places := strings.NewReplacer("OPEN", open, "FOREIGN", foreign, "SYSTEM", testenv.SystemNamespace)
	operator, admin := kubernetes.NewForConfigOrDie(env.Manager).RESTClient(), env.Plane.Client().RESTClient()
	if err := try(t.Context(), operator, action{method: http.MethodGet, path: "/api/v1/namespaces/" + open + "/secrets"}); err != nil {
		t.Fatalf("the token is of no use at all: %v", err)
	}
	const message = `User "system:serviceaccount:` + testenv.SystemNamespace + ":" + testenv.ManagerAccount + `" cannot `
	t.Cleanup(func() {
		if !t.Failed() {
			t.Logf("%d actions were tried and refused with 403", len(forbidden))
		}
	})
	names := map[string]bool{}
	for _, a := range forbidden {
		a.path, a.body = places.Replace(a.path), cmp.Or(a.body, "{}")
		if names[a.name] {
			t.Errorf("%s: twice in the table", a.name)
		}
		names[a.name] = true
		t.Run(strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if err := try(t.Context(), operator, a); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), message) {
				t.Errorf("%s %s: want it refused by the roles, got %v", a.method, a.path, err)
			}
			err := try(t.Context(), admin, a)
			if err != nil && (strings.Contains(err.Error(), " cannot ") || strings.Contains(err.Error(), "could not find the requested resource")) {
				t.Errorf("%s %s: an administrator gets %v, so that the operator's refusal says nothing", a.method, a.path, err)
			}
		})
	}
}

// try sends a request. Nothing that it would write is kept.
func try(ctx context.Context, c rest.Interface, a action) error {
	path, query, _ := strings.Cut(a.path, "?")
	request := c.Verb(a.method).AbsPath(path)
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, has := strings.Cut(pair, "="); has {
			request.Param(key, value)
		}
	}
	for key, value := range a.as {
		request.SetHeader(key, value)
	}
	switch a.method {
	case http.MethodGet:
	case http.MethodDelete:
		request.Param("dryRun", "All") // beside a body it would count for nothing
	case http.MethodPatch:
		request.Param("dryRun", "All").Body([]byte(a.body)).SetHeader("Content-Type", string(types.MergePatchType))
	default:
		request.Param("dryRun", "All").Body([]byte(a.body)).SetHeader("Content-Type", "application/json")
	}
	return request.Do(ctx).Error()
}
