#!/usr/bin/env bash
# `remise fit shrink`: results on stdout and in a table, equal bytes at several ranks, odd tables,
# refusals with a remedy, the published figures.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./json and on one line in ./line, everything else in ./log
    timeout -k 5 60 "$remise" fit shrink "$@" >json 2>log || return $?
    tr -d '\n' <json | sed 's/ \{2,\}/ /g' >line
}

fits() { # ARGUMENTS...: the fit succeeds
    fit "$@" || { cat log; fail "fit shrink $* ended with an error"; }
    ! grep -qiE 'nan|inf' json || { cat json; fail "fit shrink $*: a figure is no number"; }
}

# FIELD LEAST MOST: a figure, such as test_rmse.unit, is between the two
within() {
    awk -v field="$1" -v least="$2" -v most="$3" '
        { n = split(field, part, "."); rest = $0
          for (i = 1; i <= n; i++) {
              name = "\"" part[i] "\": "
              rest = substr(rest, index(rest, name) + length(name))
          }
          got = rest + 0
          if (rest ~ /^[-0-9]/ && got >= least && got <= most) exit 0
          print field, "is", got, "not within", least, most; exit 1 }' line ||
        { cat json; fail "a figure is missed"; }
}

says() { # TEXT
    grep -qF -- "$1" log || { cat log; fail "the log does not say: $1"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit shrink $* ended with $code, not $wanted"; }
    says "$text"
}

# ---- by hand: units on lines of slope 1 and 3, one without spread in x, one of a single row ----
printf 's,x,y\nb,0,0\na,0,1\nb,1,1\na,1,4\nb,2,2\na,2,7\nc,5,1\nc,5,2\nd,1,1\n' >lines.csv
fits lines.csv -f 'y ~ x' --by s -c x --out units.csv
within units 4 4
within units_in_full 2 2
within prior.mean 1.999 2.001
within prior.sd 1.41 1.42 # sqrt of the variance of 1 and 3
within pooled 2 2
header=s,rows,estimate,std_error,shrunk,shrunk_sd,in_full,level,weak
[ "$(head -1 units.csv)" = $header ] || fail "header"
awk -F, 'NR == 2 && ($1 != "a" || $3 < 2.999 || $5 < 2.999 || $7 != 1) ||
    NR == 4 && ($1 != "c" || $3 != "" || $4 != "" || $5 < 1.99 || $5 > 2.01 || $7 != 0) ||
    NR == 5 && ($1 != "d" || $2 != 1 || $3 != "") { exit 1 }' units.csv ||
    { cat units.csv; fail "the table of units"; }

# ---- what is refused, with the remedy ----
refuses 64 '--formula' lines.csv --by s -c x
refuses 64 '--by COLUMN' lines.csv -f 'y ~ x' -c x
refuses 64 '--coefficient TERM' lines.csv -f 'y ~ x' --by s
refuses 64 'can be x' lines.csv -f 'y ~ x' --by s -c z
refuses 64 'own level' lines.csv -f 'y ~ x' --by s -c '(Intercept)'
refuses 64 'whole number from 1 on' lines.csv -f 'y ~ x' --by s -c x --train-rows 0
refuses 64 'negative or positive' lines.csv -f 'y ~ x' --by s -c x --sign up
refuses 64 'effects behind |' lines.csv -f 'y ~ x | s' --by s -c x
refuses 65 'it has s, x, y' lines.csv -f 'y ~ x' --by store -c x
refuses 66 'nosuch.csv' nosuch.csv -f 'y ~ x' --by s -c x
printf 's,x,y\na,1,1\na,1,2\nb,2,3\nb,2,5\n' >flat.csv
refuses 65 'varies within no value of column "s"' flat.csv -f 'y ~ x' --by s -c x
printf 's,x,y\na,1,1\na,2,2\nb,1,3\nb,3,5\n' >thin.csv
refuses 65 'no unit has more rows than coefficients' thin.csv -f 'y ~ x' --by s -c x
printf 's,x,y\n,1,1\n,2,2\n' >nobody.csv
refuses 65 'column "s"' nobody.csv -f 'y ~ x' --by s -c x

# ---- columns that say nothing, by name ----
awk -F, 'BEGIN { OFS = "," } { print $0, NR == 1 ? "k,own,none" : "7," ($1 == "a") "," }' \
    lines.csv >idle.csv
fits idle.csv -f 'y ~ x + k + own' --by s -c x
says 'k is constant in the rows that are used and was dropped'
says 'own is explained by other terms, or does not vary, within each s and was dropped'
refuses 65 '"none" lacks 9' idle.csv -f 'y ~ x + none' --by s -c x

# ---- odd tables: one unit, y constant, numbers as units, rows without a unit ----
printf 's,x,y\n7,1,1\n7,2,2\n7,3,4\n7,4,3\n' >one.csv
fits one.csv -f 'y ~ x' --by s -c x --train-rows 3
within prior.sd 0 0
within prior.mean 1.5 1.5
says '1 of 1 units tell the coefficient'
printf 's,x,y\n1,1,5\n1,2,5\n1,4,5\n2,1,6\n2,2,6\n2,4,6\n' >same.csv
fits same.csv -f 'y ~ x' --by s -c x
within prior.mean 0 0
printf '%s\n' s,x,y 10,1,1 10,2,2.5 10,3,3 9,1,4 9,2,6 9,3,9 -1,1,0 -1,2,1 -1,3,1 ,1,1 >numbers.csv
fits numbers.csv -f 'y ~ x' --by s -c x --out units.csv
[ "$(cut -d, -f1 units.csv | tr '\n' ' ')" = 's -1 9 10 ' ] || fail "units are not in order"
says '1 rows have no value in column s'
fits numbers.csv -f 'y ~ x - 1' --by s -c x --train-rows 2
fits numbers.csv -f 'y ~ x' --by s -c x --sign negative --out units.csv
awk -F, 'NR > 1 && $5 > 0 { exit 1 }' units.csv || fail "--sign leaves a positive coefficient"
within positive.shrunk 0 0
fits numbers.csv -f 'y ~ x + s' --by s -c x # a term that does not vary within any unit
within units_with_estimate 3 3
printf 's,x,z,y\na,1,0,1\na,2,0,2.1\na,3,1,3\na,4,0,4.1\nb,1,0,3\nb,2,0,5\nb,3,0,9\n' >part.csv
fits part.csv -f 'y ~ x + z' --by s -c x
within units_with_estimate 1 1
says '1 of 2 units tell the coefficient but not all terms'
fits part.csv -f 'y ~ x + z' --by s -c x --partial
within units_with_estimate 2 2

printf 's,x,z,y\na,1,2,1\na,2,4,2.1\na,3,6,3\nb,1,0,3\nb,2,0,5\nb,3,0,8\n' >some.csv
refuses 65 'tell all slopes' some.csv -f 'y ~ x + z' --by s -c x
fits some.csv -f 'y ~ x + z' --by s -c x --joint
printf 's,x,y\n12345678901234567,1,1\n12345678901234568,2,2\n' >long.csv
refuses 65 'beyond 2^53' long.csv -f 'y ~ x' --by s -c x
awk 'BEGIN { print "s,x,y"
    for (u = 0; u < 9; u++) for (x = 0; x < 4; x++) print u "," x "," u * x }' >exact.csv
