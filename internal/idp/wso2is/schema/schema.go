// Package schema builds the Job that makes the server's tables, and reads what the Job
// says at its end. The Job runs the scripts of the very image that the server runs,
// under the credentials of the schema's owner.
package schema

import (
	_ "embed"
	"encoding/json"
	"io"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/jdbc"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	reasonInvalidSpec  = "InvalidSpec"
	reasonSchemaFailed = "SchemaFailed"
)

// KeyGrantee is the one key of the owner's Secret beside username and password: the
// name of the role that the server uses, which is given SELECT, INSERT, UPDATE and
// DELETE on the tables. It may be left out. Only PostgreSQL is served; elsewhere a
// person grants.
const KeyGrantee = "grantee"

//go:embed SchemaTool.java
var tool []byte

// database is one script and where it runs.
type database struct{ purpose, url, schema, script string }

// databases lists the scripts in the order in which they run.
func databases(want tenant.Spec) []database {
	d := want.Database
	script := func(folder string) string {
		return layout.Scripts(want.Version) + folder + "/" + jdbc.Dialect(d.Type) + ".sql"
	}
	all := []database{
		{"shared", jdbc.Job(want, d.SharedName, ""), "", script("")},
		{"identity", jdbc.Job(want, d.Name, ""), "", script("/identity")},
		{"consent", jdbc.Job(want, d.Name, ""), "", script("/consent")},
	}
	if want.Version.AtLeast(7, 2) {
		agents := jdbc.Schema(d)
		all = append(all, database{"agent", jdbc.Job(want, d.AgentName, agents), agents, script("/identity/agent")})
	}
	return all
}

// Check refuses databases whose tables would be one another's. PostgreSQL keeps them
// apart in a schema; elsewhere the agents need a database of their own.
func Check(want tenant.Spec) error {
	d := want.Database
	if want.Version.AtLeast(7, 2) && d.Type != tenant.PostgreSQL && d.AgentName == d.SharedName {
		return fault.Terminal(reasonInvalidSpec, "spec.database.%s.agentName: from 7.2 on the agents' tables have the names of the users' tables; "+
			"write another database than sharedName (%s)", d.Type, d.SharedName)
	}
	return nil
}

// verdict is the last line of the tool.
type verdict struct {
	Schema  string `json:"schema"`
	HadData *bool  `json:"hadData"`
}

// Proof reads the last words of a finished Job. Faults: Terminal SchemaFailed when
// they are no verdict, with the words.
func Proof(want tenant.Spec, message string) (tenant.SchemaProof, error) {
	message = strings.TrimSpace(message)
	decoder := json.NewDecoder(strings.NewReader(message))
	decoder.DisallowUnknownFields()
	var v verdict
	err := decoder.Decode(&v)
	if err == nil {
		_, err = decoder.Token()
	}
	if err != io.EOF || v.HadData == nil || (v.Schema != "created" && v.Schema != "present") {
		return tenant.SchemaProof{}, fault.Terminal(reasonSchemaFailed, "the schema Job gave no verdict; its last words: %.300q", message)
	}
	return tenant.SchemaProof{Image: want.Image, HadData: *v.HadData}, nil
}
