package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/knownkeys"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/published"
)

// The names of notes.
const (
	unknownKey  = "unknown-key"
	repeatedKey = "repeated-key"
	textBoolean = "boolean-as-text"
	elsewhere   = "value-elsewhere"
)

func judge(file evidence.File, catalogue control.Catalogue, target control.Target) Report {
	var report Report
	// said is by key which controls were told.
	said := map[string][]string{}
	values := file.Values
	if file.Document == control.Deployment {
		values = asTheServerReads(file, target.Version)
	}
	for _, verdict := range catalogue.Judge(target, control.Evidence{file.Document: values}) {
		outcome := verdict.Outcome
		if outcome == control.Weak {
			outcome = control.NotJudged
		}
		for _, found := range verdict.Findings {
			finding := tell(file, verdict.Control, found, target.Version)
			report.Findings = append(report.Findings, finding)
			said[finding.Key] = append(said[finding.Key], finding.ID)
			if finding.Level == Weak {
				outcome = control.Weak
			}
		}
		report.outcome(verdict.Control.ID, outcome)
	}
	if file.Document == control.Deployment {
		report.Findings = append(report.Findings, publishedSecrets(file, catalogue, said)...)
		report.Findings = append(report.Findings, keys(file, target.Version, said)...)
	}
	for _, key := range slices.Sorted(maps.Keys(file.Repeated)) {
		report.Findings = append(report.Findings, Finding{Level: Note, ID: repeatedKey, Title: "A key is set twice", Line: file.Lines[key], Key: key,
			Found: "set again on this line", Why: "The last one holds, and whoever reads the first is mistaken.", Fix: "leave one of them"})
	}
	Sort(report.Findings)
	return report
}

// asText marks the text of what should be a boolean, so that it is neither true nor false.
const asText = "text:"

// asTheServerReads follows references within the file, gives a setting with two names
// both, and tells text that says true from a boolean that is true.
func asTheServerReads(file evidence.File, version string) map[string][]string {
	values := make(map[string][]string, len(file.Values))
	for key, list := range file.Values {
		kind, _ := knownkeys.Find(key, version)
		read := make([]string, len(list))
		for i, value := range list {
			read[i] = follow(file.Values, value, 0)
			if kind == knownkeys.Boolean && file.Strings[key] {
				read[i] = asText + read[i]
			}
		}
		values[key] = read
	}
	for key, list := range file.Values {
		if other, ok := knownkeys.Other(key); ok {
			if _, there := file.Values[other]; !there {
				values[other], file.Lines[other] = list, file.Lines[key]
			}
		}
	}
	return values
}

var reference = regexp.MustCompile(`\$ref\{([^}]+)\}`)

func follow(values map[string][]string, value string, depth int) string {
	const deepest = 10
	return reference.ReplaceAllStringFunc(value, func(match string) string {
		to, there := values[reference.FindStringSubmatch(match)[1]]
		if !there || len(to) != 1 || depth == deepest {
			return match
		}
		return follow(values, to[0], depth+1)
	})
}

// outside is a value that only the server's surroundings know.
var outside = regexp.MustCompile(`\$(env|sys|secret|ref)\{[^}]*\}`)

func tell(file evidence.File, c control.Control, found control.Finding, version string) Finding {
	finding := Finding{Level: Weak, ID: c.ID, Title: c.Title, Line: file.Lines[found.Key], Key: found.Key,
		Found: words(found.Key, found.Found), Wanted: wanted(found), Why: c.Why, Fix: remedy(found, version), Standards: c.Standards}
	if found.Advisory != "" {
		finding.Why = "It is open to " + found.Advisory + ". " + c.Why
	}
	switch {
	case found.Found == nil && found.Default == nil:
		finding.Found = "missing, and the product's own value is not known"
	case found.Found == nil && published.SecretKey(found.Key):
		finding.Found = "missing, so that the product has a value that everybody knows"
	case found.Found == nil:
		finding.Found = "missing, so that the product has " + words(found.Key, found.Default)
	case slices.ContainsFunc(found.Found, outside.MatchString):
		finding.Level = Note
		finding.Why = "The value comes from outside of this file, so that it was not judged. " + c.Why
		finding.Fix = "see to it that what it refers to is " + finding.Wanted
	}
	return finding
}

