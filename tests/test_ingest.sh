#!/usr/bin/env bash
# A nasty little shop through `remise ingest`: every reason to reject a row once, with its line and
# column; the account adds up; what is left is the shop that was written down clean; the same bytes
# at any number of ranks. Then what ingest refuses as a whole, and how it says so.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
header=$(cd "$(dirname "$0")/.." && pwd)/jobs/rejects.h
cleaning=$(cd "$(dirname "$0")" && pwd)/test_cleaning.sh # where the other reasons are
cd "$work" || exit 70

expect() { # CODE TEXT COMMAND...: it ends so and says so; its output stays in `out`
    local code=0 wanted=$1 text=$2
    shift 2
    timeout -k 5 60 "$@" >out 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat out; fail "$* ended with $code, not $wanted"; }
    [ -z "$text" ] || grep -qF -- "$text" out || { cat out; fail "$* does not say: $text"; }
}

says() { grep -qF -- "$1" out || { cat out; fail "it does not say: $1"; }; }

# ---- the shop as it should be understood ----
mkdir clean nasty
cat >shop.yaml <<'YAML'
data: {dir: nasty}
users:
  file: users.csv
  columns: {user_id: uid, consent: agreed, group: grp, market: land}
  attributes: [age, region]
products:
  file: products.csv
  columns: {product_id: sku, category: cat, brand: make, list_price: price, unit_cost: cost}
events:
  file: events.csv
  columns:
    user_id: who
    product_id: sku
    time: when
    kind: what
    quantity: qty
    unit_price: paid
    discount: off
    return_flag: ret
offers:
  file: offers.csv
  columns: {user_id: who, product_id: sku, time: when, discount: off, propensity: chance,
            shown: seen, redeemed: used, revenue: paid}
ingest: {max_quantity: 1000, returns: drop}
YAML

cat >clean/users.csv <<'CSV'
uid,age,region,agreed,grp,land
u1,31,north,1,a,FR
u2,,south,1,b,FR
u3,44.5,north,1,,DE
silent,20,"we, st",1,a,DE
CSV
cat >clean/products.csv <<'CSV'
sku,cat,make,price,cost
p1,fruit,,3.50,2.00
p2,fruit,acme,4,1
p3,,acme,10.00,9
"p ""4""",bread,,2.25,0
CSV
cat >clean/events.csv <<'CSV'
who,sku,when,what,qty,paid,off,ret
u1,p1,2025-01-01T08:00:00Z,purchase,2,3.50,0,0
u1,"p ""4""",2025-01-01T08:00:00Z,purchase,1,2.25,0,0
u2,p2,2025-01-02,purchase,1.5,2.00,0.5,0
u2,p3,2025-01-03,view,1,1,,0
u3,p3,2025-01-04,cart,1,1,,0
u3,p1,2025-01-05,purchase,1,3.50,0,0
"u9",p2,2025-01-06,click,1,1,,0
u9,p2,2025-01-07,purchase,1000,4,0,0
CSV
cat >clean/offers.csv <<'CSV'
who,sku,when,off,chance,seen,used,paid
u1,p1,2024-12-01,0.1,0.5,1,1,6.30
u2,p2,2024-12-02,0,1,1,0,0
u3,p2,2024-12-03,0.3,,0,0,
CSV
filler() { # the same rows in both shops, enough of them for every rank to get some
    awk 'BEGIN { for (i = 0; i < 600; i++) printf "u%d,p%d,2025-02-%02dT%02d:%02d:00Z,%s,%d,%s,,\n",
        1 + i % 3, 1 + i % 2, 1 + i % 28, i % 24, i % 60, i % 7 ? "purchase" : "view",
        1 + i % 3, i % 2 ? "4.00" : "3.50" }'
}
filler >>clean/events.csv

