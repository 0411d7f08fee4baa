#!/usr/bin/env bash
# How fast the stages are: one line each with rows a second, the share of what the machine can do,
# and the ratio to a peer that does the same on the same rows, where one is installed.
#   bench/run.sh [NOUN ...]        e.g. bench/run.sh kmeans ingest
# Stages that are mostly one kernel are measured by it, on rows made in memory; ingest, recommend
# and publish as they are, on a synthetic shop in a temporary folder.
# Settings: REMISE_PEERS_PYTHON, a Python with scikit-learn, PyTorch, pyarrow and pandas (python3);
#           REMISE_BENCH_RANKS (2); REMISE_BENCH_USERS, of the shop (200000);
#           REMISE_BENCH_CSV_BYTES, of the table that csv reads (1e9).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
. cmake/packages.sh
. cmake/build.sh
set -a
. cmake/mpi_environment.sh
set +a
ranks=${REMISE_BENCH_RANKS:-2}
python=${REMISE_PEERS_PYTHON:-python3}
users=${REMISE_BENCH_USERS:-200000}
work=$(mktemp -d "${TMPDIR:-/tmp}/remise-bench-XXXXXX") || exit
trap 'rm -rf "$work"' EXIT

packages_need build tests
build_targets bench remise || exit

remise() { # LOG ARGUMENT...: on all ranks; what it says goes to the log, and out if it fails
    local log=$1
    shift
    timeout -k 5 600 mpirun -np "$ranks" build/remise "$@" </dev/null >"$log" 2>&1 ||
        { cat "$log" >&2; return 1; }
}

shop_ready() { # $work: a synthetic shop in shop/, a whole run on it in run/
    [ ! -e "$work/run.log" ] || return 0
    remise "$work/synth.log" synth "$work/shop" --users "$users" || exit
    remise "$work/run.log" run "$work/shop/remise.yaml" -o "$work/run" || exit
    sed -n "s/^DONE: \(.*\); next.*/a synthetic shop of $users users: \1/p" "$work/run.log"
}

measure_stage() { # STAGE: the stage done again, twice
    local turn
    for turn in 1 2; do
        remise "$work/$1.$turn.log" "$1" "$work/shop/remise.yaml" -o "$work/run" --force || return
    done
    python3 bench/stage.py "$1" "$work" "$work/run.log" "$work/$1".*.log
}

is_stage() {
    case $1 in ingest | recommend | publish) return 0 ;; *) return 1 ;; esac
}

rows_of() { # NOUN: where the rows are that both read; nothing if each makes the same in memory
    if is_stage "$1"; then echo "$work"; elif [ "$1" = csv ]; then echo "$work/sales.csv"; fi
}

measure() { # NOUN ARGUMENT...: the line of JSON of our program
    local rows noun=$1
    shift
    if is_stage "$noun"; then
        measure_stage "$noun"
    else
        mapfile -t rows < <(rows_of "$noun")
        timeout -k 5 600 mpirun -np "$ranks" "build/bench/bench_$noun" "${rows[@]}" "$@" </dev/null
    fi
}

measure_peer() { # NOUN ARGUMENT...: its peer's line, on as many threads; nothing without one
    local rows noun=$1
    shift
    mapfile -t rows < <(rows_of "$noun")
    [ -e "bench/peer_$noun.py" ] || return 0
    OMP_NUM_THREADS=$ranks timeout 900 "$python" "bench/peer_$noun.py" "${rows[@]}" "$@" \
        2>/dev/null </dev/null
}

line() { # STAGE NOUN LIMIT ARGUMENT...: ours, the limit and the peer's in one line
    local ours peer arguments=("${@:4}")
    ours=$(measure "$2" "${arguments[@]}")
    peer=$(measure_peer "$2" "${arguments[@]}")
    python3 - "$1" "${arguments[*]:+${arguments[*]} }$2" "$3" "$ours" "$limit" "$peer" <<'PYTHON'
import json
import sys

stage, noun, kind, ours, limit, peer = sys.argv[1:]
ours, limit = json.loads(ours), json.loads(limit)
peer = json.loads(peer.splitlines()[-1]) if peer.strip() else None
if kind in ("copy", "read"):
    share = ours["gigabytes_per_second"] / limit[kind + "_gigabytes_per_second"]
elif kind == "counts":
    share = ours["counts_per_second"] / limit["counts_per_second"]
else:
    share = ours["gflops"] / limit[kind + "_gflops"]
rate = ours["rows_per_second"]
if peer and peer.get("sums", ours.get("sums")) != ours.get("sums"):
    sys.exit(f"{noun}: the peer came to another result: {peer['sums']}, not {ours['sums']}")
if peer and "log_likelihood" in peer:
    found, expected = ours["log_likelihood"], peer["log_likelihood"]
    if abs(found - expected) > 1e-8 * abs(expected):
        sys.exit(f"{noun}: the peer came to log-likelihood {expected}, not {found}")
ratio = ", ".join(f"{rate / p['rows_per_second']:.2f} x {p['peer']}"
                  for p in ([peer] + peer.get("more", []) if peer else []) + ours.get("more", []))
print(f"{stage:<10} {noun:<24} {rate:>12.4g} rows/s  {100 * share:>5.1f} % of {kind:<6}  "
      + (ratio or "peer not installed"))
PYTHON
}

limit=$(timeout -k 5 60 mpirun -np "$ranks" build/remise bench machine </dev/null \
    2>"$work/machine.log") || { cat "$work/machine.log" >&2; exit 1; }
echo "$ranks ranks, one thread each; the machine: $limit"
faults=0 lines=0
while read -r stage noun kind arguments; do
    case " ${*:-$noun} " in *" $noun "*) ;; *) continue ;; esac
    lines=$((lines + 1))
    ! is_stage "$noun" || shop_ready
    # shellcheck disable=SC2086
    line "$stage" "$noun" "$kind" $arguments || faults=1
done <<'LIST'
ingest csv copy
ingest ingest copy
profile forest counts
profile kmeans float 1000000 32 64 20
profile kmeans read 1000000 16 5 60
profile kmeans float 200000 128 512 10
profile mixture double full
profile mixture double diag
demand lsq double
demand lsq double 1000000 2 4000
recommend als float implicit
recommend recommend copy
respond mlp float
respond mlp float 262144 32 256 2
respond mlp float 131072 128 8192 4 256,256
respond sequence float cnn
respond sequence float gru
allocate allocate copy
allocate allocate copy 2000000 8 30
allocate path copy
allocate limits copy 100000 5 100
allocate knapsack copy --users 20000
publish publish copy
LIST
[ $lines -gt 0 ] || { echo "no benchmark is called $*; see the list in bench/run.sh" >&2; exit 64; }
exit $faults
