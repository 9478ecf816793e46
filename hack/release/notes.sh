#!/usr/bin/env bash
# Prints what the changelog says of a version, as the notes of its release.
#   hack/release/notes.sh v0.1.0 [CHANGELOG.md]
set -euo pipefail

tag=${1:?usage: hack/release/notes.sh TAG [FILE]}
file=${2:-$(dirname "$0")/../../CHANGELOG.md}
notes=$(awk -v heading="## [${tag#v}]" 'index($0, "## [") == 1 {inside = index($0, heading) == 1; next} inside' "$file")
[[ -n ${notes//[[:space:]]/} ]] || { echo "CHANGELOG.md has nothing under the heading ## [${tag#v}]" >&2; exit 1; }
printf '%s\n' "$notes"