# ---- the same shop as it came ----
cat >nasty/users.csv <<'CSV'
uid,age,region,agreed,grp,land
u1,31,north,yes,a,FR
,7,west,1,a,FR
u2,NA,south,,b,FR
no1,50,north,no,a,FR
u3,44.5,north,TRUE,,DE
silent,20,"we, st",2,a,DE
u1,31,north,1,a,FR
no2,18,south,1,a,FR
no3,18,south,perhaps,b,DE
no2,19,south,false,a,FR
u3,44.50,north,1,,DE
CSV
cat >nasty/products.csv <<'CSV'
sku,cat,make,price,cost
p1,fruit,,,2.00
p2,fruit,acme,4,1
,fruit,acme,4,1
p3,,acme,10.00,9
p3,,acme,ten,9
p3,,acme,10.00,-9
p3,,acme,30000000,9
"p ""4""",bread,,2.25,0
p1,fruit,,,1.99
CSV
cat >nasty/events.csv <<'CSV'
who,sku,when,what,qty,paid,off,ret
u1,p1,2025-01-01T08:00:00Z,purchase,2,3.50,0,0
u1,p1
u"1",p1,2025-01-01,purchase,"2"x,3.50,0,0
,p1,2025-01-01,purchase,2,3.50,0,0
u1, ,2025-01-01,purchase,2,3.50,0,0
u1,p1,NA,purchase,2,3.50,0,0
u1,p1,01.02.2025,purchase,2,3.50,0,0
u1,p1,2025-01-01,purchase,two,3.50,0,0
u1,p1,2025-01-01,gift,2,3.50,0,0
u1,p1,2025-01-01,purchase,-2,3.50,0,0
u1,p1,2025-01-01,purchase,0,3.50,0,0
u1,p1,2025-01-01,purchase,1001,3.50,0,0
u1,p1,2025-01-01,purchase,2,,0,0
u1,p1,2025-01-01,purchase,2,0.00,0,0
u1,p1,2025-01-01,purchase,1000,30000,0,0
u1,p1,2025-01-01,purchase,2,3.50,1.5,0
u1,"p ""4""",2025-01-01 09:00:00+01:00,BUY,,2.25,,
u1,"p ""4""",2025-01-01 09:00:00+01:00,BUY,1,2.25,,
u2,p2,2025-01-02,order,1.5,2.00,0.5,no
u2,p3,2025-01-03,view,,,,
u3,p3,2025-01-04,addtocart,0,,,
u1,p1,2025-01-01T08:00:00Z,purchase,2,3.50,0,0
u3,p1,2025-01-05,purchase,1,3.50,-0.0,f
u3,p1,2025-01-05,refund,1,3.50,0,0
u3,p1,2025-01-05,purchase,1,3.50,0,yes
"u9",p2,2025-01-06,click,,,,
u9,p2,2025-01-07,purchase,1000,4,1e-12,0
no1,p1,2025-01-07,purchase,1,3.50,,
no2,p2,2025-01-08,view,1,,,
,,later,gift,zero,-1,7,perhaps

no3,p3,2025-01-08,purchase,1,10,,
CSV
printf 'u1,%s,2025-01-08,purchase,1,10,,\n' "$(printf '%01025d' 0)" >>nasty/events.csv
filler >>nasty/events.csv
# repeats of rows near the beginning at the end of the file, on the last rank
sed -n '40,50p' nasty/events.csv >repeats
cat repeats repeats >>nasty/events.csv
cat >nasty/offers.csv <<'CSV'
who,sku,when,off,chance,seen,used,paid
u1,p1,2024-12-01,0.1,0.5,1,,6.30
u2,p2,2024-12-02,0,1,Yes,n,0
u3,p2,2024-12-03,0.3,,0,0,
u3,p2,2024-12-03,0.3,0,0,0,
u3,p2,2024-12-03,1,0.5,0,0,
u3,p2,2024-12-03,,0.5,0,0,
u3,p2,2024-12-03,0.1,0.5,0,often,
u3,p2,2024-12-03,0.1,0.5,0,0,22000000
u3,p2,,0.1,0.5,0,0,
no1,p2,2024-12-03,0.1,0.5,1,0,
CSV

