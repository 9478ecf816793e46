package desired

import (
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// ingressAnnotations speak to ingress-nginx alone, since Ingress has no field for TLS to
// the server: other controllers need their own way to use HTTPS, and most take it from
// the name or the appProtocol of the Service's port. ingress-nginx does not verify the
// server's certificate; a Gateway with BackendTLSPolicy does.
var ingressAnnotations = map[string]string{
	"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
	"nginx.ingress.kubernetes.io/proxy-body-size":  "1m",
}

func ingress(want tenant.Spec, shape idp.Shape, name string, route tenant.Route, paths []string) client.Object {
	meta := object(want, want.Name+"-"+name, componentExposure)
	meta.Annotations = make(map[string]string, len(ingressAnnotations))
	for key, value := range ingressAnnotations {
		meta.Annotations[key] = value
	}
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: want.ServiceName(), Port: networkingv1.ServiceBackendPort{Number: shape.HTTPSPort},
	}}
	rule := &networkingv1.HTTPIngressRuleValue{}
	for _, path := range paths {
		rule.Paths = append(rule.Paths, networkingv1.HTTPIngressPath{
			Path: path, PathType: new(networkingv1.PathTypePrefix), Backend: *backend.DeepCopy(),
		})
	}
	return &networkingv1.Ingress{
		TypeMeta:   typeOf(networkingv1.SchemeGroupVersion, "Ingress"),
		ObjectMeta: meta,
		Spec: networkingv1.IngressSpec{
			IngressClassName: new(route.IngressClass),
			TLS:              []networkingv1.IngressTLS{{Hosts: []string{route.Hostname}, SecretName: route.TLSSecretName}},
			Rules:            []networkingv1.IngressRule{{Host: route.Hostname, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: rule}}},
		},
	}
}
