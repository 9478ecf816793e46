#!/usr/bin/env bash
# Shows where go.mod or go.sum of a module is not what go mod tidy makes of it; with -w it writes that instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

code=0
for module in $(git ls-files '*go.mod' | xargs -n1 dirname); do
	if [[ ${1-} == -w ]]; then
		(cd "$module" && go mod tidy)
	elif ! difference=$(cd "$module" && go mod tidy -diff 2>&1); then
		code=1
		printf 'Module %s is not tidy. Run make tidy and commit go.mod and go.sum:\n%s\n' "$module" "$difference"
	fi
done
exit "$code"
