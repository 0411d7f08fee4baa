#!/usr/bin/env bash
# `remise bench machine`: limits as JSON, and what else is said.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

timeout -k 5 60 mpirun -np 2 "$remise" bench machine >json 2>log ||
    { cat log; fail "bench machine ended with an error"; }
python3 - json <<'PYTHON' || fail "the limits are not what they should be"
import json
import sys

machine = json.load(open(sys.argv[1]))
assert machine.pop("bench") == "machine" and machine.pop("ranks") == 2
assert list(machine) == ["float_gflops", "double_gflops", "read_gigabytes_per_second",
                         "copy_gigabytes_per_second", "counts_per_second"], machine
assert all(0 < rate < 1e12 for rate in machine.values()), machine
assert machine["float_gflops"] > machine["double_gflops"], machine
PYTHON
for words in "" wombat "machine machine"; do
    # shellcheck disable=SC2086
    "$remise" bench $words >out 2>&1
    [ $? = 64 ] || { cat out; fail "bench $words is not refused"; }
done
