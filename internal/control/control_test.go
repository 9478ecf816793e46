package control

import "testing"

func TestRules(t *testing.T) {
	t.Parallel()
	yes := "true"
	for name, c := range map[string]struct {
		rule   Rule
		holds  [][]string
		breaks [][]string
	}{
		"equals":  {Rule{Equals: &yes}, [][]string{{"true"}}, [][]string{{"false"}, {}, {"true", "true"}}},
		"one of":  {Rule{OneOf: []string{"a", "b"}}, [][]string{{"a"}}, [][]string{{"c"}, {}}},
		"only":    {Rule{Only: []string{"TLSv1.2", "TLSv1.3"}}, [][]string{{"TLSv1.2+TLSv1.3"}, {"TLSv1.3"}, {"TLSv1.2", "TLSv1.3"}}, [][]string{{"TLSv1.1,TLSv1.2"}, {""}, {}}},
		"with":    {Rule{With: []string{"a", "b"}}, [][]string{{"a", "b", "c"}, {"b,a"}}, [][]string{{"a"}, {}, {"ab"}}},
		"without": {Rule{Without: []string{"RSA1_5"}}, [][]string{{}, {"RSA-OAEP-256"}}, [][]string{{"RSA-OAEP-256", "RSA1_5"}}},
		"at most": {Rule{AtMost: "15m"}, [][]string{{"15m"}, {"60s"}, {"900"}}, [][]string{{"16m"}, {"1d"}, {"soon"}, {}}},
		"days":    {Rule{AtMost: "90d"}, [][]string{{"90d"}, {"2160h"}}, [][]string{{"91d"}}},
		"version": {Rule{AtLeast: "7.1.0.49"}, [][]string{{"7.1.0.49"}, {"7.1.0.123"}, {"7.2.0"}}, [][]string{{"7.1.0"}, {"7.1.0.9"}, {"8"}, {"7.1.0.x"}, nil}},
		"least":   {Rule{AtLeast: "12"}, [][]string{{"12"}, {"64"}}, [][]string{{"8"}}},
		"matches": {Rule{Matches: "[0-9]+"}, [][]string{{"12"}}, [][]string{{"12a"}, {"a12"}}},
		"set":     {Rule{Set: true}, [][]string{{"x"}}, [][]string{{""}, {}, {" "}}},
		"nothing": {Rule{}, nil, [][]string{{"x"}}},
	} {
		for _, values := range c.holds {
			if !c.rule.Holds(values) {
				t.Errorf("%s: %q does not hold", name, values)
			}
		}
		for _, values := range c.breaks {
			if c.rule.Holds(values) {
				t.Errorf("%s: %q holds", name, values)
			}
		}
	}
}

func TestAMissingKeyHasTheProductsDefault(t *testing.T) {
	t.Parallel()
	off := "false"
	catalogue := Catalogue{{ID: "TLS-01", Checks: []Check{{In: Deployment, Key: "transport.http.enabled", Default: []string{"true"}, Want: &Rule{Equals: &off}}}}}
	target := Target{Product: "wso2is", Version: "7.3.0", Profile: Strict}
	for want, evidence := range map[Outcome]Evidence{
		Weak: {Deployment: {}}, Met: {Deployment: {"transport.http.enabled": {"false"}}}, NotJudged: {},
	} {
		if got := catalogue.Judge(target, evidence)[0]; got.Outcome != want || (want == Weak) != (len(got.Findings) == 1) {
			t.Errorf("%v is judged %s with %v, want %s", evidence, got.Outcome, got.Findings, want)
		}
	}
	catalogue[0].Checks[0].From = "7.4"
	if got := catalogue.Judge(target, Evidence{Deployment: {}})[0].Outcome; got != NotApplicable {
		t.Errorf("a check of later versions is %s", got)
	}
}

func TestAKeyWithAsterisksIsJudgedWhereverItFits(t *testing.T) {
	t.Parallel()
	catalogue := Catalogue{{ID: "TLS-01", Checks: []Check{{In: Deployment, Key: "database.*.url", Want: &Rule{Matches: ".*verify.*"}}}}}
	judge := func(document map[string][]string) Verdict {
		return catalogue.Judge(Target{Version: "7.3.0"}, Evidence{Deployment: document})[0]
	}
	if got := judge(map[string][]string{"database.a.url": {"verify"}, "database.b.url": {"plain"}, "database.c.d.url": {"plain"}}); got.Outcome != Weak ||
		len(got.Findings) != 1 || got.Findings[0].Key != "database.b.url" || got.Findings[0].Found[0] != "plain" {
		t.Errorf("one of two addresses is weak: %+v", got)
	}
	if got := judge(map[string][]string{"database.a.url": {"verify"}}).Outcome; got != Met {
		t.Errorf("the one address is strong: %s", got)
	}
	if got := judge(nil); got.Outcome != Weak || got.Findings[0].Key != "database.*.url" {
		t.Errorf("no address at all: %+v", got)
	}
}

func TestACheckAsksOnlyWhenItsSubjectIsThere(t *testing.T) {
	t.Parallel()
	yes := "true"
	catalogue := Catalogue{{ID: "TLS-01", Checks: []Check{{In: Deployment, Key: "mail.tls", When: "mail.host", Want: &Rule{Equals: &yes}}}}}
	for want, document := range map[Outcome]map[string][]string{
		NotApplicable: {"other": {"x"}}, Weak: {"mail.host": {"x"}}, Met: {"mail.host": {"x"}, "mail.tls": {"true"}},
	} {
		if got := catalogue.Judge(Target{Version: "7.3.0"}, Evidence{Deployment: document})[0].Outcome; got != want {
			t.Errorf("%v is %s, want %s", document, got, want)
		}
	}
}
