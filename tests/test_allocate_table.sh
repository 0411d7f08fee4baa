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
reports=(--group category --group user_id --budget-path 3)
allocates 1 many.csv "$@" --out one.csv "${reports[@]}"
grep -v seconds json >one.json
near "the gap" "$(figure gap)" 0 2e-3
for ranks in 2 3 5; do
    allocates "$ranks" many.csv "$@" --out more.csv "${reports[@]}"
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

# ---- limits per user, recomputed from the choices; numbers in few digits ----
set_users=(--constraint "cost <= 1.5 per user_id" --constraint "cost <= 400"
    --constraint "units >= 0.302 per user_id" --constraint "level <= 25 per user_id")
allocates 1 many.csv "${set_users[@]}" --out users.csv
grep -v seconds json >users.json
near "the gap under limits per user" "$(figure gap)" 0 1e-3
for ranks in 3 4; do
    allocates "$ranks" many.csv "${set_users[@]}" --out more.csv
    grep -v seconds json | cmp - users.json || fail "$ranks ranks print another receipt"
    cmp more.csv users.csv || fail "$ranks ranks choose otherwise under limits per user"
done
awk -F, '
    NR > 1 && $9 == 1 { all += $5; cost[$1] += $5; units[$1] += $6; level[$1] += $3; value += $4 }
    END { for (u in cost) { if (cost[u] > 1.5 + 1e-9) bad = "cost of " u
              if (units[u] < 0.302 - 1e-9) bad = "units of " u
              if (level[u] > 25) bad = "level of " u
              if (cost[u] > most) most = cost[u] }
          if (all > 400 + 1e-9) bad = "cost"
          if (bad) { print bad; exit 1 }
          printf "%.10g %.10g", most, value }' users.csv >told ||
    { cat told; fail "limits per user"; }
read -r most value <told
cp users.json json
near "the most used" "$(awk '$1 == "\"used\":" { printf "%.12g", $2; exit }' json)" "$most" 1e-9
near "the objective" "$(figure objective)" "$value" 1e-6
[ "$(grep -c '"users_decided"' users.json)" = 3 ] || fail "the receipt lacks limits per user"
grep -E '[0-9]\.[0-9]*(00000000|99999999)[0-9]' json && fail "numbers have too many digits"
refuses 65 "\"level <= -1 per user_id\": the user of data row 1 has 0 or more whatever" many.csv \
    --constraint "level <= -1 per user_id"
refuses 65 "cannot keep the limits per user together" many.csv \
    --constraint "level <= 0 per user_id" --constraint "units >= 0.302 per user_id"
refuses 64 "users have limits of their own" many.csv "${set_users[@]}" --budget-path 3

# ---- ids that would be one number are different users ----
printf '%s\n' user,value,cost,sku 9007199254740992,1,1,05 9007199254740993,2,1,5 \
    007,4,1,5 7,8,1,5 >ids.csv
allocates 2 ids.csv --constraint "cost <= 4" --out ids_out.csv
near "four users" "$(figure objective)" 15 1e-9
{ echo user,value,cost,sku,chosen && sed '1d; s/$/,1/' ids.csv; } | cmp - ids_out.csv ||
    fail "ids are not written as they stood"

# ---- a use that is just its limit, where neither is a double; numbers of any size ----
printf 'user,value,cost\na,0,0\na,0.0000010000003,65536.07\na,0.000001,0\n' >fits.csv
allocates 1 fits.csv --constraint "cost <= 65536.07"
near "what just fits" "$(figure objective)" 1.0000003e-6 1e-15
awk -v bound="$(figure upper_bound)" 'BEGIN { exit !(bound >= 1.0000003e-6) }' ||
    fail "the bound of small values is below what is had"

# ---- fifty budgets, recomputed from the choices ----
awk 'BEGIN { srand(9); printf "user,value"; for (r = 1; r <= 50; r++) printf ",cost_%d", r; print ""
    for (u = 0; u < 1000; u++) { a = rand(); for (k = 0; k < 3; k++) { printf "%d,%.4f", u, k * a
        for (r = 1; r <= 50; r++) printf ",%.2f", k * rand(); print "" } } }' >fifty.csv
