// Package logging writes log4j2.properties. Each stream goes to standard output,
// where the node rotates it, one record a line; a stream with a file goes there too.
//
// Layouts: the JSON is made by a pattern. Only a pattern reaches the vendor's
// converter for masked messages, %mm; its build of log4j has no JSON template layout,
// and the older JSON layout in it lacks the libraries that it needs. Every part of a
// record that a client has a say in is encoded, so that a line break in a user name
// forges no record. What %mm cannot do: it masks messages and leaves the text of
// exceptions as it is.
package logging

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	logs      = "${sys:carbon.home}/repository/logs/"
	dailyFile = "-%d{yyyy-MM-dd}.%i.log"
)

// appender writes one stream to one place.
type appender struct {
	name   string
	stream string
	json   bool
	file   *tenant.LogFile
}

// logger sends what is logged under a name to appenders. Without appenders it only
// bounds the level.
type logger struct {
	id, name, level string
	appenders       []string
}

// Render writes log4j2.properties. Equal logs give equal bytes.
func Render(l tenant.Logs) []byte {
	appenders, loggers := streams(l)
	var p text.Properties
	p.Section("Appenders")
	names := []string{"osgi"}
	for _, a := range appenders {
		names = append(names, a.name)
	}
	slices.Sort(names)
	p.Set("appenders", strings.Join(names, ", "))
	p.Set("appender.osgi.type", "PaxOsgi")
	p.Set("appender.osgi.name", "PaxOsgi")
	p.Set("appender.osgi.filter", "*")
	for _, a := range appenders {
		a.write(&p)
	}
	p.Section("Loggers")
	var ids []string
	for _, l := range loggers {
		ids = append(ids, l.id)
	}
	p.Set("loggers", strings.Join(ids, ", "))
	for _, l := range loggers {
		l.write(&p)
	}
	p.Section("All the rest")
	p.Set("rootLogger.level", l.Server.Level)
	for _, name := range append(serverAppenders(l), "PaxOsgi") {
		p.Set("rootLogger.appenderRef."+name+".ref", name)
	}
	return p.Bytes()
}

func (a appender) write(p *text.Properties) {
	key := "appender." + a.name
	p.Section("Stream " + a.stream)
	if a.file == nil {
		p.Set(key+".type", "Console")
	} else {
		p.Set(key+".type", "RollingFile")
		p.Set(key+".fileName", logs+a.stream+".log")
		// Without a number, a day's second file would overwrite its first.
		p.Set(key+".filePattern", logs+a.stream+dailyFile)
		p.Set(key+".policies.type", "Policies")
		p.Set(key+".policies.time.type", "TimeBasedTriggeringPolicy")
		p.Set(key+".policies.time.interval", "1")
		p.Set(key+".policies.time.modulate", "true")
		p.Set(key+".policies.size.type", "SizeBasedTriggeringPolicy")
		p.Set(key+".policies.size.size", fmt.Sprint(a.file.MaxSizeBytes))
		p.Set(key+".strategy.type", "DefaultRolloverStrategy")
		p.Set(key+".strategy.max", fmt.Sprint(a.file.Keep))
		deleteOld(p, key, a)
	}
	p.Set(key+".name", a.name)
	p.Set(key+".layout.type", "PatternLayout")
	p.Set(key+".layout.pattern", pattern(a.stream, a.json))
	// The pattern renders the exception itself, encoded.
	p.Set(key+".layout.alwaysWriteExceptions", "false")
}

// deleteOld bounds the files over all days: the strategy's own number counts those of
// one day.
func deleteOld(p *text.Properties, key string, a appender) {
	key += ".strategy.action"
	p.Set(key+".type", "Delete")
	p.Set(key+".basePath", strings.TrimSuffix(logs, "/"))
	p.Set(key+".maxDepth", "1")
	p.Set(key+".condition.type", "IfFileName")
	p.Set(key+".condition.glob", a.stream+"-*.log")
	p.Set(key+".condition.nested.type", "IfAccumulatedFileCount")
	p.Set(key+".condition.nested.exceeds", fmt.Sprint(a.file.Keep))
}

func (l logger) write(p *text.Properties) {
	key := "logger." + l.id
	p.Set(key+".name", l.name)
	p.Set(key+".level", l.level)
	if len(l.appenders) == 0 {
		return
	}
	p.Set(key+".additivity", "false")
	for _, name := range l.appenders {
		p.Set(key+".appenderRef."+name+".ref", name)
	}
}

// pattern is one record on one line. The correlation id comes from a request header.
func pattern(stream string, json bool) string {
	if !json {
		return "[%d] [" + stream + "] TID: [%tenantId] [%enc{%X{Correlation-ID}}{CRLF}] %5p {%c} - %enc{%mm}{CRLF}%enc{%ex}{CRLF}%n"
	}
	return `{"timestamp":"%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}{UTC}","stream":"` + stream +
		`","level":"%p","logger":"%enc{%c}{JSON}","tenantId":"%tenantId","correlationId":"%enc{%X{Correlation-ID}}{JSON}",` +
		`"message":"%enc{%mm}{JSON}","exception":"%enc{%ex}{JSON}"}%n`
}
