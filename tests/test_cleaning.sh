#!/usr/bin/env bash
# Each cleaning step of docs/cleaning.md on a small shop: what is left has the bytes of the shop
# that was written down clean, every row that went is in rejects.csv with its reason, and the
# account adds up; the same at 1 and 3 ranks. Then a heavy user spread over ranks, and more rows
# than memory.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

ingest() { # RANKS RUN OPTION...: its log in RUN.log
    local ranks=$1 run=$2
    shift 2
    timeout -k 5 120 mpirun -np "$ranks" "$remise" ingest shop.yaml -o "$run" "$@" \
        </dev/null >"$run.log" 2>&1
}

settings() { # LINE...: the events table in the folder shop, and these lines
    {
        echo "events:"
        echo "  file: shop/events.csv"
        echo "  columns: {user_id: who, product_id: sku, time: when, quantity: qty," \
            "unit_price: paid${roles:-}}"
        printf '%s\n' "$@"
    } >shop.yaml
}

# NAME ACCOUNT: shop/ as it is has the account and the rejects of standard input, and leaves what
# clean/ leaves
cleans() {
    local ranks
    cat >expected
    for ranks in 1 3; do
        ingest $ranks run$ranks || { cat run$ranks.log; fail "$1: ingest ended with an error"; }
        grep -qF -- "$2" run$ranks.log || { cat run$ranks.log; fail "$1: the account is not $2"; }
        sed '1d;s,^[^,]*shop/,,' run$ranks/rejects.csv | diff expected - || fail "$1: rejects.csv"
    done
    cmp run1/dataset.h5 run3/dataset.h5 || fail "$1: dataset.h5 differs between 1 and 3 ranks"
    sed -i 's,: shop/,: clean/,' shop.yaml
    ingest 1 run-clean || { cat run-clean.log; fail "$1: the clean shop"; }
    cmp run1/dataset.h5 run-clean/dataset.h5 || fail "$1: not the clean shop"
    rm -rf run1 run3 run-clean
    echo "$1"
}

mkdir shop clean
header=who,sku,when,qty,paid
table() { # FILE: a header and standard input
    { echo "$header"; cat; } >"$1"
}

# ---- malformed rows, each with its own reason, and no text of theirs ----
settings
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,1,2
u2,p1,2025-01-02,1,2
CSV
{
    cat clean/events.csv
    printf 'u3,p1,2025-01-02,1\n'
    printf 'u3,p1,2025-01-02,1,2,3\n'
    printf 'u3,"p"1,2025-01-02,1,2\n'
    printf 'u3,p\0001,2025-01-02,1,2\n'
    printf 'u3,p\3511,2025-01-02,1,2\n'
    printf 'u3,%01048577d,2025-01-02,1,2\n' 1
    printf 'u3,%016777217d,2025-01-02,1,2\n' 1
    printf 'u3,"p1,2025-01-02,1,2\n'
} >shop/events.csv
cleans "malformed rows" "10 rows read = 2 kept + 8 rejected" <<'CSV'
events.csv,4,,wrong_fields,4 fields
events.csv,5,,wrong_fields,6 fields
events.csv,6,sku,text_after_quote,
events.csv,7,sku,nul_byte,
events.csv,8,sku,not_utf8,0xe9
events.csv,9,sku,long_field,
events.csv,10,,long_row,
events.csv,11,sku,open_quote,
CSV

# ---- returns off their purchases, last in first out, amounts in proportion ----
settings
table shop/events.csv <<'CSV'
u1,p1,2025-01-01,4,1.00
u1,p1,2025-01-02,3,0.99
u1,p2,2025-01-02,3,5
u1,p1,2025-01-03,-2,0.99
u1,p1,2025-01-04,-3,0.99
u2,p1,2025-01-01,-1,1
u2,p1,2025-01-02,2,1
u3,p1,2025-01-02,1,1
u3,p1,2025-01-05,-5,1
CSV
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,2,1.00
u1,p2,2025-01-02,3,5
u2,p1,2025-01-02,2,1
CSV
cleans "returns" "9 rows read = 3 kept + 1 rejected + 5 netted" <<'CSV'
events.csv,7,,unmatched_return,
CSV

