#!/usr/bin/env bash
# A shop with known effects of prices, promotions and neighbours' prices (tests/promoted_shop.py):
# they are found, promotions that are nothing but low prices are named, discounts count what they
# take, and the bytes are the same at any number of ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip "python3 is missing"
cd "$work" || exit 70

cat >shop.yaml <<'YAML'
products:
  file: products.csv
  columns: {product_id: sku, category: cat, brand: make, list_price: price, unit_cost: cost}
events:
  file: events.csv
  columns: {user_id: who, product_id: sku, time: when, quantity: qty, unit_price: paid,
            discount: off, promotion: ad}
demand: {cross: 2}
recommend: {scorer: repeat}
privacy: {min_users: 20}
allocate: {budget: 100}
YAML

run() { # RANKS RUN ARGUMENT...: its output stays in `out`
    local ranks=$1 folder=$2
    shift 2
    timeout -k 5 60 mpirun -np "$ranks" "$remise" run shop.yaml -o "$folder" "$@" >out 2>&1 ||
        { cat out; fail "the run at $ranks ranks ended with an error"; }
}
says() { grep -qF -- "$1" out || { cat out; fail "it does not say: $1"; }; }

near() { # RUN LEVEL NAME TRUTH: estimated, and within 3 standard errors
    awk -F, -v level="$2" -v name="$3" -v truth="$4" '$1 == level && $2 == name {
        off = $4 > 0 && $4 < 0.2 ? ($3 - truth) / $4 : 9
        found = off < 3 && off > -3
    } END { exit !found }' "$1/elasticities.csv" ||
        { cat "$1/elasticities.csv"; fail "$1: $2 $3 is not near $4"; }
}

mean_near() { # RUN CATEGORY TRUTH: of the estimates of its products
    awk -F, -v name="$2" -v truth="$3" '
        $1 == "product" && index($2, name) == 1 && $3 != "" { sum += $3; n++ }
        END { off = n > 0 ? sum / n - truth : 9; exit !(off < 0.3 && off > -0.3) }' \
        "$1/elasticities.csv" || { cat "$1/elasticities.csv"; fail "$1: products of $2"; }
}

# ---- what is known is found, with the same bytes at any number of ranks ----
python3 "$here/promoted_shop.py" . || fail "no shop"
for ranks in 1 2 4; do
    run $ranks run$ranks
    [ $ranks = 1 ] || for file in demand.h5 elasticities.csv choices.h5 discounts.csv; do
        cmp run1/$file run$ranks/$file || fail "$file differs at $ranks ranks"
    done
done
says 'a promotion sells +'
says 'cross-price elasticities: 3 of 3'
near run1 promotion 0 0.5
near run1 category bread -2
near run1 category fruit -3
near run1 category wine -1.5
near run1 cross bread 0.8
near run1 cross fruit 1.2
near run1 cross wine 0
[ "$(grep -c '^brand,' run1/elasticities.csv)" = 2 ] || fail "no elasticities of brands"

# ---- a discount counts what it takes, and the receipt adds up ----
recompute() {
    python3 "$here/recompute_receipt.py" "$1" --products products.csv --id-column sku \
        --cost-column cost >out 2>&1 || { cat out; fail "the receipt of $1 does not add up"; }
}
recompute run1
run 2 alone --set demand.cross=0
recompute alone
python3 - <<'PY' || fail "the receipt does not say what is taken"
import json
receipt = json.load(open("run1/receipt.json"))
taken = receipt["taken_from_neighbours"]
assert taken["revenue"] > taken["profit"] > 0 and taken["purchases"] > 0, taken
assert "taken_from_neighbours" not in json.load(open("alone/receipt.json"))
PY

# ---- without flags the elasticities have the effect of promotions in them ----
run 2 plain --until demand --set events.columns.promotion=
grep -q '^promotion' plain/elasticities.csv && fail "promotions of a shop that does not tell"

# ---- other methods take promotions out, too, and say that they know no neighbours ----
for method in least_squares double_ml; do
    run 2 line --until demand --set demand.method=$method
    says 'demand.cross needs demand.method: counts'
    grep -q '^promotion\|^cross' line/elasticities.csv && fail "effects that $method does not tell"
    near line category bread -2
    near line category fruit -3
    mean_near line bread -2
    mean_near line fruit -3
done

# ---- promotions that are low prices and nothing else, and none at all ----
python3 "$here/promoted_shop.py" . --flag price || fail "no shop"
run 2 price --until demand
says 'cannot be told apart from prices, products and seasons'
grep -q '^promotion,0,,,,,' price/elasticities.csv || fail "an effect that cannot be told"
grep -q '^category,bread,-[34]' price/elasticities.csv || fail "the elasticities went with it"
python3 "$here/promoted_shop.py" . --flag never || fail "no shop"
run 2 never --until demand
says 'but no purchase was on a promotion'
near never category fruit -3
echo "effects of prices, promotions and neighbours found, the same bytes at 1, 2 and 4 ranks"
