package gitops

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// said is what Argo CD has to say where kstatus, and with it Flux, says so.
var said = map[status.Status]string{
	status.CurrentStatus: "Healthy", status.InProgressStatus: "Progressing", status.FailedStatus: "Degraded",
}

// otherwise are objects of which the two say different things, and why that is right.
var otherwise = map[string]string{
	"RotationRecord.underway": "it has no conditions, of which alone kstatus knows; no manifest declares one, so that Flux asks of none",
	"RotationRecord.failed":   "as before",
}

// Whoever changes from Flux to Argo CD, or has both, is told the same of each object of a real run.
func TestFluxAndArgoCDSayTheSame(t *testing.T) {
	known := scripts(t)
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	verdicts := map[string]int{}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		kind, _, _ := strings.Cut(name, ".")
		var object map[string]any
		parse(t, path, &object)
		argo, message := health(t, known[kind], object)
		flux, err := status.Compute(&unstructured.Unstructured{Object: whole(object).(map[string]any)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		verdicts[flux.Status.String()+" and "+argo]++
		want := said[flux.Status]
		if suspended(object) && flux.Status == status.CurrentStatus {
			want = "Suspended" // kstatus has no word for it
		}
		_, differs := otherwise[name]
		if (argo != want) != differs {
			t.Errorf("%s: kstatus says %s (%s), Argo CD's script %s (%s); want %s, differs on purpose: %t", name, flux.Status, flux.Message, argo, message, want, differs)
		}
	}
	t.Logf("%d objects: %v", len(files), verdicts)
}

func suspended(object map[string]any) bool {
	spec, _ := object["spec"].(map[string]any)
	is, _ := spec["suspend"].(bool)
	return is
}

// whole makes numbers without a fraction those that the API server's own JSON has.
func whole(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = whole(inner)
		}
	case []any:
		for i, inner := range value {
			value[i] = whole(inner)
		}
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	}
	return value
}
