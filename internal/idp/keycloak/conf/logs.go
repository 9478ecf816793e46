package conf

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// events is the category of what people and administrators did: the audit stream.
const events = "org.keycloak.events"

// logs writes both streams to standard output, where the category tells them apart, and to
// one file when one of them wants one. The access log has no query, in which codes and
// tokens travel.
func logs(p *properties, want tenant.Logs) {
	p.section("Logs on standard output; the category " + events + " is the audit log.")
	handlers := "console"
	file := File(want)
	if file != nil {
		handlers = "console,file"
	}
	p.set("log", handlers)
	p.set("log-level", strings.ToLower(want.Server.Level)+","+events+":"+strings.ToLower(audit(want)))
	p.set("log-console-output", output(want.Server.JSON))
	p.set("log-console-color", "false")
	if file != nil {
		p.set("log-file", layout.LogFile)
		p.set("log-file-output", output(want.Server.JSON))
		p.set("log-file-rotation-enabled", "true")
		p.set("log-file-rotation-file-suffix", ".yyyy-MM-dd")
		p.set("log-file-rotation-max-file-size", fmt.Sprintf("%dK", max(1, file.MaxSizeBytes/1024)))
		p.set("log-file-rotation-max-backup-index", strconv.Itoa(int(file.Keep)))
	}
	// What somebody did is written at this level, and the category lets it pass.
	p.set("spi-events-listener--jboss-logging--success-level", "info")
	p.set("spi-events-listener--jboss-logging--error-level", "warn")
	p.set("http-access-log-enabled", strconv.FormatBool(want.Access))
	if want.Access {
		p.set("http-access-log-pattern", `%h %t %m %U %s %b %D`)
	}
}

// File is the one file that both streams share: as large and as many as the one that keeps
// more. Nil: there is none.
func File(want tenant.Logs) (shared *tenant.LogFile) {
	for _, stream := range []tenant.LogStream{want.Server, want.Audit} {
		if stream.File == nil {
			continue
		}
		if shared == nil {
			shared = &tenant.LogFile{}
		}
		shared.MaxSizeBytes, shared.Keep = max(shared.MaxSizeBytes, stream.File.MaxSizeBytes), max(shared.Keep, stream.File.Keep)
	}
	return shared
}

// audit is the level of the audit stream: what went well is info.
func audit(want tenant.Logs) string {
	if want.Audit.Level == "" {
		return "INFO"
	}
	return want.Audit.Level
}

func output(json bool) string {
	if json {
		return "json"
	}
	return "default"
}
