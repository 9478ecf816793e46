#!/usr/bin/env bash
# Shows where go.mod or go.sum of a module is not what go mod tidy makes of it; with -w it writes that instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

code=0
while read -r module; do
	option=
	# The modules of upstream programs only pin versions. Some of their tests import packages that were never
	# published, which tidy must get over; a package that the build needs is missed by the build.
	[[ $module != hack/local/build/* ]] || option=-e
	if [[ ${1-} == -w ]]; then
		(cd "$module" && go mod tidy $option)
	elif ! (cd "$module" && go mod tidy -diff $option) >"$log" 2>&1; then
		code=1
		echo "Module $module is not tidy. Run make tidy, then commit go.mod and go.sum. The first differences:"
		grep -v '^go: downloading' "$log" | head -n 30 || true
	fi
done < <(git ls-files 'go.mod' '*/go.mod' | xargs -n1 dirname)
exit "$code"
