package localenv

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func TestControlPlaneGivesServiceAccountsTokensAndRestrictsPods(t *testing.T) {
	ctx := t.Context()
	c := startControlPlane(t, ControlPlaneOptions{})
	client := c.Client()
	namespace := makeNamespace(t, c, "restricted")
	if _, err := client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "caller"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	token, err := c.ServiceAccountToken(ctx, namespace, "caller", time.Hour, "vault.example")
	if err != nil {
		t.Fatal(err)
	}
	for audience, want := range map[string]bool{"vault.example": true, "another.example": false} {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{audience}}}
		answer, err := client.AuthenticationV1().TokenReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil || answer.Status.Authenticated != want {
			t.Errorf("token for vault.example, reviewed for %s: authenticated %v, %v; want %v", audience, answer.Status.Authenticated, err, want)
		}
	}

	config, err := c.ServiceAccountConfig(ctx, namespace, "caller")
	if err != nil {
		t.Fatal(err)
	}
	_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a ServiceAccount without a Role lists Secrets: %v, want forbidden", err)
	}

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "careless"},
		Spec:       corev1.PodSpec{ServiceAccountName: "caller", Containers: []corev1.Container{{Name: "main", Image: "none"}}},
	}
	_, err = client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "PodSecurity") {
		t.Errorf("a pod without a security context in a restricted namespace: %v, want a refusal by PodSecurity", err)
	}
}

func TestControlPlaneStopLeavesNothing(t *testing.T) {
	c := startControlPlane(t, ControlPlaneOptions{})
	processes := c.Processes()
	if len(processes) != 2 {
		t.Fatalf("%d processes run, want etcd and kube-apiserver", len(processes))
	}
	c.Stop()
	for _, p := range processes {
		if err := syscall.Kill(-p.PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the process group of %s is still there: %v", p.Name, err)
		}
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", c.Dir, err)
	}
}

func TestControlPlaneWritesTheAuditLog(t *testing.T) {
	file := t.TempDir() + "/audit.log"
	c := startControlPlane(t, ControlPlaneOptions{AuditLog: file})
	namespace := makeNamespace(t, c, "privileged")
	eventually(t, func() error {
		content, err := os.ReadFile(file)
		if err == nil && !strings.Contains(string(content), `"name":"`+namespace+`"`) {
			err = errors.New("the audit log does not name the namespace that was created")
		}
		return err
	})
}

func startControlPlane(t *testing.T, options ControlPlaneOptions) *ControlPlane {
	t.Helper()
	options.Log = t.Output()
	begin := time.Now()
	c, err := StartControlPlane(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	t.Logf("control plane started in %s", since(begin))
	return c
}

func makeNamespace(t *testing.T, c *ControlPlane, level string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "test", Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}
	if _, err := c.Client().CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// eventually polls until check returns nil, and fails the test when it does not within a minute.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