# ---- fixed bounds and the window of time ----
settings "ingest: {max_price: 100, max_quantity: 50, time_from: 2025-01-01, time_to: 2025-12-31}"
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,50,100
u2,p1,2025-12-30T23:59:59,1,1
CSV
{
    cat clean/events.csv
    cat <<'CSV'
u1,p1,2024-12-31T23:59:59,1,1
u1,p1,2025-12-31,1,1
u1,p1,2025-06-01,1,100.01
u1,p1,2025-06-01,51,1
CSV
} >shop/events.csv
cleans "bounds" "6 rows read = 2 kept + 4 rejected" <<'CSV'
events.csv,4,when,outside_window,2024-12-31T23:59:59
events.csv,5,when,outside_window,2025-12-31
events.csv,6,paid,price_above_limit,100.01
events.csv,7,qty,quantity_above_limit,51
CSV

# ---- currencies to one, by the day's rate ----
roles=", currency: cur"
header=who,sku,when,qty,paid,cur
cat >rates.csv <<'CSV'
currency,date,rate
USD,2025-01-01,0.5
USD,2025-02-01,0.25
CSV
settings "ingest: {currency: EUR, rates: rates.csv}"
table shop/events.csv <<'CSV'
u1,p1,2025-01-15,2,8,USD
u1,p1,2025-02-01,2,8,USD
u2,p1,2025-01-15,2,8,EUR
u2,p1,2025-01-15,2,8,GBP
u2,p1,2025-01-15,2,8,
u2,p1,2024-01-15,2,8,USD
CSV
table clean/events.csv <<'CSV'
u1,p1,2025-01-15,2,4,EUR
u1,p1,2025-02-01,2,2,EUR
u2,p1,2025-01-15,2,8,EUR
CSV
cleans "currencies" "6 rows read = 3 kept + 3 rejected" <<'CSV'
events.csv,5,cur,no_rate,GBP
events.csv,6,cur,no_rate,
events.csv,7,cur,no_rate,USD
CSV
roles=
header=who,sku,when,qty,paid

# ---- missing values: the median of the product, a constant ----
settings "ingest: {missing: {unit_price: median by product, quantity: 2}}"
table shop/events.csv <<'CSV'
u1,p1,2025-01-01,1,2
u1,p1,2025-01-02,1,3
u2,p1,2025-01-03,1,10
u2,p1,2025-01-04,3,
u2,p2,2025-01-04,,7
CSV
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,1,2
u1,p1,2025-01-02,1,3
u2,p1,2025-01-03,1,10
u2,p1,2025-01-04,3,3
u2,p2,2025-01-04,2,7
CSV
cleans "missing values" "5 rows read = 5 kept + 0 rejected" </dev/null

# ---- other faults of rows with missing values; a price out of range without a quantity ----
roles=", discount: off"
header=who,sku,when,qty,paid,off
settings "ingest: {missing: {unit_price: mean, quantity: mean}}"
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,2,3,0
CSV
{
    cat clean/events.csv
    cat <<'CSV'
u1,p1,2025-01-02,1,,1.5
u1,p1,2025-01-03,1,,half
u1,p1,2025-01-04,,50000000,0
CSV
} >shop/events.csv
cleans "missing beside faulty" "4 rows read = 1 kept + 3 rejected" <<'CSV'
events.csv,3,off,bad_discount,1.5
events.csv,4,off,bad_number,half
events.csv,5,paid,amount_above_limit,50000000
CSV
roles=
header=who,sku,when,qty,paid

