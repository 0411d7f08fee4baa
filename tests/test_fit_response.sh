#!/usr/bin/env bash
# `remise fit response`: planted curves under a confounded policy, no effect, a response that
# saturates, refusals with a remedy, rising curves of rows, equal bytes at 1 to 4 and 7 ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./json and as one line without spaces in ./out, the rest in ./log
    timeout -k 5 60 "$remise" fit response "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit response $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit response $* does not say: $text"; }
}

level() { # FIELD DISCOUNT: of the average curve
    grep -oE "\"discount\":$2[0-9]*,\"rows\":[^}]*" out | head -1 |
        grep -oE "\"$1\":\[?-?[0-9.e+-]+(,-?[0-9.e+-]+)?" | sed -E 's/^"[a-z_]*":\[?//'
}

near() { # VALUE TOLERANCE FOUND WHAT
    awk -v a="$3" -v b="$1" -v t="$2" 'BEGIN { exit !(a != "" && a - b <= t && b - a <= t) }' ||
        { cat json; fail "$4 is \"$3\", expected $1 within $2"; }
}

# ---- planted: keen users, whom no column names, got deeper discounts ----
offers() { # ROWS SLOPE SATURATES: offers.csv, and the true chance at 0 and 0.2 in ./truth
    awk -v n="$1" -v slope="$2" -v ends="$3" 'BEGIN {
        OFS = ","; srand(11); print "user,discount,bought,chance,age,city"
        for (i = 1; i <= n; i++) {
            if (i % 4 == 1) { keen = int(2 * rand()); age = rand(); user++ }
            city = "c" int(3 * rand()); deep = rand(); p = keen ? 0.8 : 0.2
            if (deep < p) { d = rand() < 0.5 ? 0.1 : 0.2; e = p / 2 } else { d = 0; e = 1 - p }
            a = -2 + 1.5 * keen + age; b = slope * (1 + age)
            y = rand() < 1 / (1 + exp(-a - b * (ends && d > 0 ? 0.2 : d)))
            low += 1 / (1 + exp(-a)); high += 1 / (1 + exp(-a - b * 0.2))
            print "u" user, d, y, e, i % 50 ? age : "", city
        }
        print low / n " " high / n >"truth"
    }' >offers.csv
}
of="offers.csv --user user --discount discount --outcome bought"

offers 4000 3 0
fit $of --propensity chance --layers 0 --epochs 12 --out rows.csv || { cat log; fail "no fit"; }
read -r low high <truth
near "$low" 0.04 "$(level chance 0.0)" "chance without discount"
near "$high" 0.05 "$(level chance 0.2)" "chance at 0.2"
grep -q '"average_by":"propensities"' out || fail "the average is not by propensities"
grep -q '"features":\["age","city"\]' out || fail "features are not all other columns"
awk -v o="$(level observed 0.2)" -v t="$high" 'BEGIN { exit !(o > t + 0.05) }' ||
    fail "the plain mean is not confounded: the test tests nothing"
[ "$(wc -l <rows.csv)" = 4001 ] || fail "rows.csv has not a line for each row"
head -1 rows.csv | grep -q '^user,discount,a,b,p_0,low_0,high_0,p_0.1,' || fail "rows.csv: header"
awk -F, 'NR > 1 && !($4 >= 0 && $5 <= $8 && $8 <= $11 && $6 <= $5 && $5 <= $7) { exit 1 }' \
    rows.csv ||
    fail "a curve of rows.csv falls, or lies outside of its interval"
sed '1!s/^u//; 2s/^1,/01,/' offers.csv >ids.csv # 01 is not 1
fit ids.csv -u user -d discount -y bought --layers 0 --epochs 1 -o ids_rows.csv ||
    { cat log; fail "no fit"; }
cut -d, -f1 ids_rows.csv | cmp - <(cut -d, -f1 ids.csv) || fail "ids of users are read as numbers"

# ---- who got a discount took less: flat curves, and a word of it ----
grep -q 'curves never fall' log && { cat log; fail "curves that rise are said to be flat"; }
awk 'BEGIN { srand(2); print "d,y"
    for (i = 0; i < 900; i++) { d = rand() < 0.5 ? 0 : 0.25; print d "," (rand() < 0.3 - d) } }' \
    >falls.csv
