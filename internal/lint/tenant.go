package lint

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/hardening"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/published"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Tenant tells the verdicts on what the operator would make of a custom resource. What a
// live waiver allows is a note.
func Tenant(verdicts []hardening.Verdict, want tenant.Spec, now time.Time) Report {
	var report Report
	for _, verdict := range verdicts {
		outcome := verdict.Outcome
		if outcome == control.Weak {
			outcome = waived
		}
		for _, found := range verdict.Findings {
			finding := tell(evidence.File{Document: found.Document}, verdict.Control, found.Finding, want.Version.String())
			finding.Fix = fields(verdict.Control)
			finding.Key = string(found.Document) + ": " + found.Key
			if found.Realm != "" {
				finding.Key = "realm " + found.Realm + ": " + found.Key
			}
			// The operator refuses a reference that no rule takes, too.
			finding.Level = Weak
			if waiver, ok := hardening.WaiverFor(verdict.Control.ID, found, want); ok && waiver.Until.After(now) {
				finding.Level = Note
				lastDay := waiver.Until.Add(-time.Nanosecond).Format(time.DateOnly)
				finding.Fix = "nothing until " + lastDay + ", the last day of HardeningWaiver " + waiver.Name
			} else if ok {
				finding.Fix += "; HardeningWaiver " + waiver.Name + " has expired"
			}
			if finding.Level == Weak {
				outcome = control.Weak
			}
			report.Findings = append(report.Findings, finding)
		}
		report.outcome(verdict.Control.ID, outcome)
	}
	return report
}

// fields says where a tenant sets what a control is about.
func fields(c control.Control) string {
	if len(c.Fields) == 0 {
		return "no field sets it: please report it as a mistake of Holdfast"
	}
	text := "change "
	for i, field := range c.Fields {
		if i > 0 {
			text += " or "
		}
		text += field
	}
	return text + ", or have a HardeningWaiver for " + c.ID
}

// Strings finds secrets that the vendor publishes in a field of a custom resource and below it.
func Strings(path string, content any) (findings []Finding) {
	walk(path, content, func(path, text string) {
		if is, found := published.Text(text); found {
			findings = append(findings, vendors(path, is))
		}
	})
	return findings
}

// Secret finds secrets that the vendor publishes among the keys of a Secret. A user name
// may be an ordinary word.
func Secret(data map[string]string) (findings []Finding) {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		is, found := published.Text(data[key])
		if !found && published.SecretKey(key) {
			is, found = published.Which(data[key])
		}
		if found {
			findings = append(findings, vendors(key, is))
		}
	}
	return findings
}

// vendors is a finding of a published secret outside of a server's own files.
func vendors(key string, is published.Default) Finding {
	return Finding{Level: Weak, ID: is.ID, Title: "No secret that the vendor publishes", Key: key, Found: is.What,
		Wanted: "anything else", Why: "Everybody can read it in the vendor's repositories.", Fix: is.Instead}
}

func walk(path string, value any, each func(path, text string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			walk(path+"."+key, value[key], each)
		}
	case []any:
		for i, element := range value {
			walk(path+"["+strconv.Itoa(i)+"]", element, each)
		}
	case string:
		each(path, value)
	}
}
