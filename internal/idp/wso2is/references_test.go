package wso2is_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
)

var environmentReference = regexp.MustCompile(`\$env\{([A-Z0-9_]+)\}`)

// TestSecretsAreReferences walks every key of every rendered deployment.toml: what is
// named for a secret holds a reference and nothing else, and no other key of the
// server's reference syntax is used.
func TestSecretsAreReferences(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(password|secret|hash|(^|[._])key|username)$`)
	for name, want := range cases() {
		found := 0
		walk("", render(t, want).toml, func(path string, value any) {
			text, isText := value.(string)
			key := path[strings.LastIndexByte(path, '.')+1:]
			if strings.HasPrefix(path, "oauth.restricted_query_parameters") {
				return
			}
			if secret.MatchString(key) {
				found++
				if !isText || environmentReference.ReplaceAllString(text, "") != "" {
					t.Errorf("%s: %s is %T and no bare reference to a variable", name, path, value)
				}
			}
			if isText && strings.Contains(environmentReference.ReplaceAllString(text, ""), "$") {
				t.Errorf("%s: %s has another reference than $env: %s", name, path, text)
			}
		})
		if found < 20 {
			t.Errorf("%s: %d secrets found, this test looks at the wrong keys", name, found)
		}
	}
}

// TestEveryReferenceHasItsVariable compares what the files refer to with what the pod
// has, both ways, for the server and for the container that renders before it.
func TestEveryReferenceHasItsVariable(t *testing.T) {
	for name, want := range cases() {
		r := render(t, want)
		referred := map[string]bool{}
		for _, file := range r.files {
			for _, match := range environmentReference.FindAllStringSubmatch(string(file), -1) {
				referred[match[1]] = true
			}
		}
		spec := r.workload.Spec.Template.Spec
		server := variables(spec.Containers[0])
		delete(server, "JAVA_OPTS") // for the start script
		delete(server, "JVM_MEM_OPTS")
		if diff := cmp.Diff(slices.Sorted(maps.Keys(referred)), slices.Sorted(maps.Keys(server))); diff != "" {
			t.Errorf("%s: variables (-referred to +in the pod):\n%s", name, diff)
		}
		if diff := cmp.Diff(server, variables(spec.InitContainers[1])); diff != "" {
			t.Errorf("%s: what renders has other variables than what serves:\n%s", name, diff)
		}
		for variable, source := range server {
			if source == nil {
				t.Errorf("%s: %s stands in the pod in clear", name, variable)
			}
		}
	}
}

// TestCredentialsAreWhatThePodReads: a key that is missing keeps every pod from
// starting, one too many is a secret that nobody needs.
func TestCredentialsAreWhatThePodReads(t *testing.T) {
	for name, want := range cases() {
		in := inputsFor(t, want)
		values, err := wso2is.Driver{}.Credentials(want, in)
		if err != nil {
			t.Fatal(err)
		}
		var read []string
		for _, source := range variables(render(t, want).workload.Spec.Template.Spec.Containers[0]) {
			if source != nil && source.SecretKeyRef != nil && source.SecretKeyRef.Name == idptest.FactsFor(want).Credentials {
				read = append(read, source.SecretKeyRef.Key)
			}
		}
		slices.Sort(read)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(values)), read); diff != "" {
			t.Errorf("%s: keys (-in the Secret +read by the pod):\n%s", name, diff)
		}
		for _, role := range layout.Roles(want.Version) {
			source := variables(render(t, want).workload.Spec.Template.Spec.Containers[0])[layout.EnvStorePassword(role)]
			if source == nil || source.SecretKeyRef.Name != idptest.FactsFor(want).Keystores[role].SecretName {
				t.Errorf("%s: the password of store %s does not come from its own version", name, role)
			}
		}
	}
}

// TestNoSecretInAnyFile generates the secrets and looks for each in all that is built.
func TestNoSecretInAnyFile(t *testing.T) {
	looked := 0
	for name, want := range cases() {
		in := inputsFor(t, want)
		values, err := wso2is.Driver{}.Credentials(want, in)
		if err != nil {
			t.Fatal(err)
		}
		r := render(t, want)
		everything := string(golden.YAML(t, r.workload)) + string(golden.YAML(t, r.job))
		for _, file := range r.files {
			everything += string(file)
		}
		for key, value := range values {
			if strings.HasSuffix(key, "_USERNAME") {
				continue // names are no secrets
			}
			looked++
			if strings.Contains(everything, string(value)) {
				t.Errorf("%s: the value of %s is in a file or an object", name, key)
			}
		}
	}
	t.Logf("looked for %d values", looked)
}

func variables(container corev1.Container) map[string]*corev1.EnvVarSource {
	found := map[string]*corev1.EnvVarSource{}
	for _, variable := range container.Env {
		found[variable.Name] = variable.ValueFrom
	}
	return found
}

// walk calls visit for each value that is no table, with its dotted path.
func walk(path string, value any, visit func(path string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			walk(strings.TrimPrefix(path+"."+key, "."), inner, visit)
		}
	case []any:
		for i, inner := range value {
			walk(fmt.Sprintf("%s[%d]", path, i), inner, visit)
		}
	default:
		visit(path, value)
	}
}
