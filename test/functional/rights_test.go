package functional

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/rights"
)

// unusedRights lists what the roles grant and no test uses, with the reason why it is granted all the same.
var unusedRights = filepath.Join("testdata", "unused-rights.txt")

// judgeRights compares what the shipped roles grant with what the operator asked for in all these tests together, as the API
// server's audit log has it, and gives the exit code. A part of the tests, or tests that failed, say nothing of what is unused.
func judgeRights(code int) int {
	if code != 0 || !everyTestRan() {
		fmt.Fprintln(os.Stderr, "functional: rights are compared when every test ran and passed")
		return code
	}
	c, err := compareRights(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "functional: compare the rights:", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "functional: rights of the operator: %d granted, %d used, %d unused and reviewed (%s)\n", c.Granted, c.Used, c.Reviewed, unusedRights)
	for _, wrong := range c.Wrong {
		fmt.Fprintln(os.Stderr, "functional:", wrong)
		code = 1
	}
	return code
}

func compareRights(ctx context.Context) (rights.Comparison, error) {
	granted, err := rights.Granted(ctx, world.Admin, testenv.SystemNamespace, testenv.ManagerAccount)
	if err != nil {
		return rights.Comparison{}, err
	}
	requests, err := rights.Requests(auditLog, "system:serviceaccount:"+testenv.SystemNamespace+":"+testenv.ManagerAccount)
	if err != nil {
		return rights.Comparison{}, err
	}
	reviewed, err := os.ReadFile(unusedRights)
	if err != nil {
		return rights.Comparison{}, err
	}
	return rights.Compare(granted, requests, string(reviewed)), nil
}

// everyTestRan tells whether no flag left some out.
func everyTestRan() bool {
	for name, usual := range map[string]string{"run": "", "skip": "", "list": "", "failfast": "false"} {
		if flag.Lookup("test."+name).Value.String() != usual {
			return false
		}
	}
	return !testing.Short()
}
