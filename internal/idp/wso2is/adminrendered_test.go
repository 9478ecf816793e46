package wso2is_test

import (
	"testing"
	"testing/fstest"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// A server starts from what the driver renders, and takes the settings of the tenant.
func TestServerStartsFromWhatIsRendered(t *testing.T) {
	for name, want := range cases() {
		t.Run(name, func(t *testing.T) {
			files, err := wso2is.Driver{}.Config(want, factsFor(want))
			set(t, err)
			authority, in := hometest.NewAuthority(t), inputsFor(t, want)
			home := hometest.Home{Files: fstest.MapFS{"conf/deployment.toml": {Data: files[layout.DeploymentFile]}},
				CA: authority.PEM(), Environment: map[string]string{layout.EnvPodIP: "10.0.0.1"}}
			for _, store := range want.Keystores {
				entry := authority.Trusted()
				if store.Role != tenant.RoleTrust {
					entry = authority.Key(t, store.Alias)
				}
				home.Store(t, layout.StoreFile(store.Role), layout.EnvStorePassword(store.Role), entry)
			}
			credentials, err := wso2is.Driver{}.Credentials(want, in)
			set(t, err)
			for variable, value := range credentials {
				home.Environment[variable] = string(value)
			}

			server := home.Start(t, standin.NewState())
			access := idp.Access{Address: server.Address(), ServerName: hometest.ServerName, CA: home.CA,
				Bootstrap: account(in, idp.MaterialAdministrator), System: account(in, idp.MaterialSystem)}
			admin, err := wso2is.Driver{}.Connect(t.Context(), want, tenant.Facts{ServingVersion: want.Version.String()}, access)
			set(t, err)
			defer func() { _ = admin.Close() }()
			health, err := admin.Probe(t.Context())
			if err != nil || !health.Serving || !health.LoggedIn || health.Version != want.Version.String() {
				t.Errorf("Probe: %+v, %v", health, err)
			}
			if _, err := admin.EnsureAccounts(t.Context()); err != nil {
				t.Error(err)
			}
			declared := tenant.Settings{root: hardened}
			configure(t, admin, tenant.Compare(declared, observe(t, admin)))
			if drift := tenant.Compare(declared, observe(t, admin)); drift != nil {
				t.Errorf("not kept: %v", drift)
			}
			// Every secret is the server's own; the one of another tenant does not open its stores.
			spoiled := home.Clone()
			spoiled.Environment[layout.EnvStorePassword(tenant.RoleInternal)] = keystore.GeneratePassword()
			if _, err := standin.Start(spoiled.Options(t, standin.NewState())); err == nil {
				t.Error("the server starts with another store's password")
			}
		})
	}
}

func account(in idp.Inputs, material string) idp.UsernamePassword {
	return idp.UsernamePassword{Username: in.Generated[material][idp.FieldUsername], Password: in.Generated[material][idp.FieldPassword]}
}
