package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

var (
	placeholder = regexp.MustCompile(`^\[?[A-Z]{3,}(\.\.\.)?\]?$`)
	column      = regexp.MustCompile(`\{\.((?:status|spec)(?:\.[a-zA-Z]+)*)`)
	condition   = regexp.MustCompile(`(?:@\.type=="|condition=)([A-Za-z]+)`)
)

// A command that a page shows is one that people type: programs, words, flags, kinds, fields and targets exist. What only looks is run
// against a real API server; of the rest the flags are read and the help is printed.
func TestEachCommandExists(t *testing.T) {
	checked := map[string]int{}
	seen := map[string]error{}
	for _, p := range pages(t) {
		blocks := p.blocks
		for _, span := range p.spans {
			if strings.Contains(span, " ") {
				blocks = append(blocks, block{text: span})
			}
		}
		for _, b := range blocks {
			calls, err := b.commands()
			if err != nil {
				t.Errorf("%s:%d: %q is no shell: %v", p.path, b.line, b.text, err)
			}
			for _, words := range calls {
				program := strings.TrimPrefix(words[0], "bin/")
				if program == "kubectl" && len(words) > 1 && words[1] == "holdfast" {
					program, words = "holdfast", words[1:]
				}
				checked[program]++
				key := program + " " + strings.Join(words[1:], " ")
				if _, known := seen[key]; !known {
					seen[key] = check(t, program, words[1:])
				}
				if err := seen[key]; err != nil {
					t.Errorf("%s:%d: %s: %v", p.path, b.line, key, err)
				}
			}
		}
	}
	total := 0
	for _, program := range ours {
		total += checked[program]
	}
	t.Logf("checked %d commands: %v", total, checked)
}

func check(t *testing.T, program string, words []string) error {
	switch program {
	case "holdfast":
		return checkHoldfast(t, words)
	case "kubectl":
		return checkKubectl(t, words)
	case "make":
		words = slices.DeleteFunc(slices.Clone(words), placeholder.MatchString)
		return try(t, program, append([]string{"--dry-run"}, words...)...)
	case "vault":
		for i, word := range words {
			if strings.ContainsAny(word, "/=-") || placeholder.MatchString(word) {
				words = words[:i]
				break
			}
		}
		return try(t, program, append(words, "-help")...)
	}
	if slices.Contains(anyone, program) {
		return nil
	}
	return fmt.Errorf("%s is no program that this test knows: correct the page, mark the block as ```text, or add the program to shell_test.go", program)
}

// checkHoldfast has the program read the words and flags; a help that is not the command's own tells that a word is none.
func checkHoldfast(t *testing.T, words []string) error {
	output, err := output(t, "holdfast", append(slices.Clone(words), "--help")...)
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	_, usage, _ := strings.Cut(output, "Usage:\n  holdfast")
	usage, _, _ = strings.Cut(usage, "\n")
	usage = strings.TrimSuffix(strings.TrimSpace(usage), " [flags]")
	for i, expected := range strings.Fields(usage) {
		if expected == "[command]" && i < len(words) && !strings.HasPrefix(words[i], "-") {
			return fmt.Errorf("holdfast %s has no command %s", strings.Join(words[:i], " "), words[i])
		}
		if strings.ToLower(expected) != expected || strings.ContainsAny(expected[:1], "[-") {
			break
		}
		if i >= len(words) || words[i] != expected {
			return fmt.Errorf("the nearest command is: holdfast %s", usage)
		}
	}
	return nil
}

func checkKubectl(t *testing.T, words []string) error {
	words = slices.Clone(words)
	for i, word := range words {
		if word == "KIND" {
			words[i] = "identitytenant"
		}
	}
	resource := ""
	if len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		resource = words[1]
	}
	switch words[0] {
	case "get", "describe", "annotate", "delete", "wait", "patch", "label", "edit":
		if resource == "" {
			break
		}
		for kind := range strings.SplitSeq(resource, ",") {
			kind, _, _ = strings.Cut(kind, "/")
			if err := try(t, "kubectl", "get", kind, "-A"); err != nil {
				return err
			}
		}
		if err := checkFields(t, resource, strings.Join(words, " ")); err != nil {
			return err
		}
	case "apply":
		if err := checkPaths(t, words); err != nil {
			return err
		}
	}
	if end := slices.Index(words, "--"); end >= 0 {
		words = words[:end] // what follows is for another program
	}
	return try(t, "kubectl", append(words, "--help")...)
}

// checkFields looks for the fields and conditions of our kinds that a command reads.
func checkFields(t *testing.T, resource, command string) error {
	resource, _, _ = strings.Cut(resource, "/")
	for _, found := range column.FindAllStringSubmatch(command, -1) {
		if err := try(t, "kubectl", "explain", resource+"."+found[1]); err != nil {
			return err
		}
	}
	conditions := constants(t, "Condition")
	for _, found := range condition.FindAllStringSubmatch(command, -1) {
		if !conditions[found[1]] {
			return fmt.Errorf("no condition is called %s", found[1])
		}
	}
	return nil
}

// checkPaths wants what a command applies from the tree to be there.
func checkPaths(t *testing.T, words []string) error {
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	for i, word := range words[:len(words)-1] {
		path := words[i+1]
		switch {
		case word == "-k":
			return try(t, "kubectl", "kustomize", filepath.Join(root, path))
		case word == "-f" && strings.HasPrefix(path, "config/"):
			_, err := os.Stat(filepath.Join(root, path))
			return err
		}
	}
	return nil
}

func try(t *testing.T, program string, words ...string) error {
	output, err := output(t, program, words...)
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

func output(t *testing.T, program string, words ...string) (string, error) {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(t.Context(), programs[program], words...)
	command.Dir, command.Env = root, append(os.Environ(), "KUBECONFIG="+env.Plane.Kubeconfig(), "VAULT_ADDR=https://127.0.0.1:1")
	all, err := command.CombinedOutput()
	return strings.TrimSpace(string(all)), err
}
