#!/usr/bin/env bash
# `remise fit mlp`: learns, the same bytes at any number of ranks; refuses what it cannot use.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

value() { # JSON KEY: a number at the top level
    sed -n "s/^  \"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"
}

holds() { # NUMBER OPERATOR NUMBER
    awk "BEGIN { exit !($1 $2 $3) }" || fail "$1 is not $2 $3"
}

# 9,000 rows in three blocks: inside says whether a point lies in a circle, amount is linear
awk 'BEGIN {
    print "a,inside,amount,word,b"
    for (i = 0; i < 9000; i++) {
        a = (i * 7919 % 1009) / 504.5 - 1; b = (i * 104729 % 997) / 498.5 - 1
        printf "%.6f,%d,%.3f,%s,", a, a * a + b * b < 0.6, 5e6 + 2e6 * a - 1e6 * b, "w" i % 3
        print i == 77 ? "" : b
    }
}' >table.csv

bce=(fit mlp table.csv --target inside --columns a,b --loss bce --layers 24,12)
bce+=(--batch 128 --epochs 6 --rate 0.01)
for ranks in 1 2 3 4; do
    timeout -k 5 60 mpirun -np $ranks "$remise" "${bce[@]}" >bce.$ranks 2>log ||
        { cat log; fail "bce at $ranks ranks"; }
    cmp bce.1 bce.$ranks || fail "$ranks ranks give other bytes"
done
holds "$(value bce.1 accuracy)" '>' 0.95
holds "$(value bce.1 auc)" '>' 0.98
holds "$(value bce.1 log_loss)" '<' 0.15
[ "$(value bce.1 rows_left_out)" = 1 ] || fail "the row with a missing value was not left out"
total=$(($(value bce.1 rows_train) + $(value bce.1 rows_validation) + $(value bce.1 rows_test) + 1))
[ $total = 9000 ] || fail "the parts hold $total rows"
holds "$(value bce.1 rows_test)" '>' 750
holds "$(value bce.1 rows_test)" '<' 1050

# products in bf16: nearly as good, other numbers, and the same bytes on any ranks
for ranks in 1 3; do
    timeout -k 5 60 mpirun -np $ranks "$remise" "${bce[@]}" --bf16 >bf16.$ranks 2>log ||
        { cat log; fail "--bf16 at $ranks ranks"; }
    cmp bf16.1 bf16.$ranks || fail "$ranks ranks give other bytes with --bf16"
done
holds "$(value bf16.1 accuracy)" '>' 0.95
! cmp -s bf16.1 bce.1 || fail "--bf16 changes nothing"

# a linear target in the millions, from all other columns of numbers, judged in its own units
mse=(fit mlp table.csv --target amount --layers 0 --epochs 30 --rate 0.01)
timeout 60 "$remise" "${mse[@]}" >mse 2>log ||
    { cat log; fail "mse"; }
holds "$(value mse mse)" '<' 1e8
grep -q '"inside"' mse || fail "the default columns are not all numbers"
! grep -q '"word"' mse || fail "a text column was taken by default"

refused() { # CODE MESSAGE OPTION...
    local code=$1 message=$2 got=0
    shift 2
    timeout 60 "$remise" fit mlp "$@" >out 2>&1 || got=$?
    [ $got = "$code" ] || { cat out; fail "$* ended with $got, not $code"; }
    grep -q -- "$message" out || { cat out; fail "$* does not say '$message'"; }
}

refused 65 'column "word" holds text ("w0")' table.csv --target inside --columns a,word
refused 65 '"amount" is 4e+06 in data row 1;' table.csv --target amount --loss bce
refused 65 'no column "insid"' table.csv --target insid
refused 65 'lower the learning rate' table.csv --target amount --optimizer sgd --rate 500
refused 66 'absent.csv' absent.csv --target y
refused 64 'what to predict' table.csv
refused 64 'mse, huber or bce' table.csv --target inside --loss hinge
refused 64 'no rows to train' table.csv --target inside --test 0.5 --validation 0.5
refused 64 'nothing is learned at 0' table.csv --target amount --rate 0
refused 64 'goes by the validation loss' table.csv --target amount --patience 2 --validation 0

# ---- what users' files are like: two texts as outcomes, gaps, one row, squares beyond double ----
short=(--epochs 2 --layers 3)
awk 'BEGIN { printf "a;none;said;far\r\n"
    for (i = 0; i < 300; i++)
        printf "%s;;%s;%de300\r\n", i % 7 ? i : "", i % 3 ? "no" : "yes", i % 5 }' |
    gzip >odd.csv.gz
timeout 60 "$remise" fit mlp odd.csv.gz --target said --loss bce "${short[@]}" >odd 2>log ||
    { cat log; fail "two texts as outcomes"; }
tr -d ' \n' <odd | grep -qF '"outcomes":["no","yes"]' || fail "the outcomes are not named"
grep -qF '43 of 300 rows left out, a value is missing or infinite: "a" lacks 43' log || fail "gaps"
grep -qF 'left out: "none" (no value)' log || fail "an empty column is not left out"
timeout 60 "$remise" fit mlp odd.csv.gz --target far --columns a "${short[@]}" >odd 2>log ||
    { cat log; fail "squares beyond double precision"; }
tr -d ' \n' <odd | grep -qF '"train":[null,null]' || fail "losses beyond double are not null"
refused 65 'none of the 300 rows has a value' odd.csv.gz --target a --columns none
refused 65 'beyond single precision' odd.csv.gz --target far --columns a --no-standardize
refused 65 'it has a, none, said, far' odd.csv.gz --target wombat
printf 'a,y\n1,2\n' >one.csv
timeout 60 "$remise" fit mlp one.csv --target y "${short[@]}" >odd 2>log ||
    { cat log; fail "one row"; }
[ "$(tr -d ' \n' <odd | grep -cF '"mse":null')" = 1 ] || fail "one row has no test"
printf 'a,y\n' >header.csv
refused 65 'header.csv has no rows below its header' header.csv --target y
