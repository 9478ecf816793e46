package wso2is_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// TestHold: outside the window the newest template is applied and no pod is replaced.
func TestHold(t *testing.T) {
	want := minimalSpec(versions[2])
	for _, open := range []bool{true, false} {
		want.WindowOpen = open
		r := render(t, want)
		partition := *r.workload.Spec.UpdateStrategy.RollingUpdate.Partition
		if held := partition == pods.HeldPartition; held == open || (open && partition != 0) {
			t.Errorf("window open %t: partition %d", open, partition)
		}
	}
	want.WindowOpen = true
	open := render(t, want)
	want.WindowOpen = false
	if held := render(t, want); !slices.Equal(golden.YAML(t, open.workload.Spec.Template), golden.YAML(t, held.workload.Spec.Template)) {
		t.Error("the window is part of the template: opening it would be another revision")
	}
}

// TestScalingRollsNoPod: members are told of all pods that there can be, from the
// second on.
func TestScalingRollsNoPod(t *testing.T) {
	want := minimalSpec(versions[2])
	files := map[string]string{}
	for name, replicas := range map[string]*int32{"two": new(int32(2)), "nine": new(int32(9)), "autoscaled": nil, "one": new(int32(1))} {
		want.Replicas = replicas
		r := render(t, want)
		files[name] = string(r.files["deployment.toml"])
		if r.workload.Spec.Replicas != replicas {
			t.Errorf("%s: replicas are %v", name, r.workload.Spec.Replicas)
		}
	}
	if files["two"] != files["nine"] || files["two"] != files["autoscaled"] {
		t.Error("the number of pods is part of the configuration")
	}
	if strings.Contains(files["one"], "membership_scheme") || !strings.Contains(files["two"], "acme-8.acme-members.iam.svc:4000") {
		t.Error("one pod needs no cluster; two need the addresses of all nine")
	}
}

// TestWorkloadWaitsForItsSecrets: a pod that names a Secret which does not exist hangs.
func TestWorkloadWaitsForItsSecrets(t *testing.T) {
	want := minimalSpec(versions[2])
	for name, spoil := range map[string]func(*tenant.Facts){
		"credentials": func(f *tenant.Facts) { f.Credentials = "" },
		"acme-trust":  func(f *tenant.Facts) { delete(f.Keystores, tenant.RoleTrust) },
		"acme-federation-signing": func(f *tenant.Facts) {
			f.Keystores[tenant.RoleFederation] = tenant.KeystoreFact{}
		},
	} {
		seen := idptest.FactsFor(want)
		spoil(&seen)
		_, err := wso2is.Driver{}.Workload(want, seen, "config")
		if !fault.IsWaiting(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, wanted a Waiting fault that names it", name, err)
		}
	}
	seen := idptest.FactsFor(want)
	delete(seen.Keystores, tenant.RoleTrust)
	if _, err := (wso2is.Driver{}).SchemaJob(want, seen, "owner"); !fault.IsWaiting(err) {
		t.Errorf("the schema Job without a trust store: %v", err)
	}
	if _, err := (wso2is.Driver{}).SchemaJob(want, idptest.FactsFor(want), ""); !fault.IsWaiting(err) {
		t.Errorf("the schema Job without credentials: %v", err)
	}
}

func TestHeapIsHalfOfTheMemory(t *testing.T) {
	want := minimalSpec(versions[2])
	for memory, heap := range map[string]string{"4Gi": "-Xms2048m -Xmx2048m", "3Gi": "-Xms1536m -Xmx1536m", "5000Mi": "-Xms2500m -Xmx2500m"} {
		want.Memory = resource.MustParse(memory)
		found := false
		for _, variable := range render(t, want).workload.Spec.Template.Spec.Containers[0].Env {
			found = found || variable.Name == "JVM_MEM_OPTS" && variable.Value == heap
		}
		if !found {
			t.Errorf("memory %s: the heap is not %s", memory, heap)
		}
	}
}

// TestJobIsNamedByAllThatItReads: a Job cannot change.
func TestJobIsNamedByAllThatItReads(t *testing.T) {
	build := func(want tenant.Spec, seen tenant.Facts, credentials string) string {
		objects, err := wso2is.Driver{}.SchemaJob(want, seen, credentials)
		if err != nil {
			t.Fatal(err)
		}
		if name := objects[0].GetName(); len(name) > 63 {
			t.Errorf("%s is too long for a label", name)
		}
		return objects[0].GetName()
	}
	want := minimalSpec(versions[2])
	want.Name = strings.Repeat("a", 40)
	names := map[string]string{}
	add := func(what, name string) {
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s have the same Job", what, other)
		}
		names[name] = what
	}
	add("this tenant", build(want, idptest.FactsFor(want), "owner-1"))
	if _, same := names[build(want, idptest.FactsFor(want), "owner-1")]; !same {
		t.Error("the same tenant has another Job the second time")
	}
	add("other credentials", build(want, idptest.FactsFor(want), "owner-2"))
	seen := idptest.FactsFor(want)
	seen.Keystores[tenant.RoleTrust] = tenant.KeystoreFact{SecretName: "other"}
	add("another trust store", build(want, seen, "owner-1"))
	other := want
	other.Image += "2"
	add("another image", build(other, idptest.FactsFor(other), "owner-1"))
	other = want
	other.Database.Host = "elsewhere"
	add("another database", build(other, idptest.FactsFor(other), "owner-1"))
}

func TestSchemaProof(t *testing.T) {
	want := minimalSpec(versions[2])
	for message, hadData := range map[string]bool{
		`{"schema":"created","hadData":false}`: false, " {\"schema\":\"present\",\"hadData\":true}\n": true, `{"schema":"present","hadData":false}`: false,
	} {
		proof, err := wso2is.Driver{}.SchemaProof(want, message)
		if err != nil || proof != (tenant.SchemaProof{Image: want.Image, HadData: hadData}) {
			t.Errorf("%s: %+v, %v", message, proof, err)
		}
	}
	for _, message := range []string{
		"", "null", "{}", `{"schema":"created"}`, `{"hadData":false}`, `{"schema":"maybe","hadData":false}`, `{"schema":"created","hadData":"no"}`,
		`{"schema":"created","hadData":false}{}`, `{"schema":"created","hadData":false,"more":1}`, "the shared database: connection refused",
	} {
		_, err := wso2is.Driver{}.SchemaProof(want, message)
		var f *fault.Fault
		if !fault.IsTerminal(err) || !errors.As(err, &f) || f.Reason != "SchemaFailed" {
			t.Errorf("%q: got %v, wanted a Terminal fault SchemaFailed", message, err)
		}
	}
}
