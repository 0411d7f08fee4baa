#!/usr/bin/env bash
# The published table of a synthetic shop of 20,000 users, scored against the truth it was drawn
# from: its true gain over no discount is a fair part of the best possible one. All figures are
# printed, the promised profit, and what past offers say of it, beside the true one.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
shop_begin "$1"
timeout -k 5 120 mpirun -np 2 "$remise" synth "$work/shop" --users 20000 --products 400 --seed 7 \
    >"$work/synth.log" 2>&1 || { cat "$work/synth.log"; fail "synth ended with an error"; }
shop_run 2 "$work/run"
python3 "$(dirname "$0")/score_table.py" "$work/shop" "$work/run" --at-least 0.80 \
    --promise-within 4 || fail "the table earns too little, or other than past offers say"
python3 "$(dirname "$0")/recompute_receipt.py" "$work/run" --products "$work/shop/products.csv" \
    --id-column product_id --cost-column unit_cost || fail "the receipt does not hold"
python3 "$(dirname "$0")/check_outlook.py" "$work/run" ||
    fail "what else the receipt tells is wrong"
