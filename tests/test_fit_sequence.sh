#!/usr/bin/env bash
# `remise fit cnn`, gru, lstm and tower: learn what a plain look at the columns does not show, the
# same bytes at any number of ranks, also from the saved models; refuse what they cannot use.
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

# 3,000 rows in one block and a bit: 12 values of noise; where `hit`, a peak of up, up, down
# somewhere; `level` is the mean of the last values. The same by two channels of 6 steps in order
# a, b, ... where channel 1 is the second half. `both` is `hit` or its opposite, as `flag` says
awk 'BEGIN {
    printf "id,hit,level"
    for (j = 0; j < 12; j++) printf ",x_%d", 11 - j
    printf ",word,flag,both\n"
    for (i = 0; i < 3000; i++) {
        hit = i % 2; at = i * 7919 % 10
        for (j = 0; j < 12; j++) v[j] = ((i * 12 + j) * 7919 % 1009) / 1009 - 0.5
        if (hit) { v[at] += 1.2; v[at + 1] += 1.2; v[at + 2] -= 1.2 }
        else { v[at] -= 1.2; v[at + 1] += 1.2; v[at + 2] += 1.2 }
        printf "%d,%s,%.4f", i, hit ? "yes" : "no", 100 * (v[11] + v[10] / 2 + v[9] / 4)
        for (j = 11; j >= 0; j--) printf ",%s", i == 33 && j == 4 ? "" : sprintf("%.4f", v[j])
        printf ",w%d,%d,%d\n", i % 3, int(i / 2) % 2, hit != int(i / 2) % 2
    }
}' >table.csv

small=(--batch 64 --epochs 4 --rate 0.01)
cnn=(cnn table.csv --target hit --loss bce --filters 8 --pool 0 --layers 8 --dropout 0.1)
gru=(gru table.csv --target level --units 8 --clip 1)
lstm=(lstm table.csv --target hit --loss bce --units 4,4 --class-weights balanced --channels 2)
tower=(tower table.csv --target both --loss bce --columns flag --encoder cnn --units 8)
tower+=(--pool 0 --layers 8)
for noun in cnn gru lstm tower; do
    declare -n options=$noun
    for ranks in 1 3 4; do
        timeout -k 5 60 mpirun -np $ranks "$remise" fit "${options[@]}" "${small[@]}" \
            --model $noun.h5.$ranks >$noun.$ranks 2>log ||
            { cat log; fail "$noun at $ranks ranks"; }
        cmp $noun.1 $noun.$ranks || fail "$noun: $ranks ranks give other bytes"
        cmp $noun.h5.1 $noun.h5.$ranks || fail "$noun: $ranks ranks save another model"
    done
done
holds "$(value cnn.1 auc)" '>' 0.95
[ "$(value cnn.1 rows_left_out)" = 1 ] || fail "the row with a missing value was not left out"
tr -d ' \n' <cnn.1 | grep -qF '"columns":["x_0","x_1","x_2"' || fail "steps are not in order"
tr -d ' \n' <cnn.1 | grep -qF '"kind":"convolution","steps":10,"channels":8,"weights":32' ||
    fail "the layers are not told"
tr -d ' \n' <lstm.1 | grep -qF '"steps":6,"channels":2' || fail "channels are not steps' values"
holds "$(value gru.1 mse)" '<' 700 # of a variance of about 2,700

holds "$(value tower.1 auc)" '>' 0.95
joined='"channels":8,"weights":32},{"kind":"dense","steps":1,"channels":8,"weights":656'
tr -d ' \n' <tower.1 | grep -qF "$joined" ||
    fail "the plain column does not join what the encoder hands on"

# saved models: what they say of the rows, at any number of ranks, and going on from them
awk -F, -v OFS=, 'NR == 1 || NR == 7 { print $0 }' table.csv >one.csv
for noun in cnn gru tower; do
    timeout 60 "$remise" apply $noun.h5.1 table.csv --out $noun.said 2>log ||
        { cat log; fail "apply of $noun"; }
done
"$remise" apply tower.h5.1 one.csv 2>log | tail -n 1 | cmp - <(sed -n 7p tower.said) ||
    fail "a row by itself is said to be something else"
timeout -k 5 60 mpirun -np 3 "$remise" apply tower.h5.1 table.csv >said 2>log ||
    { cat log; fail "apply at 3 ranks"; }
cmp said tower.said || fail "3 ranks say something else of the rows"
[ "$(sed -n 1p cnn.said)" = p_yes ] || fail "the chance is not named after its outcome"
paste -d, table.csv tower.said | awk -F, '
    NR > 1 { n++; right += $NF != "" && ($NF > 0.5) == $(NF - 1) }
    END { exit !(right > 0.9 * n) }' || fail "the saved tower is not the one that was judged"
paste -d, table.csv gru.said | awk -F, 'NR > 1 && $NF != "" { n++; sum += ($NF - $3) ^ 2 }
    END { exit !(sum / n < 700) }' || fail "what is predicted is not in the target's own units"
timeout 60 "$remise" fit "${gru[@]}" --batch 64 --epochs 1 --from gru.h5.1 >more 2>log ||
    { cat log; fail "going on from a model"; }
holds "$(value more mse)" '<' "$(value gru.1 mse)"

