#!/usr/bin/env bash
# One rank killed by SIGKILL in every stage of a run: the job ends at once, leaves no half-written
# file, and goes on from there when it is sent again; at the end the files have the bytes of an
# undisturbed run.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
ranks=2

# Each rank writes its process number first, then becomes the program.
# shellcheck disable=SC2016
announce='echo $$ >"$0.$OMPI_COMM_WORLD_RANK.new" && mv "$0.$OMPI_COMM_WORLD_RANK.new" \
    "$0.$OMPI_COMM_WORLD_RANK" && exec "$@"'

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
        [ ! -e "$run/$file" ] || cmp "$run/$file" "$work/reference/$file" ||
            fail "$file is half-written"
    done
}

kill_once() { # STAGE, FILE that starts it (or -), SECONDS into it, RANK: sets $code and $took
    local mpirun victim start
    rm -f "$work"/pid.*
    mpirun -np $ranks sh -c "$announce" "$work/pid" "$remise" run "$work/shop/remise.yaml" \
        -o "$run" >"$work/killed.log" 2>&1 &
    mpirun=$! code=0
    until_there "$work/pid.$4" $mpirun || { cat "$work/killed.log"; fail "rank $4 did not start"; }
    victim=$(cat "$work/pid.$4")
    [ "$2" = - ] || until_there "$2" $mpirun || { cat "$work/killed.log"; fail "no $1 to kill"; }
    sleep "$3"
    start=$SECONDS
    kill -KILL "$victim" 2>/dev/null
    while kill -0 $mpirun 2>/dev/null; do
        [ $((SECONDS - start)) -lt 30 ] || { kill -KILL $mpirun; fail "killed in $1, it went on"; }
        sleep 0.1
    done
    wait $mpirun || code=$?
    took=$((SECONDS - start))
}

kill_in() { # the same, until the kill falls into the stage
    local try wait=$3 mark=$run/checkpoint/$1.json
    for try in 1 2 3 4 5 6; do
        kill_once "$1" "$2" "$wait" "$4"
        no_half_file
        if [ ! -e "$mark" ]; then
            [ $code != 0 ] || fail "killed in $1, the job still ended with 0"
            echo "rank $4 killed in $1, $wait s into it: ended with $code after $took s"
            return 0
        fi
        rm "$mark" # it was faster than last time: once more, sooner
        wait=$(awk "BEGIN { print $wait / 3 }")
    done
    fail "$1 was over before it could be killed, six times"
}

shop_make 10000
begin=$(date +%s.%3N)
shop_run $ranks "$work/reference"
stages=$(cd "$work/reference/checkpoint" && ls -tr -- *.json | sed 's/\.json$//')
# ids.vault is encrypted anew each time; publish, which opens it, would refuse half of one
final=$(cd "$work/reference" && find . -maxdepth 1 ! -type d ! -name current \
    ! -name manifest.json ! -name log.jsonl ! -name ids.vault)

run=$work/run code=0 took=0 before=- last=$begin rank=0
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
