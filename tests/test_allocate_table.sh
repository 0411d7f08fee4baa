#!/usr/bin/env bash
# `remise allocate FILE`: the published bounds of the pricing sample, constraints of several kinds
# recomputed from the choices, equal bytes at several ranks, refusals with a remedy.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
sample=$(cd "$(dirname "$0")/../.." && pwd)/shared/data/elasticity/pricing_sample.csv
cd "$work" || exit 70

allocate() { # RANKS ARGUMENTS...: JSON in ./json, everything else in ./log
    local ranks=$1
    shift
    timeout -k 5 60 mpirun -np "$ranks" "$remise" allocate "$@" >json 2>log
}

allocates() { # RANKS ARGUMENTS...
    allocate "$@" || { cat log; fail "allocate $* ended with an error"; }
}

refuses() { # CODE TEXT ARGUMENTS...
    local wanted=$1 text=$2 code=0
    shift 2
    timeout -k 5 60 "$remise" allocate "$@" >json 2>log || code=$?
    [ $code = "$wanted" ] || { cat log; fail "allocate $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "allocate $* does not say: $text"; }
}

figure() { # FIELD of the first level
    awk -v field="\"$1\":" '/^  "/ && $1 == field { printf "%.12g", $2 }' json
}

near() { # WHAT GOT WANTED TOLERANCE
    awk -v got="$2" -v wanted="$3" -v most="$4" \
        'BEGIN { d = got - wanted; exit !(d <= most && d >= -most) }' ||
        fail "$1 is $2, not $3 within $4"
}

# ---- published figures: 10,000 users at three prices, true demand ----
if [ -f "$sample" ]; then
    awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "user,option,value,cost_1"; next }
        { slope = -3 - ($at["income"] < 1 ? 14 : 0)
          base = 20 + 0.5 * $at["avg_hours"] + ($at["days_visited"] > 4 ? 5 : 0)
          for (k = 0; k < 3; k++) { price = 1 - k / 10; demand = slope * price + base
              printf "%d,%d,%.9f,%.9f\n", NR, 10 * k, price * demand, (1 - price) * demand } }' \
        "$sample" >cells.csv
    allocates 2 cells.csv
    near "the best without budget" "$(figure objective)" 149251.63 0.1
    while read -r budget bound; do
        allocates 2 cells.csv --constraint "cost_1 <= $budget"
        near "the bound at $budget" "$(figure upper_bound)" "$bound" 0.5
        near "the gap at $budget" "$(figure gap)" 0 1e-5
    done <<'END'
1000 144600
2500 146249
5000 147835
10000 149231
END
else
    echo "the pricing sample is not there: its figures are not checked"
fi

# ---- constraints of several kinds, recomputed from the choices ----
awk 'BEGIN { srand(5); print "user_id,slot,level,value,cost,units,change,category"
    for (u = 0; u < 400; u++) for (s = 0; s < 3; s++) {
        category = substr("abc", 1 + int(3 * rand()), 1)
        a = 1 + 4 * rand(); b = 3 * rand()
        for (k = 0; k < 4; k++)
            printf "u%d,%d,%d,%.4f,%.2f,%.3f,%d,%s\n", u, s, 5 * k,
                a + b * k - 0.5 * k * k, 0.25 * k * a, 0.1 + 0.05 * k * b, k != 1, category } }' \
    >many.csv
set -- --constraint "cost <= 600" --constraint "units <= 110 per category" \
    --constraint "change >= 500" --constraint "change <= 900"
allocates 1 many.csv "$@" --out one.csv
grep -v seconds json >one.json
near "the gap" "$(figure gap)" 0 2e-3
for ranks in 2 3 5; do
    allocates "$ranks" many.csv "$@" --out more.csv
    grep -v seconds json | cmp - one.json || fail "$ranks ranks print another receipt"
    cmp more.csv one.csv || fail "$ranks ranks choose otherwise"
done
awk -F, -v objective="$(sed -n 's/.*"objective": \([-0-9.e+]*\).*/\1/p' one.json)" '
    NR > 1 { cells++; slots[$1 "," $2] += $9 }
    NR > 1 && $9 == 1 { value += $4; cost += $5; units[$8] += $6; change += $7 }
    END { for (s in slots) if (slots[s] != 1) bad = "slots"
          for (c in units) if (units[c] > 110 + 1e-9) bad = "units"
          if (cost > 600 + 1e-9) bad = "cost"
          if (change < 500 || change > 900) bad = "change"
          if (cells != 4800) bad = "cells"
          d = value - objective; if (d > 1e-6 || d < -1e-6) bad = "objective " value
          if (bad) { print bad; exit 1 } }' one.csv || fail "the choices do not hold"

# ---- what cannot be ----
refuses 65 "no choice keeps all limits" many.csv --constraint "cost <= -1"
refuses 65 "no choice keeps all limits" many.csv --constraint "change <= 100" \
    --constraint "change >= 101"
refuses 64 "no <= or >= after the column" many.csv --constraint "cost"
refuses 64 "the limit is no number" many.csv --constraint "cost <= much"
refuses 65 "nothing" many.csv --constraint "nothing <= 3"
refuses 65 "at most 32 are possible" many.csv --user category
printf 'user,value,cost\na,1,2\na,,3\n' >hole.csv
refuses 65 "data row 2 has no value in value" hole.csv --constraint "cost <= 3"
echo "tables of cells are allocated within their constraints"