for joint in '' --joint; do # no error at all: own estimates stay
    fits exact.csv -f 'y ~ x' --by s -c x $joint --out units.csv
    within prior.mean 3.999999 4.000001
    within prior.sd 2.738612 2.738614
    awk -F, 'NR > 1 && ($5 - $1) ^ 2 > 1e-12 || /nan|inf/ { exit 1 }' units.csv || fail "exact"
done

# ---- signs: cut off, with what the posterior gave to them ----
fits numbers.csv -f 'y ~ x' --by s -c x --sign positive --out units.csv
[ "$(head -1 units.csv)" = $header,share ] || fail "header with a sign"
awk -F, 'NR > 1 && ($5 <= 0 || $10 < 0.5 || $10 > 1) { exit 1 }' units.csv ||
    { cat units.csv; fail "shares of a sign"; }
within sign.share 0.5 1
fits numbers.csv -f 'y ~ x' --by s -c x --sign free
! grep -q '"sign"' json || fail "a free sign is told"

# ---- weights: a row of weight 2 is there twice, one of weight 0 is not ----
printf 'w,s,x,y\n2,a,1,1\n1,a,2,2.5\n1,a,3,2\n0,a,9,9\n1,b,1,4\n3,b,2,6\n1,b,4,7\n' >weights.csv
awk -F, 'NR == 1 { print } NR > 1 { for (i = 0; i < $1; i++) print }' weights.csv >repeated.csv
fits weights.csv -f 'y ~ x' --by s -c x --weights w --out units.csv
says '1 rows have the weight 0'
cut -d, -f3 units.csv >estimates
fits repeated.csv -f 'y ~ x' --by s -c x --out units.csv
cut -d, -f3 units.csv | cmp - estimates || fail "weights are not repetitions"
printf 'w,s,x,y\n-1,a,1,1\n1,a,2,2\n' >minus.csv
refuses 65 'weight "w" is -1 in data row 1' minus.csv -f 'y ~ x' --by s -c x --weights w

