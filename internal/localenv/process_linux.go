package localenv

import "syscall"

// ownGroup puts a child into a process group of its own, so that Ctrl-C reaches only the parent, which then stops its children in order.
// The kernel sends the child onParentDeath when its parent dies; 0 lets it live on.
func ownGroup(onParentDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: onParentDeath}
}
