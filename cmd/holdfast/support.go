package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-iam/holdfast/internal/support"
)

func supportCommand() *cobra.Command {
	var namespace, operator, output string
	command := &cobra.Command{
		Use: "support-bundle", Args: cobra.NoArgs,
		Short: "Gather, without secrets, what somebody needs who is to help",
		Long: "Gather of one namespace, and of the operator's, into one file: Holdfast's kinds, pods, StatefulSets, Jobs, Services,\n" +
			"NetworkPolicies, certificates, events, and who leads. Secrets are asked for their metadata alone. The values of\n" +
			"environment variables and what others keep in annotations are removed. Host names and addresses stay:\n" +
			"look through the file before you give it away.",
		Example: "  holdfast support-bundle -n iam\n  tar -xzOf holdfast-support-iam.tar.gz holdfast-support/about.txt",
		RunE: func(command *cobra.Command, _ []string) error {
			cluster, namespace, err := connect(namespace)
			if err != nil {
				return err
			}
			if output == "" {
				output = "holdfast-support-" + namespace + ".tar.gz"
			}
			now := time.Now()
			files, err := support.Collect(command.Context(), cluster, namespace, operator, now)
			if err != nil {
				return err
			}
			file, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return err
			}
			defer file.Close()
			if err := support.Write(file, files, now); err != nil {
				return fmt.Errorf("write %s: %w", output, err)
			}
			if err := file.Close(); err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "%s holds %d files; about.txt tells what is in them, and what could not be read.\n", output, len(files))
			return nil
		},
	}
	command.Flags().StringVarP(&namespace, "namespace", "n", "", namespaceFlag)
	command.Flags().StringVar(&operator, "operator-namespace", "holdfast-system", "where the manager runs")
	command.Flags().StringVarP(&output, "file", "f", "", "file to write; default: holdfast-support-NAMESPACE.tar.gz")
	return command
}
