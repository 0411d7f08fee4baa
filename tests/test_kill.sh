#!/usr/bin/env bash
# One rank killed by SIGKILL in every stage of a run: the job ends at once, leaves no half-written file, and goes
# on from there when it is sent again; at the end the files have the bytes of an undisturbed run.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
ranks=2

children() { # PID: numbers of its child processes
    local stat parent
    for stat in /proc/[0-9]*/stat; do
        # the name in brackets may hold anything; the parent is the second word after it
        parent=$(sed 's/.*) . \([0-9]*\) .*/\1/' "$stat" 2>/dev/null)
        if [ "$parent" = "$1" ]; then basename "$(dirname "$stat")"; fi
    done
}

rank_process() { # MPIRUN'S PID, RANK: the process of that rank, once it is there
    local try pid
    for try in $(seq 200); do
        for pid in $(children "$1"); do
            tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" |
                grep -qx "OMPI_COMM_WORLD_RANK=$2" && { echo "$pid"; return 0; }
        done
        sleep 0.02
    done
    return 1
}

until_there() { # FILE PID: wait for the file while the process lives
    while [ ! -e "$1" ]; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.01
    done
}

finished_seconds() { stat -c %.3Y "$1"; }

no_half_file() { # every file under a final name is the one of the undisturbed run
    local file
    for file in $final; do
        [ ! -e "$run/$file" ] || cmp "$run/$file" "$work/reference/$file" || fail "$file is half-written"
    done
}

kill_in() { # STAGE, FILE that starts it (or -), SECONDS into it, RANK
    local code=0 mpirun victim start
    mpirun -np $ranks "$remise" run "$work/shop/remise.yaml" -o "$run" >"$work/killed.log" 2>&1 &
    mpirun=$!
    victim=$(rank_process $mpirun "$4") || fail "rank $4 did not start"
    [ "$2" = - ] || until_there "$2" $mpirun || { cat "$work/killed.log"; fail "no $1 to kill"; }
    sleep "$3"
    start=$SECONDS
    kill -KILL "$victim" 2>/dev/null || fail "$1 was over before it could be killed"
    while kill -0 $mpirun 2>/dev/null; do
        [ $((SECONDS - start)) -lt 30 ] || { kill -KILL $mpirun; fail "killed in $1, it went on"; }
        sleep 0.1
    done
    wait $mpirun || code=$?
    [ $code != 0 ] || fail "killed in $1, the job still ended with 0"
    no_half_file
    echo "rank $4 killed in $1: ended with $code after $((SECONDS - start)) s"
}

shop_make 4000
begin=$(date +%s.%3N)
shop_run $ranks "$work/reference"
stages=$(cd "$work/reference/checkpoint" && ls -tr -- *.json | sed 's/\.json$//')
final=$(cd "$work/reference" && find . -maxdepth 1 -type f ! -name manifest.json ! -name log.jsonl)

run=$work/run before=- last=$begin rank=0
for stage in $stages; do
    mark=$work/reference/checkpoint/$stage.json
    end=$(finished_seconds "$mark")
    half=$(awk "BEGIN { print ($end - $last) / 2 }")
    kill_in "$stage" "$before" "$half" $rank
    before=$run/checkpoint/$stage.json last=$end rank=$(((rank + 1) % ranks))
done
shop_run $ranks "$run"
shop_same "$work/reference" "$run"
echo "after $(echo "$stages" | wc -w) kills the run ended with the bytes of the undisturbed one"
