#!/usr/bin/env bash
# `remise fit tree`, `remise fit forest`: rules, errors and importances on stdout, saved models
# applied, refusals with a remedy, equal bytes at 1, 3 and 7 ranks, iris.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./out as one line without spaces, everything else in ./log
    timeout -k 5 60 "$remise" fit "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
}

says() { # TEXT ARGUMENTS...: the fit succeeds and its JSON holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit $* ended with an error"; }
    grep -qF -- "$text" out || { cat json; fail "fit $* does not say $text"; }
}

warns() { # TEXT ARGUMENTS...: the fit succeeds and its log holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit $* ended with an error"; }
    grep -qF -- "$text" log || { cat log; fail "fit $* does not warn: $text"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit $* does not say: $text"; }
}

# ---- by hand: three cheap, three dear; brands by their means; a gap; a constant column ----
cat >shop.csv <<'CSV'
price,brand,same,stock,sold,bought,grade
1,b,7,5,10,yes,1
2,c,7,,10,yes,1
3,b,7,6,10,yes,1
10,a,7,1,4,no,2
11,a,7,2,4,no,2
12,d,7,,4,yes,5
CSV
plain="--test 0 --min-rows 1"
says '{"if":"price<=6.5","value":10.0,"coverage":0.5,"rows":3},{"if":"price>6.5","value":4.0' \
    tree shop.csv --target sold $plain
says '"rows":6,"rows_train":6,"rows_test":0,"rows_left_out":0,"target":"sold"' \
    tree shop.csv --target sold $plain
says '{"column":"price","impurity":1.0,' tree shop.csv --target sold $plain --columns price,same
says '"nodes":1' tree shop.csv --target sold $plain --columns same
says '"rules":[{"if":"always","value":7.0,"coverage":1.0,"rows":6}]' \
    tree shop.csv --target sold $plain --columns same
says '{"if":"brandisborc","value":10.0' tree shop.csv --target sold $plain --columns brand
says '{"if":"brandisaord","value":4.0' tree shop.csv --target sold $plain --columns brand
says '{"if":"stock>3.5","value":10.0' tree shop.csv --target sold $plain --columns stock
says '{"if":"stockismissing","value":7.0' tree shop.csv --target sold $plain --columns stock
says '{"if":"stock>3.5ormissing","value":8.5' tree shop.csv --target sold $plain --columns stock \
    --depth 1
says '{"if":"price<=6.5","class":"yes","purity":1.0,"coverage":0.75,"rows":3}' \
    tree shop.csv --target bought $plain --columns price --depth 1
says '{"if":"6.5<price<=11.5","class":"no","purity":1.0,"coverage":1.0,"rows":2}' \
    tree shop.csv --target bought $plain --columns price
says '"classes":["no","yes"]' tree shop.csv --target bought $plain
says '"classes":[1.0,2.0,5.0]' tree shop.csv --target grade --classify $plain
says '{"if":"price>11.5","class":5.0' tree shop.csv --target grade --classify $plain
says '"nodes":1' tree shop.csv --target sold --test 0 --min-rows 4
says '"nodes":1' tree shop.csv --target sold $plain --min-gain 9
says '"nodes":3' tree shop.csv --target sold $plain --min-gain 8.9
says '"test":{"rows":0,"rmse":null,"r_squared":null}' tree shop.csv --target sold $plain
says '"trees":7' forest shop.csv --target sold $plain --trees 7
says '"oob_rmse":' forest shop.csv --target sold $plain
says '"oob_accuracy":' forest shop.csv --target bought $plain
says '{"column":"price","impurity":1.0}' forest shop.csv --target sold $plain --columns price \
    --no-permutation

# ---- what users' files are like ----
printf 'a,,name,none,y\r\n1,5,x,,1\r\n2,6,y,NA,\r\n40,7,y,,9\r\n' >odd.csv
warns 'odd.csv: left out: column 2 (no name), "name" (text, "x"), "none" (no value)' \
    tree odd.csv --target y $plain
warns '1 of 3 rows left out, a value is missing or infinite: "y" lacks 1' tree odd.csv \
    --target y $plain
warns 'has 2 levels for 2 training rows' tree odd.csv --target y $plain --columns name
says '"rows_train":2,"rows_test":0,"rows_left_out":1' tree odd.csv --target y $plain
printf 'a,y\n1,2\n' >single.csv
says '"nodes":1' tree single.csv --target y --test 0
says '"value":2.0' tree single.csv --target y --test 0
refuses 65 'no column "wombat"' tree shop.csv --target wombat
refuses 65 'no column "wombat"' forest shop.csv --target sold --columns wombat
refuses 65 'nothing to tell apart' tree shop.csv --target same --classify
refuses 65 '"none" lacks 3: fill it' tree odd.csv --target none
refuses 65 'no row is left to train on' tree single.csv --target y --test 0.999999
printf 'a,y\n1e39,2\n1,3\n' >far.csv
refuses 65 'column "a" is 1e+39 in data row 1, beyond single precision' tree far.csv --target y
printf 'a,y\n1,1e200\n1,3\n' >far.csv
refuses 65 'far.csv: the target of data row 1 is 1e+200' tree far.csv --target y --test 0
printf 'a,b,c,y\n1,,NaN,5\n2,,3,6\n3,,nan,5\n4,,3,8\n' >gaps.csv
warns 'left out: "b" (no value)' forest gaps.csv --target y --test 0
says '{"if":"cismissing","value":5.0' tree gaps.csv --target y $plain --columns c
printf 'a,y\n1,5\n2,5\n3,5\n' >flat.csv
says '"nodes":3,"oob_rmse":0.0' forest flat.csv --target y --test 0 --trees 3
printf 'name,y\nx,1\n' >texts.csv
refuses 65 'name columns of texts by --columns' tree texts.csv --target y
printf 'a,b\n' >header.csv
refuses 65 'header.csv has no rows below its header' tree header.csv --target b
refuses 66 'nosuch.csv' tree nosuch.csv --target b
refuses 64 '--target COLUMN' tree shop.csv
refuses 64 'cannot predict itself' tree shop.csv --target sold --columns price,sold
refuses 64 'name a table' forest --target sold
refuses 64 'from 0 to 30' tree shop.csv --target sold --depth 31
refuses 64 'from 2 to 255' tree shop.csv --target sold --bins 256
refuses 64 'at least 1' tree shop.csv --target sold --min-rows 0
refuses 64 'from 0 to below 1' forest shop.csv --target sold --test 1

# ---- saved and applied ----
applies() { # LINE MODEL ARGUMENTS...: the applied model writes the line
    local line=$1
    shift
    timeout -k 5 60 "$remise" apply "$@" >applied.csv 2>log || { cat log; fail "apply $*"; }
    grep -qxF -- "$line" applied.csv || { cat applied.csv; fail "apply $* does not say $line"; }
}

fit tree shop.csv --target sold $plain --columns brand,price --model sold.h5 || fail "no model"
applies predicted sold.h5 shop.csv
[ "$(tail -n +2 applied.csv | tr '\n' ' ')" = "10 10 10 4 4 4 " ] ||
    { cat applied.csv; fail "a saved tree says something else"; }
printf 'brand,price\nzebra,2\n,3\nb,\n' >others.csv
[ "$(timeout 60 "$remise" apply sold.h5 others.csv 2>log | tail -n +2 | wc -l)" = 3 ] ||
    { cat log; fail "a saved tree does not take unknown texts and missing values"; }
fit forest shop.csv --target bought $plain --columns price --model bought.h5 || fail "no model"
applies class,share,p_no,p_yes bought.h5 shop.csv
fit tree shop.csv --target grade --classify $plain --columns price --model grade.h5 ||
    fail "no model"
applies 5,1,0,0,1 grade.h5 shop.csv
printf 'brand,price\n1,2\n' >numbers.csv
timeout 60 "$remise" apply sold.h5 numbers.csv >/dev/null 2>log && fail "numbers for texts"
grep -qF 'holds numbers, but texts such as "a"' log || { cat log; fail "numbers for texts"; }

# ---- ranks ----
seq 1 9000 | awk 'BEGIN { OFS = ","; print "u,v,w,x,y,z" }
    { u = $1 % 97; v = ($1 * 7919) % 1009; w = ($1 * 31) % 13; x = ($1 * 17) % 5
      print (u % 10 ? u : ""), v, "t" w, x, 3 * u + v / 10 + w * x, "c" (int(u / 20) % 3) }' \
    >many.csv
for ranks in 1 3 7; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit forest many.csv --target y --columns u,v,w,x \
        --trees 9 --depth 7 --bins 60 --model $ranks.y.h5 >$ranks.y.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" fit tree many.csv --target z --columns u,v,w,x \
        --model $ranks.z.h5 >$ranks.z.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" apply 1.z.h5 many.csv --out $ranks.csv 2>log ||
        { cat log; fail "apply at $ranks ranks ended with an error"; }
    for file in y.json z.json y.h5 z.h5 csv; do
        cmp 1.$file $ranks.$file || fail "$ranks ranks give another .$file than one"
    done
done

timeout -k 5 60 mpirun -np 7 "$remise" fit tree shop.csv --target sold $plain >7.json 2>log ||
    { cat log; fail "more ranks than rows ended with an error"; }
fit tree shop.csv --target sold $plain
[ "$(tr -d ' \n' <7.json)" = "$(cat out)" ] || fail "more ranks than rows give something else"

# ---- iris ----
iris=$data/customers/iris.csv
[ -f "$iris" ] || skip "no $iris; set REMISE_DATA for the well-known tree"
says '{"if":"petal_length<=2.45","class":"setosa","purity":1.0,"coverage":1.0,"rows":50}' \
    tree "$iris" --target species --depth 2 --test 0
says '{"if":"petal_length>2.45andpetal_width<=1.75","class":"versicolor","purity":0.907' \
    tree "$iris" --target species --depth 2 --test 0
