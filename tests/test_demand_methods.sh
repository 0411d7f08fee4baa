#!/bin/bash
# demand.method: every method, the same bytes at any number of ranks, and elasticities that were put
# into the sales; and shops of which nothing can be told.
here=$(dirname "$0")
. "$here/shop.sh"
shop_begin "$1"
cd "$work" || exit 1

# NAME PRODUCTS WEEKS MEAN PRICES [CYCLE]: sales with elasticities -1 and -3, by category; with a
# cycle each category has a high season of its own, and discounts are given in it
table() {
    awk -v products="$2" -v weeks="$3" -v mean="$4" -v prices="$5" -v name="$1" -v cycle="${6:-0}" '
    function draw() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN {
        seed = 77; count = split(prices, price, " ")
        print "product_id,category" > (name "-products.csv")
        print "user_id,product_id,time,quantity,unit_price" > (name ".csv")
        for (p = 0; p < products; p++) {
            print "p" p "," (p % 2 ? "steep" : "flat") > (name "-products.csv")
            for (w = 0; w < weeks; w++) {
                now = price[1 + int(draw() * count)]
                high = sin(6.283185 * (w / 26 + p % 2 / 2))
                if (cycle > 0 && draw() > (high > 0.2 ? 0.9 : 0.2)) now = price[1]
                m = mean * exp(cycle * high) * (now / price[1]) ^ (p % 2 ? -3 : -1); k = -1
                for (u = exp(m); u >= 1; u *= draw()) k++
                for (; k > 0; k--) {
                    at = 1600041600 + int((w + draw()) * 604800)
                    print "u" int(draw() * 300) ",p" p "," at ",1," now > (name ".csv")
                }
            }
        }
    }'
    cat >"$1.yaml" <<END
events:
  file: $1.csv
  columns:
    {user_id: user_id, product_id: product_id, time: time, quantity: quantity,
     unit_price: unit_price}
products:
  file: $1-products.csv
  columns: {product_id: product_id, category: category}
profile: {segments: 2}
END
    "$remise" run "$1.yaml" -o "$1" --until profile >log 2>&1 || { cat log; fail "the table $1"; }
}

demand() { # NAME RANKS METHOD
    local start=(mpirun -np "$2")
    [ "$2" -gt 1 ] || start=()
    timeout -k 5 60 "${start[@]}" "$remise" demand "$1.yaml" -o "$1" --force \
        --set demand.method="$3" >log 2>&1 || { cat log; fail "$3 of $1 at $2 ranks"; }
    ! grep -qiE '(^|,)-?(nan|inf)' "$1/elasticities.csv" || fail "$3 of $1: a figure is none"
}

category() { # NAME COLUMN [RUN]
    awk -F, -v name="$1" -v column="$2" '$1 == "category" && $2 == name { print $column }' \
        "${3:-shop}/elasticities.csv"
}

table shop 150 8 8 "5 4 3"
for method in counts least_squares tree forest double_ml; do
    more=3 # uneven shares; and ranks without a product
    [ $method != counts ] || more="3 6"
    demand shop 1 $method
    mv shop/demand.h5 one.h5
    mv shop/elasticities.csv one.csv
    for ranks in $more; do
        demand shop $ranks $method
        cmp shop/demand.h5 one.h5 || fail "$method: demand.h5 differs at $ranks ranks"
        cmp shop/elasticities.csv one.csv || fail "$method: elasticities differ at $ranks ranks"
    done
    [ "$(category flat 12)" = $method ] || fail "elasticities.csv does not say $method"
    awk -v flat="$(category flat 3)" -v steep="$(category steep 3)" -v error="$(category steep 4)" '
        BEGIN { exit !(flat > -1.4 && flat < -0.6 && steep > -3.6 && steep < -2.4 &&
                       error > 0.02 && error < 0.3) }' ||
        { cat shop/elasticities.csv; fail "$method: elasticities are not about -1 and -3"; }
done

# ---- discounts in the high season of each category: what one season for all cannot catch ----
table confounded 30 40 10 "5 4 3" 0.7
demand confounded 1 counts
wrong=$(category flat 3 confounded)
demand confounded 1 double_ml
awk -v flat="$(category flat 3 confounded)" -v steep="$(category steep 3 confounded)" \
    -v wrong="$wrong" '
    BEGIN { exit !(flat > -1.4 && flat < -0.7 && steep > -3.4 && steep < -2.6 && wrong < -1.6) }' ||
    { cat confounded/elasticities.csv; fail "double_ml is off, or counts are not: $wrong"; }

# ---- prices that never move, one product, one week ----
table constant 20 8 4 5
table product 1 20 4 "5 3"
table week 12 1 4 "5 3"
for method in counts least_squares tree forest double_ml; do
    for name in constant product week; do
        demand $name 1 $method
        grep -q 'no category elasticity can be estimated' log || fail "$method of $name: no warning"
        awk -F, 'NR > 1 && ($3 != "" || $5 != "") { exit 1 }' $name/elasticities.csv ||
            fail "$method of $name: figures out of nothing"
    done
done
echo "demand methods: the same bytes at 1, 3 or 6 ranks, -1 and -3 found, demand cycles told"
