#!/usr/bin/env bash
# Small shops with something nasty in each: names that need quotes, one user, no sales, times before
# 1970, values that tie or cannot be kept. They must run, or say what to mend, and all files must
# have the same bytes at any number of ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"

table() { # NAME: standard input as $work/shop/NAME.csv
    cat >"$work/shop/$1.csv"
}

settings() { # LINES: tables with the columns of the standard names, and what else is wanted
    {
        echo "events:"
        echo "  file: events.csv"
        echo "  columns: {user_id: user_id, product_id: product_id, time: time, kind: kind," \
            "quantity: quantity, unit_price: unit_price}"
        echo "products:"
        echo "  file: products.csv"
        echo "  columns: {product_id: product_id, category: category, list_price: list_price," \
            "unit_cost: unit_cost}"
        [ ! -e "$work/shop/offers.csv" ] || {
            echo "offers:"
            echo "  file: offers.csv"
            echo "  columns: {user_id: user_id, product_id: product_id, time: time," \
                "discount: discount, redeemed: redeemed}"
        }
        printf '%s\n' "$@"
    } >"$work/shop/remise.yaml"
}

products() { # COUNT: p0 .. with prices from 10 on
    awk -v count="$1" 'BEGIN {
        print "product_id,category,list_price,unit_cost"
        for (p = 0; p < count; p++) printf "p%d,c%d,%d,%d\n", p, p % 2, 10 + p, 4 + p / 2 }' |
        table products
}

events() { # USERS PRODUCTS ROWS YEAR
    awk -v users="$1" -v products="$2" -v rows="$3" -v year="$4" 'BEGIN {
        print "user_id,product_id,time,kind,quantity,unit_price"
        for (r = 0; r < rows; r++) {
            x = (r * 7919 + 104729) % 65537
            printf "u%d,p%d,%d-%02d-%02dT23:59:59,purchase,%d,%.2f\n", x % users, r % products,
                year, 1 + r % 12, 1 + x % 28, 1 + x % 3, (10 + r % products) * (1 - x % 4 / 20)
        } }' | table events
}

offers() { # USERS PRODUCTS ROWS YEAR
    awk -v users="$1" -v products="$2" -v rows="$3" -v year="$4" 'BEGIN {
        print "user_id,product_id,time,discount,redeemed"
        for (r = 0; r < rows; r++) {
            x = (r * 6271 + 31) % 65521
            printf "u%d,p%d,%d-%02d-%02d,%s,%d\n", x % users, r % products, year, 1 + r % 12,
                1 + x % 28, substr("0.00.10.2", 1 + 3 * (x % 3), 3), x % 5 == 0
        } }' | table offers
}

fresh() {
    rm -rf "$work"/shop "$work"/run.*
    mkdir "$work/shop"
}

bytes_of() { # RUN: digests of all files that do not tell how they were made, nor are encrypted
    (cd "$1" && find . -type f ! -name manifest.json ! -name log.jsonl ! -name ids.vault \
        -exec sha256sum {} + | sort)
}

same_at_ranks() { # RANKS...: run the shop, compare everything with the first
    local ranks
    for ranks in "$@"; do
        shop_run "$ranks" "$work/run.$ranks"
        [ -z "$(find "$work/run.$ranks" -name '*.part')" ] || fail "$shop: a file was left half-way"
        diff <(bytes_of "$work/run.$1") <(bytes_of "$work/run.$ranks") ||
            fail "$shop: files differ between $1 and $ranks ranks"
    done
    echo "$shop: the same bytes at $* ranks"
}

refused() { # CODE TEXT: the run ends with the code and says the text
    local code=0
    timeout -k 5 60 mpirun -np 2 "$remise" run "$work/shop/remise.yaml" -o "$work/run.2" \
        >"$work/run.2.log" 2>&1 || code=$?
    [ $code = "$1" ] || { cat "$work/run.2.log"; fail "$shop: code $code, not $1"; }
    grep -qF "$2" "$work/run.2.log" || { cat "$work/run.2.log"; fail "$shop: not told \"$2\""; }
    echo "$shop: refused with code $1"
}

rows_where() { # COLUMN CONDITION: rows of discounts.csv, of plain ids, for which awk's test holds
    awk -F, "NR > 1 && \$$1 $2" "$work/run.1/discounts.csv" | wc -l
}

shop="ids that need quotes"
fresh
table products <<'CSV'
product_id,category,list_price,unit_cost
0012,"a,b",10,4
12,"x""y",11,4
"p
q",Küche,12,4
"a,b",,13,4
CSV
table events <<'CSV'
user_id,product_id,time,kind,quantity,unit_price
"a,b",0012,2024-01-01,purchase,1,10
"q""uote",12,2024-02-01,purchase,1,11
"new
line","p
q",2024-03-01,purchase,2,9.5
Ünïcödé,"a,b",2024-04-01,purchase,1,13
 lead,0012,2024-05-01,purchase,1,8
None,12,2024-06-01,purchase,1,8
0012,0012,2024-06-01,purchase,1,8
12,0012,2024-06-01,purchase,1,9
-1,0012,2024-06-01,purchase,1,9
CSV
printf '%0300d,12,2024-06-01,purchase,1,9\n' 7 >>"$work/shop/events.csv"
settings "publish: {user_ids: original}"
same_at_ranks 1 3
python3 - "$work" <<'PYTHON' || fail "$shop: users or products are not those of the tables"
import csv, sys
def column(file, name):
    with open(f"{sys.argv[1]}/{file}", encoding="utf-8", newline="") as rows:
        return {row[name] for row in csv.DictReader(rows)}
