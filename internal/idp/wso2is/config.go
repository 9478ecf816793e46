package wso2is

import (
	"fmt"
	"maps"
	"regexp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/deployment"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/logging"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/pod"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/schema"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/userstores"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// reasonInvalidSpec is the word of api/v1alpha1, which this package cannot import.
const reasonInvalidSpec = "InvalidSpec"

// Config renders deployment.toml, log4j2.properties and a file for each user store, and gives
// the programs that put them in place. No secret is in them: they refer to variables of the
// environment. A key is asked for under the alias that the facts name, or else by that of
// the declared store. Faults: Terminal InvalidSpec, with the field that cannot be expressed.
func (Driver) Config(want tenant.Spec, seen tenant.Facts) (idp.Files, error) {
	if err := expressible(want); err != nil {
		return nil, err
	}
	configuration, err := deployment.Render(want, seen)
	if err != nil {
		return nil, err
	}
	files := idp.Files{
		layout.DeploymentFile: configuration,
		layout.LoggingFile:    logging.Render(want.Logs),
	}
	for _, store := range want.UserStores {
		if files[layout.UserStoreFile(store.Name)], err = userstores.Render(store); err != nil {
			return nil, err
		}
	}
	maps.Copy(files, pod.Programs())
	return files, nil
}

// expressible refuses what the server would read as something else.
func expressible(want tenant.Spec) error {
	if !want.Version.AtLeast(7, 1) || want.Version.AtLeast(7, 4) {
		return fault.Terminal(reasonInvalidSpec, "spec.product.wso2is.version: %s is not known; write 7.1.x, 7.2.x or 7.3.x", want.Version)
	}
	if err := schema.Check(want); err != nil {
		return err
	}
	values := []struct{ field, value string }{
		{"spec.hostname", want.Hostname},
		{"spec.database.host", want.Database.Host},
		{"spec.database.name", want.Database.Name},
		{"spec.database.sharedName", want.Database.SharedName},
		{"spec.database.agentName", want.Database.AgentName},
	}
	if want.Mail != nil {
		values = append(values, []struct{ field, value string }{{"spec.mail.host", want.Mail.Host}, {"spec.mail.from", want.Mail.From}}...)
	}
	for _, v := range values {
		if err := text.Check(v.value); err != nil {
			return fault.Terminal(reasonInvalidSpec, "%s cannot be written into deployment.toml: %s", v.field, err)
		}
	}
	return maskable(want.Logs.Masking)
}

// maskable refuses patterns that the server could not compile: its log would be dead
// from the first line on.
func maskable(patterns []tenant.MaskingPattern) error {
	for _, p := range patterns {
		err := text.Check(p.Name)
		if err == nil {
			err = text.Check(p.Pattern)
		}
		if err == nil {
			_, err = regexp.Compile(p.Pattern)
		}
		if err == nil && p.Pattern == "" {
			err = fmt.Errorf("it is empty")
		}
		if err != nil {
			return fault.Terminal(reasonInvalidSpec, "spec.logPolicyRef: the pattern masking[%.63q] cannot be used: %s", p.Name, err)
		}
	}
	return nil
}
