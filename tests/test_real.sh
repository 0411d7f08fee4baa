#!/usr/bin/env bash
# Both examples on the real tables: every row accounted for as the sources say at 1, 2, 3, 4 and 7
# ranks, the same table of one at 1 and 3, a budget that binds and is kept to the cent, no price
# below the margin floor. The same bytes at other numbers of ranks are for test_run.sh.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/shop.sh"
data=${REMISE_DATA:-$here/../../shared/data}
for table in completejourney/transactions.csv online_retail/onlineretail.csv; do
    [ -f "$data/$table" ] || skip "real: no $data/$table; set REMISE_DATA to the tables' folder"
done
command -v python3 >/dev/null || skip "real: python3 is not installed"
data=$(cd "$data" && pwd)
shop_begin "$1"

# Without a contest of scorers, other budgets and goals: they take long, and have tests of their
# own.
run() { # EXAMPLE FOLDER RANKS: a whole run in $work/EXAMPLE.RANKS
    timeout -k 5 120 mpirun -np "$3" "$remise" run "$here/../jobs/examples/$1.yaml" \
        -o "$work/$1.$3" --set "data.dir=$data/$2" --set recommend.scorer=repeat \
        --set allocate.dial=0 --set allocate.front=0 --set allocate.rule_cost=0 \
        </dev/null >"$work/$1.$3.log" 2>&1 ||
        { cat "$work/$1.$3.log"; fail "$1 at $3 ranks ended with an error"; }
}

same() { # EXAMPLE RANKS: the digests of the published files are those of the run on one rank
    local file
    for file in discounts.csv discounts.h5 receipt.json; do
        (cd "$work/$1.$2" && sha256sum "$file")
    done >"$work/$1.$2.sha256"
    cmp "$work/$1.1.sha256" "$work/$1.$2.sha256" ||
        fail "$1 at $2 ranks: $(diff "$work/$1.1.sha256" "$work/$1.$2.sha256")"
}

keeps_rules() { # EXAMPLE: the receipt recomputed from the table; a budget that binds
    python3 "$here/recompute_receipt.py" "$work/$1.1" || fail "the receipt of $1"
    python3 - "$work/$1.1/receipt.json" <<'PYTHON' ||
import json
import sys

budget = json.load(open(sys.argv[1], encoding="utf-8"))["constraints"][0]
sys.exit(not 0.99 * budget["limit"] <= budget["used"] <= budget["limit"])
PYTHON
        fail "the budget of $1 does not bind; choose another in jobs/examples/$1.yaml"
}

account() { # EXAMPLE RANKS: what the log says about the rows of the events table
    awk '/^ *events: / { inside = 1; print; next }
        inside && / rejected, .* rows with it: / { print; next }
        { inside = 0 }' "$work/$1.$2.log"
}

# EXAMPLE TABLE ROWS: the rows read are those kept, those netted and those rejected, which are the
# sum over all reasons and the lines of rejects.csv; the same account at every number of ranks
adds_up() {
    local lines ranks
    account "$1" 1 | tee "$work/account"
    for ranks in 2 3 4 7; do
        account "$1" $ranks | cmp - "$work/account" || fail "$1: another account at $ranks ranks"
    done
    lines=$(grep -c "/$2," "$work/$1.1/rejects.csv")
    awk -v rows="$3" -v lines="$lines" '
        / rows read = / {
            read = $2; kept = $6; rejected = $9; netted = $13 == "netted" ? $12 : 0; next
        }
        { sum += $2 }
        END {
            exit read != rows || kept + rejected + netted != read || sum != rejected || lines != sum
        }' \
        "$work/account" || fail "$1: the rows do not add up to $3 (rejects.csv: $lines)"
}

has() { # ROWS FAULT: so many rows have the fault
    awk -v rows="$1" -v fault="$2" '
        $1 == fault && $4 == rows { found = 1 }
        END { exit !found }' "$work/account" || fail "there are not $1 rows with $2"
}

while read -r example folder all; do
    for ranks in $all; do
        run "$example" "$folder" $ranks
        same "$example" $ranks
    done
    cat "$work/$example.1.sha256"
    keeps_rules "$example"
done <<'LIST'
complete-journey completejourney 1
online-retail online_retail 1 3
LIST

# FOLDER EXAMPLE RANKS...: ingest alone gives the data set of the whole runs
ingests() {
    for ranks in "${@:3}"; do
        timeout -k 5 120 mpirun -np $ranks "$remise" ingest "$here/../jobs/examples/$2.yaml" \
            -o "$work/$2.$ranks" --set "data.dir=$data/$1" </dev/null >"$work/$2.$ranks.log" 2>&1 ||
            { cat "$work/$2.$ranks.log"; fail "$2 at $ranks ranks ended with an error"; }
        cmp "$work/$2.$ranks/dataset.h5" "$work/$2.1/dataset.h5" || fail "$2: 1 and $ranks ranks"
    done
}
ingests online_retail online-retail 2 4 7
ingests completejourney complete-journey 2 3 4 7

column() { # COLUMN TEXT: what the log says of a column of the events table
    grep -qE "^ +$1 .* $2" "$work/log" || fail "the log does not say of $1: $2"
}

cp "$work/online-retail.1.log" "$work/log"
column Description '1454 missing'
column CustomerID '4372 different values'
column StockCode '4070 different values'
column Country '38 different values'
cp "$work/complete-journey.1.log" "$work/log"
column sales_value '725 not above 0'
column quantity '577 not above 0'
column household_id '2405 different values'
column product_id '23950 different values'

adds_up online-retail onlineretail.csv 541909
has 135080 missing_user
has 10624 return_row
has 2517 price_not_positive
has 5268 repeat
adds_up complete-journey transactions.csv 100000
has 577 zero_quantity
echo "both examples: the same rows at 1, 2, 3, 4 and 7 ranks, the same table of one at 1 and 3"
