package wso2is_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
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
			files, err := wso2is.Driver{}.Config(want, idptest.FactsFor(want))
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

			state, declared := standin.NewState(), tenant.Settings{}
			for _, realm := range want.Realms {
				declared[realm.Name] = hardened
				if realm.Name != root {
					set(t, state.AddServerTenant(realm.Name))
				}
			}
			server := home.Start(t, state)
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
			names := slices.Collect(maps.Keys(declared))
			live, err := admin.Observe(t.Context(), names)
			set(t, err)
			configure(t, admin, tenant.Compare(declared, live))
			live, err = admin.Observe(t.Context(), names)
			set(t, err)
			if drift := tenant.Compare(declared, live); drift != nil {
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

// The operator gets into the server tenants that it has to read, by what settings take and by
// nothing else of their APIs; and who has no right there gets none by it. Which server tenants
// there are changes nothing: none that appears is a rollout.
func TestServerTenantsAreOpenedForSettingsAlone(t *testing.T) {
	for _, version := range versions {
		for _, mode := range []tenant.UndeclaredMode{tenant.UndeclaredEnforce, tenant.UndeclaredReport, tenant.UndeclaredIgnore} {
			want := minimalSpec(version)
			want.Undeclared.Mode = mode
			alone := render(t, want).toml
			want.Realms = append(want.Realms, tenant.Realm{Name: "second.example"})
			rows, _ := at(render(t, want).toml, "resource.access_control").([]any)
			undeclared := mode != tenant.UndeclaredIgnore
			if undeclared != cmp.Equal(rows, at(alone, "resource.access_control")) || !undeclared && at(alone, "resource") != nil {
				t.Errorf("%s, %s: with a declared server tenant and without one: %v, %v", version, mode, rows, at(alone, "resource"))
			}
			fits := func(method, path string) bool {
				return slices.ContainsFunc(rows, func(row any) bool {
					return at(row, "http_method") == method && regexp.MustCompile("^("+at(row, "context").(string)+")$").MatchString(path)
				})
			}
			for request, open := range map[string]bool{
				"PUT /t/second.example/api/server/v1/validation-rules/password":                     true,
				"GET /t/second.example/api/server/v1/validation-rules/password":                     false, // open to anybody as it is
				"GET /t/second.example/api/server/v1/identity-governance/T3RoZXI":                   true,
				"PATCH /t/second.example/api/server/v1/identity-governance/T3RoZXI/connectors/dXNl": true,
				"PATCH /t/second.example/api/server/v1/identity-governance/T3RoZXI":                 false,
				"GET /t/second.example/api/server/v1/configs":                                       true,
				"PATCH /t/second.example/api/server/v1/configs/cors":                                true,
				"PATCH /t/second.example/api/server/v1/configs/remote-logging":                      false,
				"GET /t/second.example/scim2/Users":                                                 false,
				"GET /t/secondXexample/api/server/v1/configs":                                       undeclared,
				"GET /t/third.example/api/server/v1/configs":                                        undeclared,
				"GET /t/third.example/scim2/Users":                                                  false,
				"GET /api/server/v1/configs":                                                        false,
				"GET /t//api/server/v1/configs":                                                     false,
				"GET /t/second.example/o/api/server/v1/configs":                                     false,
				"GET /t/second.example/t/third.example/api/server/v1/configs":                       false,
			} {
				if method, path, _ := strings.Cut(request, " "); fits(method, path) != open {
					t.Errorf("%s, %s: %s is opened: %t", version, mode, request, !open)
				}
			}
			for _, row := range rows {
				if scopes, _ := at(row, "scopes").([]any); len(scopes) != 1 || at(row, "secure") != true || at(row, "cross_access_allowed_tenants") != "carbon.super" {
					t.Errorf("%s, %s: %v lets in more than the accounts of the super tenant that have the right", version, mode, row)
				}
			}
		}
	}
}

func account(in idp.Inputs, material string) idp.UsernamePassword {
	return idp.UsernamePassword{Username: in.Generated[material][idp.FieldUsername], Password: in.Generated[material][idp.FieldPassword]}
}