# ---- groups: 60 units in 12 segments in 3 categories, quotes and commas in their names ----
awk 'BEGIN { srand(5); print "unit,segment,category,region,x,y"
    for (u = 0; u < 60; u++) { g = u % 12; c = g % 3
        slope = 3 * c + 0.5 * (g - 5.5) / 12 + 0.2 * normal()
        for (i = 0; i < 8; i++) { x = normal()
            printf "\"u \"\"%d\"\", a\",s%d,%d,%d,%.17g,%.17g\n", u, g, 10 * c, u % 5, x,
                u + slope * x + 0.3 * normal() } } }
    function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }' \
    >groups.csv
fits groups.csv -f 'y ~ x' --by unit -c x --within segment,category --out units.csv
grep -qF '"level": "segment", "count": 12' line || { cat json; fail "levels are not told"; }
grep -qF '"group": "s3", "within": "0", "units": 5' line || { cat json; fail "groups"; }
grep -qF '"u ""0"", a",8,' units.csv || fail "names of units are not quoted"
awk -F, '$(NF - 1) == "segment" { count++ } END { exit count != 60 }' units.csv || fail "levels"
within levels.sd 0.05 0.4
within prior.sd 2 6
cp json json.1
cp units.csv units.1
timeout -k 5 60 mpirun -np 3 "$remise" fit shrink groups.csv -f 'y ~ x' --by unit -c x \
    --within segment,category --out units.csv >json 2>log || { cat log; fail "three ranks"; }
cmp json.1 json && cmp units.1 units.csv || fail "three ranks give other groups than one"
refuses 65 '"0" stands in segment "s0" and in "s9"' groups.csv -f 'y ~ x' --by unit -c x \
    --within category,segment
printf 'unit,group,x,y\na,1,1,1\na,1,2,3\nb,1,3,3\nb,2,2,3\n' >crossed.csv
refuses 65 'unit "b" stands in group "1" and in "2"' crossed.csv -f 'y ~ x' --by unit -c x \
    --within group
refuses 65 'segment "s0" stands in region "0" and in "4"' groups.csv -f 'y ~ x' --by unit -c x \
    --within segment,region
refuses 64 'tells the units apart' groups.csv -f 'y ~ x' --by unit -c x --within unit
refuses 65 'it has ' groups.csv -f 'y ~ x' --by unit -c x --within nosuch

