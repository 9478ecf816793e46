# Holdfast's commands. This file only names the shell and gathers hack/make/*.mk, one file per concern.
# `make help` lists every target: a target with a `## text` behind it is shown, `##@ Title` starts a group.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# The phases of a command build on each other, and each keeps all cores busy by itself.
.NOTPARALLEL:

GO ?= go
# TIMED LABEL COMMAND... runs the command and prints how long it took, also when it fails.
TIMED := hack/make/timed.sh
# TOOL prints the path of a tool, built on first use from its own module under hack/tools.
TOOL := hack/tools/build.sh

include hack/make/help.mk
include hack/make/demo.mk
include hack/make/test.mk
include hack/make/build.mk
include hack/make/image.mk
include hack/make/generate.mk
include hack/make/verify.mk
