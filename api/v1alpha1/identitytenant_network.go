package v1alpha1

// Exposure publishes the server outside the cluster.
type Exposure struct {
	// public serves the end-user paths on hostname; consoles and admin APIs are
	// never on it.
	// +optional
	Public *Route `json:"public,omitempty"`
	// admin serves consoles and admin APIs on a host name of its own.
	// +optional
	Admin *AdminRoute `json:"admin,omitempty"`
	// trustedProxies are the IPv4 networks of the gateways or ingress controllers in front of
	// the server. It believes their word, and nobody else's, about the address of a client
	// (X-Forwarded-For), which it writes to its logs. Default: it sees the address of whoever
	// connects.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=18
	// +kubebuilder:validation:items:Pattern=`^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$`
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c) && cidr(c).prefixLength() >= 8)",message="write IPv4 networks of a prefix of 8 or more, such as 10.1.0.0/16"
	// +listType=set
	// +optional
	TrustedProxies []string `json:"trustedProxies,omitempty"`
}

// Route is how a host name is published, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=gateway;ingress
type Route struct {
	// gateway attaches an HTTPRoute, with a BackendTLSPolicy, to Gateways.
	// +optional
	Gateway *GatewayRoute `json:"gateway,omitempty"`
	// ingress makes an Ingress.
	// +optional
	Ingress *IngressRoute `json:"ingress,omitempty"`
}

// AdminRoute is a Route with a host name of its own.
// +kubebuilder:validation:ExactlyOneOf=gateway;ingress
type AdminRoute struct {
	// hostname of the admin side, not the public one.
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-z0-9.]+[.][-a-z0-9]+$') && !self.contains('..')",message="write a DNS name such as admin.id.acme.example: lower-case letters, digits, hyphens, and at least one dot"
	// +required
	Hostname string `json:"hostname"`
	// gateway attaches an HTTPRoute to Gateways.
	// +optional
	Gateway *GatewayRoute `json:"gateway,omitempty"`
	// ingress makes an Ingress.
	// +optional
	Ingress *IngressRoute `json:"ingress,omitempty"`
}

// GatewayRoute names the Gateways that an HTTPRoute attaches to.
type GatewayRoute struct {
	// parentRefs are the Gateways.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +listType=atomic
	// +required
	ParentRefs []GatewayReference `json:"parentRefs"`
}

// GatewayReference names a Gateway, perhaps of another namespace; the Gateway
// guards itself with allowedRoutes.
type GatewayReference struct {
	// name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// namespace of the Gateway. Default: the tenant's.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// sectionName is a listener of the Gateway.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	SectionName string `json:"sectionName,omitempty"`
}

// IngressRoute is an Ingress of a class.
type IngressRoute struct {
	// className of the Ingress.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	ClassName string `json:"className"`
	// tlsSecretName of the certificate that clients see.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	TLSSecretName string `json:"tlsSecretName"`
	// controller says where the ingress controller's pods are, for the NetworkPolicy.
	// +required
	Controller Peer `json:"controller"`
}

// Network says who may reach the server and what it may reach.
type Network struct {
	// from are peers that may reach the HTTPS port, beside the declared gateway or
	// ingress controller, the operator and Prometheus.
	// +kubebuilder:validation:MaxItems=12
	// +listType=atomic
	// +optional
	From []Peer `json:"from,omitempty"`
	// egress are destinations beyond the declared dependencies.
	// +kubebuilder:validation:MaxItems=12
	// +listType=atomic
	// +optional
	Egress []EgressRule `json:"egress,omitempty"`
}
