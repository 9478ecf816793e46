package main

import (
	"bytes"
	"strings"
	"testing"
)

func runSchedule(input string, arguments ...string) (string, error) {
	var out bytes.Buffer
	command := scheduleCommand()
	command.SetArgs(arguments)
	command.SetIn(strings.NewReader(input))
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceErrors, command.SilenceUsage = true, true
	err := command.Execute()
	return out.String(), err
}

const twoSchedules = `
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: weekly, namespace: iam}
spec:
  cron: 0 23 * * *
  timeZone: Europe/Berlin
  windows: [{days: [Sat], start: "22:00", duration: 6h}]
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: monday, namespace: iam}
spec: {cron: 30 21 * * 6}
`

const printed = `From 2027-03-24T00:00:00Z

RotationSchedule iam/monday, UTC
  DUE                              HAPPENS
  Sat 2027-03-27 21:30:00 +00:00   Sat 2027-03-27 21:30:00 +00:00
  Sat 2027-04-03 21:30:00 +00:00   Sat 2027-04-03 21:30:00 +00:00
  No window closes.

RotationSchedule iam/weekly, Europe/Berlin
  DUE                              HAPPENS
  Wed 2027-03-24 23:00:00 +01:00   Sat 2027-03-27 22:00:00 +01:00   outside of every window: waits 71h0m0s, once for 3 that come due until then
  Sat 2027-03-27 23:00:00 +01:00   Sat 2027-03-27 23:00:00 +01:00
  OPENS                            CLOSES
  Sat 2027-03-27 22:00:00 +01:00   Sun 2027-03-28 05:00:00 +02:00
  Sat 2027-04-03 22:00:00 +02:00   Sun 2027-04-04 04:00:00 +02:00

At the same time:
  Sat 2027-03-27 22:00:00 +01:00   2 rotations: weekly; monday
`

func TestSchedulePrintsRunsWindowsAndMeetings(t *testing.T) {
	for range 3 {
		out, err := runSchedule(twoSchedules, "-f", "-", "--at", "2027-03-24T00:00:00Z", "--runs", "2")
		if err != nil || out != printed {
			t.Fatalf("%v\n%s\nwant\n%s", err, out, printed)
		}
	}
	if out, err := runSchedule(twoSchedules, "monday", "-f", "-", "--at", "2027-03-24T00:00:00Z"); err != nil || strings.Contains(out, "RotationSchedule iam/weekly") || !strings.Contains(out, "weekly; monday") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestScheduleNamesWhoRotates(t *testing.T) {
	const store = `
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: Keystore
metadata: {name: orders, namespace: iam}
spec: {vaultRef: {name: vault}, rotationRef: {name: monday}}
`
	out, err := runSchedule(twoSchedules+store, "monday", "-f", "-", "--at", "2027-03-24T00:00:00Z")
	if err != nil || !strings.Contains(out, "RotationSchedule iam/monday, UTC for Keystore orders (spec.rotationRef)") ||
		!strings.Contains(out, "2 rotations: weekly; monday for Keystore orders") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestScheduleTellsWhatIsWrong(t *testing.T) {
	for says, arguments := range map[string][]string{
		"with -f":                     {},
		"no RotationSchedule yearly":  {"yearly", "-f", "-"},
		"write a number from 1":       {"-f", "-", "--runs", "0"},
		"such as 2027":                {"-f", "-", "--at", "tomorrow"},
		"not in the time zone databa": {"-f", "-", "--at", "2027-03-24T00:00:00Z"},
	} {
		input := twoSchedules
		if strings.HasPrefix(says, "not in") {
			input = strings.ReplaceAll(input, "Berlin", "Atlantis")
		}
		if _, err := runSchedule(input, arguments...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want it to say %q", arguments, err, says)
		}
	}
}
