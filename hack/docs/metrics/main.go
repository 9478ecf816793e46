// Command metrics writes the reference page of the metrics from the code that serves them.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/holdfast-iam/holdfast/internal/metrics"
)

//go:embed page.md.tmpl
var page string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: metrics FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	functions := template.FuncMap{"labels": func(names []string) string { return "`" + strings.Join(names, "` `") + "`" }}
	parsed, err := template.New("page").Funcs(functions).Parse(page)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := parsed.Execute(&text, map[string][]metrics.Metric{"Own": metrics.All(), "Borrowed": metrics.Borrowed()}); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
