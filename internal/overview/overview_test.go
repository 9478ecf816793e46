package overview_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/overview"
)

// read takes objects that a real run wrote, in trouble.in.yaml with a status that was made worse.
func read(t *testing.T, path string) (seen overview.Namespace) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range bytes.Split(content, []byte("---\n")) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		switch kind.Kind {
		case "IdentityTenant":
			seen.Tenants = appended(t, seen.Tenants, document)
		case "Keystore":
			seen.Keystores = appended(t, seen.Keystores, document)
		case "VaultConnection":
			seen.Connections = appended(t, seen.Connections, document)
		case "PasswordPolicy":
			seen.Passwords = appended(t, seen.Passwords, document)
		case "LogPolicy":
			seen.Logs = appended(t, seen.Logs, document)
		case "RotationSchedule":
			seen.Schedules = appended(t, seen.Schedules, document)
		case "HardeningWaiver":
			seen.Waivers = appended(t, seen.Waivers, document)
		case "RotationRecord":
			seen.Records = appended(t, seen.Records, document)
		default:
			t.Fatalf("%s: a document of kind %q", path, kind.Kind)
		}
	}
	return seen
}

func appended[T any](t *testing.T, list []T, document []byte) []T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		t.Fatal(err)
	}
	return append(list, object)
}

func TestATreeTellsHowATenantIs(t *testing.T) {
	for name, at := range map[string]string{
		"unseen": "2026-11-26T16:29:54Z", "underway": "2026-11-26T16:29:55Z", "ready": "2026-11-28T12:00:00Z", "trouble": "2027-01-24T02:30:00Z",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		tenants := overview.Of(read(t, filepath.Join("testdata", name+".in.yaml")), "", now)
		text := overview.Text(tenants, now, false)
		golden.Expect(t, filepath.Join("testdata", name+".txt"), []byte(text))
		encoded, err := json.MarshalIndent(tenants, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden.Expect(t, filepath.Join("testdata", name+".json"), append(encoded, '\n'))
		coloured := overview.Text(tenants, now, true)
		if strings.Contains(text, "\x1b") || !strings.Contains(coloured, "\x1b[") {
			t.Errorf("%s: colours where none belong, or none where they do", name)
		}
		for _, code := range []string{"\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"} {
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		if coloured != text {
			t.Errorf("%s: in colour another text: %s", name, cmp.Diff(text, coloured))
		}
	}
}

func TestOnlyTheTenantThatIsAskedForIsShown(t *testing.T) {
	seen := read(t, filepath.Join("testdata", "ready.in.yaml"))
	if got := overview.Of(seen, "lost", time.Unix(0, 0)); len(got) != 1 || got[0].Name != "lost" || got[0].Summary != "Stalled" {
		t.Errorf("%+v", got)
	}
	// A record of an object of the same name that lived before is not this tenant's.
	seen.Tenants[0].UID = "another life"
	for _, tenant := range overview.Of(seen, "", time.Unix(0, 0)) {
		if len(tenant.Changes) > 0 {
			t.Errorf("%s is told what happened to a former one: %+v", tenant.Name, tenant.Changes)
		}
	}
}
