package control

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
		if !given {
			if verdict.Outcome == NotApplicable {
				verdict.Outcome = NotJudged
			}
			continue
		}
		if verdict.Outcome != Weak {
			verdict.Outcome = Met
		}
		found, there := document[check.Key]
		value := found
		if !there {
			found, value = nil, check.Default
		}
		if (there || check.Default != nil) && rule.Holds(value) {
			continue
		}
		verdict.Outcome = Weak
		verdict.Findings = append(verdict.Findings, Finding{Document: check.In, Key: check.Key, Found: found, Default: check.Default, Want: *rule})
	}
	if len(c.Checks) == 0 && !c.Paper && c.Gap == "" && c.Obsolete == "" {
		verdict.Outcome = NotJudged
	}
	return verdict
}
