package control

import (
	"slices"
	"strings"
)

// Evidence are documents, flattened: by document and key, the value or the list of them.
type Evidence map[Document]map[string][]string

// Verdict is what became of a control.
type Verdict struct {
	Control Control
	Outcome Outcome
	// Findings tell why it is not met.
	Findings []Finding
}

// Outcome in one word.
type Outcome string

// The outcomes.
const (
	// Met: every check holds.
	Met Outcome = "Met"
	// Weak: a check does not hold.
	Weak Outcome = "Weak"
	// NotJudged: no check could be made on what was given.
	NotJudged Outcome = "NotJudged"
	// NotApplicable: the product, its version or the profile leaves nothing to check.
	NotApplicable Outcome = "NotApplicable"
)

// Finding is a value that is weaker than wanted.
type Finding struct {
	Document Document
	Key      string
	// Found is nil when the document does not have the key.
	Found []string
	// Default is what then holds, as far as it is known.
	Default []string
	Want    Rule
	// Advisory names the vulnerability that is open by it. Empty: none that has a name.
	Advisory string
}

// Target is what is judged.
type Target struct {
	Product string
	Version string
	Profile Profile
}

// Judge holds the evidence against every control. A document that is not there is not
// judged; one that is there, and lacks a key, has the product's default for it.
func (c Catalogue) Judge(target Target, evidence Evidence) []Verdict {
	verdicts := make([]Verdict, len(c))
	for i, control := range c {
		verdicts[i] = control.judge(target, evidence)
	}
	return verdicts
}

func (c Control) judge(target Target, evidence Evidence) Verdict {
	verdict := Verdict{Control: c, Outcome: NotApplicable}
	for _, check := range c.Checks {
		rule := check.Rule(target.Profile)
		if rule == nil || !check.Applies(target.Product, target.Version) {
			continue
		}
		document, given := evidence[check.In]
		if given && check.When != "" && len(matching(document, check.When)) == 0 {
			continue
		}
		if !given {
			if verdict.Outcome == NotApplicable {
				verdict.Outcome = NotJudged
			}
			continue
		}
		if verdict.Outcome != Weak {
			verdict.Outcome = Met
		}
		if findings := check.judge(*rule, document); len(findings) > 0 {
			verdict.Outcome = Weak
			verdict.Findings = append(verdict.Findings, findings...)
		}
	}
	if len(c.Checks) == 0 && !c.Paper && c.Gap == "" && c.Obsolete == "" {
		verdict.Outcome = NotJudged
	}
	return verdict
}

// judge gives a finding for each key of the document that does not hold, or one for the
// default when the document has no such key.
func (c Check) judge(rule Rule, document map[string][]string) (findings []Finding) {
	finding := Finding{Document: c.In, Key: c.Key, Default: c.Default, Want: rule, Advisory: c.Advisory}
	keys := matching(document, c.Key)
	if len(keys) == 0 && (c.Default == nil || !rule.Holds(c.Default)) {
		return []Finding{finding}
	}
	for _, key := range keys {
		if !rule.Holds(document[key]) {
			finding.Key, finding.Found = key, document[key]
			findings = append(findings, finding)
		}
	}
	return findings
}

// matching lists the keys of a document that fit a key with asterisks, sorted.
func matching(document map[string][]string, key string) (keys []string) {
	if !strings.Contains(key, "*") {
		if _, there := document[key]; there {
			keys = append(keys, key)
		}
		return keys
	}
	for candidate := range document {
		if Fits(key, candidate) {
			keys = append(keys, candidate)
		}
	}
	slices.Sort(keys)
	return keys
}

// Fits tells whether a key fits one that may have asterisks.
func Fits(pattern, key string) bool {
	want, parts := strings.Split(pattern, "."), strings.Split(key, ".")
	if len(want) != len(parts) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != parts[i] {
			return false
		}
	}
	return true
}
