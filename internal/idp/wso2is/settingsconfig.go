package wso2is

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// document is one configuration of a realm. It has values of its own and is written at a
// path of its own; what a request does not name stays.
type document struct {
	path string
	// within is the member of the answer of serverConfigs that has it; empty: the answer
	// at its own path.
	within string
	// typed documents take switches as JSON has them, others as text.
	typed bool
}

const configsPath = "/configs"

var (
	serverConfigs = document{path: configsPath}
	corsConfig    = document{path: configsPath + "/cors", within: "cors"}
	clientConfig  = document{path: configsPath + "/dcr", within: "dcr"}
	assertConfig  = document{path: configsPath + "/jwt-key-validator", typed: true}
)

// configField says which field of a document holds one of our settings.
type configField struct {
	document document
	field    string
	codec    codec
	// enable is the switch that the field hangs on, as in a binding.
	enable string
	// absent is what a server does that does not tell; empty where nobody knows.
	absent string
}

// configFields tell, for each setting that a configuration document holds, where
// (catalogue FR-09, FR-10a, FR-03, X-05, REC-01, REC-07). Times are minutes.
var configFields = map[tenant.Setting]configField{
	tenant.SessionIdleMinutes:     {document: serverConfigs, field: "idleSessionTimeoutPeriod", codec: number{min: 1}},
	tenant.SessionRememberMinutes: {document: serverConfigs, field: "rememberMePeriod", codec: number{min: 1}},
	tenant.SessionMaximumMinutes: {document: serverConfigs, field: "maximumSessionTimeoutPeriod", codec: number{},
		enable: "enableMaximumSessionTimeoutPeriod", absent: "0"},
	// Before 7.3 the server has no such choice and ends them all.
	tenant.SessionOutlivesPassword: {document: serverConfigs, field: "preserveCurrentSessionAtPasswordUpdate", codec: toggle{}, absent: "false"},

	tenant.CORSAnyOrigin:  {document: corsConfig, field: "allowAnyOrigin", codec: toggle{}},
	tenant.CORSSubdomains: {document: corsConfig, field: "allowSubdomains", codec: toggle{}},
	tenant.CORSAnyHeader:  {document: corsConfig, field: "supportAnyHeader", codec: toggle{}},

	tenant.ClientsAuthenticate: {document: clientConfig, field: "authenticationRequired", codec: toggle{}, absent: "true"},
	tenant.ClientsFAPI:         {document: clientConfig, field: "enableFapiEnforcement", codec: toggle{}, absent: "false"},
	tenant.AssertionReuse:      {document: assertConfig, field: "enableTokenReuse", codec: toggle{}},
}

// configs are the values of documents, by path and field, as text. Values that the server
// does not tell are not in it.
type configs map[string]map[string]string

// keep adds the plain values of an answer.
func (c configs) keep(path string, answer map[string]json.RawMessage) {
	c[path] = map[string]string{}
	for field, raw := range answer {
		var value any
		if json.Unmarshal(raw, &value) != nil {
			continue
		}
		switch value := value.(type) {
		case string:
			c[path][field] = value
		case bool, float64:
			c[path][field] = strings.TrimSpace(string(raw))
		}
	}
}

// decode reads the live value; false where nobody can tell.
func (f configField) decode(live configs) (string, bool) {
	listed := live[f.document.path]
	if f.enable != "" && !on(listed[f.enable]) {
		return f.codec.off(), true
	}
	value, told := listed[f.field]
	if !told {
		return f.absent, f.absent != ""
	}
	return f.codec.decode(value), true
}

// operation changes one field. The product takes paths at the root only.
type operation struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Value     any    `json:"value"`
}

// operations are the changes to send to one document, by field.
type operations map[string]string

// body is what a document takes.
func (o operations) body(d document) []operation {
	var out []operation
	for _, field := range slices.Sorted(maps.Keys(o)) {
		change := operation{Operation: "REPLACE", Path: "/" + field, Value: o[field]}
		if d.typed {
			change.Value = on(o[field])
		}
		out = append(out, change)
	}
	return out
}

// add puts what a setting needs into the changes. A switch that goes off leaves its
// number for whoever turns it on again.
func (o operations) add(f configField, value string) error {
	encoded, err := f.codec.encode(value)
	if err != nil {
		return err
	}
	if f.enable == "" {
		o[f.field] = encoded
		return nil
	}
	o[f.enable] = "false"
	if value != f.codec.off() {
		o[f.enable], o[f.field] = "true", encoded
	}
	return nil
}
