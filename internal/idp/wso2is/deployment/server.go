package deployment

import (
	"fmt"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type server struct {
	Hostname text.XML `toml:"hostname"`
	// NodeIP is what a member of the cluster tells the others.
	NodeIP   text.Reference `toml:"node_ip"`
	BasePath text.XML       `toml:"base_path"`
	// InternalHostname is what the server calls itself by; it is a name in its certificate.
	InternalHostname string `toml:"internal_hostname"`
	// ForceLocalCache keeps caches in each member and sends invalidations only, so that
	// nothing of a session crosses the cluster's unencrypted transport.
	ForceLocalCache bool `toml:"force_local_cache"`
	// No API stops or restarts the server: Kubernetes does.
	EnableShutdownFromAPI bool `toml:"enable_shutdown_from_api"`
	EnableRestartFromAPI  bool `toml:"enable_restart_from_api"`
	// EnableAdminServices would bring SOAP services and /carbon back. 7.1 has no such
	// switch: there the public routes, which never carry /services, are what is left.
	EnableAdminServices *bool `toml:"enable_admin_services,omitempty"`
	FileUpload          struct {
		// SizeLimit in MB.
		SizeLimit string `toml:"file_size_limit"`
	} `toml:"file_upload"`
}

func newServer(want tenant.Spec) server {
	s := server{
		Hostname:         text.ForXML(want.Hostname),
		NodeIP:           text.Env(layout.EnvPodIP),
		BasePath:         text.ForXML("https://" + want.Hostname),
		InternalHostname: "localhost",
		ForceLocalCache:  true,
	}
	s.FileUpload.SizeLimit = "5"
	if want.Version.AtLeast(7, 2) {
		s.EnableAdminServices = new(bool)
	}
	return s
}

// superAdmin is made at the first start, while it does not exist, and never again.
type superAdmin struct {
	Username           text.Reference `toml:"username"`
	Password           text.Reference `toml:"password"`
	CreateAdminAccount bool           `toml:"create_admin_account"`
}

var administrator = superAdmin{
	Username:           text.Env(layout.EnvAdministratorUsername),
	Password:           text.Env(layout.EnvAdministratorPassword),
	CreateAdminAccount: true,
}

// userStore is the primary one: JDBC, with random identifiers, so that no count of
// users shows outside.
type userStore struct {
	Type       string              `toml:"type"`
	Properties userStoreProperties `toml:"properties"`
}

// userStoreProperties are written by their own names: the short ones of hashing exist
// from 7.2 on only. They act on passwords that are set from then on.
type userStoreProperties struct {
	PasswordDigest          string `toml:"PasswordDigest"`
	HashAlgorithmProperties string `toml:"Hash.Algorithm.Properties"`
	// PasswordJavaRegEx and PasswordJavaScriptRegEx are a second line: the realm's own rules
	// come first and are stricter. The product's end at 30 characters, and would refuse a long
	// password on the ways where the rules are not asked.
	PasswordJavaRegEx       string `toml:"PasswordJavaRegEx"`
	PasswordJavaScriptRegEx string `toml:"PasswordJavaScriptRegEx"`
}

// anyPassword has the bounds of all policies together.
const anyPassword = ".{8,128}"

var primaryUserStore = userStore{
	Type: "database_unique_id",
	Properties: userStoreProperties{
		PasswordDigest: "PBKDF2",
		// OWASP Password Storage Cheat Sheet: 600,000 rounds of PBKDF2 with SHA-256.
		HashAlgorithmProperties: "{pbkdf2.iteration.count:600000, pbkdf2.dkLength:256, pbkdf2.prf:PBKDF2WithHmacSHA256}",
		PasswordJavaRegEx:       anyPassword,
		PasswordJavaScriptRegEx: anyPassword,
	},
}

// tasks have a vendor password unless they are given one.
type tasks struct {
	ServerUsername text.Reference `toml:"server_username"`
	ServerPassword text.Reference `toml:"server_password"`
}

var taskServer = tasks{ServerUsername: text.Env(layout.EnvSystemUsername), ServerPassword: text.Env(layout.EnvSystemPassword)}

// adminService keeps the dangerous SOAP services shut should anybody turn SOAP on.
type adminService struct {
	// DenyList is known to the server from 7.2 on.
	DenyList []string `toml:"deny_list,omitempty"`
	WSDL     enabled  `toml:"wsdl"`
}

func newAdminService(version tenant.Version) adminService {
	if !version.AtLeast(7, 2) {
		return adminService{}
	}
	return adminService{DenyList: []string{
		"CarbonAppUploader", "WebappAdmin", "FileDownloadService", "FileUploadService", "LoginStatisticsAdmin", "NDataSourceAdmin",
	}}
}

// adminConsole: a client certificate of any trusted issuer is no way to sign in.
type adminConsole struct {
	Authenticator struct {
		MutualSSL enabled `toml:"mutual_ssl_authenticator"`
	} `toml:"authenticator"`
}

// monitoring without the remote JMX server.
type monitoring struct {
	JMX struct {
		RMIServerStart bool `toml:"rmi_server_start"`
	} `toml:"jmx"`
}

// entitlement without its own port.
type entitlement struct {
	Thrift enabled `toml:"thrift"`
}

// members is how many pods a StatefulSet of ours can have at the most. All of them
// are well-known addresses from the start, so that scaling changes no file and rolls
// no pod; a name without a pod does not resolve and is passed over.
const members = 9

type clustering struct {
	MembershipScheme string     `toml:"membership_scheme"`
	Domain           text.XML   `toml:"domain"`
	LocalMemberPort  string     `toml:"local_member_port"`
	Members          []text.XML `toml:"members"`
}

// newClustering is nil for one pod: without a scheme the server opens no port. When
// an autoscaler owns the number, there may be several.
func newClustering(want tenant.Spec) *clustering {
	if want.Replicas != nil && *want.Replicas < 2 {
		return nil
	}
	c := &clustering{
		MembershipScheme: "wka",
		Domain:           text.ForXML(want.Namespace + "." + want.Name),
		LocalMemberPort:  fmt.Sprint(layout.ClusterPort),
	}
	for i := range members {
		c.Members = append(c.Members, text.ForXML(fmt.Sprintf("%s-%d.%s.%s.svc:%d",
			want.StatefulSetName(), i, want.HeadlessServiceName(), want.Namespace, layout.ClusterPort)))
	}
	return c
}
