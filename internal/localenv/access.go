package localenv

import (
	"context"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Config returns the administrator's access. It has no client-side rate limit. Each call returns a copy.
func (c *ControlPlane) Config() *rest.Config { return rest.CopyConfig(c.admin) }

// Kubeconfig names the file with the administrator's access.
func (c *ControlPlane) Kubeconfig() string { return c.file("kubeconfig") }

// CA returns the PEM certificate of the authority that signed the API server's certificate.
func (c *ControlPlane) CA() []byte { return c.authority.pem }

// Host returns the address of the API server, https with a port.
func (c *ControlPlane) Host() string { return "https://" + loopback(c.port) }

// UserConfig returns the access of a user with these groups, by a client certificate. Its rights are what RBAC gives to the names.
func (c *ControlPlane) UserConfig(user string, groups ...string) (*rest.Config, error) {
	certificate, key, err := c.authority.clientCertificate(user, groups)
	if err != nil {
		return nil, err
	}
	config := c.anonymous()
	config.CertData, config.KeyData = certificate, key
	return config, nil
}

// ServiceAccountConfig returns the access of a ServiceAccount, by a token of 24 hours. Its rights are what RBAC gives to the ServiceAccount.
func (c *ControlPlane) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, error) {
	token, err := c.ServiceAccountToken(ctx, namespace, name, 24*time.Hour)
	config := c.anonymous()
	config.BearerToken = token
	return config, err
}

// ServiceAccountToken returns a token for the audiences, the API server's own when none is given. The API server accepts no validity under 10 minutes.
func (c *ControlPlane) ServiceAccountToken(ctx context.Context, namespace, name string, validity time.Duration, audiences ...string) (string, error) {
	seconds := int64(validity.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: &seconds}}
	answer, err := c.Client().CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}

// WriteKubeconfig writes the access of config to a file that only its owner can read.
func (c *ControlPlane) WriteKubeconfig(path string, config *rest.Config) error {
	const name = "holdfast-local"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	return clientcmd.WriteToFile(*file, path)
}

func (c *ControlPlane) anonymous() *rest.Config {
	return &rest.Config{Host: c.Host(), QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.pem}}
}
