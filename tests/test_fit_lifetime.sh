#!/usr/bin/env bash
# `remise fit bgnbd`, `fit gamma-gamma` and `apply` of both: results, saved models, refusals with a
# remedy, equal bytes at 1 to 4 ranks, the published figures of CDNOW.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
table=$(cd "$(dirname "$0")" && pwd)/lifetime_table.h
cd "$work" || exit 70

run() { # ARGUMENTS...: stdout in ./json and, as one line without spaces, in ./out; the log in ./log
    timeout -k 5 60 "$remise" "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
}

does() { # ARGUMENTS...: it succeeds
    run "$@" || { cat log; fail "$* ended with an error"; }
}

says() { # TEXT ARGUMENTS...: it succeeds and its result holds the text
    local text=$1
    shift
    does "$@"
    grep -qF -- "$text" out || { cat json; fail "$* does not say $text"; }
}

refuses() { # CODE TEXT ARGUMENTS...: it ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    run "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "$* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "$* does not say: $text"; }
}

warns() { # TEXT ARGUMENTS...: it succeeds and its log holds the text
    local text=$1
    shift
    does "$@"
    grep -qF -- "$text" log || { cat log; fail "$* does not warn: $text"; }
}

near() { # NAME VALUE TOLERANCE: a number of the last result
    awk -v name="\"$1\":" -v value="$2" -v tolerance="$3" '$1 == name {
            far = $2 - value; seen = 1; if (far < 0) far = -far
            exit !(far <= tolerance) }
        END { if (!seen) exit 1 }' json || { cat json; fail "$1 is not $2"; }
}

# ---- the simulated customers of the unit tests, and what is known of them ----
{
    echo x,tx,T,m
    grep -o '{[0-9][^}]*}' "$table" | tr -d '{} '
} >shop.csv
[ "$(wc -l <shop.csv)" = 61 ] || fail "no 60 customers in $table"
bgnbd=(fit bgnbd shop.csv --frequency x --recency tx --age T)
spend=(fit gamma-gamma shop.csv --frequency x --spend m)
says '"rows":60,' "${bgnbd[@]}" --horizon 90 --out ahead.csv --model buyers.h5
near r 0.87312743 1e-6
near alpha 7.12522177 1e-5
near log_likelihood -644.2640627270424 1e-9
[ "$(head -1 ahead.csv)" = p_alive,expected_purchases ] || fail "header of --out"
[ "$(wc -l <ahead.csv)" = 61 ] || fail "rows of --out"
total=$(awk -F, 'NR > 1 { sum += $2 } END { printf "%.9f", sum }' ahead.csv)
near expected_purchases "$total" 1e-6
says '"converged":true' "${spend[@]}" --out spend.csv --model spend.h5
near p 2.09285907 1e-5
near v 46.74857532 1e-3

# ---- saved models ----
does apply buyers.h5 shop.csv
cmp json ahead.csv || fail "apply does not say what the fit said"
does apply buyers.h5 shop.csv --out again.csv
cmp again.csv ahead.csv || fail "apply --out"
does apply spend.h5 shop.csv
cmp json spend.csv || fail "apply of gamma-gamma does not say what the fit said"
sed '1s/.*/a,b,c,d/' shop.csv >other.csv
does apply spend.h5 other.csv --columns a,d
cmp json spend.csv || fail "apply --columns"
does apply buyers.h5 shop.csv --horizon 180
awk -F, 'NR == FNR { more[NR] = $2; next } FNR > 1 && $2 >= more[FNR] { exit 1 }' json ahead.csv ||
    fail "apply --horizon 180 does not expect more than 90"
does "${bgnbd[@]}" --model plain.h5
does apply plain.h5 shop.csv
[ "$(head -1 json)" = p_alive ] || fail "a model without a horizon expects purchases"

# ---- what tables are like ----
printf 'x,tx,T,m\n1,5,,3\n0,0,9,\n2,5,9,4\n' >gaps.csv
warns '1 of 3 rows left out' apply buyers.h5 gaps.csv
[ "$(sed -n 2p json)" = , ] || fail "a row with a gap is not empty"
does apply spend.h5 gaps.csv # spend may be missing where there is no repeat purchase
grep -q 'left out' log && fail "gamma-gamma leaves out who never came back"
{ cat shop.csv; echo 1,NA,20,5; } >gap.csv
warns '1 of 61 rows left out' fit bgnbd gap.csv --frequency x --recency tx --age T
printf 'x,tx,T\n1,5,9\n1,12,9\n' >late.csv
refuses 65 'late.csv: data row 2 (frequency 1, recency 12, age 9) has a recency above the age' \
    fit bgnbd late.csv --frequency x --recency tx --age T
