#!/usr/bin/env bash
# Fails unless a tag is what chart, bundle and changelog say, and the chart installs the image that is about to be pushed.
#   hack/release/check.sh v0.1.0 ghcr.io/holdfast-iam/holdfast
set -euo pipefail
cd "$(dirname "$0")/../.."

tag=${1:?usage: hack/release/check.sh TAG REPOSITORY}
repository=${2:?usage: hack/release/check.sh TAG REPOSITORY}
code=0
# same WHAT FOUND WANTED WHERE
same() {
	[[ $2 == "$3" ]] && return
	echo "$1 is ${2:-missing}, want $3: change $4, run make generate, commit, and tag that commit" >&2
	code=1
}

same 'the tag' "$tag" "v$(awk '/^version: / {print $2}' charts/holdfast/Chart.yaml)" hack/tools/config/about.go
same 'the version of the bundle' "v$(awk '/^  version: / {print $2}' bundle/manifests/holdfast.clusterserviceversion.yaml)" "$tag" hack/tools/config/about.go
same 'the image of the chart' "$(awk '$1 == "repository:" {gsub(/"/, "", $2); print $2}' charts/holdfast/values.yaml)" "$repository" hack/tools/chart/static/values.schema.yaml
same 'the heading of the changelog' "$(grep -oE "^## \[${tag#v}\]" CHANGELOG.md || true)" "## [${tag#v}]" CHANGELOG.md
exit "$code"