# ---- the same bytes at any number of ranks ----
for ranks in 1 2 3 4 7; do
    expect 0 'DONE: ingest in' mpirun -np $ranks "$remise" ingest shop.yaml -o run$ranks
    [ $ranks = 1 ] || for file in dataset.h5 rejects.csv; do
        cmp run1/$file run$ranks/$file || fail "$file differs at $ranks ranks"
    done
done

# ---- the account ----
account() { # TABLE READ REJECTED LEFT_OUT
    local left_out=
    [ "$4" = 0 ] || left_out=" + $4 left out with their users"
    says "$1: $2 rows read = $(($2 - $3 - $4)) kept + $3 rejected$left_out"
}
rows=$(($(wc -l <nasty/events.csv) - 1 - 1)) # one empty line
account users 11 3 4
account products 9 4 0
account events $rows 43 3
account offers 10 6 1
says '3 users refuse and are left out'
says '5 users in 64 blocks, 608 events, 3 offers, 4 products'

# ---- each row with its line, column, reason and value ----
last=$(wc -l <nasty/events.csv)
{
    echo file,line,column,reason,value
    cat <<'CSV'
nasty/products.csv,4,sku,missing_product,
nasty/products.csv,6,price,bad_number,ten
nasty/products.csv,7,cost,bad_number,-9
nasty/products.csv,8,price,amount_above_limit,30000000
nasty/users.csv,3,uid,missing_user,
nasty/users.csv,8,,repeated_user,
nasty/users.csv,12,,repeated_user,
nasty/events.csv,3,,wrong_fields,2 fields
nasty/events.csv,4,qty,text_after_quote,
nasty/events.csv,5,who,missing_user,
nasty/events.csv,6,sku,missing_product," "
nasty/events.csv,7,when,missing_time,NA
nasty/events.csv,8,when,bad_time,01.02.2025
nasty/events.csv,9,qty,bad_number,two
nasty/events.csv,10,what,bad_kind,gift
nasty/events.csv,11,qty,return_row,-2
nasty/events.csv,12,qty,zero_quantity,0
nasty/events.csv,13,qty,quantity_above_limit,1001
nasty/events.csv,14,paid,missing_price,
nasty/events.csv,15,paid,price_not_positive,0.00
nasty/events.csv,16,paid,amount_above_limit,30000
nasty/events.csv,17,off,bad_discount,1.5
nasty/events.csv,18,qty,zero_quantity,
nasty/events.csv,23,,repeat,
nasty/events.csv,25,qty,return_row,1
nasty/events.csv,26,qty,return_row,1
nasty/events.csv,31,who,missing_user,
nasty/events.csv,34,sku,long_name,text of 1025 bytes
CSV
    for line in $(seq $((last - 21)) "$last"); do echo "nasty/events.csv,$line,,repeat,"; done
    cat <<'CSV'
nasty/offers.csv,5,chance,bad_number,0
nasty/offers.csv,6,off,bad_discount,1
nasty/offers.csv,7,off,bad_discount,
nasty/offers.csv,8,used,bad_number,often
nasty/offers.csv,9,paid,amount_above_limit,22000000
nasty/offers.csv,10,when,missing_time,
CSV
} >expected
diff expected <(sed 's,^[^,]*/nasty/,nasty/,' run1/rejects.csv) || fail "rejects.csv"
for reason in $(sed -n 's/^ *X(\([a-z_]*\), ".*/\1/p' "$header"); do
    grep -q ",$reason," expected "$cleaning" || fail "no row is rejected for $reason"
done

# ---- what is left is the clean shop ----
expect 0 'users: 4 rows read = 4 kept + 0 rejected' "$remise" ingest shop.yaml -o clean-run \
    --set data.dir=clean
says "events: $(($(wc -l <clean/events.csv) - 1)) rows read = 608 kept + 0 rejected"
cmp run1/dataset.h5 clean-run/dataset.h5 || fail "the nasty shop is not the clean one"

