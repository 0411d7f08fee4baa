#!/usr/bin/env bash
# The CSV reader against Python's csv module on 10,000 random files, at 1 and 3 ranks.
#   REMISE_CSV_FILES, REMISE_CSV_SEED    another number of files, other files
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
command -v python3 >/dev/null || skip "python3 is not installed"
python=(python3 "$(dirname "$0")/test_csv_python.py")
files=${REMISE_CSV_FILES:-10000}

mkdir "$work/files"
"${python[@]}" make "$work/files" "$files" "${REMISE_CSV_SEED:-1}" || fail "no files were made"
for ranks in 1 3; do
    timeout -k 5 300 mpirun -np $ranks "$1/tests/csv_dump" "$work/files/list" \
        >"$work/dump.$ranks" 2>"$work/log" ||
        { cat "$work/log"; fail "csv_dump at $ranks ranks ended with an error"; }
done
"${python[@]}" compare "$work/files" "$work/dump.1" "$work/dump.3" >"$work/out" ||
    { tail -n 200 "$work/out"; fail "rows differ from Python's"; }
cat "$work/out"
