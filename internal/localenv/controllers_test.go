package localenv

import (
	"errors"
	"fmt"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestCertManagerIssuesASelfSignedCertificate(t *testing.T) {
	ctx := t.Context()
	c := startControlPlane(t, ControlPlaneOptions{})
	if _, err := c.StartCertManager(ctx); err != nil {
		t.Fatal(err)
	}
	api := newClient(t, c)
	namespace := makeNamespace(t, c, "restricted")
	issuer := &cmv1.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "self"}}
	issuer.Spec.SelfSigned = &cmv1.SelfSignedIssuer{}
	certificate := &cmv1.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tls"},
		Spec:       cmv1.CertificateSpec{SecretName: "tls", DNSNames: []string{"id.example"}, IssuerRef: cmmeta.IssuerReference{Name: "self"}},
	}
	if err := errors.Join(api.Create(ctx, issuer), api.Create(ctx, certificate)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if err := api.Get(ctx, client.ObjectKeyFromObject(certificate), certificate); err != nil {
			return err
		}
		for _, condition := range certificate.Status.Conditions {
			if condition.Type == cmv1.CertificateConditionReady && condition.Status == cmmeta.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("the Certificate is not Ready: %+v", certificate.Status.Conditions)
	})
	var secret corev1.Secret
	if err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "tls"}, &secret); err != nil || len(secret.Data["tls.key"]) == 0 {
		t.Errorf("the Certificate's Secret: %v, keys of %d bytes", err, len(secret.Data["tls.key"]))
	}
}

func TestSimulatedPodsBecomeReadyAndJobsComplete(t *testing.T) {
	ctx := t.Context()
	c := startControlPlane(t, ControlPlaneOptions{})
	if _, err := c.StartControllerManager(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.StartPods(ctx); err != nil {
		t.Fatal(err)
	}
	api := newClient(t, c)
	namespace := makeNamespace(t, c, "restricted")
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "acme"}
	labels := map[string]string{"app": "acme"}
	set := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: restrictedPod()},
	}}
	job := &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: restrictedPod()}}}
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	if err := errors.Join(api.Create(ctx, set), api.Create(ctx, job)); err != nil {
		t.Fatal(err)
	}
	key := client.ObjectKey{Namespace: namespace, Name: "acme"}
	eventually(t, func() error {
		if err := errors.Join(api.Get(ctx, key, set), api.Get(ctx, key, job)); err != nil {
			return err
		}
		if set.Status.ReadyReplicas != 1 || job.Status.Succeeded != 1 {
			return fmt.Errorf("StatefulSet has %d ready pods, Job %d that succeeded; want 1 and 1", set.Status.ReadyReplicas, job.Status.Succeeded)
		}
		return nil
	})

	if err := c.Client().CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := c.Client().CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("the deleted namespace is still there: %w", err)
	})
}

func restrictedPod() corev1.PodSpec {
	yes, no := true, false
	return corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name: "main", Image: "none",
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		}},
	}
}

func newClient(t *testing.T, c *ControlPlane) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), cmv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(c.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return api
}
