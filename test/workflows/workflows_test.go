// Package workflows reads .github/workflows, which has never run here, and holds it to what can be told without GitHub: that it calls
// what there is, is given no right too many, and runs nothing that somebody else may change or write.
package workflows

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var root = filepath.Join("..", "..")

// workflow is a file, as GitHub reads it.
type workflow struct {
	On          map[string]any    `json:"true"` // YAML 1.1 reads on as a boolean
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]job    `json:"jobs"`
}

type job struct {
	RunsOn      string            `json:"runs-on"`
	Timeout     int               `json:"timeout-minutes"`
	Needs       string            `json:"needs"`
	Uses        string            `json:"uses"`
	Permissions map[string]string `json:"permissions"`
	Steps       []step            `json:"steps"`
}

type step struct {
	Uses string         `json:"uses"`
	Run  string         `json:"run"`
	With map[string]any `json:"with"`
}

// given is each right that a job has. A new one is added here by whoever looked why.
var given = map[string]map[string]string{
	"ci.yaml/test":         {"contents": "read"},
	"release.yaml/test":    {"contents": "read"},
	"release.yaml/publish": {"contents": "write", "packages": "write", "id-token": "write", "attestations": "write"},
}

func TestTheWorkflowsCallWhatThereIs(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*"))
	if err != nil || len(paths) != 2 {
		t.Fatalf("%d workflows, %v", len(paths), err)
	}
	for _, path := range paths {
		for _, problem := range problems(t, filepath.Base(path), read(t, path)) {
			t.Error(problem)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var (
	pinned = regexp.MustCompile(`^\s*(?:- )?uses: ([\w.-]+/[\w.-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	target = regexp.MustCompile(`(?m)(?:^|[;&|(]|\$\()\s*make ([a-z-]+)`)
	script = regexp.MustCompile(`(?:hack|\.ci)/[\w./-]+`)
)

func problems(t *testing.T, name, text string) (found []string) {
	t.Helper()
	add := func(wrong bool, format string, values ...any) {
		if wrong {
			found = append(found, name+": "+fmt.Sprintf(format, values...))
		}
	}
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	add(len(w.On) == 0 || w.On["pull_request_target"] != nil, "runs on nothing, or with the rights of this repository on what a stranger wrote")
	add(w.Permissions == nil || len(w.Permissions) > 0, "the workflow itself needs permissions: {}; each job says its own")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		add(strings.Contains(line, "uses: ") && !strings.Contains(line, "uses: ./") && !pinned.MatchString(line), "not pinned by a commit with its version behind it: %s", strings.TrimSpace(line))
	}
	for _, id := range slices.Sorted(maps.Keys(w.Jobs)) {
		one := w.Jobs[id]
		add(!maps.Equal(one.Permissions, given[name+"/"+id]), "job %s has the rights %v, reviewed are %v", id, one.Permissions, given[name+"/"+id])
		add(one.Needs != "" && w.Jobs[one.Needs].Permissions == nil, "job %s needs %s, which there is not", id, one.Needs)
		if one.Uses != "" {
			_, err := os.Stat(filepath.Join(root, one.Uses))
			add(err != nil, "job %s: %v", id, err)
			continue
		}
		add(one.Timeout == 0 || strings.HasSuffix(one.RunsOn, "latest") || one.RunsOn == "", "job %s needs a time limit, and a runner with a version", id)
		for _, step := range one.Steps {
			add(strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false, "job %s leaves the token of the checkout behind", id)
			found = append(found, ofScript(t, name+": job "+id, step.Run)...)
		}
	}
	return found
}

// ofScript looks at what a step runs: that it parses, calls what there is, and has nothing pasted into it.
func ofScript(t *testing.T, where, text string) (found []string) {
	t.Helper()
	if text == "" {
		return nil
	}
	add := func(wrong bool, format string, values ...any) {
		if wrong {
			found = append(found, where+": "+fmt.Sprintf(format, values...))
		}
	}
	add(strings.Contains(text, "${{"), "an expression is pasted into a script, where its value runs: give it by env: %s", text)
	if output, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", text).CombinedOutput(); err != nil {
		add(true, "%s is no shell: %s", text, output)
	}
	for _, call := range target.FindAllStringSubmatch(text, -1) {
		try := exec.CommandContext(t.Context(), "make", "--dry-run", call[1])
		try.Dir = root
		output, err := try.CombinedOutput()
		add(err != nil, "make %s: %s", call[1], output)
	}
	for _, path := range script.FindAllString(text, -1) {
		info, err := os.Stat(filepath.Join(root, path))
		add(err != nil || info.Mode()&0o111 == 0, "%s is no program", path)
	}
	return found
}

// What is wrong in a workflow is seen.
func TestABrokenWorkflowIsSeen(t *testing.T) {
	good := read(t, filepath.Join(root, ".github", "workflows", "release.yaml"))
	for _, c := range []struct{ before, after, want string }{
		{"permissions: {}", "permissions: {contents: read}", "each job says its own"},
		{"permissions: {}\n", "", "each job says its own"},
		{"      packages: write # the image and the chart\n", "      packages: write\n      actions: write\n", "reviewed are"},
		{"@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "not pinned"},
		{"@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "not pinned"},
		{"        persist-credentials: false\n", "        fetch-tags: true\n", "leaves the token"},
		{`check.sh "$VERSION"`, `check.sh "${{ github.event.ref }}"`, "pasted into a script"},
		{"make image", "make img", "make img: "},
		{"$(make push)", "$(make pusch)", "make pusch: "},
		{"hack/release/notes.sh", "hack/release/note.sh", "is no program"},
		{"${digest:?helm told no digest}", "${digest:?helm told no digest", "is no shell"},
		{"runs-on: ubuntu-24.04", "runs-on: ubuntu-latest", "a runner with a version"},
		{"    timeout-minutes: 60\n", "", "needs a time limit"},
		{"needs: test", "needs: tests", "which there is not"},
		{"./.github/workflows/ci.yaml", "./.github/workflows/tests.yaml", "no such file"},
		{"  push:\n    tags: ['v*']", "  pull_request_target:\n    branches: [main]", "what a stranger wrote"},
	} {
		if !strings.Contains(good, c.before) {
			t.Errorf("release.yaml does not have %q", c.before)
		}
		found := problems(t, "release.yaml", strings.Replace(good, c.before, c.after, 1))
		if !slices.ContainsFunc(found, func(problem string) bool { return strings.Contains(problem, c.want) }) {
			t.Errorf("nobody sees %q in the place of %q: %q", c.after, c.before, found)
		}
	}
}

// A pull request is tested by the very commands of the README and of .ci/run.
func TestCIRunsTheCommandsOfTheReadme(t *testing.T) {
	text := read(t, filepath.Join(root, ".github", "workflows", "ci.yaml"))
	for _, command := range []string{"make verify", "make test"} {
		if !strings.Contains(text, "run: "+command+"\n") || !strings.Contains(read(t, filepath.Join(root, ".ci", "run")), command+"\n") {
			t.Errorf("ci.yaml and .ci/run do not both run %s", command)
		}
	}
	if !strings.Contains(read(t, filepath.Join(root, "README.md")), "make test ") {
		t.Error("the README has another command for the tests")
	}
}