for name, table in (("user_id", "events"), ("product_id", "products")):
    assert column("run.1/discounts.csv", name) == column(f"shop/{table}.csv", name), name
PYTHON

shop="pseudonyms, users known by offers alone, a huge budget"
fresh
products 5
events 4 5 40 2024
offers 9 5 90 2024
settings "publish: {user_ids: pseudonym}" "allocate: {budget: 1e13}"
same_at_ranks 1 7
users=$(sed 1d "$work/run.1/discounts.csv" | cut -d, -f1 | sort -u)
[ "$(grep -cE '^[0-9a-f]{32}$' <<<"$users")" = 9 ] ||
    fail "$shop: not nine pseudonyms"

shop="offers that tie but for the sign of 0, and some that cannot be kept"
fresh
products 5
events 6 5 40 2024
offers 6 5 90 2024
sed 1d "$work/shop/offers.csv" | sed 's/,0\.0,/,-0,/' >>"$work/shop/offers.csv"
echo "u1,p1,2024-01-01,0.99999999999,1" >>"$work/shop/offers.csv"
settings
same_at_ranks 1 4
grep -q ',bad_discount,0.99999999999' "$work/run.1/rejects.csv" || fail "$shop: a discount of 1"

shop="one user and one product, all rows of whom would be held out"
fresh
products 1
events 1 1 5 2024
settings "seed: 5"
same_at_ranks 1 3

shop="no sales, offers alone"
fresh
products 3
events 5 3 30 2024
offers 5 3 60 2024
sed -i 's/purchase,[0-9]*,.*/view,,/' "$work/shop/events.csv"
settings
same_at_ranks 1 2
rm "$work/shop/offers.csv"
settings
refused 65 "nothing to learn the response from"

shop="times before 1970, no budget"
fresh
products 4
events 8 4 60 1955
settings "allocate: {budget: 0}"
same_at_ranks 1 2
last=$(sed 1d "$work/shop/events.csv" | cut -d, -f3 | cut -c1-10 | sort | tail -n 1)
next=$(date -u -d "$last + 1 day" +%F)
[ "$(rows_where 11 "!= \"$next\"")" = 0 ] ||
    fail "$shop: not valid from the day after the last event"
[ "$(rows_where 3 '!= 0')" = 0 ] || fail "$shop: discounts without a budget"
[ "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["rows"])' \
    "$work/run.1/receipt.json")" = "$(rows_where 1 '!= ""')" ] ||
    fail "$shop: the receipt counts other rows than the table has"

shop="products without a category, some free, some above their price"
fresh
table products <<'CSV'
product_id,category,list_price,unit_cost
p0,,0,1
p1,NA,10,100
p2, ,12,3
CSV
events 8 3 60 2024
settings "events: {columns: {category: kind}}"
sed -i 's/,purchase,/,NA,/; s/,kind,/,category,/' "$work/shop/events.csv"
sed -i 's/kind: kind/category: category/; /^events: {/d' "$work/shop/remise.yaml"
same_at_ranks 1 2
[ "$(rows_where 2 '!= "p2"')" = 0 ] || fail "$shop: a product without a margin is offered"
! grep -q '^category,NA,' "$work/run.1/elasticities.csv" || fail "$shop: a category named NA"

shop="rows that are no good"
fresh
products 4
events 8 4 60 2024
{
    echo 'u1,p1,2024-01-01,abcdefghijklmnopqrstuvwx😀,1,5'
    printf 'u1,p1,2024-01-01,purch\xffase,1,5\n'
    echo 'u1,p1,2024-01-01,purchase,1,5,6,7,"x"y'
    echo 'u1,p1,1700000000000,purchase,1,5'
    printf 'u%01024d,p1,2024-01-01,purchase,1,5\n' 1
} >>"$work/shop/events.csv"
settings
same_at_ranks 1 2
grep -q ',user_id,long_name,$' "$work/run.1/rejects.csv" || fail "$shop: an id of 1,025 bytes"
iconv -f utf-8 -t utf-8 "$work/run.1/rejects.csv" >/dev/null ||
    fail "$shop: rejects.csv is no UTF-8"
grep -q ',time,bad_time,1700000000000$' "$work/run.1/rejects.csv" || fail "$shop: milliseconds"
settings "ingest: {on_bad_row: reject, max_bad_rows: 0.01}"
rm -rf "$work/run.2"
refused 65 "cannot be used"
cmp "$work/run.1/rejects.csv" "$work/run.2/rejects.csv" || fail "$shop: the reasons are not left"

shop="a run folder that is a file"
rm -rf "$work/run.2"
touch "$work/run.2"
refused 73 "there is a file of that name"
rm "$work/run.2"

shop="a run folder at work"
exec 9>"$work/run.1/checkpoint/lock"
flock -n 9 || fail "$shop: still locked by a run that is over"
mv "$work/run.1" "$work/run.2"
refused 73 "another run is at work"
exec 9>&-
mv "$work/run.2" "$work/run.1"

shop="attributes named twice, or protected"
table users <<'CSV'
user_id,age,sex
u1,30,f
u2,,m
CSV
settings "users: {file: users.csv, columns: {user_id: user_id}, attributes: [age, age]}"
refused 78 "name it once"
settings "users: {file: users.csv, columns: {user_id: user_id, group: sex}, attributes: [age, sex]}"
refused 78 "never an input"
echo "all nasty shops run or are refused as they should"
