// Command flags writes the reference page of the manager's flags from the code that reads them.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/holdfast-iam/holdfast/cmd/manager/app"
)

//go:embed page.md.tmpl
var page string

// row of the table.
type row struct{ Name, Default, Usage string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: flags FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "flags:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	// Where whoever runs this runs is no default.
	if err := errors.Join(os.Unsetenv("POD_NAMESPACE"), os.Unsetenv("POD_SERVICE_ACCOUNT")); err != nil {
		return err
	}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	new(app.Settings).Bind(flags)
	var rows []row
	flags.VisitAll(func(one *flag.Flag) {
		usage := strings.NewReplacer("\n", " ", "|", `\|`, "<", "&lt;").Replace(one.Usage)
		rows = append(rows, row{one.Name, one.DefValue, strings.Join(strings.Fields(usage), " ")})
	})
	parsed, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := parsed.Execute(&text, rows); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