# the order of --columns is that of the steps
named=$(seq -s, -f 'x_%g' 0 11)
timeout 60 "$remise" fit "${cnn[@]}" "${small[@]}" --columns "$named" >named 2>log ||
    { cat log; fail "columns by name"; }
cmp cnn.1 named || fail "columns in the usual order give another network"

# short sequences: convolutions that nobody chose suit them
for steps in 1 2 4 9; do
    timeout 60 "$remise" fit cnn table.csv --target level --epochs 1 \
        --columns "$(seq -s, -f 'x_%g' 0 $((steps - 1)))" >short 2>log ||
        { cat log; fail "cnn on $steps steps"; }
    tr -d ' \n' <short | grep -o '"kind":"[a-z ]*","steps":[0-9]*' | cut -d'"' -f4,7 |
        tr '\n' ' ' >"short.$steps"
done
[ "$(cat short.1)" = 'convolution":1 dense":1 dense":1 ' ] || { cat short.1; fail "1 step"; }
[ "$(cat short.2)" = 'convolution":1 dense":1 dense":1 ' ] || { cat short.2; fail "2 steps"; }
[ "$(cat short.4)" = 'convolution":2 dense":1 dense":1 ' ] || { cat short.4; fail "4 steps"; }
[ "$(cat short.9)" = 'convolution":7 convolution":5 dense":1 dense":1 ' ] ||
    { cat short.9; fail "9 steps"; }

# codes: which of 5 products were seen in 6 steps; bought where 3 comes after 1
awk 'BEGIN { print "seen_0,seen_1,seen_2,seen_3,seen_4,seen_5,bought"
    for (i = 0; i < 2000; i++) {
        one = three = -1; row = ""
        for (j = 0; j < 6; j++) {
            c = int((i * 6 + j) * 7919 % 1009 / 202)
            if (c == 1 && one < 0) one = j
            if (c == 3) three = j
            row = row c ","
        }
        print row (one >= 0 && three > one)
    }
}' >codes.csv
codes=(gru codes.csv --target bought --loss bce --sequence seen --codes 5 --embed 4 --units 8)
codes+=(--model codes.h5)
timeout 60 "$remise" fit "${codes[@]}" --epochs 15 --batch 64 --rate 0.02 >codes 2>log ||
    { cat log; fail "codes"; }
holds "$(value codes auc)" '>' 0.95
tr -d ' \n' <codes | grep -qF '"kind":"embedding","steps":6,"channels":4,"weights":20' ||
    fail "the codes have no layer"

refused() { # CODE MESSAGE OPTION...
    local code=$1 message=$2 got=0
    shift 2
    timeout 60 "$remise" fit "$@" --epochs 1 >out 2>&1 || got=$?
    [ $got = "$code" ] || { cat out; fail "$* ended with $got, not $code"; }
    grep -q -- "$message" out || { cat out; fail "$* does not say '$message'"; }
}

refused 64 'is of `remise fit gru`; go on with that' lstm table.csv --target level --from gru.h5.1
refused 64 'predicts "level", not "hit"' gru table.csv --target hit --from gru.h5.1
refused 64 'trained with another --loss' gru table.csv --target level --loss huber --from gru.h5.1
refused 73 'cannot keep a checkpoint in nosuch/' gru table.csv --target level \
    --checkpoint nosuch/kept.h5
refused 65 'is of another training.* Name another file, or remove it' gru table.csv \
    --target level --checkpoint gru.h5.1
refused 64 'leave --columns out' gru table.csv --target level --from gru.h5.1 --columns flag
refused 65 'column "x_3" is part of the sequence' tower table.csv --target hit --loss bce \
    --columns flag,x_3
refused 64 'go with --encoder cnn' tower table.csv --target level --pool 2
refused 65 'no columns seen_0, seen_1' gru table.csv --target hit --loss bce --sequence seen
refused 65 '12 columns are no whole steps of 5' lstm table.csv --target level --channels 5
refused 65 'part of the sequence' gru table.csv --target x_3
refused 65 'column "word" holds text' cnn table.csv --target level --columns x_0,word,x_1
refused 65 'a window of 3 steps is longer than the sequence; take a narrower' \
    cnn table.csv --target level --filters 4,4,4 --pool 2
refused 64 'goes with --loss bce' gru table.csv --target level --class-weights 1,2
refused 64 'give balanced, or two numbers' lstm table.csv --target hit --loss bce --class-weights 2
refused 64 'give at least one layer' lstm table.csv --target level --units 0
refused 64 'mse, huber or bce' gru table.csv --target level --loss hinge
sed 's/x_7/x_17/' table.csv >gap.csv
refused 65 'has 12 columns, but no "x_7"' gru gap.csv --target level
timeout 60 "$remise" fit gru table.csv --target level --loss huber --units 2 --epochs 1 >odd 2>&1 ||
    { cat odd; fail "Huber's loss"; }
refused 65 'is 4 in data row [0-9]*, no code from 0 to 3' "${codes[@]}" --codes 4
sed '3s/^[0-9]*/7/' codes.csv >other.csv
got=0
timeout 60 "$remise" apply codes.h5 other.csv >out 2>&1 || got=$?
[ $got = 65 ] && grep -q '"seen_0" is 7 in data row 2, no code that the model knows' out ||
    { cat out; fail "an unknown code ended with $got"; }
