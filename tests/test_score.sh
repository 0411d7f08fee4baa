#!/usr/bin/env bash
# The scorer of tables knows the best table when it sees it; its truth is the one the history was
# drawn from. The scorer of curves scores those of a run, and no others.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
shop_begin "$1"
shop_make 3000
score=$(dirname "$0")/score_table.py

python3 "$score" --self-test "$work/shop" || fail "the scorer's own test"

# the same where the response saturates: the truth's own words decide by which formula is scored
"$remise" synth "$work/other" --users 2000 --products 60 --truth saturating >"$work/out" 2>&1 ||
    { cat "$work/out"; fail "synth --truth saturating ended with an error"; }
python3 "$score" --self-test "$work/other" || fail "the scorer's own test, saturating"
code=0
"$remise" synth "$work/third" --truth linear >"$work/out" 2>&1 || code=$?
[ $code = 64 ] && grep -q 'logit or saturating' "$work/out" ||
    fail "an unknown truth ended with $code and: $(cat "$work/out")"

# a table without discounts gains nothing, one that cannot be read is no table
mkdir "$work/run"
columns=user_id,product_id,discount,price,expected_purchases,expected_revenue,expected_profit
columns+=,expected_cost,propensity,reason,valid_from,valid_to
row=u0000001,p0003,0,1.00,0.1,0.1,0.1,0,1,no_gain,2024-01-01,2024-01-07
printf '%s\n' "$columns" "$row" >"$work/run/discounts.csv"
echo '{"levels": [0, 0.1], "margin_floor": 0, "constraints": []}' >"$work/run/receipt.json"
code=0
python3 "$score" "$work/shop" "$work/run" >"$work/out" || code=$?
[ $code = 1 ] || { cat "$work/out"; fail "an empty gain ended with $code, not 1"; }
printf '%s\n' "$columns" "$row" "$row" >"$work/run/discounts.csv"
code=0
python3 "$score" "$work/shop" "$work/run" 2>"$work/out" || code=$?
[ $code = 2 ] || { cat "$work/out"; fail "a repeated pair ended with $code, not 2"; }
grep -q 'more than once' "$work/out" || fail "a repeated pair is not named"

# curves of a run, where what counts may be another dose than the discount: they are those of the
# table, and the error is about what a count by hand over its rows gives
rm -r "$work/shop" && mv "$work/other" "$work/shop"
curves=$(dirname "$0")/score_curves.py
shop_run 2 "$work/whole"
code=0
python3 "$curves" "$work/shop" "$work/whole" --plain --json >"$work/curves.json" || code=$?
if [ $code = 77 ]; then
    cat "$work/curves.json"
else
    [ $code = 0 ] || fail "the scorer of curves ended with $code"
    python3 - "$(dirname "$0")" "$work" <<'EOM' || fail "the scorer of curves is wrong"
import json, sys
sys.path.insert(0, sys.argv[1])
import shop_truth
found = json.load(open(sys.argv[2] + "/curves.json"))
table = shop_truth.read_table(sys.argv[2] + "/shop", sys.argv[2] + "/whole")[1]
assert found["pairs"] == len(table.pairs) and found["users"] == 2000
assert found["levels"][0] == 0 and found["negative_slopes"] == found["falling_curves"] == 0
off = [p - shop_truth.probability(pair, 0.0) for pair, d, p in
       zip(table.pairs, table.discount, table.purchases) if d == 0]
mean = sum(map(abs, off)) / len(off)
# at no discount most rows of the table tell the curve's chance; the others are those with one
assert 0.5 < found["error"][0] / mean < 2, (found["error"][0], mean)
assert all(x <= y for x, y in zip(found["user_error"], found["error"]))
assert all(x <= y for x, y in zip(found["error"], found["rmse"]))
assert all(0.5 < x < 1 for x in found["covered"]), found["covered"]
EOM
    # a table of other curves is told apart
    awk -F, -v OFS=, 'NR > 1 { $5 = 1 - $5 } 1' "$work/whole/discounts.csv" >"$work/whole/other"
    mv "$work/whole/other" "$work/whole/discounts.csv"
    code=0
    python3 "$curves" "$work/shop" "$work/whole" --plain >"$work/out" 2>&1 || code=$?
    [ $code = 2 ] || { cat "$work/out"; fail "curves of another run ended with $code, not 2"; }
    grep -q 'different runs' "$work/out" || fail "curves of another run are not named"
fi
