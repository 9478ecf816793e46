package desired_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func TestALeaseIsReadAsItWasKept(t *testing.T) {
	want := tenant.Spec{Namespace: "iam", Name: "acme"}
	at := time.Date(2027, time.January, 15, 12, 0, 0, 0, time.FixedZone("", 3600))
	begun := desired.Lease{Generation: 3, Token: "hvs.token", Terms: desired.LeaseTerms{Role: "teams/database/acme", Ends: at, Longest: time.Hour, TokenUntil: at, TokenTTL: time.Minute}}
	held := begun
	held.Account, held.ID = idp.UsernamePassword{Username: "v-acme", Password: "p"}, "database/creds/acme/x"
	held.Terms.Until, held.Terms.TTL = at, time.Minute
	over := held
	over.Terms.Over = true
	for name, c := range map[string]struct {
		lease desired.Lease
		held  bool
	}{"begun": {begun, false}, "held": {held, true}, "over": {over, false}} {
		secret, err := desired.LeaseSecret(want, c.lease)
		if err != nil {
			t.Fatal(err)
		}
		if secret.Name != "acme-lease-3" || secret.Labels[tenant.LabelTenant] != "acme" || secret.Immutable != nil {
			t.Errorf("%s: it is kept in %s with labels %v", name, secret.Name, secret.Labels)
		}
		read, err := desired.ReadLease(secret)
		if err != nil {
			t.Fatal(err)
		}
		if difference := cmp.Diff(c.lease, read, cmpopts.EquateApproxTime(0)); difference != "" {
			t.Errorf("%s: %s", name, difference)
		}
		if read.Held() != c.held {
			t.Errorf("%s: held %t", name, read.Held())
		}
		for _, key := range []string{"token", "terms"} {
			damaged := secret.DeepCopy()
			delete(damaged.Data, key)
			if _, err := desired.ReadLease(damaged); !fault.IsTerminal(err) {
				t.Errorf("%s without %s: %v", name, key, err)
			}
		}
	}
}
