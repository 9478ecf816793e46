// Command holdfast is for people: what the operator would do, shown without a cluster. It
// is a kubectl plugin too, under the name kubectl-holdfast.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // where it runs there may be no time zone database

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "holdfast",
		Short:         "Look at hardened identity tenants",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(renderCommand(), scheduleCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(1)
	}
}
