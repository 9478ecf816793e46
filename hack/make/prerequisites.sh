#!/usr/bin/env bash
# Looks for what the demo and the tests need: Go as new as go.mod says, and a JRE for its keytool.
# A missing JRE is installed on Debian as root; anything else is told, never worked around.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=$(awk '$1 == "go" {print $2}' go.mod)
if ! command -v go >/dev/null; then
	echo "Go is missing. Install Go $wanted or newer from https://go.dev/dl and put it on the PATH." >&2
	exit 1
fi
# Run inside the module, this fails by itself where the toolchain is too old and must not fetch another.
if ! found=$(go env GOVERSION 2>&1); then
	echo "This Go is too old: ${found}. Install Go $wanted or newer from https://go.dev/dl." >&2
	exit 1
fi

# Some systems ship a keytool that only advertises a JRE, so it has to answer, not just exist.
has_jre() { keytool -help >/dev/null 2>&1; }

has_jre && exit 0
if [[ -f /etc/debian_version && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
	echo 'No JRE found (the tests read keystores with its keytool); installing Debian package openjdk-17-jre-headless.' >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >&2
	apt-get -q install -y --no-install-recommends openjdk-17-jre-headless >&2
	has_jre && exit 0
	echo 'The package was installed, but keytool still does not answer. Try: keytool -help' >&2
	exit 1
fi
cat >&2 <<'MESSAGE'
A Java runtime is missing: the tests and the demo read keystores with its keytool. Install version 17 or newer:
  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless
  Fedora           sudo dnf install java-latest-openjdk-headless
  macOS            brew install openjdk    (and put its bin folder on the PATH)
MESSAGE
exit 1
