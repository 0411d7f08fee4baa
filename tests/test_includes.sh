#!/usr/bin/env bash
# Includes point down the house only: jobs > {algorithms, io} > partition > mpi.
set -uo pipefail
root=$(dirname "$0")/..

may_include() { # FOLDER: the folders that its files may include
    case $1 in
    mpi) echo mpi ;;
    partition) echo mpi partition ;;
    algorithms) echo mpi partition algorithms ;;
    io) echo mpi partition io ;;
    jobs) echo mpi partition algorithms io jobs ;;
    esac
}

wrong_includes() { # ROOT: every include that points up, sideways, or not from the root
    local folder allowed
    for folder in mpi partition algorithms io jobs; do
        [ -d "$1/$folder" ] || continue
        allowed=$(may_include $folder | tr ' ' '|')
        (cd "$1" && grep -rnE --include='*.[ch]' '^[ \t]*#[ \t]*include[ \t]*"' $folder) |
            grep -vE "\"($allowed)/[a-z0-9_/]+\.h\""
    done
    (cd "$1" && find . -name mpi.h -not -path './build*' \
        -printf '%P: a header must not be called mpi.h\n')
}

# The check can see what it looks for.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
mkdir "$planted"/{mpi,algorithms,io,jobs}
echo '#include "partition/blocks.h"' >"$planted/mpi/up.c"
echo '#include "io/csv.h"' >"$planted/algorithms/sideways.c"
echo '  # include "rows.h"' >"$planted/algorithms/local.h"
echo '#include "algorithms/rows.h"' >"$planted/io/sideways.h"
echo '#include "io/csv.h"' >"$planted/jobs/fine.c"
echo >"$planted/mpi/mpi.h"
found=$(wrong_includes "$planted" | wc -l)
if [ "$found" != 5 ]; then
    echo "the check itself is broken: it found $found of 5 planted faults"
    exit 1
fi

wrong=$(wrong_includes "$root")
[ -z "$wrong" ] && exit 0
echo "Includes point down (jobs > algorithms, io > partition > mpi), written from the root:"
echo "$wrong"
exit 1
