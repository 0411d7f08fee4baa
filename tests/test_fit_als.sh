#!/usr/bin/env bash
# `remise fit als`: ratings foretold better than by biases alone, equal bytes at several ranks, a
# test table, implicit ranking, saved models and lists, odd tables, refusals with a remedy.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./json, everything else in ./log
    timeout -k 5 60 "$remise" fit als "$@" >json 2>log
}

fits() { # ARGUMENTS...
    fit "$@" || { cat log; fail "fit als $* ended with an error"; }
    ! grep -qiE 'nan|inf' json || { cat json; fail "fit als $*: a figure is no number"; }
}

within() { # FIELD LEAST MOST: a figure of the first level
    awk -v field="\"$1\":" -v least="$2" -v most="$3" '
        /^  "/ && $1 == field { got = $2 + 0; found = 1 }
        END { if (found && got >= least && got <= most) exit 0
              print field, got, "not within", least, most; exit 1 }' json ||
        { cat json; fail "a figure is missed"; }
}

refuses() { # CODE TEXT ARGUMENTS...
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit als $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit als $* does not say: $text"; }
}

# ---- users and items of two kinds: 1 and -1 by kind, biases, noise of sd 0.5 ----
awk 'function noise() { return rand() + rand() + rand() - 1.5 }
    BEGIN { srand(3); print "user,item,rating"
        for (u = 0; u < 120; u++)
            for (i = 0; i < 50; i++)
                if (rand() < 0.5)
                    printf "u%d,%d,%.3f\n", u, i, \
                        3 + (u % 5) / 5 - (i % 7) / 7 + (u % 2 == i % 2 ? 1 : -1) + noise() }' \
    >ratings.csv
fits ratings.csv --folds 5
within rmse 0.5 0.62 # biases alone leave 1.1
within users 120 120
within items 50 50
cp json alone
for ranks in 2 3; do
    timeout -k 5 60 mpirun -np "$ranks" "$remise" fit als ratings.csv --folds 5 >json 2>log ||
        { cat log; fail "$ranks ranks"; }
    cmp json alone || fail "other bytes at $ranks ranks"
done

# ---- a table to foretell, with an item and a user not seen before ----
(echo user,item,rating && sed -n '2~4p' ratings.csv && echo 'new,3,3' && echo 'u1,newest,3') \
    >test.csv
sed '2~4d' ratings.csv >train.csv
fits train.csv --test test.csv
within rmse 0.5 0.66
within test_ratings 700 900
fits train.csv --test test.csv --top 60 --top-out later.csv --top-known --iterations 2
grep -q ',newest,' later.csv && fail "an item of the test alone is listed"

# ---- what was bought, without ratings ----
awk -F, 'NR == 1 || $3 > 3.4' ratings.csv | cut -d, -f1,2 >bought.csv
fits bought.csv --implicit --folds 4 --factors 4 --lambda 5
within hit_rate@10 0.6 1
within recall@20 0.5 1
fits bought.csv --implicit --tolerance 0 --iterations 7
within iterations 7 7

# ---- saved, applied, listed ----
fits ratings.csv --model model.h5 --top 3 --top-out top.csv
fits ratings.csv --top 60 --top-out all.csv --top-known --iterations 2
[ "$(wc -l <all.csv)" = 6001 ] || fail "not every item is listed with --top-known"
[ "$(wc -l <top.csv)" = 361 ] || { wc -l top.csv; fail "not three items for each user"; }
[ "$(sed -n 2p top.csv | cut -d, -f1,2)" = u0,1 ] || fail "users are not in the order of the table"
awk -F, 'NR == FNR { had[$1 "," $2] = 1; next } FNR > 1 && had[$1 "," $3] { bad = 1 }
    END { exit bad }' ratings.csv top.csv || fail "items that users have are listed"
"$remise" apply model.h5 test.csv >applied.csv 2>log || { cat log; fail "apply"; }
paste -d, test.csv applied.csv | awk -F, 'NR > 1 { n++; s += ($3 - $4)^2 } /^new,|newest/ { odd++ }
    END { if (n > 700 && sqrt(s / n) < 0.48 && odd == 2) exit 0; print n, sqrt(s / n); exit 1 }' ||
    fail "what is foretold by a saved model is off"
cut -d, -f1,3 top.csv | awk -F, 'NR == 1 { print "user,item"; next } 1' >listed.csv
"$remise" apply model.h5 listed.csv 2>log | paste -d, - top.csv |
    awk -F, 'NR > 1 && ($1 - $5)^2 > 1e-8 { exit 1 }' || fail "lists and apply do not agree"
