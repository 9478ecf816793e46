package docs

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// ours are the programs whose words and flags are checked; a page may call the others, which come with any system.
var (
	ours   = []string{"holdfast", "kubectl", "make", "vault"}
	anyone = []string{"base64", "cat", "cd", "cp", "diff", "export", "git", "go", "golangci-lint", "grep", "head", "helm", "jq", "keytool", "openssl", "source", "tail"}
)

// commands are the calls in a block or a span, word by word without quotes; none where it is no shell.
func (b block) commands() (calls [][]string, err error) {
	script := b.text
	switch b.language() {
	case "console": // lines with a prompt, and what they print
		var typed []string
		for line := range strings.Lines(b.text) {
			if command, is := strings.CutPrefix(line, "$ "); is {
				typed = append(typed, command)
			}
		}
		script = strings.Join(typed, "")
	case "":
		first, _, _ := strings.Cut(strings.TrimSpace(script), " ")
		if !slices.Contains(ours, strings.TrimPrefix(first, "bin/")) && first != "export" {
			return nil, nil
		}
	case "sh":
	default:
		return nil, nil
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, is := node.(*syntax.CallExpr); is && len(call.Args) > 0 {
			var words []string
			for _, word := range call.Args {
				words = append(words, plain(word))
			}
			calls = append(calls, words)
		}
		return true
	})
	return calls, nil
}

// plain is a word as a program gets it, with variables left as they are written.
func plain(word *syntax.Word) string {
	var all strings.Builder
	var add func(part syntax.WordPart)
	add = func(part syntax.WordPart) {
		switch part := part.(type) {
		case *syntax.Lit:
			all.WriteString(strings.ReplaceAll(part.Value, `\`, ""))
		case *syntax.SglQuoted:
			all.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				add(inner)
			}
		case *syntax.ParamExp:
			all.WriteString(part.Param.Value)
		}
	}
	for _, part := range word.Parts {
		add(part)
	}
	return all.String()
}
