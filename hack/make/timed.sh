#!/usr/bin/env bash
# timed.sh LABEL COMMAND... runs the command, prints how long it took, and ends as the command did.
set -uo pipefail

label=$1
shift
started=$SECONDS
"$@"
code=$?
took=$((SECONDS - started))
if ((code == 0)); then verdict='finished'; else verdict="failed with exit code $code"; fi
printf '%s %s after %d min %02d s\n' "$label" "$verdict" $((took / 60)) $((took % 60))
exit "$code"
