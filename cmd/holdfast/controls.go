package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/report"
	"github.com/holdfast-iam/holdfast/internal/control/source"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// controlsOptions are the flags of holdfast controls.
type controlsOptions struct {
	filter  report.Filter
	profile string
	output  string
}

func controlsCommand() *cobra.Command {
	var options controlsOptions
	command := &cobra.Command{
		Use:   "controls",
		Short: "Show the catalogue of controls: what is wanted of a server, why, and by which standard",
		Long: "Show the catalogue of controls: what is wanted of a server, why, by which standard, and how far it is done.\n" +
			"Without flags it has a line for each control; a single one is shown whole. -o md writes the page of the\n" +
			"documentation, with every line of the guidelines and the controls that answer it.",
		Example: "  holdfast controls --id TLS-04\n  holdfast controls --standard 'ISO/IEC 27002'\n  holdfast controls --id TOK --profile FAPI2 --version 7.3.0 -o json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.filter.Profile = control.Profile(options.profile)
			return controls(command, options)
		},
	}
	command.Flags().StringVar(&options.filter.ID, "id", "", "a control such as TLS-04, or an area such as TLS")
	command.Flags().StringVar(&options.filter.Standard, "standard", "", "part of a standard's name, such as 'ISO/IEC 27002'")
	command.Flags().StringVar(&options.profile, "profile", "", "what a profile asks: Baseline, Strict or FAPI2; default: all")
	command.Flags().StringVar(&options.filter.Product, "product", "", "what is asked of a product: "+string(tenant.WSO2IS)+" or "+string(tenant.Keycloak)+"; default: all")
	command.Flags().StringVar(&options.filter.Version, "version", "", "what is asked of a version, such as 7.3.0; default: all")
	command.Flags().StringVarP(&options.output, "output", "o", "table", "table, json or md")
	return command
}

func controls(command *cobra.Command, options controlsOptions) error {
	filter := options.filter
	if filter.Profile != "" && !slices.Contains(control.Profiles(), filter.Profile) {
		return fmt.Errorf("--profile %s is none of %v", filter.Profile, control.Profiles())
	}
	if filter.Product != "" && filter.Product != string(tenant.WSO2IS) && filter.Product != string(tenant.Keycloak) {
		return fmt.Errorf("--product %s is not known: only %s and %s are", filter.Product, tenant.WSO2IS, tenant.Keycloak)
	}
	if filter.Version != "" {
		if _, err := tenant.ParseVersion(filter.Version); err != nil {
			return fmt.Errorf("--version: %w", err)
		}
	}
	picked := report.Select(control.Load(), filter)
	if len(picked) == 0 {
		return fmt.Errorf("no control is like that: `holdfast controls` lists them all")
	}
	var text string
	switch options.output {
	case "table":
		text = report.Table(picked, filter.Profile)
	case "json":
		encoded, err := report.JSON(picked)
		if err != nil {
			return err
		}
		text = string(encoded)
	case "md":
		text = report.Markdown(source.Load(), control.Load(), picked, filter.Profile)
	default:
		return fmt.Errorf("--output %s: write table, json or md", options.output)
	}
	_, err := io.WriteString(command.OutOrStdout(), text)
	return err
}