# ---- nothing tells what could stand in ----
settings "ingest: {missing: {unit_price: mean, quantity: mean}}"
printf '%s\n' "$header" u1,p1,2025-01-01,,3 u1,p1,2025-01-02,, >shop/events.csv
ingest 2 nothing && fail "quantities of nothing"
grep -q 'none of its 2 rows can be used' nothing.log || { cat nothing.log; fail "no stand-in"; }
[ "$(grep -c 'zero_quantity' nothing/rejects.csv)" = 2 ] || fail "rejects without a stand-in"

# ---- what stands in by category, where few events tell a product's category ----
roles=", category: cat"
header=who,sku,when,qty,paid,cat
settings "ingest: {missing: {unit_price: mean by category, quantity: median by category}}"
for shop in shop clean; do
    {
        cat <<'CSV'
u1,p1,2025-01-01,1,2,
u2,p1,2025-01-01,3,4,
u3,p1,2025-01-02,7,6,a
u4,p2,2025-01-01,1,100,
u5,p2,2025-01-01,5,300,b
CSV
        if [ $shop = shop ]; then
            printf '%s\n' u6,p1,2025-01-03,1,, u7,p2,2025-01-03,1,, u8,p1,2025-01-04,,5,
        else
            printf '%s\n' u6,p1,2025-01-03,1,4.25, u7,p2,2025-01-03,1,200, u8,p1,2025-01-04,2,5,
        fi
    } | table $shop/events.csv
done
cleans "missing values by category" "8 rows read = 8 kept + 0 rejected" </dev/null

roles=
header=who,sku,when,qty,paid

# ---- outliers by the product's own prices and quantities ----
settings "ingest: {outliers: {z: 5, min_rows: 20}}"
awk 'BEGIN { for (i = 0; i < 40; i++)
    printf "u%d,p1,2025-01-%02d,%d,%.2f\n", i, 1 + i % 28, 1 + i % 3, 10 + i % 5 }' |
    table clean/events.csv
{
    cat clean/events.csv
    echo u1,p1,2025-02-01,1,1000
    echo u1,p1,2025-02-02,1900,10
} >shop/events.csv
cleans "outliers" "42 rows read = 40 kept + 2 rejected" <<'CSV'
events.csv,42,,outlier_price,
events.csv,43,,outlier_quantity,
CSV

# ---- ids that the other tables do not know; feedback late, early, repeated ----
cat >>shop.yaml <<'YAML'
YAML
cat >tables.yaml <<'YAML'
users: {file: shop/users.csv, columns: {user_id: who}}
products:
  file: shop/products.csv
  columns: {product_id: sku, price_floor: least, margin_floor: keep}
offers:
  file: shop/offers.csv
  columns: {user_id: who, product_id: sku, time: when, discount: off, redeemed: used,
            feedback_time: answered, shown: seen}
YAML
settings "$(cat tables.yaml)" \
    "ingest: {unknown_users: reject, unknown_products: reject, feedback_days: 7}"
for shop in shop clean; do
    printf 'who\nu1\nu2\n' >$shop/users.csv
    printf 'sku,least,keep\np1,1.5,0.25\np2,,\n' >$shop/products.csv
done
printf 'p1,1.4,\np2,-1,\np2,,1.01\n' >>shop/products.csv # the highest floors count
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,1,2
CSV
{
    cat clean/events.csv
    echo u9,p1,2025-01-01,1,2
    echo u1,p9,2025-01-01,1,2
} >shop/events.csv
header=who,sku,when,off,used,answered,seen
table shop/offers.csv <<'CSV'
u1,p1,2025-01-01,0.1,0,,1
u1,p1,2025-01-01,0.1,1,2025-01-08,1
u1,p2,2025-01-01,0.1,1,2025-01-09,1
u1,p2,2025-01-01,0.1,1,2024-12-31,1
u9,p2,2025-01-01,0.1,1,2025-01-02,1
u2,p9,2025-01-01,0.1,1,2025-01-02,1
u2,p2,2025-01-01,0.1,,,0
CSV
table clean/offers.csv <<'CSV'
u1,p1,2025-01-01,0.1,1,,1
u2,p2,2025-01-01,0.1,0,,0
CSV
cleans "unknown ids and feedback" "7 rows read = 2 kept + 5 rejected" <<'CSV'
products.csv,5,least,bad_number,-1
products.csv,6,keep,bad_number,1.01
events.csv,3,,unknown_user,
events.csv,4,,unknown_product,
offers.csv,3,,repeated_feedback,
offers.csv,4,answered,late_feedback,2025-01-09
offers.csv,5,answered,early_feedback,2024-12-31
offers.csv,6,,unknown_user,
offers.csv,7,,unknown_product,
CSV
header=who,sku,when,qty,paid