budgets=()
for r in $(seq 50); do budgets+=(--constraint "cost_$r <= 400"); done
allocates 1 fifty.csv "${budgets[@]}" --out fifty_out.csv
near "the gap of fifty budgets" "$(figure gap)" 0 5e-3
awk -F, 'NR > 1 && $53 == 1 { n++; for (r = 1; r <= 50; r++) cost[r] += $(r + 2) }
    END { for (r in cost) if (cost[r] > 400 + 1e-9) exit 1; exit n != 1000 }' fifty_out.csv ||
    fail "fifty budgets are not kept"

# ---- by groups, recomputed from the choices ----
awk -F, 'NR > 1 && $9 == 1 { n[$8]++; value[$8] += $4; cost[$8] += $5 }
    END { for (c in n) printf "%s %d %.4f %.2f\n", c, n[c], value[c], cost[c] }' one.csv |
    sort >groups.csv
awk '{ gsub(/[",]/, "") }
    $1 == "column:" { named = $2 == "category" } !named { next }
    $1 == "group:" { group = $2 } $1 == "slots:" { slots = $2 }
    $1 == "value:" { value = $2 }
    $1 == "cost:" { printf "%s %d %.4f %.2f\n", group, slots, value, $2 }
    ' one.json | sort | cmp - groups.csv || fail "groups are not what the choices say"
[ "$(grep -c '"column": "user_id"' one.json)" = 400 ] || fail "not every user is a group"

# ---- the path of one budget: each point has the bound of a choice for it ----
allocates 3 many.csv --constraint "cost <= 600" --budget-path 3 --path-out steps.csv
cp json path.json
allocates 2 many.csv --constraint "cost <= 600" --budget-path 3 --path-out steps2.csv
cmp steps.csv steps2.csv || fail "the path is another one at 2 ranks"
point() { # FIELD OF NUMBER
    awk -v field="\"$1\":" -v wanted="$2" '/"path"/ { inside = 1 }
        inside && $1 == field && ++n == wanted { gsub(/,/, ""); print $2 }' path.json
}
for number in 1 2 3; do
    near "budget $number" "$(point budget "$number")" "$((200 * number))" 1e-9
    allocates 1 many.csv --constraint "cost <= $((200 * number))"
    near "bound $number" "$(figure upper_bound)" "$(point upper_bound "$number")" 0.01
done
awk -F, 'NR == FNR { cost[FNR - 1] = $5; slot[FNR - 1] = $1 "," $2; next }
    FNR == 1 { if ($0 != "spent,value,price,row") bad = $0; next }
    { s = slot[$4]; spent += cost[$4] - cost[at[s]]; if ($3 > price && FNR > 2) bad = "price " FNR
      price = $3; at[s] = $4; d = spent - $1; if (d > 1e-6 || d < -1e-6) bad = "spent " FNR }
    END { if (bad != "") { print bad; exit 1 } }' many.csv steps.csv ||
    fail "the steps do not add up"

# ---- from the prices of an earlier receipt ----
allocates 2 many.csv "$@" --warm one.json
near "the bound from known prices" "$(figure upper_bound)" \
    "$(awk '$1 == "\"upper_bound\":" { print $2 + 0; exit }' one.json)" 0.5
refuses 66 "cannot be read" many.csv "$@" --warm none.json
refuses 65 "a price of none" many.csv --constraint "value <= 3" --warm one.json
refuses 65 "is no receipt" many.csv "$@" --warm many.csv

# ---- what cannot be ----
refuses 64 "give a number of budgets" many.csv "$@" --budget-path 0
refuses 64 "follows the first constraint" many.csv --constraint "cost >= 1" --budget-path 3
refuses 64 "one constraint" many.csv "$@" --path-out steps.csv
refuses 65 "nothing" many.csv --group nothing
refuses 65 '"cost <= -1": where the others hold it is 0 or more (1 too many)' many.csv \
    --constraint "value >= 0" --constraint "cost <= -1"
refuses 65 '2 limits are in conflict, "change <= 100", "change >= 101"' many.csv \
    --constraint "change <= 100" --constraint "change >= 101"
refuses 64 "no <= or >= after the column" many.csv --constraint "cost"
refuses 64 "the limit is no number" many.csv --constraint "cost <= much"
refuses 65 "nothing" many.csv --constraint "nothing <= 3"
refuses 65 "at most 32 are possible" many.csv --user category
printf 'user,value,cost\na,1,2\na,,3\n' >hole.csv
refuses 65 "data row 2 has no value in value" hole.csv --constraint "cost <= 3"
echo "tables of cells are allocated within their constraints"
