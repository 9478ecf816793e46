//go:build !linux

package player

import "syscall"

func endWithParent() *syscall.SysProcAttr { return nil }
