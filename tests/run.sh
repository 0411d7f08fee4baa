#!/usr/bin/env bash
# Install what is missing, build, and run all tests; the last line is ctest's summary, the exit
# code ctest's.
#   tests/run.sh [CTEST ARGUMENTS]      e.g. tests/run.sh -L kmeans
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
. cmake/packages.sh
. cmake/build.sh

packages_need build tests
packages_want slurm
packages_want fuzz
packages_want curves
build_targets all || exit

# Ctest starts two ranks at a time for each core, as tests wait as often as they work;
# a test with more ranks runs alone.
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(($(cores) * 2))}
ctest --test-dir build --no-tests=error --no-label-summary --output-on-failure "$@" 2>&1 |
    awk '/ tests passed, .* out of / { summary = $0; next }
        { print; fflush() }
        END { print summary }' |
    { # why tests were skipped, just before the summary
        while IFS= read -r line; do
            case $line in *" tests passed, "*" out of "*)
                grep -ah '^SKIPPED' build/Testing/Temporary/LastTest.log | sort -u
                ;;
            esac
            printf '%s\n' "$line"
        done
    }
exit "${PIPESTATUS[0]}"