# ---- what an id could be is not shown; people to forget count for nothing, slips are told ----
settings "ingest: {max_bad_rows: 0.34}" "privacy: {forget: [gone]}"
table clean/events.csv <<'CSV'
u1,p1,2025-01-01,1,2
u2,p1,2025-01-02,1,2
CSV
{
    cat clean/events.csv
    echo c4nary@x.org,p1,soon,1,2
    for day in 1 2 3 4; do echo gone,p1,2025-01-0$day,1,2; done
} >shop/events.csv
cleans "values that can be shown" "7 rows read = 2 kept + 1 rejected + 4 left out" <<'CSV'
events.csv,4,when,bad_time,soon
CSV
settings
sed -i 's/^c4nary.*/u1,p1,c4nary@x.org,1,2/' shop/events.csv
echo 'c4nary@x.org,p1,C4NARY@x.org;2025,1,2' >>shop/events.csv
ingest 2 shapes '--set=privacy.forget=["gone"]' || { cat shapes.log; fail "shapes"; }
! grep -rqi c4nary shapes shapes.log || fail "an id stands in $(grep -rli c4nary shapes shapes.log)"
grep -q 'events.csv,4,when,bad_time,text of 12 bytes' shapes/rejects.csv || fail "no shape"
ingest 2 shapes '--set=privacy.forget=[gone, "a,b"]' || fail "a list with a comma in quotes"
grep -q '1 of the 2 users to be forgotten stand in no table' shapes.log || fail "a slip"
for list in '[gone' '[[gone]]' '{gone: 1}'; do
    ! ingest 1 shapes "--set=privacy.forget=$list" || fail "$list is taken for a list"
done
echo "ids are neither shown nor lost on the way"

# ---- promotions: of what nobody sells, of nothing, or not to be understood ----
settings "products:" "  file: shop/products.csv" "  columns: {product_id: sku, category: kind}" \
    "users:" "  file: shop/users.csv" "  columns: {user_id: who, market: land}" \
    "promotions:" "  file: shop/promotions.csv" \
    "  columns: {product_id: sku, category: goods, discount: off, start: from, end: to," \
    "            kind: what, market: land, segment: seg}"
for side in shop clean; do
    printf '%s\n' u1,p1,2025-01-01,1,2 u2,p2,2025-01-02,1,3 | table $side/events.csv
    printf '%s\n' sku,kind p1,tea p3,pots >$side/products.csv
    printf '%s\n' who,land u1,north u2,south >$side/users.csv
    cat >$side/promotions.csv <<'CSV'