// publishedSecrets are told under the control that asks for their absence, unless that
// control has said so already.
func publishedSecrets(file evidence.File, catalogue control.Catalogue, said map[string][]string) (findings []Finding) {
	for _, found := range published.File(file.Values) {
		finding := vendors(found.Key, found.Default)
		finding.Line = file.Lines[found.Key]
		if found.Missing {
			finding.Found = "missing, so that the product has " + found.What
		}
		if at := slices.IndexFunc(catalogue, func(c control.Control) bool { return slices.Contains(c.Seeds, found.ID) }); at >= 0 {
			c := catalogue[at]
			finding.ID, finding.Title, finding.Why, finding.Standards = c.ID, c.Title, c.Why, c.Standards
		}
		if !slices.Contains(said[found.Key], finding.ID) {
			said[found.Key] = append(said[found.Key], finding.ID)
			findings = append(findings, finding)
		}
	}
	return findings
}

// keys notes what the server would ignore, and text where it compares with a boolean.
func keys(file evidence.File, version string, said map[string][]string) (findings []Finding) {
	for _, key := range slices.Sorted(maps.Keys(file.Values)) {
		note := Finding{Level: Note, Line: file.Lines[key], Key: key}
		kind, known := knownkeys.Find(key, version)
		nearest, table := "", false
		if !known {
			nearest, table = knownkeys.Nearest(key, version)
		}
		switch {
		case known && kind == knownkeys.Boolean && file.Strings[key] && len(said[key]) == 0 && !slices.ContainsFunc(file.Values[key], outside.MatchString):
			note.ID, note.Title = textBoolean, "A boolean is written as text"
			note.Found = "text in quotes"
			note.Why = "The server's templates compare with true and false, and text is neither."
			note.Fix = "write it without quotes"
		case !known && (nearest != "" || table):
			note.ID, note.Title = unknownKey, "A key that is not known"
			note.Found = "set, and not among the keys that are known here"
			note.Why = "The server ignores a key that it does not know without a word."
			note.Fix = "look it up, or remove it"
			if from, ok := knownkeys.Only(key, version); ok {
				note.Found, note.Fix = "known from version "+from+" on", "remove it, or run that version"
			} else if nearest != "" {
				note.Fix = "did you mean " + nearest + "?"
			}
		default:
			continue
		}
		findings = append(findings, note)
	}
	return findings
}

// inURL is a secret inside an address.
var inURL = regexp.MustCompile(`(?i)((?:password|passwd|pwd|secret|token)=|://[^/@:\s]*:)[^&;@\s]+`)

// words quotes a value, but for secrets.
func words(key string, values []string) string {
	const longest = 200
	if len(values) == 0 {
		return "an empty list"
	}
	quoted := make([]string, len(values))
	for i, value := range values {
		if published.SecretKey(key) && (value != "" && outside.ReplaceAllString(value, "") != "") {
			quoted[i] = "a value that is not shown"
			continue
		}
		if text, ok := strings.CutPrefix(value, asText); ok {
			quoted[i] = fmt.Sprintf("%q in quotes, which is text and no boolean", text)
			continue
		}
		value = inURL.ReplaceAllString(value, "$1…")
		if runes := []rune(value); len(runes) > longest {
			value = string(runes[:longest]) + "…"
		}
		quoted[i] = fmt.Sprintf("%q", value)
	}
	return strings.Join(quoted, ", ")
}

// wanted is the rule in words. What a secret must not be is a secret too, if a published one.
func wanted(found control.Finding) string {
	switch {
	case published.SecretKey(found.Key) && len(found.Want.Without) > 0:
		return "a value that nobody publishes"
	case strings.HasPrefix(found.Want.Matches, `\$(env|secret`):
		return "a reference: $env{VARIABLE} or $secret{alias}"
	}
	return found.Want.String()
}

// bare is written without quotes.
var bare = regexp.MustCompile(`^(true|false|[0-9]+)$`)

// remedy is what to write instead.
func remedy(found control.Finding, version string) string {
	switch {
	case found.Want.Equals != nil:
	case len(found.Want.Without) > 0 && !published.SecretKey(found.Key):
		return fmt.Sprintf("set %s, and leave out %s", found.Key, strings.Join(found.Want.Without, ", "))
	case len(found.Want.With) > 0:
		return fmt.Sprintf("add to %s what is missing of %s", found.Key, strings.Join(found.Want.With, ", "))
	default:
		return fmt.Sprintf("set %s to %s", found.Key, wanted(found))
	}
	value := *found.Want.Equals
	if kind, _ := knownkeys.Find(found.Key, version); found.Document == control.Deployment && (kind == knownkeys.Text || !bare.MatchString(value)) {
		value = fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf("write %s = %s", found.Key, value)
}
