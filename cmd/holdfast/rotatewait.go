package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/record"
)

// What the process ends with, beside 1.
const (
	exitStalled  = 2
	exitDeadline = 3
)

// failure is an error with an exit code of its own.
type failure struct {
	code int
	text string
}

func (f failure) Error() string { return f.text }

// pace of watching.
type pace struct {
	// every is how often the cluster is asked.
	every time.Duration
	// grace is how long a Stalled that was there before the request may still be there after it.
	grace time.Duration
}

var usualPace = pace{every: 2 * time.Second, grace: 30 * time.Second}

// shown are the conditions whose messages tell how a rotation comes on.
var shown = []string{v1alpha1.ConditionRotationOnTime, v1alpha1.ConditionUpToDate, v1alpha1.ConditionReady}

// stalled is the condition that says that a person is needed; nil: none is.
func stalled(target target) *metav1.Condition {
	condition := apimeta.FindStatusCondition(target.conditions(), v1alpha1.ConditionStalled)
	if condition == nil || condition.Status != metav1.ConditionTrue {
		return nil
	}
	return condition.DeepCopy()
}

// await watches until the request is complete, each line printed once. before is the Stalled that was there when it was
// asked: it may be about what the request itself sets right, so it counts after a while only.
func await(ctx context.Context, out io.Writer, cluster client.Client, target target, before *metav1.Condition, options rotateOptions) error {
	begun, told := time.Now(), map[string]bool{}
	for {
		for _, line := range progress(ctx, cluster, target, options.token) {
			if !told[line] {
				told[line] = true
				fmt.Fprintf(out, "%s  %s\n", time.Now().UTC().Format("15:04:05"), line)
			}
		}
		passed := time.Since(begun)
		if target.handled() == options.token {
			fmt.Fprintf(out, "The request %s is complete after %s.\n", options.token, passed.Round(time.Second))
			return nil
		}
		if now := stalled(target); now != nil && (before == nil || now.Reason != before.Reason || now.Message != before.Message || passed > options.pace.grace) {
			return failure{exitStalled, fmt.Sprintf("a person is needed, %s: %s", now.Reason, now.Message)}
		}
		if passed > options.timeout {
			return failure{exitDeadline, fmt.Sprintf("request %s is not complete after %s; it goes on: ask again with --token %s --wait to watch it", options.token, options.timeout, options.token)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(options.pace.every):
		}
		if err := find(ctx, cluster, target, client.ObjectKeyFromObject(target.object())); err != nil {
			return err
		}
	}
}

// progress is what can be told now: what the records of the request have noted, and conditions that are not met.
func progress(ctx context.Context, cluster client.Client, target target, token string) (lines []string) {
	object := target.object()
	var records v1alpha1.RotationRecordList
	// Who may not read records still sees the conditions.
	if err := cluster.List(ctx, &records, client.InNamespace(object.GetNamespace()), client.MatchingLabels(record.Labels(target.kind(), object.GetName()))); err == nil {
		slices.SortFunc(records.Items, func(a, b v1alpha1.RotationRecord) int { return strings.Compare(a.Spec.Material, b.Spec.Material) })
		for _, one := range records.Items {
			if one.Spec.Request != token || one.Spec.Subject.UID != object.GetUID() {
				continue
			}
			name := fmt.Sprintf("%s generation %d: ", one.Spec.Material, one.Spec.To.Generation)
			for _, step := range one.Status.Steps {
				lines = append(lines, strings.TrimSuffix(name+string(step.Name)+", "+step.Message, ", "))
			}
			if one.Status.Outcome != "" {
				lines = append(lines, name+string(one.Status.Outcome))
			}
		}
	}
	lines = append(lines, target.waits()...)
	for _, condition := range shown {
		if seen := apimeta.FindStatusCondition(target.conditions(), condition); seen != nil && seen.Status != metav1.ConditionTrue {
			lines = append(lines, fmt.Sprintf("%s is %s, %s: %s", seen.Type, seen.Status, seen.Reason, seen.Message))
		}
	}
	return lines
}
