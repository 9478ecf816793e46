package olm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// Rules of our own, for what neither the published schema nor the published validators look at. Each is seen to find something in
// broken_test.go.
func TestTheBundleKeepsOurRules(t *testing.T) {
	b := load(t)
	for _, problem := range problems(t, b) {
		t.Error(problem)
	}
	t.Logf("%d objects, %d owned kinds", len(b.objects), len(b.version.Spec.CustomResourceDefinitions.Owned))
}

// problems of a bundle, by all rules.
func problems(t *testing.T, b *bundle) (found []string) {
	t.Helper()
	for _, rule := range []func(*testing.T, *bundle) []string{ofIdentity, ofMetadata, ofKinds, ofDefinitions, ofDescriptors, ofExamples, ofRights, ofDeployment, ofModes, ofPresentation} {
		found = append(found, rule(t, b)...)
	}
	return found
}

// list gathers problems.
type list []string

func (l *list) add(wrong bool, format string, values ...any) {
	if wrong {
		*l = append(*l, fmt.Sprintf(format, values...))
	}
}

var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// ofIdentity: the version says the same as the chart, and follows only what was released.
func ofIdentity(t *testing.T, b *bundle) (found []string) {
	var l list
	var chart struct{ Version, KubeVersion string }
	if err := yaml.Unmarshal([]byte(text(t, root, "charts", "holdfast", "Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	spec := b.version.Spec
	version := spec.Version.String()
	l.add(version != chart.Version, "spec.version is %s, the chart's %s", version, chart.Version)
	l.add(b.version.Name != b.annotations["operators.operatorframework.io.bundle.package.v1"]+".v"+version, "the name %q is not PACKAGE.vVERSION", b.version.Name)
	l.add(b.version.Namespace != "placeholder", "the namespace is %q, which OLM replaces: write placeholder", b.version.Namespace)
	l.add(!semantic.MatchString(spec.MinKubeVersion) || ">="+spec.MinKubeVersion+"-0" != chart.KubeVersion, "spec.minKubeVersion is %q, the chart needs %s", spec.MinKubeVersion, chart.KubeVersion)
	for _, earlier := range append(slices.Clone(spec.Skips), spec.Replaces) {
		name := strings.TrimPrefix(earlier, "holdfast.v")
		l.add(earlier != "" && !strings.Contains(text(t, root, "CHANGELOG.md"), "\n## ["+name+"]"), "%s is replaced or skipped, and was never released by CHANGELOG.md", earlier)
	}
	return l
}

// ofMetadata: what an index reads, and the same as labels of the image.
func ofMetadata(t *testing.T, b *bundle) (found []string) {
	var l list
	prefix := "operators.operatorframework.io.bundle."
	for name, want := range map[string]string{"mediatype.v1": "registry+v1", "manifests.v1": "manifests/", "metadata.v1": "metadata/"} {
		l.add(b.annotations[prefix+name] != want, "metadata/annotations.yaml: %s is %q, want %q", prefix+name, b.annotations[prefix+name], want)
	}
	channels := strings.Split(b.annotations[prefix+"channels.v1"], ",")
	l.add(!slices.Contains(channels, b.annotations[prefix+"channel.default.v1"]) || channels[0] == "", "the default channel is not among %q", channels)
	labels := map[string]string{}
	for line := range strings.Lines(b.dockerfile) {
		if label, ok := strings.CutPrefix(strings.TrimSpace(line), "LABEL "); ok {
			name, value, _ := strings.Cut(label, "=")
			labels[name] = value
		}
	}
	l.add(!cmp.Equal(labels, b.annotations), "bundle.Dockerfile: labels are not the annotations:\n%s", cmp.Diff(b.annotations, labels))
	for _, path := range []string{"manifests", "metadata", "tests/scorecard"} {
		l.add(!strings.Contains(b.dockerfile, "\nCOPY "+path+" /"+path+"/\n"), "bundle.Dockerfile does not copy %s", path)
	}
	return l
}

// taken are the kinds that OLM 0.32 installs from a bundle and that each cluster knows. It knows further ones of other projects, and
// does not install at all where such a definition is missing.
var taken = []string{"ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition", "NetworkPolicy", "PodDisruptionBudget", "PriorityClass",
	"Role", "RoleBinding", "Secret", "Service", "ServiceAccount"}

// ofKinds: OLM refuses a whole installation for one object that it does not take, and stages the bundle in one ConfigMap.
func ofKinds(t *testing.T, b *bundle) (found []string) {
	var l list
	size := &bytes.Buffer{}
	packed := gzip.NewWriter(size)
	for _, object := range b.objects {
		name := object.GetKind() + " " + object.GetName()
		l.add(!slices.Contains(taken, object.GetKind()), "%s: OLM does not install this kind everywhere", name)
		l.add(object.GetNamespace() != "", "%s: OLM says the namespace, not the bundle", name)
		l.add(object.GetKind() == "ServiceAccount", "%s: OLM makes it for the permissions", name)
		content, err := json.Marshal(object)
		if _, failed := packed.Write(content); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	l.add(size.Len() > 1<<20*85/100, "the objects have %d bytes after gzip, of which OLM takes 1 MiB", size.Len())
	return l
}

// ofPresentation: what a console shows.
func ofPresentation(_ *testing.T, b *bundle) (found []string) {
	var l list
	spec, annotations := b.version.Spec, b.version.Annotations
	l.add(len(spec.Keywords) == 0 || spec.Provider.Name == "" || spec.Maturity == "" || spec.Description == "" || spec.DisplayName == "", "keywords, provider, maturity, description or display name is empty")
	l.add(!slices.Contains([]string{"Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot"}, annotations["capabilities"]), "capabilities: %q is no level", annotations["capabilities"])
	l.add(annotations["categories"] != "Security", "categories: %q, want Security", annotations["categories"])
	l.add(annotations["certified"] != "false", "certified: nobody certified it")
	for _, link := range append(slices.Clone(spec.Links), spec.Provider) {
		address, err := url.Parse(link.URL)
		l.add(err != nil || address.Scheme != "https" || address.Host == "" || link.Name == "", "link %q: %q is no address over https", link.Name, link.URL)
	}
	l.add(len(spec.Icon) != 1, "there are %d icons", len(spec.Icon))
	for _, icon := range spec.Icon {
		image, err := base64.StdEncoding.DecodeString(icon.Data)
		l.add(err != nil || icon.MediaType != "image/svg+xml" || len(image) > 4096, "the icon is no small SVG")
		l.add(err == nil && !drawing(image), "the icon does not parse as SVG, or does more than draw")
	}
	return l
}

// drawing tells whether it is an SVG of shapes alone: nothing that runs, and nothing that is fetched.
func drawing(image []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(image))
	for first := true; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return !first
		}
		if err != nil {
			return false
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if first != (element.Name.Local == "svg") || !slices.Contains([]string{"svg", "path", "circle"}, element.Name.Local) {
			return false
		}
		first = false
	}
}
