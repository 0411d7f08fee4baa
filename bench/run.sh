#!/usr/bin/env bash
# How fast the stages are: one line each with rows a second, the share of what the machine can do,
# and the ratio to a peer that does the same on the same rows, where one is installed.
#   bench/run.sh [NOUN ...]        e.g. bench/run.sh kmeans
# Settings: REMISE_PEERS_PYTHON, a Python with scikit-learn and PyTorch (python3);
#           REMISE_BENCH_RANKS (2).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
. cmake/packages.sh
. cmake/build.sh
set -a
. cmake/mpi_environment.sh
set +a
ranks=${REMISE_BENCH_RANKS:-2}
python=${REMISE_PEERS_PYTHON:-python3}

packages_need build tests
build_targets bench || exit

measure() { # NOUN: the line of JSON that our program prints
    timeout -k 5 600 mpirun -np "$ranks" "build/bench/bench_$1" </dev/null
}

measure_peer() { # NOUN: the line of its peer, on as many threads; nothing where it is not installed
    [ -e "bench/peer_$1.py" ] || return 0
    OMP_NUM_THREADS=$ranks timeout 900 "$python" "bench/peer_$1.py" 2>/dev/null </dev/null
}

line() { # STAGE NOUN LIMIT: ours, the limit and the peer's in one line
    python3 - "$@" "$(measure "$2")" "$limit" "$(measure_peer "$2")" <<'PYTHON'
import json
import sys

stage, noun, kind, ours, limit, peer = sys.argv[1:]
ours, limit = json.loads(ours), json.loads(limit)
peer = json.loads(peer.splitlines()[-1]) if peer.strip() else None
if kind == "copy":
    share = ours["gigabytes_per_second"] / limit["copy_gigabytes_per_second"]
else:
    share = ours["gflops"] / limit[kind + "_gflops"]
rate = ours["rows_per_second"]
ratio = f"{rate / peer['rows_per_second']:.2f} x {peer['peer']}" if peer else "peer not installed"
print(f"{stage:<10} {noun:<10} {rate:>12.4g} rows/s  {100 * share:>5.1f} % of {kind:<6}  {ratio}")
PYTHON
}

limit=$(measure limit) || exit
echo "$ranks ranks, one thread each; the machine: $limit"
faults=0
while read -r stage noun kind; do
    case " ${*:-$noun} " in *" $noun "*) line "$stage" "$noun" "$kind" || faults=1 ;; esac
done <<'LIST'
profile kmeans float
demand lsq double
respond mlp float
allocate allocate copy
LIST
exit $faults
