package config

// What every catalogue tells of Holdfast. Version is that of the chart, of the bundle and of what they install, until a release
// says another.
const (
	Name          = "holdfast"
	Version       = "0.1.0"
	Description   = "Hardened identity servers from one manifest: secrets in Vault, certificates by cert-manager, closed by default"
	Home          = "https://github.com/holdfast-iam/holdfast"
	Pages         = Home + "/blob/main/docs/"
	MinKubernetes = "1.30.0"
	// Capabilities is the level of the operator by the words that OperatorHub and Artifact Hub share.
	Capabilities = "Full Lifecycle"
)

// Keywords to find it by.
func Keywords() []string {
	return []string{"identity", "iam", "wso2", "keycloak", "vault", "cert-manager", "hardening"}
}
