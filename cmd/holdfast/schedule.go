package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/offline"
)

// scheduleOptions are the flags of holdfast schedule.
type scheduleOptions struct {
	files     []string
	namespace string
	runs      int
	at        string
}

func scheduleCommand() *cobra.Command {
	var options scheduleOptions
	command := &cobra.Command{
		Use:   "schedule [NAME] [-f FILE...]",
		Short: "Print when rotations will be due, when windows let them happen, and which of them meet",
		Long: "Print when rotations will be due by RotationSchedules, when windows let them happen, and which of them meet.\n" +
			"With -f the schedules, and the IdentityTenants and Keystores that name them, are read from files and no cluster is asked;\n" +
			"NAME picks one. Without -f they are read from the cluster of your kubeconfig. The operator decides by the same\n" +
			"code. Equal input and an equal --at give equal output.",
		Example: "  holdfast schedule -f schedules.yaml -f tenant.yaml\n  holdfast schedule quarterly -n iam --runs 8\n  holdfast schedule -f schedules.yaml --at 2027-03-27T00:00:00Z",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, names []string) error {
			return schedule(command, strings.Join(names, ""), options)
		},
	}
	command.Flags().StringSliceVarP(&options.files, "filename", "f", nil, "file or folder of manifests, - for standard input; may be repeated")
	command.Flags().StringVarP(&options.namespace, "namespace", "n", "", namespaceFlag)
	command.Flags().IntVar(&options.runs, "runs", 5, "how many runs and openings to print, 1 to 100")
	command.Flags().StringVar(&options.at, "at", "", "time from which to look ahead, such as 2027-03-27T00:00:00Z; default: now")
	return command
}

func schedule(command *cobra.Command, name string, options scheduleOptions) error {
	if name == "" && len(options.files) == 0 {
		return fmt.Errorf("name a RotationSchedule of the cluster, or files with -f")
	}
	if options.runs < 1 || options.runs > 100 {
		return fmt.Errorf("--runs %d: write a number from 1 to 100", options.runs)
	}
	at := time.Now()
	if options.at != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, options.at); err != nil {
			return fmt.Errorf("--at %s: write a time such as 2027-03-27T00:00:00Z", options.at)
		}
	}
	found, err := gather(command, options)
	if err != nil {
		return err
	}
	plans, err := offline.Simulate(found.schedules, found.tenants, found.stores, at, options.runs)
	if err != nil {
		return err
	}
	var picked []*offline.Plan
	for _, plan := range plans {
		if name == "" || plan.Schedule.Name == name {
			picked = append(picked, plan)
		}
	}
	if len(picked) == 0 {
		return fmt.Errorf("no RotationSchedule %s among %d that were found", name, len(found.schedules))
	}
	meetings := slices.DeleteFunc(offline.Meet(plans), func(meeting offline.Meeting) bool {
		return !slices.ContainsFunc(meeting.Plans, func(plan *offline.Plan) bool { return slices.Contains(picked, plan) })
	})
	_, err = io.WriteString(command.OutOrStdout(), text(picked, meetings, at))
	return err
}

// scheduled are schedules and who may name them.
type scheduled struct {
	schedules []*v1alpha1.RotationSchedule
	tenants   []*v1alpha1.IdentityTenant
	stores    []*v1alpha1.Keystore
}

// gather reads them from files or from the cluster.
func gather(command *cobra.Command, options scheduleOptions) (scheduled, error) {
	if len(options.files) == 0 {
		cluster, namespace, err := connect(options.namespace)
		if err != nil {
			return scheduled{}, err
		}
		return gatherFrom(command.Context(), cluster, namespace)
	}
	scheme, err := operator.Scheme()
	if err != nil {
		return scheduled{}, err
	}
	manifests := offline.NewManifests(scheme)
	for _, name := range options.files {
		if err := read(manifests, name, command.InOrStdin()); err != nil {
			return scheduled{}, err
		}
	}
	return scheduled{offline.Objects[*v1alpha1.RotationSchedule](manifests), offline.Objects[*v1alpha1.IdentityTenant](manifests),
		offline.Objects[*v1alpha1.Keystore](manifests)}, nil
}