fits bought.csv --implicit --iterations 3 --model tastes.h5 --top 5 --top-out tops.csv
"$remise" apply tastes.h5 test.csv 2>log | tail -n 2 | grep -q . && fail "a fit for the unknown"
for ranks in 3; do
    timeout -k 5 60 mpirun -np $ranks "$remise" fit als ratings.csv --model m.h5 --top 3 \
        --top-out t.csv >json 2>log || { cat log; fail "$ranks ranks"; }
    timeout -k 5 60 mpirun -np $ranks "$remise" apply m.h5 test.csv >a.csv 2>log ||
        { cat log; fail "apply at $ranks ranks"; }
    cmp m.h5 model.h5 && cmp t.csv top.csv && cmp a.csv applied.csv || fail "bytes at $ranks ranks"
done

# ---- odd tables ----
(cat ratings.csv && sed -n '2,5p' ratings.csv && echo ',4,2' && echo 'u2,,2' && echo 'u3,4,') \
    >odd.csv
fits odd.csv
grep -q '4 pairs of user and item are there more than once' log || { cat log; fail "repeats"; }
grep -q '3 rows are left out' log || { cat log; fail "rows left out"; }
printf '%s\n' user,item,rating 7,1,1 007,01,5 +7,01,4 7,1e0,2 9007199254740992,1,3 \
    9007199254740993,1,5 >ids.csv # ids that would be one number, and are not
fits ids.csv --test ids.csv --top 9 --top-out ids_top.csv --top-known --model ids.h5
within users 5 5
within items 3 3
within test_ratings 6 6
cut -d, -f1 ids_top.csv | uniq -c | awk '{ print $1, $2 }' >ids_users.txt
printf '%s\n' '1 user' '3 7' '3 007' '3 +7' '3 9007199254740992' '3 9007199254740993' |
    cmp - ids_users.txt || fail "users whose ids are one number are not kept apart"
"$remise" apply ids.h5 ids.csv 2>log | sort -u | wc -l | grep -qx 7 || fail "apply: ids"
printf 'user,item,rating\na,b,3\n' >one.csv
fits one.csv
printf 'user,item,rating\na,b,3\na,c,3\nd,b,3\n' >equal.csv
fits equal.csv
fits equal.csv --folds 9
within rmse 0 0.01
within test_ratings 3 3

# ---- what is refused ----
printf 'user,item,rating\na,b,good\n' >words.csv
printf 'user,item,rating\na,b,-1\n' >below.csv
printf 'user,item,rating\na,,1\n' >empty.csv
refuses 65 'ratings are numbers' words.csv
refuses 65 'not below 0: mend it' below.csv --implicit --rating rating
printf 'user,item,rating\na,b,1\na,c,inf\n' >infinite.csv
awk -F, 'NR > 1 { $3 *= 1e8 } { print $1 "," $2 "," $3 }' ratings.csv >large.csv
refuses 65 'column "rating" is inf in data row 2' infinite.csv
refuses 65 'large.csv: ratings are too large' large.csv
refuses 65 'give them in larger units' large.csv --lambda 1
printf 'who,item,rating\na,b,0\na,c,0\n' >never.csv
refuses 65 'never.csv has no column "user_id"; say which it is (see --help) of who, item' never.csv
refuses 65 'never.csv: all values are 0' never.csv --user who --implicit --rating rating
refuses 64 'column "who" is named twice' never.csv --user who --item who
refuses 65 'has all ratings' one.csv --folds 2
refuses 64 'goes with --implicit' ratings.csv --alpha 3
refuses 64 'leave out --bias-lambda' ratings.csv --implicit --bias-lambda 3
refuses 65 'no row has a user' empty.csv
refuses 65 'it has user, item, rating' ratings.csv --item movie
refuses 64 'choose' ratings.csv --folds 5 --test ratings.csv
refuses 64 'above 0' ratings.csv --lambda 0
refuses 64 'name a table' --folds 5
refuses 64 'fits once for each fold' ratings.csv --folds 5 --model m.h5
refuses 64 'say by --top-out' ratings.csv --top 5
refuses 64 'is a table that was read' ratings.csv --iterations 1 --model ./ratings.csv
refuses 73 'nowhere' ratings.csv --iterations 1 --model nowhere/m.h5
echo "fit als: as expected"
