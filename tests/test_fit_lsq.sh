#!/usr/bin/env bash
# `remise fit lsq`: results on stdout, equal bytes at 1 to 4 ranks, refusals with a remedy,
# published elasticities.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
. "$(dirname "$0")/linear.sh"
shop_begin "$1"
model=lsq
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

# TERM TERM FIGURE: the same for the sum of two estimates; a slope and its change
sum_is() {
    local sum
    sum=$(awk -v a="\"$1\"," -v b="\"$2\"," '
        index($0, a) == 1 || index($0, b) == 1 {
            split($0, part, "\"estimate\": ")
            sum += part[2]
        }
        END { printf "%.4f", sum }' out)
    [ "$sum" = "$3" ] || fail "$1 and $2 give $sum, not $3"
}

# ---- by hand: y = 1.1 + 1.1 x, a copy of x, a gap, a text ----
printf 'x,y,copy,gap,name\n0,1,0,1,b\n1,3,2,,b\n2,2,4,1,a\n3,5,6,2,a\n' >four.csv
fits four.csv -f 'y ~ x'
is '(Intercept)' 1.10000
is x 1.10000
is x 0.51962 std_error
is x 2.11695 t
grep -q '"rows": 4' json || fail "rows"
grep -q '"r_squared": 0.69142857142857' json || fail "r_squared"
grep -q 'solved by normal equations: few enough columns' log || fail "the path is not in the log"
grep -q '"path": "normal equations"' json || fail "the path is not in the result"
fits four.csv -f 'y ~ x + copy'
grep -q '"copy","estimate": null,"std_error": null,"t": null' out || fail "a copy is not dropped"
grep -q 'copy is explained by the terms before it' log || fail "the log does not name the copy"
fits four.csv -f 'y ~ gap'
grep -q '"rows": 3' json || fail "a gap is not left out"
grep -q '1 of 4 rows left out' log || fail "the log does not count the gap"
fits four.csv -f 'y ~ name'
is 'name[b]' -1.5
fits four.csv -f 'y ~ name - 1'
is 'name[a]' 3.5
refuses 64 'character 5: a term is expected' four.csv -f 'y ~ '
refuses 64 "--formula 'y ~ x'" four.csv
refuses 64 'name a table' -f 'y ~ x'
refuses 65 'it has x, y, copy, gap, name' four.csv -f 'y ~ wombat'
refuses 65 'log(x) is -inf in data row 1' four.csv -f 'y ~ log(x)'
refuses 65 'holds text' four.csv -f 'name ~ x'
refuses 66 'nosuch.csv' nosuch.csv -f 'y ~ x'

# ---- what users' files are like ----
printf 'x,m\r\n1,\r\n2,NA\r\n' | gzip >odd.csv.gz
refuses 65 'odd.csv.gz: none of the 2 rows' odd.csv.gz -f 'x ~ m'
printf 'unit price;y\n1;3,5\n2;4,5\n3;5,5\n' >semicolon.csv
refuses 65 'holds text ("3,5") and cannot be the outcome; write numbers with a decimal point' \
    semicolon.csv -f 'y ~ `unit price`'
fits semicolon.csv -f '`unit price` ~ y'
is 'y[4,5]' 1
refuses 64 'names with spaces or signs in backticks' semicolon.csv -f 'y ~ unit price'
refuses 64 'I(x * x) for a square' four.csv -f 'y ~ I(x^2)'
refuses 64 'name the ones wanted' four.csv -f 'y ~ .'
printf 'x,y\n' >header.csv
refuses 65 'header.csv has no rows below its header' header.csv -f 'y ~ x'
printf 'x,y,same\n4,2,7\n' >one.csv
fits one.csv -f 'y ~ x + same'
is '(Intercept)' 2
grep -q '"same","estimate": null' out || fail "a constant is not dropped"

# ---- designs that say nothing, and what the log says of them ----
printf 'y,x,one,text,empty,w\n1,1,3,only,,1\n3,2,3,only,,0\n2,4,3,only,,-1\n5,5,3,,,2\n' >poor.csv
fits poor.csv -f 'y ~ x + one'
grep -q 'one is constant in the rows that are used' log || fail "a constant is not named"
fits poor.csv -f 'y ~ x + text'
grep -q 'text has a single value, "only"' log || fail "a single level is not named"
fits poor.csv -f 'one ~ x'
grep -q 'one is the same in all rows' log || fail "a constant outcome is not named"
grep -q '"r_squared": null' json || fail "nothing explained is not null"
fits poor.csv -f 'y ~ x | one'
grep -q 'one has a single value: absorbing' log || fail "a single absorbed level is not named"
fits poor.csv -f 'y ~ text + C(x) | text'
! grep -qi nan json || fail "a poor design gives NaN"
refuses 65 'poor.csv: none of the 4 rows has a value in every column used; "empty" lacks 4' \
    poor.csv -f 'y ~ x + empty'
refuses 65 'weight "w" is -1 in data row 3' poor.csv -f 'y ~ x' --weights w
printf 'y,x,w,by\n1,2,1,u\n2,1,3,v\n0,-1,0,w\n5,3,2,u\n4,5,1,v\n,1,1,v\n' >weighted.csv
fits weighted.csv -f 'y ~ log(x) + C(by)' -w w --cluster by
grep -q '1 rows have the weight 0' log || fail "rows without weight are not counted"
grep -q 'C(by)\[v\]' out && ! grep -q 'C(by)\[w\]' out || fail "a level without weight is there"
grep -q '"clusters": 2' json || fail "clusters by text"
printf 'y,x,w\n1,2,0\n2,1,0\n' >weightless.csv
refuses 65 'no row has a weight "w" above 0' weightless.csv -f 'y ~ x' -w w
refuses 65 'column "text" holds text ("only") and cannot be weights' poor.csv -f 'y ~ x' -w text
refuses 65 'column "one" has a single value in the rows' poor.csv -f 'y ~ x' --cluster one
refuses 64 'leave --robust out' poor.csv -f 'y ~ x' --cluster x --robust
refuses 64 'instruments [p ~ z] are for `remise fit iv`' four.csv -f 'y ~ x + [copy ~ gap]'

printf 'y,x,w,g,t,none\n1,1,inf,a,5,\n3,2,1,b,6,\n2,4,1,c,7,\n5,5,1,c,7,\n,3,1,d,8,\n' >edge.csv
refuses 65 'weight "w" is inf in data row 1' edge.csv -f 'y ~ x' -w w
printf 'y,x,w\n1,1,1\n2,2,1e308\n4,3,1\n' >heavy.csv
refuses 65 'weight "w" is 1e+308 in data row 2' heavy.csv -f 'y ~ x' -w w
refuses 65 'w is 1e+308 in data row 2' heavy.csv -f 'y ~ x + w'
refuses 65 'has a value in every column used; "none" lacks 5' edge.csv -f 'y ~ x' --cluster none
refuses 65 'has a value in every column used; "none" lacks 5' edge.csv -f 'none ~ x'
refuses 65 'log(I(x-5)) is not a number in data row 1' edge.csv -f 'y ~ log(I(x - 5))'
fits edge.csv -f 'y ~ t + x | g' --robust # levels of one row, a treatment constant within levels
grep -q 't is explained by the terms before it or the absorbed effects' log || fail "t is not named"
for formula in 'y ~ x * t' 'y ~ x * t | g' 'y ~ C(x) + C(g) + t' 'I(y * 0) ~ x | g' 'y ~ x:g'; do
    fits edge.csv -f "$formula"
    ! grep -qiE '\bnan|\binf' json || fail "$formula gives NaN"
done

# ---- errors: figures of goldens/linear.py, equal bytes at any number of ranks ----
make_panel
fits panel.csv -f 'y ~ x + p' --robust
is x 9.97189097
is x 0.271515207 std_error
is '(Intercept)' 3.69790283 std_error
grep -q '"type": "HC1"' json || fail "the errors are not said"
fits panel.csv -f 'y ~ x + p' --weights w
is p -2.54478561
is p 0.0396224581 std_error
grep -q '"type": "classical"' json || fail "the errors are not said"
fits panel.csv -f 'y ~ x + p' --weights w --robust
is '(Intercept)' 4.54062469 std_error
fits panel.csv -f 'y ~ x + p' --weights w --cluster region
is x 0.163083881 std_error
is '(Intercept)' 11.0521333 std_error
grep -q '"by": "region"' json && grep -q '"clusters": 12' json || fail "the clusters are not said"
same_at 2 3 7 -- panel.csv -f 'y ~ x + p' --weights w --cluster region
fits panel.csv -f 'y ~ x + p | store + week' --robust
is x 0.165518087 std_error
fits panel.csv -f 'y ~ p + x | store' --weights w --cluster region
is x 0.145948139 std_error
fits panel.csv -f 'y ~ x + p | store + week' --cluster week
is p -2.54028499
is p 0.00906824503 std_error
same_at 2 4 6 -- panel.csv -f 'y ~ x + p | store + week' --cluster week
fits panel.csv -f 'y ~ x + p + C(store) + C(week)' --robust
is x 0.165518087 std_error
fits panel.csv -f 'y ~ (x < 10) * (p >= 50) + log(12 * x / 4 + 1) | store:week'
grep -q '"x<10:p>=50"' out || fail "a comparison is not named"

# ---- ridge ----
fits panel.csv -f 'y ~ x + p + I(2 * x)' --ridge 1000 --weights w
is x 1.9745004
is p -2.5446529
is 'I(2*x)' 3.9490007
is '(Intercept)' 44.669047
grep -q '"std_error": null' json && grep -q '"errors": null' json || fail "a ridge has errors"
same_at 2 3 -- panel.csv -f 'y ~ x + p + I(2 * x)' --ridge 1000 --weights w
fits panel.csv -f 'y ~ x + C(week) | store' --ridge 50
is x 9.9429297
is 'C(week)[2]' -3.5604770
refuses 64 'no standard errors' panel.csv -f 'y ~ x' --ridge 1 --robust
refuses 64 'is not a number from 0 on' panel.csv -f 'y ~ x' --ridge=-1

# ---- ranks: many blocks, two absorbed effects, slopes by category ----
seq 1 20000 | awk 'BEGIN { OFS = ","; print "y,x,z,kind,store,week" }
    { r = ($1 * 7919) % 10007
      print r % 101 + $1 % 7, r % 53, ($1 * 31) % 13 / 7, "k" $1 % 5, $1 % 83, r % 52 }' >many.csv
for ranks in 1 2 3 4; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit lsq many.csv \
        -f 'y ~ x:kind + kind * z + I(x * z) | store + week' >$ranks.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    cmp 1.json $ranks.json || fail "$ranks ranks give other bytes than one"
done

# ---- orange juice: Taddy, Business Data Science ----
oj=$data/elasticity/oj.csv
[ -f "$oj" ] || skip "no $oj; set REMISE_DATA for the published figures"
fits "$oj" -f 'log(sales) ~ log(price)'
is 'log(price)' -1.6013
fits "$oj" -f 'log(sales) ~ log(price) + brand'
is 'log(price)' -3.1387
is '(Intercept)' 10.8288
is 'brand[minute.maid]' 0.8702
is 'brand[tropicana]' 1.5299
fits "$oj" -f 'log(sales) ~ log(price) * brand'
is 'log(price)' -3.3775
sum_is 'log(price)' 'log(price):brand[minute.maid]' -3.3207
sum_is 'log(price)' 'log(price):brand[tropicana]' -2.7118
fits "$oj" -f 'log(sales) ~ log(price) * brand * feat'
is 'log(price)' -2.7742
is 'log(price)' 0.03883 std_error
sum_is 'log(price)' 'log(price):brand[minute.maid]' -1.9912
sum_is 'log(price)' 'log(price):brand[tropicana]' -2.0384
sum_is 'log(price)' 'log(price):feat' -3.2447
featured='log(sales) ~ log(price):brand:I(feat == 1) + log(price):brand:I(feat == 0)'
featured+=' + brand * feat'
fits "$oj" -f "$featured"
is 'log(price):brand[dominicks]:I(feat==1)' -3.2447
is 'log(price):brand[minute.maid]:I(feat==1)' -3.5710
is 'log(price):brand[tropicana]:I(feat==1)' -3.4951
is 'log(price):brand[dominicks]:I(feat==0)' -2.7742
for ranks in 2 3 4; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit lsq "$oj" \
        -f "$featured" \
        >many.json 2>log || { cat log; fail "$ranks ranks ended with an error"; }
    cmp json many.json || fail "$ranks ranks give other bytes than one on orange juice"
done

# ---- sliced cheese (bayesm), and a confounded price whose slope has the wrong sign (EconML) ----
fits "$data/elasticity/cheese.csv" -f 'log(VOLUME) ~ PRICE + DISP'
is '(Intercept)' 9.1900
is PRICE -0.39283
is DISP 0.54045
fits "$data/elasticity/pricing_sample.csv" -f 'log(demand) ~ log(price)'
is 'log(price)' 1.549
