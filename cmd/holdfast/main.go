// Command holdfast is for people: what the operator would do, shown without a cluster, and
// rotations, asked for and watched. It is a kubectl plugin too, under the name kubectl-holdfast.
package main

import (
	"errors"
	"fmt"
	"os"
	_ "time/tzdata" // where it runs there may be no time zone database

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "holdfast",
		Short:         "Look at hardened identity tenants, and rotate their secrets",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(renderCommand(), lintCommand(), controlsCommand(), scheduleCommand(), rotateCommand(), statusCommand(), supportCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 1, but for failures that scripts tell apart.
func exitCode(err error) int {
	var failed failure
	if errors.As(err, &failed) {
		return failed.code
	}
	return 1
}
