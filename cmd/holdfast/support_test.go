package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unpack gives the files of a bundle by name.
func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(header.Name, "holdfast-support/")] = string(content)
	}
}

func TestASupportBundleHoldsFactsAndNoSecret(t *testing.T) {
	tenant := newTenant(t)
	ns := tenant.Namespace
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
	secret := &corev1.Secret{ObjectMeta: named("acme-secrets"), StringData: map[string]string{"DATA_KEY": "hush-1"}}
	secret.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"stringData":{"DATA_KEY":"hush-2"}}`}
	pod := &corev1.Pod{ObjectMeta: named("acme-0"), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "registry.example/is",
		Env: []corev1.EnvVar{{Name: "DB_PASSWORD", Value: "hush-3"}}}}}}
	nonRoot, no := true, false
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: &nonRoot, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	pod.Annotations = map[string]string{"vault.example/token": "hush-4"}
	event := &eventsv1.Event{ObjectMeta: named("acme.1"), EventTime: metav1.NowMicro(), Reason: "Rotated", Action: "Rotate", Type: "Normal",
		ReportingController: "holdfast", ReportingInstance: "holdfast-0", Note: "token-signing moved on", Regarding: corev1.ObjectReference{Namespace: ns, Kind: "IdentityTenant", Name: "acme"}}
	create(t, secret, &corev1.ServiceAccount{ObjectMeta: named("default")}, pod, event, &networkingv1.NetworkPolicy{ObjectMeta: named("acme-deny")})

	path := filepath.Join(t.TempDir(), "bundle.tar.gz")
	command := supportCommand()
	var out bytes.Buffer
	command.SetArgs([]string{"-n", ns, "-f", path})
	command.SetOut(&out)
	command.SetErr(&out)
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := unpack(t, path)
	for name, says := range map[string]string{
		"about.txt":                    ns + "/secrets.yaml: 1\n",
		ns + "/secrets.yaml":           "name: acme-secrets",
		ns + "/identitytenants.yaml":   "hostname: id.acme.example",
		ns + "/pods.yaml":              "image: registry.example/is",
		ns + "/events.yaml":            "token-signing moved on",
		ns + "/networkpolicies.yaml":   "name: acme-deny",
		"holdfast-system/leases.yaml":  "",
		ns + "/certificates.yaml":      "",
		ns + "/rotationrecords.yaml":   "",
		"holdfast-system/pods.yaml":    "",
		ns + "/statefulsets.yaml":      "",
		ns + "/vaultconnections.yaml":  "",
		ns + "/rotationschedules.yaml": "",
	} {
		if content, found := files[name]; !found || !strings.Contains(content, says) {
			t.Errorf("%s (there: %t) lacks %q:\n%s", name, found, says, content)
		}
	}
	for name, content := range files {
		if strings.Contains(content, "hush-") || strings.Contains(content, "aHVzaC") || strings.Contains(content, "managedFields") {
			t.Errorf("%s holds what it must not:\n%s", name, content)
		}
	}
	if mode, err := os.Stat(path); err != nil || mode.Mode().Perm() != 0o600 || !strings.Contains(out.String(), path) {
		t.Errorf("%v, %v: %s", mode, err, out.String())
	}
}