refuses 65 'data row 2' apply buyers.h5 late.csv
printf 'frequency,recency,age\n0,0,9\n0,0,8\n' >never.csv
refuses 65 'never.csv: no customer came back' fit bgnbd never.csv
printf 'frequency,recency,age\n1,0,0\n3,0,0\n' >now.csv
refuses 65 "now.csv: every customer's age is 0" fit bgnbd now.csv
printf 'frequency,recency,age\n1,1,5\n0,0,-9\n' >future.csv
refuses 65 'data row 2 (frequency 0, recency 0, age -9) has an age below 0' fit bgnbd future.csv
# one who came back: no spread
printf 'frequency,recency,age\n0,0,0\n2,4,9\nnan,4,9\n' >one.csv
warns '1 of 3 rows left out' fit bgnbd one.csv
warns 'at the end of the scale' fit bgnbd one.csv --horizon 5
near rows 2 0
awk -F'[:,]' '/expected_purchases/ { exit !($2 > 0 && $2 < 10) }' json || fail "one who came back"
printf 'frequency,spend\n2,5\n3,5\n1,5\n' >alike.csv
warns 'no peak that could be found' fit gamma-gamma alike.csv --out alike
awk 'NR > 1 && ($1 < 4.999 || $1 > 5.001) { exit 1 }' alike || fail "spend that is all alike"
printf 'frequency,spend\n2,5\n' >alone.csv
warns 'not to be relied on' fit gamma-gamma alone.csv
printf 'frequency,spend\n0,0\n0,0\n' >nothing.csv
refuses 65 'nothing.csv: no customer has a repeat purchase' fit gamma-gamma nothing.csv
printf 'frequency,spend\n1,5\n2,-3\n' >minus.csv
refuses 65 'minus.csv: data row 2 (frequency 2, spend -3) needs a mean spend above 0' \
    fit gamma-gamma minus.csv
printf 'frequency,recency,age\n1,0,one\n' >text.csv
refuses 65 'column "age" holds text ("one")' fit bgnbd text.csv
refuses 65 'no column "age"' fit bgnbd minus.csv --recency spend
refuses 64 'name a table' fit bgnbd
refuses 64 'above 0' "${bgnbd[@]}" --horizon 0
refuses 64 'a model and a table' apply buyers.h5
refuses 64 '--columns names 1 columns; buyers.h5 takes 3' apply buyers.h5 shop.csv --columns x
refuses 66 'nosuch.h5' apply nosuch.h5 shop.csv
refuses 65 'shop.csv' apply shop.csv shop.csv
for r in 1 2 3 4 5; do printf '%s,%s,%s\n' $r 10 10; done |
    { echo frequency,recency,age; cat; } >steady.csv
warns 'at the end of the scale' fit bgnbd steady.csv

# ---- ranks ----
{
    head -1 shop.csv
    for i in $(seq 200); do sed 1d shop.csv; done # three blocks
} >many.csv
for ranks in 1 2 3 4; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit bgnbd many.csv --frequency x --recency tx \
        --age T --horizon 7 --out ahead.$ranks --model buyers.$ranks >json.$ranks 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" fit gamma-gamma many.csv --frequency x --spend m \
        --out spend.$ranks --model worth.$ranks >>json.$ranks 2>log ||
        { cat log; fail "gamma-gamma at $ranks ranks ended with an error"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" apply buyers.$ranks many.csv >applied.$ranks \
        2>log || { cat log; fail "apply at $ranks ranks ended with an error"; }
    for file in ahead buyers spend worth json applied; do
        cmp $file.1 $file.$ranks || fail "$ranks ranks give other bytes of $file than one"
    done
done
cmp ahead.1 applied.1 || fail "apply does not say what the fit said"

# ---- CDNOW ----
cdnow=$data/customers/cdnow_spend.csv
[ -f "$cdnow" ] || skip "no $cdnow; set REMISE_DATA for the published figures"
does fit bgnbd "$cdnow" --horizon 39 --out ahead.csv
near r 0.24259 5e-6
near alpha 4.41353 5e-6
near a 0.79289 5e-6
near b 2.42575 5e-6
near log_likelihood -9582.4256 5e-5
awk -F, 'NR == 2 { exit !($1 > 0.7266 && $1 < 0.7267 && $2 > 1.2259 && $2 < 1.226) }' ahead.csv ||
    fail "customer 1 is not expected to buy 1.226 times in 39 weeks"
does fit gamma-gamma "$cdnow"
near p 6.2488 5e-5
near q 3.7446 5e-5
near v 15.4478 5e-4

# the same customers as a shop, in days, and one who only looks: what the profile stage makes of it
tr -d '\r' <"$cdnow" | awk -F, 'NR > 1 {
        day = 10135 - int($4 * 7 + 0.5) # 1997-10-01 is day 10135
        last = day + int($3 * 7 + 0.5)
        print $1 "," day * 86400 ",purchase,9.99"
        for (i = 0; i < $2; i++) print $1 "," (last - i) * 86400 ",purchase," $5
    }
    END { print "looker," 10135 * 86400 ",view,0" }' >events.rows
{
    echo user,when,kind,price,product
    sed 's/$/,cd/' events.rows
} >events.csv
cat >shop.yaml <<'YAML'
events:
  file: events.csv
  columns: {user_id: user, product_id: product, time: when, kind: kind, unit_price: price}
profile: {horizon_days: 273}
YAML
timeout -k 5 60 "$remise" run shop.yaml -o shop --until profile >log 2>&1 ||
    { cat log; fail "the customers as a shop"; }
grep -q 'of 2357 users who bought, 946 of them on two days' log || { cat log; fail "customers"; }
cp shop/profiles.json json # weeks were given to two places, so that whole days differ a little
near r 0.24259 2e-5
near alpha 30.8947 2e-3
near a 0.79289 1e-4
near b 2.42575 4e-4
near p 6.2488 5e-5
near q 3.7446 5e-5
near v 15.4478 2e-4
