#!/usr/bin/env bash
# `remise fit kmeans`: results on stdout, equal bytes at 1, 3 and 7 ranks, refusals with a remedy,
# iris.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./out as one line without spaces, everything else in ./log
    [ "$*" != "${fitted:-}" ] || return 0 # they are there
    fitted=
    timeout -k 5 60 "$remise" fit kmeans "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
    fitted=$*
}

says() { # TEXT ARGUMENTS...: the fit succeeds and its JSON holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit kmeans $* ended with an error"; }
    grep -qF -- "$text" out || { cat json; fail "fit kmeans $* does not say $text"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit kmeans $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit kmeans $* does not say: $text"; }
}

# ---- by hand: two pairs, a constant column, a text, a gap ----
printf 'a,big,same,name,gap\n0,0,7,x,1\n1,0,7,y,\n10,4e6,7,x,3\n11,4e6,7,y,4\n' >pairs.csv
printf 'big,a\n0,0\n4e6,10\n' >start.csv
says '"centroids":[[0.5],[10.5]],"sizes":[2,2]' pairs.csv --columns a --init start.csv
says '"rows":4,"columns":["a"],"k":2,"inertia":1.0,"iterations":2,"converged":true' pairs.csv \
    --columns a --k 2 --init start.csv
says '"centroids":[[0.5,0.0],[10.5,4000000.0]]' pairs.csv --columns a,big --init start.csv
says '"centroids":[[0.0,0.5],[4000000.0,10.5]]' pairs.csv --columns big,a --k 2 --seed 4
says '"inertia":0.03960396039603960' pairs.csv --columns a,same --standardize --k 2 # 1 / 25.25
says '"iterations":1,"converged":false' pairs.csv --columns a --init start.csv --max-iterations 1
refuses 65 'column "gap" has 1 missing or infinite value, first in data row 2' pairs.csv \
    --columns a,gap --k 2
refuses 65 'column "name" holds text' pairs.csv --columns name --k 2
refuses 65 'no column "wombat"; it has a, big' pairs.csv --columns a,wombat --k 2
refuses 65 'pairs.csv: k = 5 clusters of 4 rows' pairs.csv --columns a --k 5
refuses 65 '2 rows for --k 3' pairs.csv --columns a,big --k 3 --init start.csv
refuses 66 'nosuch.csv' nosuch.csv --k 2
refuses 64 'at least 1' pairs.csv --k 0
refuses 64 'named twice' pairs.csv --k 2 --columns a,a
refuses 64 '--k 3, or a range' pairs.csv
refuses 64 'or a range: 2-12' pairs.csv --k 3-2
refuses 64 'or a range: 2-12' pairs.csv --k 2-
refuses 64 '--k a range; choose' pairs.csv --columns a --k 2-3 --init start.csv
refuses 65 'k = 2 to 5 clusters of 4 rows' pairs.csv --columns a --k 2-5
refuses 64 'name a table' --k 2

# ---- what users' files are like ----
warns() { # TEXT ARGUMENTS...: the fit succeeds and its log holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit kmeans $* ended with an error"; }
    grep -qF -- "$text" log || { cat log; fail "fit kmeans $* does not warn: $text"; }
}

printf 'a,,name,none\r\n1,5,x,\r\n2,6,y,NA\r\n40,7,y,\r\n' >odd.csv
warns 'odd.csv: left out: column 2 (no name), "name" (text, "x"), "none" (no value)' odd.csv --k 2
says '"columns":["a"]' odd.csv --k 2
printf 'unit price;"price; net";v\n1;2;3,5\n3;4;-0,25\n9;9;1\n' | gzip >semicolon.csv.gz
says '"columns":["unitprice","price;net"]' semicolon.csv.gz --k 1 \
    --columns ' unit price , "price; net"'
warns '"v" (a decimal comma, "-0,25")' semicolon.csv.gz --k 1
refuses 65 'column "v" holds text ("-0,25"); write numbers with a decimal point' \
    semicolon.csv.gz --k 1 --columns v
refuses 64 'quote before v is not closed' semicolon.csv.gz --k 1 --columns '"v'
printf 'a,b\n' >header.csv
refuses 65 'header.csv has no rows below its header' header.csv --k 1
printf 'a,b\n1,2\n1,2\n1,2\n' >same.csv
warns '1 of 2 clusters hold no row' same.csv --k 2
says '"sizes":[3,0]' same.csv --k 2 --standardize
printf 'a,b\n5,1\n' >single.csv
says '"centroids":[[5.0,1.0]],"sizes":[1]' single.csv --k 1 --standardize
says '"inertia":0.0' single.csv --k 1
refuses 65 'single.csv: k = 2 clusters of 1 rows' single.csv --k 2
printf 'a,b\n5,1\ninf,2\n7,nan\n' >wild.csv
refuses 65 'column "a" has 1 missing or infinite' wild.csv --k 2 --columns a
refuses 65 'column "b" has 1 missing or infinite' wild.csv --k 2 --columns b
printf 'a,b\n-1e300,1e-300\n1e300,2e-300\n' >far.csv
refuses 65 'far.csv: the squares of values up to' far.csv --k 1
says '"inertia":4.0' far.csv --k 1 --standardize
printf 'a,b\n1,1000\n2,2000\n3,9000\n' >units.csv
warns '"b" has 100 % of all variance' units.csv --k 2

# ---- how many clusters ----
printf 'x,y\n0,0\n0,1\n1,0\n50,50\n50,51\n51,50\n-50,50\n-50,51\n-51,50\n' >three.csv
warns 'k = 3 has the highest silhouette; the elbow is at k = 3' three.csv --k 1-6
says '"choices":[{"k":1,' three.csv --k 1-6
says '"silhouette":null,"elbow":0.0' three.csv --k 1-6
says '"rows":9,"columns":["x","y"],"k":3,"inertia":4.0' three.csv --k 2..6
warns 'k = 2 has the highest silhouette; the inertia has no elbow' same.csv --k 2-3

# ---- the segment of each row, and the model on other tables ----
apply() { # ARGUMENTS...: its table in ./said
    timeout -k 5 60 "$remise" apply "$@" >said 2>log ||
        { cat log; fail "apply $* ended with an error"; }
}

says '"k":2' pairs.csv --columns a --init start.csv --out a.csv --model a.h5
printf 'segment,distance\n0,0.5\n0,0.5\n1,0.5\n1,0.5\n' | cmp - a.csv || fail "segments by hand"
apply a.h5 pairs.csv
cmp said a.csv || fail "apply does not say what the fit said"
printf 'name,b\nx,0.25\ny,\nz,20.5\n' >next.csv
apply a.h5 next.csv --columns b
printf 'segment,distance\n0,0.25\n,\n1,10\n' | cmp - said || fail "segments of other rows by hand"
grep -qF '1 of 3 rows left out' log || fail "apply does not tell of a missing value"
head -c 300 a.h5 >cut.h5
for model in cut.h5 pairs.csv; do
    code=0
    timeout -k 5 60 "$remise" apply $model pairs.csv >said 2>log || code=$?
    [ $code = 65 ] && grep -qF "$model is no HDF5 file, or was cut short" log ||
        { cat log; fail "apply takes $model for a model"; }
done
says '"k":2' pairs.csv --columns big,a --standardize --k 2 --out two.csv --model two.h5
apply two.h5 pairs.csv
cmp said two.csv || fail "apply of a standardised model does not say what the fit said"
printf 'a,b\n1e299,1\n' >away.csv
timeout -k 5 60 "$remise" apply a.h5 away.csv >said 2>log &&
    fail "what is too far out has a segment"
grep -qF 'away.csv: data row 1 is more than' log || { cat log; fail "too far out is not told"; }

# ---- ranks ----
seq 1 9000 | awk 'BEGIN { OFS = ","; print "u,v,w" }
    { print $1 % 97, ($1 * 7919) % 1009, ($1 * 31) % 13 }' >many.csv
for ranks in 1 3 7; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit kmeans many.csv --k 9-11 --standardize \
        --restarts 2 --out $ranks.csv --model $ranks.h5 >$ranks.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" apply $ranks.h5 many.csv >$ranks.said 2>log ||
        { cat log; fail "apply at $ranks ranks ended with an error"; }
    for file in json csv h5 said; do
        cmp 1.$file $ranks.$file || fail "$ranks ranks give other bytes of $file than one"
    done
done
cmp 1.csv 1.said || fail "apply does not say what the fit said"

# ---- how many segments of users ----
shop_make 300
for ranks in 1 3; do
    timeout -k 5 60 mpirun -np $ranks "$remise" run shop/remise.yaml -o $ranks.run --until profile \
        --set profile.segments=2 --set profile.segments_most=5 >log 2>&1 ||
        { cat log; fail "profile at $ranks ranks ended with an error"; }
    grep -q 'has the highest silhouette' log || { cat log; fail "profile shows no table"; }
    cmp 1.run/profiles.h5 $ranks.run/profiles.h5 || fail "$ranks ranks give other segments"
done
timeout 60 "$remise" profile shop/remise.yaml -o 1.run --set profile.segments_most=5 >log 2>&1 &&
    fail "an empty range of segments is taken"
grep -qF 'profile.segments_most is 5, profile.segments 8' log || { cat log; fail "range untold"; }

# ---- iris ----
iris=$data/customers/iris.csv
[ -f "$iris" ] || skip "no $iris; set REMISE_DATA for the published figure"
columns=sepal_length,sepal_width,petal_length,petal_width
says '"inertia":78.8514414' "$iris" --columns $columns --k 3
says '"k":2,"inertia":152.3479517' "$iris" --columns $columns --k 2-8
says '"silhouette":0.681046' "$iris" --columns $columns --k 2-8
says '"k":3,"inertia":78.85144' "$iris" --columns $columns --k 2-8
