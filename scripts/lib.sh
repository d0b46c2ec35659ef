# What the scripts share. Sourced with the package root as working directory.

say() {
	printf '%s\n' "$*" >&2
}

fail() {
	say "$0: $*"
	exit 1
}

is_root() {
	[ "$(id -u)" = 0 ]
}

# CAP_NET_RAW is bit 13 of the effective set (linux/capability.h).
can_open_raw_sockets() {
	capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
	[ $((0x$capabilities >> 13 & 1)) = 1 ]
}

# install PACKAGE...: installs Debian packages, or says that they are needed.
install() {
	if ! is_root || ! command -v apt-get >/dev/null; then
		fail "these packages (by their names in Debian) are missing, please install them: $*"
	fi
	say "installing $*"
	apt-get update -qq >/dev/null || say "apt-get update failed, trying with the package lists at hand"
	# Another installation may be at work, such as that of updates at night.
	DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=300 -qq --no-install-recommends "$@" >/dev/null ||
		fail "apt-get could not install $*"
}

# require COMMAND PACKAGES [COMMAND PACKAGES ...]: installs the packages of the commands that are missing.
require() {
	missing=
	while [ $# -gt 1 ]; do
		PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing="$missing $2"
		shift 2
	done
	# shellcheck disable=SC2086 # a list of words
	[ -z "$missing" ] || install $missing
}

# Everything that is needed to run from a checkout: compiler, npm packages (Node 24 among them), build.
set_up() {
	[ "$(uname -s)" = Linux ] || fail "floxy runs on Linux only: it needs raw sockets that take a foreign source address"
	command -v npm >/dev/null || fail "npm is missing: install it (Debian: apt-get install npm) and try again"
	require gcc "gcc libc6-dev" g++ g++ make make
	if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
		say "installing npm packages"
		npm ci --loglevel=error >&2 || fail "npm ci failed, see above"
	fi
	say "building"
	npm run --silent build >&2 || fail "the build failed, see above"
}
