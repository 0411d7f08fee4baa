# What the tests of whole runs share: a place to work, a small synthetic shop, runs of it. To be
# sourced. shop_begin makes $work (removed at the end) and sets $remise, the program under test.

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() { # ctest counts 77 as skipped; tests/run.sh repeats the reason
    echo "SKIPPED: $*"
    exit 77
}

shop_begin() { # BUILD FOLDER
    remise=$1/remise
    [ -x "$remise" ] || fail "no program $remise"
    work=$(mktemp -d /tmp/remise-XXXXXX)
    trap 'shop_end' EXIT
    # the secret that runs share: the same in every test, so that the same users meet the same luck
    export XDG_CONFIG_HOME=$work/settings
    mkdir -p "$XDG_CONFIG_HOME/remise"
    printf 'thirty-two bytes for all tests..' >"$XDG_CONFIG_HOME/remise/secret.key"
    chmod 600 "$XDG_CONFIG_HOME/remise/secret.key"
    set -a
    . "$(dirname "${BASH_SOURCE[0]}")/../cmake/mpi_environment.sh"
    set +a
}

shop_end() {
    ! declare -F slurm_stop >/dev/null || slurm_stop
    rm -rf "$work"
}

shop_make() { # USERS: the tables and remise.yaml in $work/shop, without a contest of scorers, other
    #           budgets and goals: they take most of the time; recommend and gain have them
    "$remise" synth "$work/shop" --users "$1" --products 60 --seed 5 >"$work/synth.log" 2>&1 ||
        { cat "$work/synth.log"; fail "synth ended with an error"; }
    sed -i -e 's/^  slots: .*/&\n  scorer: repeat/' \
        -e 's/^allocate:.*/&\n  dial: 0\n  front: 0\n  rule_cost: 0/' "$work/shop/remise.yaml"
    grep -q 'scorer: repeat' "$work/shop/remise.yaml" || fail "no place for the scorer"
}

shop_run() { # RANKS RUN: a whole run by mpirun
    timeout -k 5 300 mpirun -np "$1" "$remise" run "$work/shop/remise.yaml" -o "$2" \
        >"$2.log" 2>&1 ||
        { cat "$2.log"; fail "the run at $1 ranks ended with an error"; }
}

shop_same() { # RUN RUN: the published files have the same bytes
    local file
    for file in discounts.csv discounts.h5 receipt.json receipt.txt; do
        cmp "$1/$file" "$2/$file" || fail "$file differs"
    done
}
