package logging

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func stream(level string, json bool, file *tenant.LogFile) tenant.LogStream {
	return tenant.LogStream{Level: level, JSON: json, File: file}
}

// read splits lines at the first " = "; no key of ours has one.
func read(t *testing.T, data []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), " = "); found && line[0] != '#' {
			out[key] = value
		}
	}
	return out
}

var all = map[string]tenant.Logs{
	"default": {Server: stream("WARN", true, nil), Audit: stream("INFO", true, nil), Access: true},
	"text":    {Server: stream("DEBUG", false, nil), Audit: stream("WARN", false, nil)},
	"files":   {Server: stream("INFO", true, &tenant.LogFile{MaxSizeBytes: 1 << 20, Keep: 7}), Audit: stream("INFO", false, &tenant.LogFile{MaxSizeBytes: 2 << 20, Keep: 9}), Access: true},
}

// TestWhatIsNamedExists: log4j drops a logger whose appender does not exist, and says
// so where nobody looks.
func TestWhatIsNamedExists(t *testing.T) {
	for name, logs := range all {
		p := read(t, Render(logs))
		appenders := strings.Split(p["appenders"], ", ")
		for _, id := range appenders {
			if p["appender."+id+".type"] == "" || p["appender."+id+".name"] == "" {
				t.Errorf("%s: appender %s is listed and not defined", name, id)
			}
		}
		loggers := strings.Split(p["loggers"], ", ")
		for key, value := range p {
			parts := strings.Split(key, ".")
			switch {
			case parts[0] == "appender" && !slices.Contains(appenders, parts[1]):
				t.Errorf("%s: %s is defined and not listed", name, key)
			case parts[0] == "logger" && !slices.Contains(loggers, parts[1]):
				t.Errorf("%s: %s is defined and not listed", name, key)
			case strings.HasSuffix(key, ".ref") && value != "PaxOsgi" && !slices.Contains(appenders, value):
				t.Errorf("%s: %s names appender %s, which there is none", name, key, value)
			}
		}
		for _, id := range loggers {
			if p["logger."+id+".name"] == "" || p["logger."+id+".level"] == "" {
				t.Errorf("%s: logger %s has no name or no level", name, id)
			}
		}
	}
}

var converter = regexp.MustCompile(`%(enc\{%(mm|ex|c|X\{Correlation-ID\})\}\{(JSON|CRLF)\}|d(\{[^}]*\})*|5?p|tenantId|n|c)`)

// TestRecordsAreOneLine: each part that a client has a say in is encoded, and a JSON
// record is JSON whatever the parts are.
func TestRecordsAreOneLine(t *testing.T) {
	for name, logs := range all {
		for key, pattern := range read(t, Render(logs)) {
			if !strings.HasSuffix(key, ".layout.pattern") {
				continue
			}
			for _, raw := range []string{"%m%", "%msg", "%mm", "%ex", "%X{Correlation-ID}"} {
				for rest := pattern; strings.Contains(rest, raw); {
					at := strings.Index(rest, raw)
					if !strings.HasSuffix(rest[:at], "%enc{") {
						t.Errorf("%s: %s writes %s as it is", name, key, raw)
					}
					rest = rest[at+len(raw):]
				}
			}
			if !strings.HasSuffix(pattern, "%n") || strings.Count(pattern, "%n") != 1 {
				t.Errorf("%s: %s does not end its record", name, key)
			}
			if strings.HasPrefix(pattern, "{") {
				record := converter.ReplaceAllString(strings.TrimSuffix(pattern, "%n"), "part")
				var parsed map[string]string
				if err := json.Unmarshal([]byte(record), &parsed); err != nil || parsed["stream"] == "" || parsed["message"] != "part" {
					t.Errorf("%s: %s gives %s (%v)", name, key, record, err)
				}
			}
		}
	}
}

func TestStreams(t *testing.T) {
	for name, c := range map[string]struct {
		logs   string
		key    string
		wanted string
	}{
		"level of the server":         {"default", "rootLogger.level", "WARN"},
		"level of the audit":          {"text", "logger.AUDIT_LOG.level", "WARN"},
		"audit is apart":              {"default", "logger.AUDIT_LOG.additivity", "false"},
		"audit to its file":           {"files", "logger.AUDIT_LOG.appenderRef.AUDIT_LOGFILE.ref", "AUDIT_LOGFILE"},
		"server to its file":          {"files", "rootLogger.appenderRef.CARBON_LOGFILE.ref", "CARBON_LOGFILE"},
		"server to standard output":   {"files", "rootLogger.appenderRef.CARBON_CONSOLE.ref", "CARBON_CONSOLE"},
		"size":                        {"files", "appender.AUDIT_LOGFILE.policies.size.size", "2097152"},
		"files of a day":              {"files", "appender.AUDIT_LOGFILE.strategy.max", "9"},
		"files of all days":           {"files", "appender.AUDIT_LOGFILE.strategy.action.condition.nested.exceeds", "9"},
		"daily":                       {"files", "appender.AUDIT_LOGFILE.policies.time.interval", "1"},
		"number in the name":          {"files", "appender.CARBON_LOGFILE.filePattern", "${sys:carbon.home}/repository/logs/server-%d{yyyy-MM-dd}.%i.log"},
		"requests":                    {"default", "logger.ACCESS.level", "INFO"},
		"no requests":                 {"text", "logger.ACCESS.level", "OFF"},
		"deletions in their own":      {"default", "logger.DELETE_EVENT.appenderRef.DELETE_EVENT_CONSOLE.ref", "DELETE_EVENT_CONSOLE"},
		"wire logs stay off at DEBUG": {"text", "logger.wire-httpclient5.level", "WARN"},
	} {
		if got := read(t, Render(all[c.logs]))[c.key]; got != c.wanted {
			t.Errorf("%s: %s is %q, wanted %q", name, c.key, got, c.wanted)
		}
	}
}