# ---- planted: 3,000 units of 2 to 9 rows, slopes of mean -2 and spread 0.7 ----
awk 'BEGIN { srand(7); print "row,user,week,price,promo,units"
    for (u = 0; u < 3000; u++) {
        slope[u] = -2 + 0.7 * normal(); level[u] = 3 * normal(); noise[u] = 0.2 + 0.6 * rand()
        rows[u] = 2 + int(8 * rand()) }
    for (w = 0; w < 9; w++) for (u = 0; u < 3000; u++) if (w < rows[u]) {
        p = exp(0.3 * normal()); promo = rand() < 0.2
        printf "%d,u%d,%d,%.17g,%d,%.17g\n", ++n, u, w, p, promo,
            exp(level[u] + slope[u] * log(p) + 0.4 * promo + noise[u] * normal()) } }
    function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }' \
    >many.csv
model='log(units) ~ log(price) + promo'
fits many.csv -f "$model" --by user -c 'log( price )' --train-rows 6 --out units.csv
within units 3000 3000
within prior.mean -2.08 -1.92
within prior.sd 0.6 0.8
[ "$(wc -l <units.csv)" = 3001 ] || fail "the table has not a line for each unit"
cp json 1.json
cp units.csv 1.csv
for ranks in 2 3 7; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit shrink many.csv -f "$model" --by user \
        -c 'log(price)' --train-rows 6 --out units.csv >many.json 2>log ||
        { cat log; fail "$ranks ranks ended with an error"; }
    cmp 1.json many.json || fail "$ranks ranks give other bytes than one"
    cmp 1.csv units.csv || fail "$ranks ranks give another table than one"
done

# ---- all slopes together ----
fits many.csv -f "$model" --by user -c 'log(price)' --train-rows 6 --joint --out units.csv
within prior.mean -2.08 -1.92
within prior.sd 0.6 0.8
within joint.sd 0.6 0.8
grep -qF '"term": "promo", "mean": 0.' line || { cat json; fail "not all slopes are told"; }
cp json json.1
cp units.csv units.1
timeout -k 5 60 mpirun -np 3 "$remise" fit shrink many.csv -f "$model" --by user -c 'log(price)' \
    --train-rows 6 --joint --out units.csv >json 2>log || { cat log; fail "three ranks"; }
cmp json.1 json && cmp units.1 units.csv || fail "three ranks give other slopes than one"
fits groups.csv -f 'y ~ x + I(x * x)' --by unit -c x --within segment,category --joint
grep -qF '"group": "s3", "within": "0", "units": 5' line || { cat json; fail "groups"; }
refuses 65 'that --joint takes' groups.csv -f 'y ~ x * segment' --by unit -c x --joint

# ---- sliced cheese: 88 stores of the bayesm data, trained on their first weeks ----
cheese=$data/elasticity/cheese.csv
[ -f "$cheese" ] || skip "no $cheese; set REMISE_DATA for the published figures"
for published in '12 1.796 0.325 0.318' '20 0.938 0.330 0.317' '30 0.916 0.301 0.293'; do
    set -- $published
    fits "$cheese" -f 'log(VOLUME) ~ log(PRICE) + DISP' --by RETAILER -c 'log(PRICE)' \
        --train-rows "$1"
    [ "$1" != 12 ] || { within positive.unit 11 11; within positive.shrunk 0 1; }
    for field in unit pooled shrunk; do
        shift
        range=$(awk -v figure="$1" 'BEGIN { print figure - 0.002, figure + 0.002 }')
        within "test_rmse.$field" ${range/ */} ${range/* /}
    done
done
fits "$cheese" -f 'log(VOLUME) ~ log(PRICE) + DISP' --by RETAILER -c 'log(PRICE)' --train-rows 12 \
    --joint # as tests/goldens/joint.py has it
within joint.mean -2.21011 -2.21009
within joint.sd 1.14290 1.14292
within positive.shrunk 1 1
within test_rmse.shrunk 0.3138 0.3140
