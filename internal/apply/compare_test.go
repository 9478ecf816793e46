package apply

import (
	"testing"

	"sigs.k8s.io/yaml"
)

func TestFirstDifference(t *testing.T) {
	for name, test := range map[string]struct{ want, live, field string }{
		"equal":                           {`{a: 1, b: [x]}`, `{a: 1, b: [x]}`, ""},
		"defaults of the API server stay": {`{a: 1}`, `{a: 1, b: 2}`, ""},
		"a changed value":                 {`{spec: {replicas: 2}}`, `{spec: {replicas: 3}}`, "spec.replicas"},
		"a removed field":                 {`{spec: {a: x}}`, `{spec: {}}`, "spec.a"},
		"a rule added to a plain list":    {`{ingress: [{from: [a]}]}`, `{ingress: [{from: [a]}, {from: [b]}]}`, "ingress"},
		"an emptied list":                 {`{ports: [1]}`, `{}`, "ports"},
		"an empty struct is not kept":     {`{emptyDir: {}}`, `{}`, ""},
		"a sidecar that others added":     {`{containers: [{name: a, image: x}]}`, `{containers: [{name: s, image: y}, {name: a, image: x}]}`, ""},
		"an image in a named list":        {`{containers: [{name: a, image: x}]}`, `{containers: [{name: a, image: evil}]}`, "containers[a].image"},
		"a named thing that was removed":  {`{env: [{name: a, value: x}]}`, `{env: [{name: b, value: y}]}`, "env[a]"},
		"whole numbers of any type":       {`{port: 80}`, `{port: 80.0}`, ""},
		"an order that matters":           {`{args: [a, b]}`, `{args: [b, a]}`, "args[0]"},
		"a finalizer that others added":   {`{metadata: {finalizers: [a]}}`, `{metadata: {finalizers: [b, a]}}`, ""},
		"a finalizer that was removed":    {`{metadata: {finalizers: [a]}}`, `{metadata: {finalizers: [b]}}`, "metadata.finalizers"},
		"one more label in a selector":    {`{selector: {matchLabels: {a: x}}}`, `{selector: {matchLabels: {a: x, b: y}}}`, "selector.matchLabels.b"},
		"one more word in a selector":     {`{podSelector: {}}`, `{podSelector: {matchExpressions: []}}`, "podSelector.matchExpressions"},
		"false is not absent":             {`{automount: false}`, `{}`, "automount"},
	} {
		t.Run(name, func(t *testing.T) {
			var want, live map[string]any
			if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal([]byte(test.live), &live); err != nil {
				t.Fatal(err)
			}
			if field := firstDifference(want, live, ""); field != test.field {
				t.Errorf("got %q, want %q", field, test.field)
			}
		})
	}
}
