package functional

import (
	"fmt"
	"os"
	"path/filepath"
)

// auditLog is where the API server of this test program writes a line for each request.
var auditLog = filepath.Join(os.TempDir(), fmt.Sprintf("holdfast-audit-%d.log", os.Getpid()))
