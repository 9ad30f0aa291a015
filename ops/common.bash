# What the scripts of this folder share. Sourced, not run.

# Ends the script with a message on standard error. Usage: fail MESSAGE [STATUS]
fail() {
    echo "ops/${0##*/}: $1" >&2
    exit "${2:-1}"
}

# Says what happens now.
step() {
    echo "== $1"
}

# Installs packages of Debian or Ubuntu. Asks for sudo when it is not run by root. Usage: install_packages PACKAGE…
install_packages() {
    command -v apt-get > /dev/null || fail "this system has no apt-get; install by hand what Debian calls $*"
    step "installing $*"
    local root=() log
    if [ "$(id -u)" != 0 ]; then
        command -v sudo > /dev/null || fail "run as root or install sudo; needed: apt-get install $*"
        root=(sudo)
    fi
    log=$(mktemp)
    local install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@")
    # The lists of packages are often there and recent enough; fetching them takes longer than the installation.
    if ! "${install[@]}" > "$log" 2>&1; then
        quietly "$log" "${root[@]}" apt-get update
        quietly "$log" "${install[@]}"
    fi
    rm -f "$log"
}

# Makes an empty virtual environment of Python, with pip. What Debian's Python lacks for it is installed here and not by
# ops/setup: only the scripts that compare with other tools need it. Usage: make_environment FOLDER
make_environment() {
    python3 -c 'import ensurepip, venv' 2> /dev/null || install_packages python3 python3-venv >&2
    python3 -m venv --clear "$1" || fail "$(command -v python3) makes no virtual environment, as it says above; use Debian's"
}

# Runs a command with its output kept in a file, which is shown when it fails.
# Usage: quietly LOG COMMAND…
quietly() {
    local log=$1 status=0
    shift
    "$@" > "$log" 2>&1 || status=$?
    if [ "$status" != 0 ]; then
        echo "The command failed with status $status: $*" >&2
        echo "Its last lines (all of them in $log):" >&2
        tail -n 60 "$log" >&2
    fi
    return "$status"
}