# ---- settings ----
expect 0 "$rows rows read = $((rows - 23)) kept + 20 rejected + 3" "$remise" ingest shop.yaml \
    -o kept --set ingest.repeats=keep
expect 0 "$rows rows read = $((rows - 43)) kept + 40 rejected + 3" "$remise" ingest shop.yaml \
    -o kept --set ingest.returns=keep
expect 78 'users.columns.market is the protected group' "$remise" ingest shop.yaml -o stopped \
    --set users.columns.market=grp
expect 65 'ingest.on_bad_row' "$remise" ingest shop.yaml -o stopped --set ingest.on_bad_row=stop
expect 65 'ingest.max_bad_rows' "$remise" ingest shop.yaml -o stopped \
    --set ingest.max_bad_rows=0.1
[ ! -e stopped/dataset.h5 ] || fail "a refused shop left a data set"

# ---- a flag of promotions ----
promoted() { # NUMBER EXPRESSION
    expect 0 '608 kept + 0 rejected' mpirun -np 2 "$remise" ingest shop.yaml -o promoted$1 \
        --set data.dir=clean --set "events.columns.promotion=$2"
}
promoted 1 'qty > 1'
cmp -s clean-run/dataset.h5 promoted1/dataset.h5 && fail "promotions are not kept"
promoted 2 'qty > 5'
cmp -s promoted1/dataset.h5 promoted2/dataset.h5 && fail "promotions are not told apart"

# ---- attributes of products: the same bytes at any ranks ----
for ranks in 1 3; do
    expect 0 'DONE' mpirun -np $ranks "$remise" ingest shop.yaml -o made$ranks \
        --set 'products.attributes=[make, cost, cat]'
done
cmp made1/dataset.h5 made3/dataset.h5 || fail "attributes of products depend on the ranks"
cmp -s run1/dataset.h5 made1/dataset.h5 && fail "attributes of products are not kept"
expect 78 'products.csv has no column "colour"' "$remise" ingest shop.yaml -o other-run \
    --set 'products.attributes=[colour]'

# ---- what ingest refuses, with the file's name and an exit code ----
copy() { rm -rf other && cp -r nasty other; }
other() { # CODE TEXT: ingest of the shop in `other` at two ranks
    expect "$1" "$2" mpirun -np 2 "$remise" ingest shop.yaml -o other-run --set data.dir=other
    [ ! -e other-run/dataset.h5 ] || fail "a refused shop left a data set"
}
copy; sed -i '1s/paid/price/' other/events.csv
other 78 'events.csv'
says 'events.columns.unit_price'
copy; : >other/events.csv
other 65 'events.csv'
copy; sed -i '2,$d' other/events.csv
other 65 'events.csv'
copy; rm other/offers.csv
other 66 'offers.csv'
copy; sed -i '1s/who,sku/who,who/' other/offers.csv
other 65 'two columns are called "who"'
copy
for user in u1 u2 u3 u9 no1 no2 no3; do echo "$user,1,north,n,a,FR"; done >everybody
sed 1q nasty/users.csv | cat - everybody >other/users.csv
other 65 'all 7 users refuse by users.columns.consent'
echo 'silent,1,north,y,a,FR' >>other/users.csv
other 65 'no event is left'
expect 78 'redeemed' "$remise" ingest shop.yaml -o other-run --set offers.columns.redeemed= \
    --set offers.columns.revenue=

# ---- roles that nothing uses yet are told ----
expect 0 'offers.columns.satisfaction is mapped, but nothing uses it yet' "$remise" ingest \
    shop.yaml -o told --set offers.columns.satisfaction=seen --set events.columns.rating=qty
says 'events.columns.rating is mapped'

# ---- a stage without what it needs names the stage to run ----
expect 66 'run the stage that makes it, `remise ingest`' "$remise" profile shop.yaml -o nothing
says 'nothing/dataset.h5'
expect 66 'remise profile' "$remise" demand shop.yaml -o run1
echo "a nasty shop: $rows events with every fault once, clean at 1, 2, 3, 4 and 7 ranks"
