package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/overview"
)

// statusOptions are the flags of holdfast status.
type statusOptions struct {
	namespace string
	all       bool
	output    string
}

func statusCommand() *cobra.Command {
	var options statusOptions
	command := &cobra.Command{
		Use: "status [TENANT]", Args: cobra.MaximumNArgs(1),
		Short: "Show how tenants are, what rotates next, and what to do",
		Long: "Show of one tenant, or of all of a namespace, what its conditions say, which version serves, what it uses, what rotates\n" +
			"next, what changed last, and what a person has to do. It only reads, and no Secret. Colours are used on a terminal,\n" +
			"unless NO_COLOR is set.",
		Example: "  holdfast status acme -n iam\n  holdfast status -A -o json | jq -r '.[] | select(.summary != \"Ready\") | .name'",
		RunE: func(command *cobra.Command, names []string) error {
			name := ""
			if len(names) > 0 {
				name = names[0]
			}
			return showStatus(command, options, name)
		},
	}
	command.Flags().StringVarP(&options.namespace, "namespace", "n", "", namespaceFlag)
	command.Flags().BoolVarP(&options.all, "all-namespaces", "A", false, "the tenants of all namespaces")
	command.Flags().StringVarP(&options.output, "output", "o", "text", "text or json")
	return command
}

func showStatus(command *cobra.Command, options statusOptions, name string) error {
	if options.output != "text" && options.output != "json" {
		return fmt.Errorf("--output %s: write text or json", options.output)
	}
	cluster, namespace, err := connect(options.namespace)
	if err != nil {
		return err
	}
	if options.all {
		namespace = ""
	}
	var tenants v1alpha1.IdentityTenantList
	var stores v1alpha1.KeystoreList
	var connections v1alpha1.VaultConnectionList
	var passwords v1alpha1.PasswordPolicyList
	var logs v1alpha1.LogPolicyList
	var schedules v1alpha1.RotationScheduleList
	var waivers v1alpha1.HardeningWaiverList
	var records v1alpha1.RotationRecordList
	for _, list := range []client.ObjectList{&tenants, &stores, &connections, &passwords, &logs, &schedules, &waivers, &records} {
		if err := cluster.List(command.Context(), list, client.InNamespace(namespace)); err != nil {
			if apimeta.IsNoMatchError(err) {
				return fmt.Errorf("the cluster does not know Holdfast's kinds: install Holdfast, or name another cluster by KUBECONFIG")
			}
			return fmt.Errorf("list what is in the namespace: %w", err)
		}
	}
	now := time.Now()
	found := overview.Of(overview.Namespace{
		Tenants: tenants.Items, Keystores: stores.Items, Connections: connections.Items, Passwords: passwords.Items,
		Logs: logs.Items, Schedules: schedules.Items, Waivers: waivers.Items, Records: records.Items,
	}, name, now)
	if len(found) == 0 && name != "" {
		return fmt.Errorf("no IdentityTenant %s in namespace %s: see kubectl get identitytenant -A", name, namespace)
	}
	out := command.OutOrStdout()
	if options.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(append([]overview.Tenant{}, found...))
	}
	if len(found) == 0 {
		_, err = fmt.Fprintf(out, "There is no IdentityTenant in %s.\n", map[bool]string{true: "any namespace", false: "namespace " + namespace}[options.all])
		return err
	}
	_, err = io.WriteString(out, overview.Text(found, now, coloured(out)))
	return err
}

// coloured tells whether a person reads it on a terminal and did not ask for none (https://no-color.org).
func coloured(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
}
