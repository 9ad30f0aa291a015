# Starting and stopping a server for the scripts of this folder. Sourced after common.bash, not run.

# The folder where fetched models are kept: a model repository.
models_folder() {
    echo "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/distillery/models"
}

server_pid=

# Starts modeld in a session of its own, so that Ctrl-C reaches this script alone, which then stops it in order. Should
# the script itself be killed, the kernel tells modeld to stop.
# Usage: start_server BINARIES MODEL-REPOSITORY SOCKET LOG
start_server() {
    setsid setpriv --pdeathsig TERM "$1/modeld" --model-repository "$2" --socket "$3" > "$4" 2>&1 &
    server_pid=$!
}

# Waits until every model is ready; shows the log when the server ends or takes longer than two minutes.
# Usage: wait_until_ready BINARIES SOCKET LOG
wait_until_ready() {
    local deadline=$((SECONDS + 120))
    until is_ready "$1" "$2"; do
        if ! kill -0 "$server_pid" 2> /dev/null; then
            tail -n 40 "$3" >&2
            fail "modeld ended before it was ready; its log is above"
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            "$1/modelctl" status --socket "$2" >&2 || true
            tail -n 40 "$3" >&2
            fail "the model was not ready after two minutes; status and log are above"
        fi
        sleep 0.1
    done
}

is_ready() {
    "$1/modelctl" status --socket "$2" --json 2> /dev/null | python3 -c '
import json, sys
try:
    models = json.load(sys.stdin)["models"]
except ValueError:
    sys.exit(1)
sys.exit(0 if models and all(model["state"] == "READY" for model in models) else 1)
'
}

# Stops the server and waits for it: politely first, by force after 15 seconds.
stop_server() {
    [ -n "$server_pid" ] || return 0
    local pid=$server_pid deadline=$((SECONDS + 15))
    server_pid=
    kill -TERM "$pid" 2> /dev/null || true
    while kill -0 "$pid" 2> /dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "modeld did not stop within 15 seconds; killing it" >&2
            kill -KILL "$pid" 2> /dev/null || true
        fi
        sleep 0.05
    done
    wait "$pid" 2> /dev/null || return "$?"
}
