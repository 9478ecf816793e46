package keystore_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
)

// sealing answers as a sealed Vault does, from the write that moves a position on, until it is opened.
type sealing struct {
	http.RoundTripper
	armed, sealed *atomic.Bool
}

func (s sealing) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.sealed.Load() {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"errors":["Vault is sealed"]}`)), Request: r}, nil
	}
	answer, err := s.RoundTripper.RoundTrip(r)
	if s.armed.Load() && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/position/1") {
		s.sealed.Store(true)
	}
	return answer, err
}

// Whoever asked for a rotation takes the version that he is told with it for the new one.
func TestARequestIsDoneWhenAVersionHoldsIt(t *testing.T) {
	var armed, sealed atomic.Bool
	p := newPlace(t, env.Vault(t), nil)
	startControllers(t, controllertest.Options{Namespace: p.namespace, WrapVault: func(next http.RoundTripper) http.RoundTripper {
		return sealing{next, &armed, &sealed}
	}})
	p.create(p.keystore("orders", selfSignedEntry("signing")))
	p.ready("orders")
	armed.Store(true)
	p.annotate("orders", v1alpha1.AnnotationRotate, "held")
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if !apimeta.IsStatusConditionFalse(cr.Status.Conditions, v1alpha1.ConditionVaultReady) {
			return fmt.Errorf("Vault is not missed yet: %s", describe(cr))
		}
		if cr.Status.Requests != nil {
			t.Errorf("the request is called done with version %d", cr.Status.CurrentGeneration)
		}
		return nil
	})
	armed.Store(false)
	sealed.Store(false)
	p.annotate("orders", v1alpha1.AnnotationReconcile, "look")
	done := p.until("orders", func(cr *v1alpha1.Keystore) error {
		if cr.Status.Requests == nil || cr.Status.Requests.Rotate != "held" {
			return fmt.Errorf("not done: %s", describe(cr))
		}
		return nil
	})
	if done.Status.CurrentGeneration != 2 {
		t.Errorf("done with version %d, want 2", done.Status.CurrentGeneration)
	}
}
