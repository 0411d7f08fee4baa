#!/usr/bin/env bash
# `remise fit dml`: planted effects on stdout, groups and terms by name, refusals with a remedy,
# equal bytes at 1, 3 and 7 ranks, the published pricing sample.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
data=${REMISE_DATA:-$(dirname "$0")/../../shared/data}
[ ! -d "$data" ] || data=$(cd "$data" && pwd)
cd "$work" || exit 70

fit() { # ARGUMENTS...: JSON in ./json and as one line without spaces in ./out, the rest in ./log
    timeout -k 5 60 "$remise" fit dml "$@" >json 2>log || return $?
    tr -d ' \n' <json >out
}

says() { # TEXT ARGUMENTS...: the fit succeeds and its JSON holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit dml $* ended with an error"; }
    grep -qF -- "$text" out || { cat json; fail "fit dml $* does not say $text"; }
}

warns() { # TEXT ARGUMENTS...: the fit succeeds and its log holds the text
    local text=$1
    shift
    fit "$@" || { cat log; fail "fit dml $* ended with an error"; }
    grep -qF -- "$text" log || { cat log; fail "fit dml $* does not warn: $text"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit dml $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit dml $* does not say: $text"; }
}

near() { # VALUE TOLERANCE PATTERN: the number behind the first match of an extended pattern in out
    local found
    found=$(grep -oE -- "$3-?[0-9.e+-]+" out | head -1 | sed -E "s/^$3//")
    awk -v a="$found" -v b="$1" -v t="$2" 'BEGIN { exit !(a != "" && a - b <= t && b - a <= t) }' ||
        { cat json; fail "$3 is \"$found\", expected $1 within $2"; }
}

# ---- planted: -2 where promo is 0, -1 where it is 1; demand drives the price, too ----
awk 'BEGIN { OFS = ","; srand(7); print "shop,season,promo,price,sold,user,tag,size,none,row,copy"
    for (i = 1; i <= 3000; i++) {
        season = rand(); promo = int(2 * rand()); shop = int(4 * rand()); size = 10 * rand()
        p = exp(season + 0.2 * shop + 0.5 * (rand() - 0.5))
        q = exp(3 + 4 * season + 0.8 * shop + promo + (promo - 2) * log(p) + rand() - 0.5)
        print "s" shop, season, promo, p, q, "u" int(i / 3), i % 2 ? "x" : "", \
            i % 9 ? size : "", "", "r" i, 2 * season
    } }' >sales.csv
sales="sales.csv -y log(sold) -t log(price) -c season,shop"
fit $sales -g promo --nuisance lsq || { cat log; fail "no fit"; }
near 1.0 1.0 '"naive":'
near -2 0.15 '"group":"0","estimate":'
near -1 0.15 '"group":"1","estimate":'
near -1.5 0.1 '"groups_average":\{"estimate":'
says '"controls":["shop","season","promo"]' $sales -g promo --nuisance lsq
says '"group":"not(promo>0)"' $sales -g 'promo > 0' --nuisance lsq
says '"value":1.0' $sales -g 'promo > 0' --nuisance lsq
fit $sales --effects promo --nuisance lsq --cluster user || { cat log; fail "no effects"; }
near -2 0.15 '"term":"\(Intercept\)","estimate":'
near 1 0.2 '"term":"promo","estimate":'
grep -qF '"cluster":"user"' out || fail "no cluster"
says '"term":"shop[s1]"' $sales --effects 'shop + season' --nuisance lsq
says '"leaves":[{"if":"promo>0.5","estimate":-' $sales,promo --tree 1 --nuisance lsq
says '"if":"always"' $sales --tree 0 --nuisance lsq
refuses 64 'from 0 to 6' $sales --tree 7
fit $sales -g promo --effects promo --repeats 3 --nuisance lsq || { cat log; fail "no repeats"; }
near -2 0.15 '"group":"0","estimate":'
near 1 0.2 '"term":"promo","estimate":'
grep -qF '"repeats":3' out || fail "repeats are not among the settings"
refuses 64 'from 1 to 100' $sales --repeats 0
quick="--trees 10 --boosted 40 --folds 2"
fit $sales,size,promo -g promo $quick || { cat log; fail "no forest"; }
near -2 0.2 '"group":"0","estimate":'
warns '"row" has 3000 levels' sales.csv -y 'log(sold)' -t 'log(price)' -c all --nuisance lsq
grep -qF '"tag"' json || { cat json; fail "all leaves out texts"; }
grep -qF '"price"' json && fail "the treatment is a control"
grep -qF 'control "none" has no value' log || fail "an empty control is not named"

