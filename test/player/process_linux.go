package player

import "syscall"

// endWithParent has the kernel end a stand-in whose parent was killed.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
