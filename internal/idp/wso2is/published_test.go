package wso2is_test

import (
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/published"
)

// TestNothingPublishedIsRendered: no file of ours carries a secret of the vendor, and none
// leaves one in force by saying nothing.
func TestNothingPublishedIsRendered(t *testing.T) {
	for name, want := range cases() {
		for _, profile := range control.Profiles() {
			want.Profile = profile
			for file, content := range render(t, want).files {
				if is, found := published.Text(string(content)); found {
					t.Errorf("%s %s: %s has %s (%s)", name, profile, file, is.What, is.ID)
				}
				if file != "deployment.toml" {
					continue
				}
				flat, err := evidence.TOML(content)
				if err != nil {
					t.Fatal(err)
				}
				for _, found := range published.File(flat.Values) {
					t.Errorf("%s %s: %s has %s (%s), missing: %t", name, profile, found.Key, found.What, found.ID, found.Missing)
				}
			}
		}
	}
}
