package localenv

import "strings"

// Program is an upstream program that this package can build or fetch. Its value is the name of the executable.
type Program string

// The programs of the environment.
const (
	Etcd                  Program = "etcd"
	KubeAPIServer         Program = "kube-apiserver"
	Kubectl               Program = "kubectl"
	VaultServer           Program = "vault"
	VaultKubernetesAuth   Program = "vault-plugin-auth-kubernetes"
	CertManager           Program = "certmanager"
	KubeControllerManager Program = "kube-controller-manager"
	KubeScheduler         Program = "kube-scheduler"
	Kwok                  Program = "kwok"
	// KeycloakServer is no executable but the folder of a server that was built for PostgreSQL.
	KeycloakServer Program = "keycloak"
)

// Programs lists all of them, the ones that most tests wait for first.
var Programs = []Program{
	Etcd, KubeAPIServer, VaultServer, VaultKubernetesAuth, Kubectl, CertManager, KubeControllerManager, KubeScheduler, Kwok, KeycloakServer,
}

// kubernetesVersion is the version in hack/local/build/kubernetes/go.mod. A program that is not told it answers with an unreadable one.
const kubernetesVersion = "v1.36.3"

// recipe says how a program is compiled: in which folder of hack/local/build, which package, with which flags.
type recipe struct {
	folder, pkg string
	flags       []string
}

func (p Program) recipe() recipe {
	stripped := "-ldflags=-s -w"
	switch p {
	case Etcd:
		return recipe{"kubernetes", "go.etcd.io/etcd/server/v3", []string{stripped + kubernetesVersionFlags()}}
	case KubeAPIServer, KubeControllerManager, KubeScheduler, Kubectl:
		return recipe{"kubernetes", "k8s.io/kubernetes/cmd/" + string(p), []string{stripped + kubernetesVersionFlags()}}
	case VaultServer:
		return recipe{"vault", ".", []string{stripped, "-tags=minimal"}}
	case VaultKubernetesAuth:
		return recipe{string(p), "github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes", []string{stripped}}
	case KeycloakServer:
		return recipe{folder: "keycloak", flags: keycloakFeatures}
	case CertManager:
		return recipe{"certmanager", ".", []string{stripped}}
	default:
		return recipe{"kwok", "sigs.k8s.io/kwok/cmd/kwok", []string{stripped}}
	}
}

func kubernetesVersionFlags() string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	const variable = " -X k8s.io/component-base/version."
	return variable + "gitVersion=" + kubernetesVersion + variable + "gitMajor=" + major + variable + "gitMinor=" + minor
}
