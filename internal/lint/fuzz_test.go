package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// FuzzFile: whatever a file holds, lint neither falls over nor names a line that is not
// there, and shows no secret of the file.
func FuzzFile(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "vendor.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, content := range []string{
		"a = [[1, 2], [{b = 1}]]\n[[a.b]]\n", "\ufeff[a]\nb = 1\n", "[a]\r\nb = \"\"\"\r\nx\"\"\"\r\n", "\"\" = 1\n[\"\".\"\"]\n\"\" = {}\n", "a=\\\n\\u0041", "[x]\ny = 1979-05-27T07:32:00Z\nz = inf\n",
	} {
		f.Add([]byte(content))
	}
	const canary = "kX93canary"
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, with := range [][]byte{content, append([]byte("[super_admin]\npassword = \""+canary+"\"\n"), content...)} {
			report, err := File("x", with, control.Load(), strict)
			var out bytes.Buffer
			if err != nil {
				out.WriteString(err.Error())
			} else if err := Text(&out, report); err != nil {
				t.Fatal(err)
			} else if err := SARIF(&out, report, control.Load()); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), canary) && !bytes.Contains(content, []byte(canary)) {
				t.Errorf("a secret is shown: %s", out.String())
			}
			for _, finding := range report.Findings {
				if lines := bytes.Count(with, []byte("\n")) + bytes.Count(with, []byte("\r")) + 1; finding.Line > lines {
					t.Errorf("%s: line %d of %d", finding.Key, finding.Line, lines)
				}
			}
		}
	})
}
