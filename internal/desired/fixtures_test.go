package desired

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// minimal is what resolve makes of the smallest tenant.
func minimal() tenant.Spec {
	database := tenant.Credentials{Mount: "secret", Path: "acme/db", UsernameField: "username", PasswordField: "password"}
	return tenant.Spec{
		Namespace: "iam",
		Name:      "acme",
		Owner: metav1.OwnerReference{
			APIVersion: "iam.holdfast.dev/v1alpha1", Kind: "IdentityTenant", Name: "acme", UID: "6b1c0a5e-2f5e-4f59-9a83-0d5a4e1b7c11",
		},
		Product:  tenant.WSO2IS,
		Version:  tenant.Version{Major: 7, Minor: 3},
		Image:    "registry.example/wso2is@sha256:0000000000000000000000000000000000000000000000000000000000000001",
		Hostname: "id.acme.example",
		Replicas: new(int32(2)),
		CPU:      resource.MustParse("2"),
		Memory:   resource.MustParse("4Gi"),
		Issuer:   tenant.Issuer{Name: "internal-ca", Kind: "Issuer", Group: "cert-manager.io"},
		VaultRef: "vault",
		Database: tenant.Database{
			Type: tenant.PostgreSQL, Host: "db.iam.svc", Port: 5432, Name: "identity", SharedName: "identity", AgentName: "identity",
			Credentials: database, SchemaOwner: database,
			Peers: pods(map[string]string{"app": "db"}), PeerPort: 5433,
		},
		Keystores: []tenant.Keystore{
			{Role: tenant.RoleTLS, Alias: "tls", Algorithm: "ECDSA", Size: 256, Duration: 2160 * time.Hour, RenewBefore: 720 * time.Hour, Issued: true},
			{Role: tenant.RoleSigning, Alias: "signing", Algorithm: "RSA", Size: 3072},
			{Role: tenant.RoleInternal, Alias: "internal", Algorithm: "RSA", Size: 3072},
			{Role: tenant.RoleTrust},
		},
		Realms:       []tenant.Realm{{Name: tenant.RootRealm}},
		RetainVault:  true,
		WindowOpen:   true,
		OperatorPeer: podsOf("holdfast-system", map[string]string{tenant.LabelComponent: "controller-manager", tenant.LabelName: "holdfast"}),
	}
}

// full uses every field that a builder reads.
func full() tenant.Spec {
	want := minimal()
	want.Replicas = nil
	want.RetainVault = false
	want.Mail = &tenant.Mail{
		Host: "smtp.acme.example", Port: 587, From: "id@acme.example", Peers: blocks("10.9.0.25/32"), PeerPort: 587,
	}
	want.UserStores = []tenant.UserStore{{Name: "corp", Field: "spec.userStores[0].ldap", Egress: []tenant.Egress{
		{Peers: blocks("10.9.0.36/32"), Ports: []tenant.EgressPort{{Port: 636, Protocol: corev1.ProtocolTCP}}},
		{Peers: pods(map[string]string{"app": "directory"}), Ports: []tenant.EgressPort{{Port: 1636, Protocol: corev1.ProtocolTCP}}},
	}}}
	want.Keystores = []tenant.Keystore{
		want.Keystores[0],
		want.Keystores[1],
		{Role: tenant.RoleFederation, Alias: "federation", Algorithm: "RSA", Size: 4096, Duration: 43800 * time.Hour},
		want.Keystores[2],
		{Role: tenant.RoleTrust, Trusted: []tenant.CertificateSource{
			{ConfigMap: "partner-ca", Key: "ca.crt"}, {Secret: "ldap-ca", Key: "tls.crt"}, {ConfigMap: "db-ca", Key: "ca.crt"},
		}},
	}
	want.Keystores[0].DNSNames = []string{"id.old.acme.example", "localhost"}
	want.Exposure = tenant.Exposure{
		Public: &tenant.Route{Hostname: want.Hostname, Gateways: []tenant.Gateway{
			{Namespace: "gateways", Name: "public", SectionName: "https"}, {Name: "inner"},
		}},
		Admin: &tenant.Route{Hostname: "admin.id.acme.example", IngressClass: "internal", TLSSecretName: "admin-tls"},
	}
	want.Network = tenant.Network{
		From: append(podsOfPeers("gateways", map[string]string{"app": "gateway"}), blocks("10.3.0.0/16")...),
		Egress: []tenant.Egress{
			{Peers: blocks("192.0.2.0/24", "2001:db8::/32"), Ports: []tenant.EgressPort{{Port: 443}, {Port: 53, Protocol: corev1.ProtocolUDP}}},
			{Peers: podsOfPeers("audit", nil), Ports: []tenant.EgressPort{{Port: 6514, Protocol: corev1.ProtocolTCP}}},
		},
	}
	return want
}

// shape is modelled on WSO2 Identity Server, with the paths of one server tenant.
func shape() idp.Shape {
	return idp.Shape{
		HTTPSPort:   9443,
		ClusterPort: 4000,
		PublicPaths: []string{
			"/oauth2", "/oidc", "/commonauth", "/logincontext", "/authenticationendpoint", "/accountrecoveryendpoint", "/myaccount",
			"/samlsso", "/.well-known", "/scim2/Me", "/api/users/v1/me", "/t/acme/oauth2", "/t/acme/scim2/Me", "/t/acme/commonauth",
		},
		AdminPaths:         []string{"/carbon", "/console", "/api/server", "/scim2", "/t/acme/console", "/t/acme/api/server", "/t/acme/scim2"},
		CertificateHeaders: []string{"X-Certificate"},
	}
}

func pods(labels map[string]string) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: labels}}}
}

func podsOf(namespace string, labels map[string]string) networkingv1.NetworkPolicyPeer {
	peer := networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
	}
	if labels != nil {
		peer.PodSelector = &metav1.LabelSelector{MatchLabels: labels}
	}
	return peer
}

func podsOfPeers(namespace string, labels map[string]string) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{podsOf(namespace, labels)}
}

func blocks(cidrs ...string) []networkingv1.NetworkPolicyPeer {
	var peers []networkingv1.NetworkPolicyPeer
	for _, cidr := range cidrs {
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}})
	}
	return peers
}

// issued makes a CA and a certificate below it, and gives the chain of the two.
func issued(t *testing.T) (chain, ca []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(name string, isCA bool, parent *x509.Certificate) ([]byte, *x509.Certificate) {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: isCA, BasicConstraintsValid: true,
			NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
		}
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), parsed
	}
	ca, parent := certificate("ca", true, nil)
	leaf, _ := certificate("leaf", false, parent)
	return append(leaf, ca...), ca
}
