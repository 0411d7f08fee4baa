#!/usr/bin/env bash
# Networks killed by SIGKILL or asked to stop by SIGUSR1 in the middle of an epoch go on from there
# at another number of ranks, and end with the bytes of an undisturbed training.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

# Each rank writes its process number first, then becomes the program.
# shellcheck disable=SC2016
announce='echo $$ >pid.$OMPI_COMM_WORLD_RANK.new && mv pid.$OMPI_COMM_WORLD_RANK.new \
    pid.$OMPI_COMM_WORLD_RANK && exec "$0" "$@"'

signal_at() { # CODE SIGNAL RANKS CHECKPOINT ARGUMENT...: once there is a new checkpoint
    local expected=$1 signal=$2 ranks=$3 kept=$4 before mpirun code=0
    shift 4
    rm -f pid.*
    before=$(stat -c %i.%y "$kept" 2>/dev/null)
    local start=(mpirun -np "$ranks")
    [ "$ranks" -gt 1 ] || start=(env OMPI_COMM_WORLD_RANK=0)
    "${start[@]}" sh -c "$announce" "$remise" "$@" >out 2>log &
    mpirun=$!
    until [ -e "$kept" ] && [ "$(stat -c %i.%y "$kept" 2>/dev/null)" != "$before" ]; do
        kill -0 $mpirun 2>/dev/null || { cat log; fail "$* ended before it could be disturbed"; }
        sleep 0.01
    done
    sleep 0.00$((RANDOM % 10))
    kill -"$signal" "$(cat pid.$((ranks - 1)))"
    wait $mpirun || code=$?
    case $code in
    $expected) echo "at $ranks ranks SIG$signal ended $2 with $code" ;;
    *) cat log; fail "$* ended with $code, not $expected" ;;
    esac
    [ -s "$kept" ] || fail "the checkpoint is gone"
}

# ---- remise fit ----
awk 'BEGIN {
    print "a,b,inside"
    for (i = 0; i < 5000; i++) {
        a = (i * 7919 % 1009) / 504.5 - 1; b = (i * 104729 % 997) / 498.5 - 1
        printf "%.6f,%.6f,%d\n", a, b, a * a + b * b < 0.6
    }
}' >table.csv
fit=(fit mlp table.csv --target inside --loss bce --layers 24,12 --batch 32 --epochs 60)
fit+=(--rate 0.01 --schedule cosine --dropout 0.1 --patience 50)
timeout 60 "$remise" "${fit[@]}" >reference 2>log || { cat log; fail "the undisturbed fit"; }
kept=(--checkpoint kept.h5 --checkpoint-steps 71)
signal_at '1??' KILL 2 kept.h5 "${fit[@]}" "${kept[@]}"
signal_at 75 USR1 1 kept.h5 "${fit[@]}" "${kept[@]}"
grep -q 'asked to stop; kept.h5 keeps it, run it again' log || { cat log; fail "no word of it"; }
timeout 60 "$remise" "${fit[@]}" --checkpoint kept.h5 >again 2>log ||
    { cat log; fail "the last fit"; }
cmp reference again || fail "a disturbed fit ends with other bytes"
[ ! -e kept.h5 ] || fail "the checkpoint stays when all is done"

# ---- the respond stage, which reads a sequence of events besides ----
shop_make 600
run=$work/run
timeout -k 5 120 mpirun -np 2 "$remise" run shop/remise.yaml -o "$run" --until recommend \
    >log 2>&1 || { cat log; fail "the stages before"; }
cp -r "$run" reference.run
respond=(respond shop/remise.yaml --set respond.epochs=12 --set respond.batch=64)
respond+=(--set respond.architecture=tower --set respond.events=6 --set "respond.units=[4]")
timeout 60 "$remise" "${respond[@]}" -o reference.run >log 2>&1 ||
    { cat log; fail "the undisturbed stage"; }
respond+=(-o "$run" --set checkpoint_minutes=0.0002)
signal_at 75 USR1 3 "$run/checkpoint/respond.h5" "${respond[@]}"
signal_at '1??' KILL 2 "$run/checkpoint/respond.h5" "${respond[@]}"
timeout 60 "$remise" "${respond[@]}" >log 2>&1 || { cat log; fail "the last stage"; }
grep -q 'respond: goes on from .*respond.h5, epoch' log || { cat log; fail "it began anew"; }
for file in model.h5 curves.h5; do
    cmp "reference.run/$file" "$run/$file" || fail "$file has other bytes"
done
[ ! -e "$run/checkpoint/respond.h5" ] || fail "the stage leaves its checkpoint behind"
