#!/usr/bin/env bash
# Runs go test in the main module and in every nested module that has tests. All of them run, and the
# first failure decides the exit code, so that one red module does not hide another.
set -uo pipefail
cd "$(dirname "$0")/../.."

# The upstream programs are compiled before the first test starts, in sight: no test's time limit pays for that.
go run ./hack/local build || exit 1
hack/tools/build.sh promtool >/dev/null || exit 1

code=0
for module in $(git ls-files 'go.mod' '*/go.mod' | xargs -n1 dirname); do
	[[ $module == . || -n $(git ls-files "$module/*_test.go") ]] || continue
	echo "== go test $* ./... (in $module)"
	# The longest first: beside it all the others have come to their end.
	first=()
	[[ $module == . ]] && first=(./test/functional ./controllers/keystore)
	(cd "$module" && go test "$@" "${first[@]}" ./...) || code=1
done
exit "$code"