sku,goods,off,from,to,what,land,seg
p1,,0.2,2025-01-01,2025-01-31,coupon,north,
,tea,0.1,,,Limited-Time,,3
p2,tea,0.25,2025-01-01T08:00:00,2025-01-01T08:00:01,,,
CSV
done
cat >>shop/promotions.csv <<'CSV'
p9,,0.2,,,,,
,cups,0.2,,,,,
,,0.2,,,,,
p1,,20,,,,,
p1,,,,,,,
p1,,0.2,2025-01-02,2025-01-01,,,
p1,,0.2,2025-01-02T10:00:00,2025-01-02T10:00:00,,,
p1,,0.2,soon,,,,
p1,,0.2,,,flash,,
p1,,0.2,,,,,1.5
CSV
cleans promotions "promotions: 13 rows read = 3 kept + 10 rejected" <<'CSV'
promotions.csv,5,sku,unknown_product,text of 2 bytes
promotions.csv,6,goods,unknown_category,cups
promotions.csv,7,goods,missing_goods,
promotions.csv,8,off,bad_discount,20
promotions.csv,9,off,bad_discount,
promotions.csv,10,to,ends_early,2025-01-01
promotions.csv,11,to,ends_early,2025-01-02T10:00:00
promotions.csv,12,from,bad_time,soon
promotions.csv,13,what,bad_promotion,flash
promotions.csv,14,seg,bad_number,1.5
CSV
sed -i 's/product_id: sku, category: goods, //' shop.yaml
! ingest 1 bare || fail "promotions of nothing are read"
grep -q 'promotions.columns: nothing tells what the promotions are on' bare.log ||
    { cat bare.log; fail "no remedy"; }
sed -i -e 's/{discount: off/{category: goods, discount: off/' -e 's/, market: land}/}/' shop.yaml
! ingest 1 bare || fail "promotions of markets that users do not have are read"
grep -q 'promotions.columns.market: users have no market; map users.columns.market' bare.log ||
    { cat bare.log; fail "no remedy for markets"; }

# ---- many files, plain and compressed, are one table ----
settings
awk 'BEGIN { for (i = 0; i < 300; i++)
    printf "u%d,p%d,2025-01-%02d,1,%d\n", i % 17, i % 5, 1 + i % 28, 1 + i % 4 }' >rows
table clean/events.csv <rows
ingest 1 run-clean --set events.file=clean/events.csv || fail "one file"
mkdir parts
split -l 70 --numeric-suffixes rows part
for part in part0*; do table "parts/$part.csv" <"$part"; done
gzip parts/part01.csv parts/part03.csv
for ranks in 1 3 7; do
    ingest $ranks many --set 'events.file=parts/*' || { cat many.log; fail "many files"; }
    cmp run-clean/dataset.h5 many/dataset.h5 || fail "many files are not one at $ranks ranks"
done
echo "many files"

# ---- one user has a fifth of all events: the work is even; more rows than memory are read ----
python3 - <<'PYTHON' >shop/events.csv || fail "python3"
import random
random.seed(3)
users, rows = 10000, 300000
weight, total = [], 0.0
for user in range(1, users + 1):
    total += user ** -1.2
    weight.append(total)
print("who,sku,when,qty,paid")
chosen = random.choices(range(users), cum_weights=weight, k=rows)
for row, user in enumerate(chosen):
    day, second = row % 28 + 1, row % 86400
    print(f"u{user},p{row * 7919 % 1000},2025-01-{day:02d} {second // 3600:02d}:"
          f"{second // 60 % 60:02d}:{second % 60:02d},{1 + row % 3},{2 + row % 7}.49")
PYTHON
for ranks in 1 3 8; do
    ingest $ranks skew$ranks --set ingest.memory=16 || { cat skew$ranks.log; fail "skew"; }
    cmp skew1/dataset.h5 skew$ranks/dataset.h5 || fail "the heavy user at $ranks ranks"
done
ingest 2 roomy --set ingest.memory=1024 || { cat roomy.log; fail "in memory"; }
cmp skew1/dataset.h5 roomy/dataset.h5 || fail "files and memory do not give the same"
most=$(sed -n 's,.*max / mean \([0-9.]*\)).*,\1,p' skew8.log)
awk -v most="$most" 'BEGIN { exit !(most >= 1 && most <= 1.2) }' ||
    fail "a rank of 8 has $most times the mean of events"
echo "Zipf(1.2) users: a rank of 8 has at most $most times the mean of events"
