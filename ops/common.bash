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
