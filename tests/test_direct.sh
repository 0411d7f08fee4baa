#!/usr/bin/env bash
# Direct mode: a table of labels is learned, the discounts follow it within budget and margin floor,
# rows that are no labels are rejected, the bytes are the same at 1 and 3 ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

shop_make 600
# what is true of everybody, told of half of them
awk -F, 'BEGIN { OFS = ","; srand(4) }
    NR == 1 { for (c = 1; c <= NF; c++) at[$c] = c; print "id", "right" >"shop/labels.csv"; next }
    {
        t = 0.02 + 0.003 * ($at["age"] > 70 ? 0 : 70 - $at["age"])
        t += $at["market"] == "north" ? 0.08 : 0
        print $at["user_id"], t >"truth.csv"
        if (rand() < 0.5) print $at["user_id"], t >"shop/labels.csv"
    }
    END { print "stranger,0.1" >"shop/labels.csv"; print "u0000003,15" >"shop/labels.csv" }' \
    shop/users.csv
cat >>shop/remise.yaml <<'YAML'

labels:
  file: labels.csv
  columns: {user_id: id, discount: right}
YAML

run() { # RANKS RUN SETTING...: a run, less what the labels do not need
    local ranks=$1 out=$2
    shift 2
    timeout -k 5 120 mpirun -np "$ranks" "$remise" run shop/remise.yaml -o "$out" \
        --set respond.epochs=1 --set products.assumed_margin=0.3 "$@" >"$out.log" 2>&1 ||
        { cat "$out.log"; fail "the run at $ranks ranks ended with an error"; }
}

follows() { # LEAST: correlation of the table's discounts with the truth, by user
    awk -F, -v least="$1" 'FNR == NR { t[$1] = $2; next }
        FNR > 1 && ($1 in t) {
            n++; x = t[$1]; y = $3; a += x; b += y; c += x * x; d += y * y; e += x * y
        }
        END {
            r = (e - a * b / n) / sqrt((c - a * a / n) * (d - b * b / n) + 1e-30)
            print "correlation", r, "of", n
            exit !(n > 1000 && r > least)
        }' truth.csv rich/discounts.csv
}

run 1 rich --set allocate.budget=1000000 --set allocate.margin_floor=0
follows 0.85 || fail "discounts do not follow the labels"
grep -q '"gap": 0.0' rich/receipt.json || fail "with money enough the nearest levels are not taken"
grep -q '"error_of_users_kept_back": 0.0[01]' rich/receipt.json ||
    { grep error rich/receipt.json; fail "labels are not learned"; }
grep -q 'labels.csv,[0-9]*,right,bad_discount,15' rich/rejects.csv ||
    fail "a label of 15 is not rejected"
grep -q 'labels: .* 1 left out' rich.log || fail "a label of nobody is not left out"

run 3 poor --set allocate.budget=300 --set allocate.margin_floor=0.1
grep -A4 '"name": "budget"' poor/receipt.json |
    awk '/"limit"/ { l = $2 + 0 } /"used"/ { u = $2 + 0 } END { exit !(u <= l && u > 0.9 * l) }' ||
    fail "the budget is not kept, or not used"
cmp rich/labels.h5 poor/labels.h5 || fail "other labels at 3 ranks"
# prices of the table leave the margin
awk -F, 'FNR == NR { if (FNR == 1) for (c = 1; c <= NF; c++) at[$c] = c
             else cost[$at["product_id"]] = $at["unit_cost"]; next }
    FNR > 1 && $3 > 0 && $4 - cost[$2] < 0.1 * $4 - 0.011 { exit 1 }' \
    shop/products.csv poor/discounts.csv || fail "a discount goes below the margin floor"

echo "direct mode: labels followed, budget and floor kept"