# ---- columns that say nothing, by name ----
awk -F, 'NR == 1 || $3 == 0' sales.csv >plain.csv
plain="plain.csv -y log(sold) -t log(price) --nuisance lsq -c season"
warns 'control "promo" is constant in the rows that are used' $plain,promo
grep -qF '"promo"' json && fail "a constant control is kept"
warns 'promo is constant or explained' $plain --effects promo
warns 'control "copy" is explained by the others' $sales,copy --nuisance lsq
refuses 65 '--cluster: column "promo" has a single value' $plain --cluster promo
refuses 65 '--group-by size' $plain -g size
refuses 65 '"none" lacks' $plain -g none
warns '"row" has 3000 levels, too many' $sales,row --nuisance lsq
warns '"user" has 1001 levels, more than' $sales,user --nuisance lsq
refuses 65 'error: plain.csv: log(promo) is -inf' plain.csv -y sold -t 'log(promo)' -c season

# ---- what cannot be told ----
refuses 64 'say what drives both' sales.csv -y sold -t price
refuses 64 'name a table' -y sold -t price -c season
refuses 64 '--outcome' sales.csv -t price -c season
refuses 64 'choose forest or lsq' $sales --nuisance wood
refuses 64 'from 2 to 100' $sales --folds 1
refuses 64 'an expression each' sales.csv -y sold -t 'price) + (season' -c season
refuses 65 'no column "wombat"' sales.csv -y sold -t price -c wombat
refuses 64 'part of the outcome or the treatment' sales.csv -y sold -t 'log(price)' -c price
refuses 65 'holds text' sales.csv -y shop -t price -c season
refuses 65 'is 0 in every row' sales.csv -y sold -t 'price * 0' -c season --nuisance lsq
refuses 65 'nothing is left to tell' sales.csv -y sold -t copy -c season,size --nuisance lsq
refuses 66 'nosuch.csv' nosuch.csv -y a -t b -c c
head -4 sales.csv >few.csv
refuses 65 'take fewer folds' few.csv -y sold -t price -c season
warns 'does not vary where' sales.csv -y 'log(sold)' -t 'promo * price' -c season -g promo \
    --nuisance lsq

# ---- ranks: 9,000 rows are three blocks ----
(cat sales.csv; tail -n +2 sales.csv; tail -n +2 sales.csv) >many.csv
for ranks in 1 3 7; do
    for how in forest lsq; do
        timeout -k 5 90 mpirun -np $ranks "$remise" fit dml many.csv -y 'log(sold)' \
            -t 'log(price)' -c season,shop,size -g promo --effects 'season + shop' --cluster user \
            --tree 2 --nuisance $how \
            --trees 2 --depth 3 --boosted 3 --folds 2 >$ranks.$how.json 2>log ||
            { cat log; fail "$ranks ranks ended with an error"; }
        cmp 1.$how.json $ranks.$how.json || fail "$ranks ranks give other bytes than one"
    done
done

# ---- published ----
sample=$data/elasticity/pricing_sample.csv
[ -f "$sample" ] || skip "no $sample; set REMISE_DATA for the published pricing sample"
fit "$sample" -y 'log(demand)' -t 'log(price)' -c all -g 'income < 1' --trees 30 ||
    { cat log; fail "no pricing sample"; }
near 1.549 0.001 '"naive":'
near -1.722 0.1 '"group":"income<1","estimate":'
near -0.136 0.1 '"group":"not\(income<1\)","estimate":'
near -0.940 0.05 '"groups_average":\{"estimate":'
