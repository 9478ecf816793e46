package logging

import "github.com/holdfast-iam/holdfast/internal/tenant"

// Names of appenders. Those of files are the vendor's, which its own tools look for.
const (
	serverConsole = "CARBON_CONSOLE"
	serverFile    = "CARBON_LOGFILE"
	auditConsole  = "AUDIT_CONSOLE"
	auditFile     = "AUDIT_LOGFILE"
)

// streams lists the appenders and the loggers, in a fixed order.
func streams(l tenant.Logs) ([]appender, []logger) {
	appenders := []appender{
		{name: serverConsole, stream: "server", json: l.Server.JSON},
		{name: auditConsole, stream: "audit", json: l.Audit.JSON},
	}
	if l.Server.File != nil {
		appenders = append(appenders, appender{serverFile, "server", l.Server.JSON, l.Server.File})
	}
	auditAppenders := []string{auditConsole}
	if l.Audit.File != nil {
		appenders = append(appenders, appender{auditFile, "audit", l.Audit.JSON, l.Audit.File})
		auditAppenders = append(auditAppenders, auditFile)
	}
	loggers := []logger{{"AUDIT_LOG", "AUDIT_LOG", l.Audit.Level, auditAppenders}}
	for _, s := range smallStreams(l) {
		name := s.id + "_CONSOLE"
		appenders = append(appenders, appender{name: name, stream: s.stream, json: s.json})
		loggers = append(loggers, logger{s.id, s.logger, s.level, []string{name}})
	}
	return appenders, append(loggers, bounds...)
}

type smallStream struct {
	id, logger, stream, level string
	json                      bool
}

// smallStreams are apart from the server's own log and have no file. In the vendor's
// file the events of deletions go to the transactions' file.
func smallStreams(l tenant.Logs) []smallStream {
	access := "OFF"
	if l.Access {
		access = "INFO"
	}
	return []smallStream{
		// Requests have no format of their own to choose.
		{"ACCESS", "HTTP_ACCESS", "access", access, true},
		{"CORRELATION", "correlation", "correlation", "INFO", l.Server.JSON},
		{"DELETE_EVENT", "DELETE_EVENT_LOGGER", "delete-event", "INFO", l.Audit.JSON},
		{"DIAGNOSTICS", "diagnostics", "diagnostics", "INFO", l.Server.JSON},
		{"TRANSACTION", "TRANSACTION_LOGGER", "transaction", "INFO", l.Audit.JSON},
	}
}

// bounds keep libraries from saying what no log may hold, however low the level of
// the server is set: wire logs show passwords and tokens. The others only repeat
// themselves.
var bounds = []logger{
	{"wire-httpclient4", "org.apache.http.wire", "WARN", nil},
	{"headers-httpclient4", "org.apache.http.headers", "WARN", nil},
	{"wire-httpclient5", "org.apache.hc.client5.http.wire", "WARN", nil},
	{"headers-httpclient5", "org.apache.hc.client5.http.headers", "WARN", nil},
	{"wire-httpclient3", "httpclient.wire", "WARN", nil},
	{"axis2", "org.apache.axis2", "ERROR", nil},
	{"axis2-clustering", "org.apache.axis2.clustering", "INFO", nil},
	{"catalina", "org.apache.catalina", "ERROR", nil},
	{"hazelcast", "com.hazelcast", "ERROR", nil},
	{"mail", "javax.mail", "ERROR", nil},
	{"registry", "org.wso2.carbon.registry.core", "OFF", nil},
	{"trace-messages", "trace.messages", "OFF", nil},
	{"user-core", "org.wso2.carbon.user.core", "INFO", nil},
}

func serverAppenders(l tenant.Logs) []string {
	if l.Server.File != nil {
		return []string{serverConsole, serverFile}
	}
	return []string{serverConsole}
}
