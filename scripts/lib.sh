# SPDX-License-Identifier: Apache-2.0
# What run, test and the scripts share: where the tree is, how a step is shown, how to fail.
# Sourced by bash, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs

# fail MESSAGE [HINT]: one line that says why, one that says what to do.
fail()
{
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint:  %s\n' "$2" >&2
    exit 1
}

# Seconds since START (of $EPOCHREALTIME), with one decimal.
seconds_since()
{
    local now=$EPOCHREALTIME
    local tenths=$(((${now/[.,]/} - ${1/[.,]/}) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# Rewrites one line each second: what runs, for how long, and how far ninja is by its log.
tick()
{
    local at
    SECONDS=0
    while sleep 1; do
        at=$(tail -n 1 "$2" 2>/dev/null | grep -o '^\[[0-9]*/[0-9]*\]' || true)
        printf '\r%-48s %6d s %-12s' "$1" "$SECONDS" "$at"
    done
}

# step WHAT LOG COMMAND...: runs the command quietly with its output in LOG; shows WHAT and the
# seconds it took. On a terminal the seconds tick. When it fails the end of the log is shown, unless
# the caller's trap has set $stopping: then it was interrupted. $step_tail: how many lines of it.
step()
{
    local what=$1 log=$2 start=$EPOCHREALTIME ticker='' status=0
    shift 2
    mkdir -p "$(dirname "$log")"
    if [ -t 1 ]; then
        tick "$what" "$log" &
        ticker=$!
    fi
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ -n "$ticker" ]; then
        kill "$ticker" 2>/dev/null || true
        wait "$ticker" 2>/dev/null || true
        printf '\r\033[K'
    fi
    if [ "$status" -ne 0 ] && [ -n "${stopping:-}" ]; then
        printf '%-48s interrupted\n' "$what"
        return "$status"
    elif [ "$status" -ne 0 ]; then
        printf '%-48s failed after %s s\n' "$what" "$(seconds_since "$start")"
        tail -n "${step_tail:-40}" "$log"
        printf 'the whole log: %s\n' "$log"
        return "$status"
    fi
    printf '%-48s %6s s\n' "$what" "$(seconds_since "$start")"
}

# configure_and_build PRESET TARGET...: quiet; configures only the first time (ninja repeats it).
configure_and_build()
{
    local preset=$1
    shift
    if [ ! -f "$root/build/$preset/build.ninja" ]; then
        step "configuring $preset" "$logs/configure-$preset.log" \
            cmake -S "$root" --preset "$preset" || return 1
    fi
    if ! step_tail=0 step "building $preset" "$logs/build-$preset.log" \
        cmake --build "$root/build/$preset" --target "$@"; then
        grep -A 30 '^FAILED' "$logs/build-$preset.log" | head -n 60
        return 1
    fi
}
