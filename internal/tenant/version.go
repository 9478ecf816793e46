package tenant

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a product version: major.minor.patch and an optional update level.
type Version struct{ Major, Minor, Patch, Update int }

// ParseVersion reads "7.3.0" or "7.3.0.12".
func ParseVersion(text string) (Version, error) {
	parts := strings.Split(text, ".")
	if len(parts) < 3 || len(parts) > 4 {
		return Version{}, fmt.Errorf("version %q: write major.minor.patch, such as 7.3.0", text)
	}
	var numbers [4]int
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return Version{}, fmt.Errorf("version %q: %q is not a number", text, part)
		}
		numbers[i] = n
	}
	return Version{numbers[0], numbers[1], numbers[2], numbers[3]}, nil
}

// Compare orders versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor),
		cmp.Compare(v.Patch, w.Patch), cmp.Compare(v.Update, w.Update))
}

// AtLeast reports whether v is major.minor or newer.
func (v Version) AtLeast(major, minor int) bool {
	return v.Compare(Version{Major: major, Minor: minor}) >= 0
}

// String writes the version as it was read.
func (v Version) String() string {
	text := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Update != 0 {
		text += fmt.Sprintf(".%d", v.Update)
	}
	return text
}
