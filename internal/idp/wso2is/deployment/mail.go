package deployment

import (
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type outputAdapter struct {
	Email email `toml:"email"`
}

type email struct {
	FromAddress          text.XML       `toml:"from_address"`
	Hostname             text.XML       `toml:"hostname"`
	Port                 int32          `toml:"port"`
	Username             text.Reference `toml:"username"`
	Password             text.Reference `toml:"password"`
	EnableAuthentication bool           `toml:"enable_authentication"`
	EnableStartTLS       bool           `toml:"enable_start_tls"`
	// Custom properties of JavaMail: STARTTLS that was asked for is otherwise given up
	// when the server does not offer it, and the certificate's name is not looked at.
	Custom map[string]string `toml:"custom_properties"`
}

func newOutputAdapter(mail *tenant.Mail) *outputAdapter {
	if mail == nil {
		return nil
	}
	return &outputAdapter{Email: email{
		FromAddress:          text.ForXML(mail.From),
		Hostname:             text.ForXML(mail.Host),
		Port:                 mail.Port,
		Username:             text.Env(layout.EnvMailUsername),
		Password:             text.Env(layout.EnvMailPassword),
		EnableAuthentication: true,
		EnableStartTLS:       true,
		Custom: map[string]string{
			"mail.smtp.starttls.required":       "true",
			"mail.smtp.ssl.checkserveridentity": "true",
			"mail.smtp.ssl.protocols":           "TLSv1.2 TLSv1.3",
		},
	}}
}
