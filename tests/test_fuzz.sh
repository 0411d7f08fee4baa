#!/usr/bin/env bash
# Fuzz targets of the CSV reader and of the configuration, with the address and undefined behaviour
# sanitizers: no crash, no leak, no difference.
#   REMISE_FUZZ_SECONDS=3600 tests/test_fuzz.sh build      an hour for each; by default 5 s
# What is found on the way stays in the build folder's fuzz/corpus and is the start of the next run.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
tests=$(cd "$(dirname "$0")" && pwd)
build=$1/fuzz
seconds=${REMISE_FUZZ_SECONDS:-5}
checks=address,undefined
set -a
. "$tests/../cmake/mpi_environment.sh"
OMPI_MCA_ess_singleton_isolated=1
ASAN_OPTIONS=quarantine_size_mb=16
LSAN_OPTIONS=suppressions=$tests/lsan.supp:print_suppressions=0
UBSAN_OPTIONS=print_stacktrace=1
set +a

can_fuzz() {
    command -v clang >/dev/null &&
        clang -fsanitize=fuzzer,$checks -x c - -o /dev/null 2>/dev/null \
            <<<'int LLVMFuzzerTestOneInput(void){return 0;}'
}

build_targets() { # quiet while it works
    local flags="-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all"
    flags+=" -fsanitize=fuzzer-no-link,$checks"
    cmake -S "$tests/.." -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Fuzz \
        -DCMAKE_C_FLAGS="$flags" -DREMISE_FUZZ=ON -DREMISE_WERROR=OFF &&
        cmake --build "$build" --parallel "$(nproc)" --target fuzz_csv fuzz_config
}

write_config_seeds() { # BUILD FOLDER, FOLDER
    local example minimal
    minimal='events: {file: e.csv, columns: {user_id: u, product_id: p, time: t, quantity: q,'
    minimal+=' unit_price: a}}'
    for example in "$tests"/../jobs/examples/*.yaml; do
        cp "$example" "$2"
        "$1/remise" config "$example" | sed 's/ *#.*//' >"$2/$(basename "$example").whole"
    done
    "$1/remise" init | sed 's/^\( *\)# \([a-z_]*: \)/\1\2/; s/ *# .*//; /^$/d' >"$2/init"
    printf '%s' "$minimal" >"$2/minimal"
    printf '%s\0seed=7\0respond.rate=3e-3\0allocate.levels=0, 0.5\0seed=' "$minimal" >"$2/sets"
    printf '%s\nx: &x {a: 1}\nseed: *x\n<<: [*x, ~]\n---\n' "$minimal" >"$2/anchors"
    printf 'max(price, log(1)) / (1 + `Customer ID` * -(qty >= 2.5e1))' >"$2/expression"
}

write_seeds() { # BUILD FOLDER
    local names
    mkdir -p "$build/corpus/csv" "$build/corpus/config" "$build/seeds/csv" "$build/seeds/config"
    "$build/tests/fuzz_csv" --seeds "$build/seeds/csv" || fail "no seeds were written"
    write_config_seeds "$1" "$build/seeds/config"
    cp "$tests/fuzz_csv.dict" "$build/csv.dict"
    # the parts of the settings' names as keys of YAML, and the names as --set takes them
    names=$("$1/remise" init --markdown | sed -n 's/^| `\([a-z0-9_.]*\)` |.*/\1/p')
    { tr . '\n' <<<"$names" | sort -u | sed 's/.*/"&: "/' && sed 's/.*/"\\x00&="/' <<<"$names"; } \
        >"$build/config.dict"
    [ "$(wc -l <"$build/config.dict")" -gt 100 ] || fail "the names of the settings were not found"
}

fuzz() { # csv|config BYTES: the last lines tell how many inputs were tried
    timeout -k 5 $((seconds + 120)) "$build/tests/fuzz_$1" -max_total_time="$seconds" \
        -max_len="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -dict="$build/$1.dict" -artifact_prefix="$build/$1-" \
        "$build/corpus/$1" "$build/seeds/$1" >"$build/$1.log" 2>&1 ||
        { tail -n 100 "$build/$1.log"; fail "fuzz_$1; the input that did it is named above"; }
    grep -h 'DONE\|number_of_executed_units' "$build/$1.log" | sed "s/^/fuzz_$1: /"
}

can_fuzz || skip "clang with libFuzzer is not installed (Debian: clang libclang-rt-dev)"
mkdir -p "$build"
build_targets >"$build/build.log" 2>&1 ||
    { tail -n 100 "$build/build.log"; fail "the targets do not build"; }
write_seeds "$1"
fuzz csv 4200
fuzz config 4096
