#!/usr/bin/env bash
# Looks for what the demo and the tests need: Go as new as go.mod says, a JRE for its keytool and for Keycloak, Maven, which fetches
# Keycloak, and PostgreSQL. What is missing of these but Go is installed on Debian as root; anything else is told, never worked around.
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

# Debian keeps the server's programs off the PATH.
has_postgres() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

has_maven() { command -v mvn >/dev/null; }

packages=()
has_jre || packages+=(openjdk-17-jre-headless)
has_postgres || packages+=(postgresql)
has_maven || packages+=(maven)
((${#packages[@]})) || exit 0
if [[ -f /etc/debian_version && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
	echo "Missing (Java runs Keycloak and its keytool reads keystores, PostgreSQL is its database, Maven fetches it); installing: ${packages[*]}." >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >&2
	# Releases of Debian have one or the other.
	[[ ${packages[0]} != openjdk-17-jre-headless ]] || apt-cache show openjdk-17-jre-headless >/dev/null 2>&1 || packages[0]=openjdk-21-jre-headless
	# The tests start servers of their own: Debian is asked not to make and start one.
	mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/holdfast.conf
	apt-get -q install -y --no-install-recommends "${packages[@]}" >&2
	has_jre && has_postgres && has_maven && exit 0
	echo 'The packages were installed, but their programs do not answer. Try: keytool -help; ls /usr/lib/postgresql/*/bin/initdb; mvn --version' >&2
	exit 1
fi
has_jre || cat >&2 <<'MESSAGE'
A Java runtime is missing: it runs Keycloak, and its keytool reads keystores. Install version 17 or newer:
  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless    (or openjdk-21-jre-headless)
  Fedora           sudo dnf install java-latest-openjdk-headless
  macOS            brew install openjdk    (and put its bin folder on the PATH)
MESSAGE
has_postgres || cat >&2 <<'MESSAGE'
PostgreSQL is missing: the demo and the tests start servers of it. Install version 13 or newer:
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora           sudo dnf install postgresql-server
  macOS            brew install postgresql    (and put its bin folder on the PATH)
MESSAGE
has_maven || cat >&2 <<'MESSAGE'
Maven is missing: it fetches the Keycloak that the demo and the tests start. Install version 3.6 or newer:
  Debian, Ubuntu   sudo apt-get install maven
  Fedora           sudo dnf install maven
  macOS            brew install maven
MESSAGE
exit 1