fit falls.csv -d d -y y --layers 0 --epochs 1 || { cat log; fail "no fit"; }
grep -q 'take the offer at 0.25 and .* at 0: curves never fall' log || { cat log; fail "a fall"; }

# ---- the response saturates ----
offers 6000 6 1
fit $of --propensity chance --layers 0 --epochs 12 --no-calibration || { cat log; fail "no fit"; }
grep -q '"bent":false' out || fail "the dose was bent without calibration"
fit $of --propensity chance --layers 0 --epochs 12 || { cat log; fail "no fit"; }
grep -q '"bent":true' out || { cat json; fail "the dose was not bent"; }
near "$(level chance 0.2)" 0.04 "$(level model 0.1)" "chance at 0.1 by the model"

# ---- no effect, and none is claimed ----
offers 4000 0 0
fit $of --propensity chance --layers 0 --epochs 12 || { cat log; fail "no fit"; }
level effect_interval 0.2 | awk -F, '{ exit !($1 < 0 && $2 > 0) }' ||
    { cat json; fail "an effect is claimed where there is none"; }

# ---- per cent, named features, without users and propensities; the same bytes at any ranks ----
awk -F, 'BEGIN { OFS = "," } NR > 1 { $2 *= 100 } { print }' offers.csv >percent.csv
some="percent.csv -d discount --percent -y bought -f age --levels 0,0.05 --folds 2 --epochs 2"
fit $some -o one.csv || { cat log; fail "no fit in per cent"; }
grep -q '"average_by":"features"' out || fail "the average is not by features"
cp json one.json
for ranks in 2 3 4 7; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit response $some -o more.csv >more.json 2>log ||
        { cat log; fail "no fit at $ranks ranks"; }
    cmp -s one.json more.json || fail "other JSON at $ranks ranks"
    cmp -s one.csv more.csv || fail "other rows at $ranks ranks"
done
fit $some -o rows.h5 || { cat log; fail "no HDF5"; }
[ -s rows.h5 ] || fail "rows.h5 is empty"

# ---- refusals ----
wrong() { # COLUMN VALUE: wrong.csv has it in its second row
    awk -F, -v c="$1" -v v="$2" 'BEGIN { OFS = "," } NR == 3 { $c = v } { print }' offers.csv \
        >wrong.csv
}
bad="wrong.csv -u user -d discount -y bought -p chance"
wrong 2 15
refuses 65 'discount "discount" is 15 in data row 2' $bad
refuses 65 'add --percent' $bad
wrong 2 -0.1
refuses 65 'must not be below 0' $bad
wrong 3 2
refuses 65 'outcome "bought" is 2 in data row 2; it must be 1 where' $bad
wrong 3 yes
refuses 65 'code what came of an offer as 1 and 0' $bad
wrong 4 0
refuses 65 'propensity "chance" is 0 in data row 2' $bad
wrong 4 1.5
refuses 65 'above 0 and at most 1' $bad
awk -F, 'BEGIN { OFS = "," } NR > 1 { $2 = 0.1 } { print }' offers.csv >wrong.csv
refuses 65 'is 0.1 in all rows; a response to it shows only where it differs' $bad
awk -F, 'BEGIN { OFS = "," } NR > 1 { $3 = 0 } { print }' offers.csv >wrong.csv
refuses 65 'where nothing differs' $bad
head -9 offers.csv >wrong.csv
refuses 65 'fewer --folds' $bad
refuses 65 'error: wrong.csv: fold' $bad
refuses 65 'has no column "taken"' offers.csv -d discount -y taken
refuses 65 'is named as a feature' $of -f age,bought
refuses 64 'name the column of discounts' offers.csv -y bought
refuses 64 'is named twice' offers.csv -d bought -y bought
refuses 64 'rising, such as' $of --levels 0.2,0.1
refuses 64 'give a whole number from 2 to 20' $of --folds 1

echo "fit response: planted curves found, refusals have remedies, bytes equal at 1 to 4 and 7 ranks"
