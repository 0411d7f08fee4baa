#!/usr/bin/env bash
# From a table of prices met to a discount for each user: groups of unlike elasticity found by
# `fit dml --tree`, cells by price_cells.py, a level each by `allocate`. The truth of the pricing
# sample is used only to score what was chosen.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cells=$(cd "$(dirname "$0")" && pwd)/price_cells.py
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
sample=$(cd "$data" 2>/dev/null && pwd)/elasticity/pricing_sample.csv
cd "$work" || exit 70
command -v python3 >/dev/null || skip "python3 is not installed"

# ---- by hand: elasticities -2 and 0, rules of every form ----
cat >fit.json <<'END'
{"estimate": -1.5, "leaves": [{"if": "age > 30 or missing and 1 < spend <= 2e1", "estimate": -2},
 {"if": "age <= 30", "estimate": 0}, {"if": "spend is missing", "estimate": null}]}
END
printf 'age,spend,price,sold\n40,5,1,10\n,5,0.5,40\n30,,1,7\n50,NA,1,10\n' >few.csv
few=(few.csv fit.json --outcome sold --price price --levels 0,0.5)
python3 "$cells" "${few[@]}" >cells.csv || fail "no cells"
cat >wanted.csv <<'END'
user,option,value,cost_1
1,0,10.000000000,0.000000000
1,50,20.000000000,20.000000000
2,0,10.000000000,0.000000000
2,50,20.000000000,20.000000000
3,0,7.000000000,0.000000000
3,50,3.500000000,3.500000000
4,0,10.000000000,0.000000000
4,50,14.142135624,14.142135624
END
cmp cells.csv wanted.csv || { cat cells.csv; fail "cells are not those worked out by hand"; }
python3 "$cells" "${few[@]}" --linear >cells.csv
grep -qx '1,50,5.500000000,5.500000000' cells.csv ||
    fail "a line does not give 0.5 x (10 + 2 x 0.5)"
sed -i 's/spend is missing/city is A or B/' fit.json
python3 "$cells" "${few[@]}" 2>log >&2 && fail "a rule about texts is taken"
grep -qF '"city is A or B" is not one of numbers' log || { cat log; fail "which rule is not said"; }

# ---- the pricing sample from its data alone ----
[ -f "$sample" ] || skip "no $sample; set REMISE_DATA for the published pricing sample"

policy() { # OUTCOME TREATMENT ARGUMENTS...: true revenue per user of the policy, in ./revenue
    "$remise" fit dml "$sample" -y "$1" -t "$2" -c all --tree 2 --trees 10 --boosted 40 \
        --folds 2 >fit.json 2>log || { cat log; fail "no elasticities"; }
    python3 "$cells" "$sample" fit.json --outcome demand --price price --levels 0,0.1,0.2 \
        "${@:3}" >cells.csv || fail "no cells of the pricing sample"
    timeout -k 5 60 mpirun -np 2 "$remise" allocate cells.csv --out chosen.csv >json 2>log ||
        { cat log; fail "no choices"; }
    awk -F, 'NR == FNR { if (FNR > 1 && $NF == 1) { level[$1] = $2; chosen++ } next }
        FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { slope = -3 - ($at["income"] < 1 ? 14 : 0); price = 1 - level[FNR - 1] / 100
          demand = 20 + 0.5 * $at["avg_hours"] + ($at["days_visited"] > 4 ? 5 : 0)
          revenue += price * (demand + slope * price); users++ }
        END { if (chosen != users) exit 1; printf "%.4f\n", revenue / users }' \
        chosen.csv "$sample" >revenue || fail "not one level for each user"
}

for form in "log(demand) log(price)" "demand price --linear"; do
    policy $form
    awk '{ exit !($1 >= 14.85 && $1 <= 14.9253) }' revenue ||
        { cat revenue fit.json; fail "the policy by $form is worth less than 14.85 a user"; }
    echo "policy by $form: $(cat revenue) a user (best possible 14.9252, published 14.686)"
done
