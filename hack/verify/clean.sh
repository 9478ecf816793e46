#!/usr/bin/env bash
# Fails when the work tree differs from the commit, and says which files and what to do.
set -euo pipefail
cd "$(dirname "$0")/../.."

changed=$(git status --porcelain)
[[ -z $changed ]] && exit 0
echo "The tree is not clean after generate and fmt. These files differ from the last commit:"
echo "$changed"
git --no-pager diff --stat
echo "Look at the difference (git diff). If it is wanted: make generate fmt, then commit the files with your change."
exit 1
