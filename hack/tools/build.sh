#!/usr/bin/env bash
# Prints the path of a tool built from its own module hack/tools/NAME, building it first when that
# exact module (go.mod, Go version) was not built before. The program lands in the cache
# outside git, so that a fresh clone on a used machine pays nothing.
set -euo pipefail

name=${1:?usage: hack/tools/build.sh NAME}
module=$(cd "$(dirname "$0")/$name" && pwd)
cache=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}

digest=$( { go version; cat "$module/go.mod"; } | git hash-object --stdin | cut -c1-16)
program=$cache/tools/$digest/$name

if [[ ! -x $program ]]; then
	echo "Building $name from hack/tools/$name into $cache/tools (once; golangci-lint takes some minutes)" >&2
	mkdir -p "$(dirname "$program")"
	started=$SECONDS
	# A tool that can leave parts out says so in its go.mod: "// tags: a,b".
	tags=$(sed -n 's|^//.*tags: ||p' "$module/go.mod")
	# GOFLAGS is emptied because a -mod or -modfile meant for the main module must not reach this one.
	# Building beside the target and renaming keeps a half-written program from ever being run.
	(cd "$module" && GOFLAGS='' CGO_ENABLED=0 go build -buildvcs=false -tags "$tags" -ldflags='-s -w' -o "$program.$$" "$(awk '$1 == "tool" {print $2}' go.mod)")
	mv "$program.$$" "$program"
	echo "Built $name in $((SECONDS - started)) s" >&2
fi
echo "$program"
