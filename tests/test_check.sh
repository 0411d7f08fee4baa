#!/usr/bin/env bash
# `remise check`: what it says of tables, and that ingest holds as much memory as it foretells. (How
# long ingest takes depends on what else the machine does; that forecast is only asked to be there.)
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

expect() { # CODE TEXT ARGUMENTS...: the program ends so, and says the text on stdout or stderr
    local code=0 wanted=$1 text=$2
    shift 2
    "$remise" "$@" >out 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat out; fail "remise $* ended with $code, not $wanted"; }
    grep -qF -- "$text" out || { cat out; fail "remise $* does not say: $text"; }
}

# ---- two shops: tables in the order of users; events alone, in the order of time, some faulty ----
"$remise" synth ordered --users 20000 --seed 3 >synth.log 2>&1 || { cat synth.log; fail "synth"; }
mkdir timely
awk 'BEGIN {
    srand(7)
    print "who,what,when,much,each"
    for (i = 0; i < 250000; i++)
        printf "u%d,item-%05d,%d,%d,%.2f\n", 9000 * rand() ^ 2, 12000 * rand() ^ 2, \
            1700000000 + 60 * i, 1 + 4 * rand(), (rand() < 0.15 ? -1 : 20 * rand() + 0.5)
}' >timely/events.csv
cat >timely/remise.yaml <<'YAML'
events:
  file: events.csv
  columns: {user_id: who, product_id: what, time: when, quantity: much, unit_price: each}
ingest: {max_bad_rows: 0.5}
YAML

# ---- memory: within a fifth of what ingest comes to hold ----
mib() { # TEXT: "1.5 GiB" or "80.1 MiB", as whole MiB
    awk -v text="$1" 'BEGIN { split(text, t, " "); print int(t[1] * (t[2] == "GiB" ? 1024 : 1)) }'
}

near() { # FORECAST PEAK WHAT
    [ "$1" -ge $(($2 * 4 / 5)) ] && [ "$1" -le $(($2 * 6 / 5)) ] ||
        fail "$3: $1 MiB are forecast, $2 MiB were held"
}

foretell() { # SHOP RANKS MEMORY
    local set=(--set "ingest.memory=$3") forecast said peak
    expect 0 'time      ingest: ' check "$1/remise.yaml" "${set[@]}" -n "$2"
    forecast=$(mib "$(sed -n 's/^memory    ingest: \([0-9.]* [GM]iB\) on each.*/\1/p' out)")
    timeout -k 5 120 mpirun -np "$2" "$remise" ingest "$1/remise.yaml" -o run "${set[@]}" \
        >log 2>&1 ||
        { cat log; fail "ingest of $1 at $2 ranks"; }
    said=$(sed -n 's/^  needs about \([0-9]*\) MiB on the largest rank.*/\1/p' log)
    peak=$(awk '$1 == "ingest" && NF == 3 { print $3 }' log)
    rm -rf run
    near "$forecast" "$peak" "check of $1 at $2 ranks, ingest.memory $3"
    near "$said" "$peak" "ingest of $1 at $2 ranks, ingest.memory $3"
    echo "$1 at $2 ranks, ingest.memory $3: forecast $forecast MiB, $said by ingest, held $peak"
}

for shop in ordered timely; do
    foretell $shop 1 64
    foretell $shop 3 64
    foretell $shop 1 512
done

# ---- rows: of many files, and of compressed ones ----
rows() { # TABLE: the rows check tells of it
    sed -n "s/^$1 .* \([0-9]*\) rows.*/\1/p" out
}

about() { # ROWS EXPECTED
    [ -n "$1" ] && [ "$1" -ge $(($2 * 9 / 10)) ] && [ "$1" -le $(($2 * 11 / 10)) ] ||
        { cat out; fail "about $2 rows, not $1"; }
}

mkdir timely/days
for day in 1 2 3 4 5; do
    { head -n 1 timely/events.csv
      sed -n "$((day * 50000 - 49998)),$((day * 50000 + 1))p" timely/events.csv
    } >timely/days/$day.csv
done
expect 0 'days/*.csv' check timely/remise.yaml --set 'events.file=days/*.csv'
about "$(rows events)" 250000
gzip timely/days/2.csv timely/days/4.csv
expect 0 'days/*' check timely/remise.yaml --set 'events.file=days/*'
about "$(rows events)" 250000
gzip -k timely/events.csv
expect 0 'events.csv.gz' check timely/remise.yaml --set events.file=events.csv.gz
about "$(rows events)" 250000
expect 66 'no file matches' check timely/remise.yaml --set 'events.file=days/night-*.csv'

# ---- what ingest would refuse ----
expect 78 'there is no column "wat"; did you mean "what"?' \
    check timely/remise.yaml --set events.columns.product_id=wat
expect 78 'has no column "height"' check ordered/remise.yaml --set 'users.attributes=[age,height]'
expect 78 '1 table cannot be read' \
    check timely/remise.yaml --set 'events.columns.unit_price=each / '
printf 'who,who,when,much,each\n1,2,3,4,5\n' >timely/twice.csv
expect 65 'two columns are called "who"' check timely/remise.yaml --set events.file=twice.csv
sed 's/^who,what/who,item/' timely/days/3.csv >timely/days/9.csv
expect 65 'need the same header' check timely/remise.yaml --set 'events.file=days/*'

# ---- nothing is left behind, and MPI is not needed ----
[ -z "$(find . -newer synth.log -name '.spool*')" ] || fail "a temporary file is left"
expect 0 'memory    ingest: ' check ordered/remise.yaml -n 64
grep -qF 'more machines are quicker' out || { cat out; fail "64 ranks count as 64 cores"; }