func gatherFrom(ctx context.Context, cluster client.Reader, namespace string) (found scheduled, err error) {
	var schedules v1alpha1.RotationScheduleList
	if err := cluster.List(ctx, &schedules, client.InNamespace(namespace)); err != nil {
		return found, fmt.Errorf("list RotationSchedules of namespace %s: %w", namespace, err)
	}
	var tenants v1alpha1.IdentityTenantList
	if err := cluster.List(ctx, &tenants, client.InNamespace(namespace)); err != nil {
		return found, fmt.Errorf("list IdentityTenants of namespace %s: %w", namespace, err)
	}
	var stores v1alpha1.KeystoreList
	if err := cluster.List(ctx, &stores, client.InNamespace(namespace)); err != nil {
		return found, fmt.Errorf("list Keystores of namespace %s: %w", namespace, err)
	}
	return scheduled{pointers(schedules.Items), pointers(tenants.Items), pointers(stores.Items)}, nil
}

func pointers[T any](items []T) (found []*T) {
	for i := range items {
		found = append(found, &items[i])
	}
	return found
}

// column is as wide as a time.
const column = "  %-30s   %s"

func text(plans []*offline.Plan, meetings []offline.Meeting, at time.Time) string {
	lines := []string{"From " + at.UTC().Format(time.RFC3339)}
	line := func(format string, args ...any) {
		lines = append(lines, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
	for _, plan := range plans {
		line("\nRotationSchedule %s, %s%s", plan.Schedule, plan.Zone, user(plan))
		if len(plan.Runs) == 0 {
			line("  No run: it only says when windows are, or is suspended.")
		} else {
			line(column, "DUE", "HAPPENS")
		}
		for _, run := range plan.Runs {
			line(column+"   %s", local(run.Due, plan), happens(run, plan), note(run))
		}
		if plan.Windows {
			line(column, "OPENS", "CLOSES")
		} else {
			line("  No window closes.")
		}
		for _, opening := range plan.Openings {
			line(column, local(opening.Start, plan), local(opening.End, plan))
		}
	}
	if len(meetings) > 0 {
		line("\nAt the same time:")
	}
	for _, meeting := range meetings {
		line(column, local(meeting.Start, meeting.Plans[0]), together(meeting))
	}
	return strings.Join(lines, "\n") + "\n"
}

func happens(run offline.Run, plan *offline.Plan) string {
	if run.Happens.IsZero() {
		return "never"
	}
	return local(run.Happens, plan)
}

// note says why a run does not happen when it is due.
func note(run offline.Run) string {
	if run.Happens.IsZero() {
		return "no window opens within a year"
	}
	var notes []string
	if wait := run.Happens.Sub(run.Due); wait > 0 {
		notes = append(notes, fmt.Sprintf("outside of every window: waits %s", wait))
	}
	if run.Passed > 0 {
		notes = append(notes, fmt.Sprintf("once for %d that come due until then", run.Passed+1))
	}
	return strings.Join(notes, ", ")
}

// together says what rotates at the same time.
func together(meeting offline.Meeting) string {
	var names []string
	for _, plan := range meeting.Plans {
		names = append(names, plan.Schedule.Name+user(plan))
	}
	what := fmt.Sprintf("%d rotations: ", len(meeting.Plans))
	if meeting.OneRollout() {
		what = "one rollout: "
	}
	return what + strings.Join(names, "; ")
}

// user says for whom a plan is.
func user(plan *offline.Plan) string {
	if plan.Name == "" {
		return ""
	}
	return fmt.Sprintf(" for %s %s (%s)", plan.Kind, plan.Name, plan.Field)
}

func local(at time.Time, plan *offline.Plan) string {
	return at.In(plan.Zone).Format("Mon 2006-01-02 15:04:05 -07:00")
}
