#!/usr/bin/env bash
# The scorer of tables knows the best table when it sees it; its truth is the one the history was
# drawn from.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
shop_begin "$1"
shop_make 3000
score=$(dirname "$0")/score_table.py

python3 "$score" --self-test "$work/shop" || fail "the scorer's own test"

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
