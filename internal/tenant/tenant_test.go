package tenant_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func TestCompareNamesOnlyWhatIsDeclaredAndDiffers(t *testing.T) {
	want := tenant.Settings{
		"root": {tenant.PasswordMinLength: "12", tenant.PasswordHistory: "5"},
		"b":    {tenant.LockoutAttempts: "5"},
	}
	seen := tenant.Settings{
		"root":  {tenant.PasswordMinLength: "8", tenant.PasswordHistory: "5", tenant.LockoutMinutes: "1"},
		"other": {tenant.LockoutAttempts: "99"},
	}
	diff := tenant.Diff{
		{Realm: "b", Setting: tenant.LockoutAttempts, To: "5"},
		{Realm: "root", Setting: tenant.PasswordMinLength, From: "8", To: "12"},
	}
	if d := cmp.Diff(diff, tenant.Compare(want, seen)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDigestTellsEveryListApart(t *testing.T) {
	lists := [][][]byte{{}, {nil}, {[]byte("ab")}, {[]byte("a"), []byte("b")}, {[]byte("b"), []byte("a")}, {[]byte("ab"), nil}}
	seen := map[string]int{}
	for i, list := range lists {
		digest := tenant.Digest(list...)
		if other, ok := seen[digest]; ok {
			t.Errorf("lists %d and %d have one digest", i, other)
		}
		seen[digest] = i
	}
}

func TestVersions(t *testing.T) {
	ordered := []string{"7.1.0", "7.1.0.23", "7.2.0", "7.3.0", "7.10.0"}
	for i := range len(ordered) - 1 {
		a, errA := tenant.ParseVersion(ordered[i])
		b, errB := tenant.ParseVersion(ordered[i+1])
		if errA != nil || errB != nil || a.Compare(b) >= 0 {
			t.Errorf("%s is not older than %s (%v, %v)", ordered[i], ordered[i+1], errA, errB)
		}
		if a.String() != ordered[i] {
			t.Errorf("%s reads back as %s", ordered[i], a)
		}
	}
	for _, bad := range []string{"", "7", "7.3", "7.3.x", "7.3.0.1.2", "7.-3.0"} {
		if _, err := tenant.ParseVersion(bad); err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("%q was accepted: %v", bad, err)
		}
	}
}

func TestNamesFitTheLongestTenant(t *testing.T) {
	spec := tenant.Spec{Name: strings.Repeat("a", 40)}
	// 63 is the bound of a label value; a StatefulSet's pods carry its name and a hash of 11.
	for _, name := range []string{
		spec.ServiceName(), spec.HeadlessServiceName(), spec.TrustConfigMapName(), spec.SchemaProofName(), spec.StatefulSetName() + "-1234567890",
		tenant.VersionedName(spec.Name+"-credentials", []byte("x")), spec.KeystoreName(tenant.RoleFederation),
	} {
		if len(name) > 63 {
			t.Errorf("%s has %d characters", name, len(name))
		}
	}
}
