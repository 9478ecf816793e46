package app

import (
	"flag"
	"io"
	"strings"
	"testing"
)

func parsed(t *testing.T, arguments ...string) (*Settings, error) {
	t.Helper()
	settings, flags := &Settings{}, flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	settings.Bind(flags)
	if err := flags.Parse(append([]string{"--operator-namespace=holdfast-system"}, arguments...)); err != nil {
		return nil, err
	}
	return settings, settings.Check()
}

// A flag that cannot work ends the manager with a sentence that names it, before it touches the cluster.
func TestFlagsThatCannotWorkAreRefusedByName(t *testing.T) {
	if _, err := parsed(t); err != nil {
		t.Fatal("the defaults are refused:", err)
	}
	for argument, want := range map[string]string{
		"--operator-namespace=":     "--operator-namespace is empty",
		"--service-account=a;id":    "--service-account",
		"--tenant-role=tenant":      "write clusterrole/NAME or role/NAME",
		"--tenant-role=role/a$(id)": "write clusterrole/NAME or role/NAME",
		"--concurrency=0":           "--concurrency=0",
		"--workers=tenant=2":        "kinds hardeningwaiver, identitytenant",
		"--workers=keystore=0":      "a number from 1",
		"--kube-api-qps=0":          "--kube-api-qps=-1 for no limit",
		"--resync=1s":               "--resync=1s",
		"--rotation-records-kept=0": "--rotation-records-kept=0",
		"--shard-selector=a=b=c":    "--shard-selector",
	} {
		if _, err := parsed(t, argument); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", argument, err, want)
		}
	}
	if _, err := parsed(t, "--watch-namespaces=a", "--shard-selector=b"); err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Errorf("two ways to say where to work: %v", err)
	}
}

func TestWorkersOfOneKindLeaveTheOthers(t *testing.T) {
	settings, err := parsed(t, "--concurrency=3", "--workers=identitytenant=8,keystore=2", "--watch-namespaces=a, b,a")
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Operator.Workers.String(); got != "identitytenant=8,keystore=2" {
		t.Errorf("workers are %s", got)
	}
	if got := settings.WatchNamespaces.String(); got != "a,b" {
		t.Errorf("namespaces are %s", got)
	}
}

// Managers of two shards in one namespace must both be active.
func TestShardsHaveLeasesOfTheirOwn(t *testing.T) {
	if all, a, b := lease(""), lease("shard=a"), lease("shard=b"); a == b || a == all || lease("shard=a") != a {
		t.Errorf("leases %s, %s, %s", all, a, b)
	}
}
