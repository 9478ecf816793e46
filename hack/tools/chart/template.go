package main

import (
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// A string of an object that stands for a piece of template: in place of the whole value, or, as block, of the whole line
// with its key, which is left out where the value is empty.
func expression(text string) string { return "@@" + text + "@@" }
func block(text string) string      { return "@@block " + text + "@@" }

// labelsKey stands for the labels that the release adds.
const labelsKey = "@@labels@@"

var (
	inPlace = regexp.MustCompile(`'@@([^@]+)@@'|"@@([^@]+)@@"`)
	inBlock = regexp.MustCompile(`(?m)^( *)(- )?([A-Za-z]+): '?@@block ([^@]+)@@'?\n`)
	inLabel = regexp.MustCompile(`(?m)^( *)'?@@labels@@'?: .*\n`)
)

// text writes an object as a template.
func text(object map[string]any) (string, error) {
	content, err := yaml.Marshal(object)
	if err != nil {
		return "", err
	}
	// What Prometheus and Grafana would replace, Helm leaves alone.
	plain := regexp.MustCompile(`\{\{|\}\}`).ReplaceAllString(string(content), "{{ `$0` }}")
	plain = inBlock.ReplaceAllStringFunc(plain, func(line string) string {
		part := inBlock.FindStringSubmatch(line)
		indent, key, value := part[1], part[3], part[4]
		if part[2] != "" { // the first line of an item has to stay
			return fmt.Sprintf("%[1]s- %[2]s:\n%[1]s    {{- toYaml (%[3]s) | nindent %[4]d }}\n", indent, key, value, len(indent)+4)
		}
		return fmt.Sprintf("%[1]s{{- with %[3]s }}\n%[1]s%[2]s:\n%[1]s  {{- toYaml . | nindent %[4]d }}\n%[1]s{{- end }}\n", indent, key, value, len(indent)+2)
	})
	plain = inLabel.ReplaceAllStringFunc(plain, func(line string) string {
		indent := inLabel.FindStringSubmatch(line)[1]
		return fmt.Sprintf("%s{{- include \"holdfast.labels\" $ | nindent %d }}\n", indent, len(indent))
	})
	return inPlace.ReplaceAllString(plain, "{{ $1$2 }}"), nil
}

// when shows a piece of template under a condition only.
func when(condition, text string) string {
	if condition == "" {
		return text
	}
	return "{{- if " + condition + " }}\n" + text + "{{- end }}\n"
}

// eachNamespace repeats a piece of template for each namespace that the operator works in.
func eachNamespace(texts ...string) string {
	return "{{- range $namespace := .Values.watchNamespaces }}\n---\n" + strings.Join(texts, "---\n") + "{{- end }}\n"
}

// with changes an object in place, and gives it back.
func with(object map[string]any, value any, path ...string) map[string]any {
	at := object
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
	return object
}
