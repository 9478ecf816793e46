package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/hardening"
	"github.com/holdfast-iam/holdfast/internal/idp/drivers"
	"github.com/holdfast-iam/holdfast/internal/lint"
	"github.com/holdfast-iam/holdfast/internal/offline"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The exit codes of holdfast lint.
const (
	exitFindings   = 1
	exitUnreadable = 2
)

// largestFile is as much as lint reads of a file: more than any configuration has.
const largestFile = 4 << 20

type lintOptions struct {
	target control.Target
	output string
}

func lintCommand() *cobra.Command {
	var options lintOptions
	var profile string
	command := &cobra.Command{
		Use:   "lint FILE|FOLDER|-...",
		Short: "Find what is weaker than the guidelines in tenants and in existing server configuration",
		Long: "Find what is weaker than the guidelines, by the catalogue that the operator judges by, without a cluster.\n" +
			"A file is a manifest with IdentityTenants and what they refer to, or the deployment.toml or the\n" +
			"log4j2.properties of a server that nobody hardened yet: its content tells which. Each weak value is named\n" +
			"with its line, what is wanted, why, and what to write. Secrets are never shown. A folder stands for the\n" +
			"manifests, .toml and .properties files in it, - for standard input.\n" +
			"Tenants have a version and a profile of their own; the flags are for the other files.\n\n" +
			"Exit code: 0 when nothing is weak (there may be notes), 1 when something is, 2 when a file cannot be read.",
		Example: "  holdfast lint deployment.toml log4j2.properties --version 7.2.0\n" +
			"  holdfast lint tenant.yaml\n  holdfast lint - -o sarif < deployment.toml > findings.sarif",
		Args: func(command *cobra.Command, args []string) error {
			return unreadable(cobra.MinimumNArgs(1)(command, args))
		},
		RunE: func(command *cobra.Command, args []string) error {
			options.target.Profile = control.Profile(profile)
			return runLint(command, args, options)
		},
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return unreadable(err) })
	command.Flags().StringVar(&options.target.Product, "product", string(tenant.WSO2IS), "product of files that are no manifests")
	command.Flags().StringVar(&options.target.Version, "version", "7.3.0", "version of the product of files that are no manifests")
	command.Flags().StringVar(&profile, "profile", string(control.Strict), "how strict to be with files that are no manifests: Baseline, Strict or FAPI2")
	command.Flags().StringVarP(&options.output, "output", "o", "text", "text, json or sarif")
	return command
}

// unreadable is a failure to look at anything.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return failure{exitUnreadable, err.Error()}
}

func runLint(command *cobra.Command, names []string, options lintOptions) error {
	if !slices.Contains(control.Profiles(), options.target.Profile) {
		return unreadable(fmt.Errorf("--profile %s is none of %v", options.target.Profile, control.Profiles()))
	}
	if options.target.Product != string(tenant.WSO2IS) {
		return unreadable(fmt.Errorf("--product %s is not known: only %s is", options.target.Product, tenant.WSO2IS))
	}
	if _, err := tenant.ParseVersion(options.target.Version); err != nil {
		return unreadable(fmt.Errorf("--version: %w", err))
	}
	report, err := lintFiles(command.Context(), command.InOrStdin(), names, options.target)
	if err != nil {
		return unreadable(err)
	}
	switch out := command.OutOrStdout(); options.output {
	case "text":
		err = lint.Text(out, report)
	case "json":
		err = lint.JSON(out, report)
	case "sarif":
		err = lint.SARIF(out, report, control.Load())
	default:
		err = fmt.Errorf("-o %s is none of text, json, sarif", options.output)
	}
	if err != nil {
		return unreadable(err)
	}
	if weak := report.Count(lint.Weak); weak > 0 {
		return failure{exitFindings, fmt.Sprintf("%d weak", weak)}
	}
	return nil
}

// lintFiles judges each file by itself, and the tenants of all manifests together, since
// one may refer to what stands in another.
func lintFiles(ctx context.Context, in io.Reader, names []string, target control.Target) (lint.Report, error) {
	scheme, err := operator.Scheme()
	if err != nil {
		return lint.Report{}, err
	}
	manifests := offline.NewManifests(scheme)
	files := map[client.Object]string{}
	var report lint.Report
	judged := false
	names, err = expand(names)
	if err != nil {
		return lint.Report{}, err
	}
	for _, name := range names {
		content, err := readFile(name, in)
		if err != nil {
			return lint.Report{}, err
		}
		if name == "-" {
			name = "stdin"
		}
		if kind, err := lint.Recognise(content); err == nil && kind == lint.Manifest {
			if err := manifests.Read(name, bytes.NewReader(content)); err != nil {
				return lint.Report{}, err
			}
			for _, object := range offline.Objects[client.Object](manifests) {
				if _, known := files[object]; !known {
					files[object] = name
				}
			}
			continue
		}
		one, err := lint.File(name, content, control.Load(), target)
		if err != nil {
			return lint.Report{}, err
		}
		report.Add(one)
		judged = true
	}
	tenants := offline.Objects[*v1alpha1.IdentityTenant](manifests)
	for _, cr := range tenants {
		one, err := lintTenant(ctx, manifests, cr)
		if err != nil {
			return lint.Report{}, fmt.Errorf("%s: IdentityTenant %s/%s: %w", files[cr], cr.Namespace, cr.Name, err)
		}
		report.Add(one.At(files[cr], "IdentityTenant "+cr.Namespace+"/"+cr.Name))
	}
	for _, secret := range offline.Objects[*corev1.Secret](manifests) {
		data := maps.Clone(secret.StringData)
		if data == nil {
			data = map[string]string{}
		}
		for key, value := range secret.Data {
			data[key] = string(value)
		}
		one := lint.Report{Findings: lint.Secret(data)}
		report.Add(one.At(files[secret], "Secret "+secret.Namespace+"/"+secret.Name))
	}
	if len(tenants) == 0 && !judged {
		return lint.Report{}, errors.New("there is no IdentityTenant in " + strings.Join(names, ", "))
	}
	lint.Sort(report.Findings)
	return report, nil
}

// expand puts the files of a folder in its place, in the order of their names.
func expand(names []string) (files []string, err error) {
	for _, name := range names {
		if name == "-" {
			files = append(files, name)
			continue
		}
		err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
			known := slices.Contains([]string{".yaml", ".yml", ".json", ".toml", ".properties"}, filepath.Ext(path))
			if err == nil && !entry.IsDir() && (path == name || known) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func readFile(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	content, err := io.ReadAll(io.LimitReader(in, largestFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > largestFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, largestFile>>20)
	}
	return content, nil
}

// lintTenant judges what the operator would render.
func lintTenant(ctx context.Context, manifests *offline.Manifests, cr *v1alpha1.IdentityTenant) (lint.Report, error) {
	resolved, err := resolveOffline(ctx, manifests, cr)
	if err != nil {
		return lint.Report{}, err
	}
	verdicts, err := hardening.Tenant(resolved.Driver, resolved.Want)
	if err != nil {
		return lint.Report{}, err
	}
	report := lint.Tenant(verdicts, resolved.Want, time.Now())
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(cr)
	if err != nil {
		return lint.Report{}, err
	}
	report.Findings = append(report.Findings, lint.Strings("spec", content["spec"])...)
	return report, nil
}

func resolveOffline(ctx context.Context, manifests *offline.Manifests, cr *v1alpha1.IdentityTenant) (offline.Resolved, error) {
	options := resolve.Options{WindowOpen: true, OperatorPeer: operator.Peer("holdfast-system")}
	return offline.Resolve(ctx, manifests, cr, drivers.All(), options)
}
