#!/usr/bin/env bash
# `remise fit gmm`: results on stdout, equal bytes at 1, 3 and 7 ranks, refusals with a remedy,
# iris.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./out as one line without spaces, everything else in ./log
    timeout -k 5 60 "$remise" fit gmm "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
}

says() { # TEXT ARGUMENTS...: the fit succeeds and its JSON holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit gmm $* ended with an error"; }
    grep -qF -- "$text" out || { cat json; fail "fit gmm $* does not say $text"; }
}

warns() { # TEXT ARGUMENTS...: the fit succeeds and its log holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit gmm $* ended with an error"; }
    grep -qF -- "$text" log || { cat log; fail "fit gmm $* does not warn: $text"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit gmm $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit gmm $* does not say: $text"; }
}

# ---- by hand: two pairs, a constant column, a sum, a text, a gap ----
printf 'a,b,same,sum,name,gap\n0,1,7,1,x,1\n1,3,7,4,y,\n10,1,7,11,x,3\n11,4,7,15,y,4\n' >pairs.csv
printf 'b,a\n1,0\n3,11\n' >start.csv
says '"rows":4,"columns":["a"],"covariance":"full","components":1' pairs.csv -c a -k 1
says '"means":[[5.5]],"covariances":[[[25.25]]],"held":[0]' pairs.csv -c a -k 1
says '"covariances":[[25.25,1.6875' pairs.csv -c a,b -k 1 --covariance diag
says '"covariances":[[25.25' pairs.csv -c a,b -k 1 --covariance tied
says '"parameters":9,' pairs.csv -c a,b -k 2 --covariance diag
says '"monotone":true,"weights":[0.5,0.5],"means":[[0.5],[10.5]]' pairs.csv -c a --init start.csv
says '"choices":[{"components":1,' pairs.csv -c a -k 1..2
says '"components":1,' pairs.csv -c a -k 1..1
warns 'column "same" is constant' pairs.csv -c a,same -k 1
warns '1 of 1 components lie on the floor under variances (--floor 0.001)' pairs.csv \
    -c a,b,sum -k 1 --floor 1e-3
says '"held":[1]' pairs.csv -c a,b,sum -k 1
head -2 pairs.csv >single.csv
says '"means":[[0.0,1.0]]' single.csv -c a,b -k 1
refuses 65 'column "gap" has 1 missing' pairs.csv -c a,gap -k 2
refuses 65 'column "name" holds text' pairs.csv -c name -k 2
refuses 65 'no column "wombat"; it has a, b' pairs.csv -c a,wombat -k 2
refuses 65 'pairs.csv: k = 5 components of 4 rows' pairs.csv -c a -k 5
refuses 65 'pairs.csv: k = 3 to 5 components of 4 rows' pairs.csv -c a -k 3..5
refuses 65 '2 rows for 3 components' pairs.csv -c a,b -k 3 --init start.csv
refuses 66 'nosuch.csv' nosuch.csv -k 2
refuses 64 'at least 1' pairs.csv -k 0
refuses 64 'a range: 2..6' pairs.csv -k 3..2
refuses 64 'a range: 2..6' pairs.csv -k 2..
refuses 64 'choose full, diag or tied' pairs.csv -k 2 --covariance round
refuses 64 'from 1e-09 to 1' pairs.csv -k 2 --floor 0
refuses 64 'may be only 2 components' pairs.csv -k 2 --out labels.csv --keep 3
refuses 64 'name such a file' pairs.csv -k 2 --keep 2
refuses 64 'one number of components' pairs.csv -k 2..3 --init start.csv
refuses 64 '--components 3' pairs.csv
refuses 64 'name a table' -k 2

# ---- the components of rows, and the model ----
fit pairs.csv -c a --init start.csv --out labels.csv --keep 2 --model pairs.h5 ||
    { cat log; fail "--out failed"; }
[ "$(sed -n 1p labels.csv)" = \
    component,responsibility,component_2,responsibility_2,log_density ] ||
    fail "labels.csv starts with $(sed -n 1p labels.csv)"
[ "$(cut -d, -f1 labels.csv | tr '\n' ' ')" = "component 0 0 1 1 " ] ||
    { cat labels.csv; fail "rows went to other components than 0 0 1 1"; }
"$remise" apply pairs.h5 pairs.csv >applied.csv 2>log || { cat log; fail "apply failed"; }
cmp labels.csv applied.csv || fail "apply says other things of the rows than the fit"
printf 'a\n11\n\n1e300\n' >others.csv
"$remise" apply pairs.h5 others.csv >applied.csv 2>log && fail "a row far out was taken"
grep -qF 'others.csv: data row 2 is not finite, or too far' log ||
    { cat log; fail "it is not said which row is far out"; }

# ---- ranks ----
seq 1 9000 | awk 'BEGIN { OFS = ","; print "u,v,w" }
    { print $1 % 97, ($1 * 7919) % 1009 + $1 % 97, ($1 * 31) % 13 }' >many.csv
says '"iterations":3,"converged":false,"monotone":true' many.csv --k 3 --max-iterations 3
for ranks in 1 3 7; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit gmm many.csv -k 2..5 --max-iterations 20 \
        --restarts 2 --out $ranks.csv --keep 2 --model $ranks.h5 >$ranks.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    cmp 1.json $ranks.json || fail "$ranks ranks give other bytes than one"
    cmp 1.csv $ranks.csv || fail "$ranks ranks write other components than one"
    cmp 1.h5 $ranks.h5 || fail "$ranks ranks save another model than one"
done

# ---- iris ----
iris=$data/customers/iris.csv
[ -f "$iris" ] || skip "no $iris; set REMISE_DATA for the published figure"
columns=sepal_length,sepal_width,petal_length,petal_width
for ranks in 1 2 3 4; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit gmm "$iris" -c $columns -k 3 --restarts 10 \
        >iris.$ranks.json 2>log || { cat log; fail "iris at $ranks ranks ended with an error"; }
    cmp iris.1.json iris.$ranks.json || fail "iris: $ranks ranks give other bytes than one"
done
found=$(sed -n 's/.*"log_likelihood": \(.*\),/\1/p' iris.1.json)
[ "$(printf %.6f "$found")" = -180.185477 ] || fail "iris: $found, published -180.185477"
