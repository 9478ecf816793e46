package deployment

import (
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/jdbc"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// databases of the server. The registry that each pod has for itself stays in the H2
// file that comes with the image: it listens nowhere and dies with the pod.
type databases struct {
	Identity database `toml:"identity_db"`
	Shared   database `toml:"shared_db"`
}

type database struct {
	Type     string         `toml:"type"`
	URL      text.Joined    `toml:"url"`
	Username text.Reference `toml:"username"`
	Password text.Reference `toml:"password"`
	Driver   string         `toml:"driver"`
	Pool     pool           `toml:"pool_options"`
}

// pool tests a connection before it is lent. Up to 7.2 the server's own default for
// the query lands beside the options and is lost.
type pool struct {
	TestOnBorrow    bool   `toml:"testOnBorrow"`
	ValidationQuery string `toml:"validationQuery"`
}

var testedPool = pool{TestOnBorrow: true, ValidationQuery: "SELECT 1"}

// databaseType is the server's name for a type.
var databaseType = map[tenant.DatabaseType]string{
	tenant.PostgreSQL: "postgre",
	tenant.MySQL:      "mysql",
	tenant.MSSQL:      "mssql",
}

func newDatabases(want tenant.Spec) databases {
	named := func(name string) database {
		return database{
			Type:     databaseType[want.Database.Type],
			URL:      jdbc.Server(want, name, ""),
			Username: text.Env(layout.EnvDatabaseUsername),
			Password: text.Env(layout.EnvDatabasePassword),
			Driver:   jdbc.Driver(want.Database.Type),
			Pool:     testedPool,
		}
	}
	return databases{Identity: named(want.Database.Name), Shared: named(want.Database.SharedName)}
}

type datasource struct {
	ID       string         `toml:"id"`
	URL      text.Joined    `toml:"url"`
	Username text.Reference `toml:"username"`
	Password text.Reference `toml:"password"`
	Driver   string         `toml:"driver"`
	Pool     pool           `toml:"pool_options"`
}

// newDatasources has the agents' database, which the server knows from 7.2 on. Left
// out, it would stay in an H2 file of the pod.
func newDatasources(want tenant.Spec) map[string]datasource {
	if !want.Version.AtLeast(7, 2) {
		return nil
	}
	const agents = "AgentIdentity"
	return map[string]datasource{agents: {
		ID:       agents,
		URL:      jdbc.Server(want, want.Database.AgentName, jdbc.Schema(want.Database)),
		Username: text.Env(layout.EnvDatabaseUsername),
		Password: text.Env(layout.EnvDatabasePassword),
		Driver:   jdbc.Driver(want.Database.Type),
		Pool:     testedPool,
	}}
}

// identityDataSource: the server's role makes no tables; the schema Job does.
type identityDataSource struct {
	SkipSchemaCreation bool `toml:"skip_db_schema_creation"`
}
