#!/usr/bin/env bash
# Limits of the table by configuration: kept, recomputed from the table alone, the same at any
# number of ranks; what cannot be kept is said and leaves the last table.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
here=$(cd "$(dirname "$0")" && pwd)
shop_begin "$1"
cd "$work" || exit 70

shop_make 600
awk -F, 'BEGIN { OFS = "," } { print $0, NR == 1 ? "stock" : NR % 3 ? 130 + NR % 4 : "" }' \
    shop/products.csv >products.csv && mv products.csv shop/products.csv
sed -i 's/unit_cost: unit_cost}/unit_cost: unit_cost, stock: stock}/' shop/remise.yaml

allocate() { # CODE RANKS RUN [SETTING...]
    local code=$1 ranks=$2 out=$3 got=0
    shift 3
    timeout -k 5 60 mpirun -np "$ranks" "$remise" run shop/remise.yaml -o "$out" --from allocate \
        "$@" >"$out.log" 2>&1 || got=$?
    [ $got = "$code" ] || { cat "$out.log"; fail "$out ended with $got, not $code: $*"; }
}

says() { # RUN TEXT
    grep -qF -- "$2" "$1.log" || { cat "$1.log"; fail "$1 does not say: $2"; }
}

recomputes() { # RUN [OPTION...]
    local run=$1
    shift
    python3 "$here/recompute_limits.py" "$run" shop "$@" || fail "limits of $run: $*"
    "$remise" verify "$run" >verify.log 2>&1 || { cat verify.log; fail "verify $run"; }
}

"$remise" check shop/remise.yaml -o ./free/ --set allocate.previous=free >page 2>&1 &&
    grep -q "^previous .*free, this run's own folder, has no table yet" page ||
    { cat page; fail "check refuses the run's own folder before its first table"; }
timeout -k 5 60 mpirun -np 2 "$remise" run shop/remise.yaml -o free --set respond.epochs=1 \
    --set respond.folds=1 --set allocate.previous=free >free.log 2>&1 ||
    { cat free.log; fail "the run"; }
says free 'this is the first table of free'
sed -i 's/^respond:/&/; $ a\
respond: {epochs: 1, folds: 1}' shop/remise.yaml
for run in some more fair; do cp -r free $run; done

# ---- limits ----
limits=("cost <= 80 per category" "cost <= 30.12345 for category = fruit" "cost <= 90 per market"
    "purchases >= 500" "discounts <= 500" "profit >= 2 * cost" "cost <= 50 per day"
    "cost <= 25.5 per brand" "purchases <= stock per product" "profit_gain >= 0.4 * cost")
list=$(printf ',"%s"' "${limits[@]}")
allocate 0 1 some --set "allocate.limits=[${list:1}]"
recomputes some "${limits[@]/#/--limit=}"
allocate 0 7 more --set "allocate.limits=[${list:1}]"
shop_same some more

# ---- reasons: exact to the last digit, for rows of a user and for all ----
"$remise" why some --all >reasons.jsonl || fail "why --all"
python3 "$here/check_why.py" some reasons.jsonl
code=$?
[ $code = 77 ] || [ $code = 0 ] || fail "reasons are not exact"
user=$(awk -F, 'NR > 1 && $3 > 0 { print $1; exit }' some/discounts.csv)
product=$(awk -F, -v user="$user" '$1 == user && $3 > 0 { print $2; exit }' some/discounts.csv)
"$remise" why some "$user" "$product" >page || fail "why $user"
for words in ' beats ' ' worth, ' 'per unit' 'price elasticity' 'reduced cost'; do
    grep -qF "$words" page || { cat page; fail "why does not say: $words"; }
done
"$remise" why some "$user" --json >why.json || fail "why --json"
python3 - "$user" "$product" some/discounts.csv <<'PYTHON' || fail "why --json and the table differ"
import csv, json, sys
user, product, path = sys.argv[1:]
why = json.load(open("why.json"))
with open(path, encoding="utf-8", newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["user_id"] == user]
assert [r["product_id"] for r in rows] == [r["product_id"] for r in why["rows"]]
for row, reason in zip(rows, why["rows"]):
    level = [k for k in reason["levels"] if k["discount"] == reason["discount"]][0]
    assert float(row["discount"]) == reason["discount"] and row["reason"] == reason["reason"]
    assert abs(float(row["expected_cost"]) - level["uses"]["cost"]) < 1e-9
    assert float(row["price"]) == level["price"] and level["allowed"]
    low, high = level["chance_interval"]
    assert low <= level["chance"] <= high
PYTHON

# ---- what changed: counted again from the two tables ----
"$remise" diff free some --json >diff.json 2>diff.log || { cat diff.log; fail "diff"; }
timeout -k 5 60 mpirun -np 3 "$remise" diff free some --json >more.json 2>diff.log || fail "diff"
cmp diff.json more.json || fail "diff depends on the ranks"
python3 - <<'PYTHON' || { cat diff.json; fail "diff is not what the tables say"; }
import csv, json
diff = json.load(open("diff.json"))
tables = []
for run in ("free", "some"):
    with open(run + "/discounts.csv", encoding="utf-8", newline="") as file:
        tables.append({(r["user_id"], r["product_id"]): r for r in csv.DictReader(file)})
before, now = tables
both = before.keys() & now.keys()
kinds = {"new": now.keys() - both, "gone": before.keys() - both, "same": set(), "higher": set(),
         "lower": set()}
for pair in both:
    old, new = float(before[pair]["discount"]), float(now[pair]["discount"])
    kinds["same" if old == new else "higher" if new > old else "lower"].add(pair)
seen = 0
for kind, pairs in kinds.items():
    told, users = diff["rows"][kind], len({user for user, product in pairs})
    assert told in (None, len(pairs)), (kind, told, len(pairs))
    assert told is None or users == 0 or users >= diff["min_users"], kind
    seen += told is not None
assert seen >= 3
for r, line in enumerate(diff["levels"]["rows"]):
    for c, told in enumerate(line):
        pairs = [p for p in both if float(before[p]["discount"]) == diff["levels"]["before"][r]
                 and float(now[p]["discount"]) == diff["levels"]["now"][c]]
        assert told in (None, len(pairs)), (r, c, told, len(pairs))
# nothing hidden follows from what is told: of cells with a sum none is hidden alone
table, was, now_ = diff["levels"]["rows"], diff["levels"]["before"], diff["levels"]["now"]
cells = [(r, c) for r in range(len(was)) for c in range(len(now_))]
sums = [[p for p in cells if p[0] == r] for r in range(len(was))]
sums += [[p for p in cells if p[1] == c] for c in range(len(now_))]
sums += [[p for p in cells if (now_[p[1]] > was[p[0]]) - (now_[p[1]] < was[p[0]]) == way]
         for way in (-1, 0, 1)]
for line in sums:
    hidden = [p for p in line if table[p[0]][p[1]] is None]
    assert len(hidden) != 1 or all(table[r][c] in (0, None) for r, c in line), line
names = [cause["cause"] for cause in diff["causes"]]
assert "limit_came" in names and "cells" not in names, names  # the same cells under more limits
assert any(limit["price_before"] is None and limit["price_now"] for limit in diff["limits"])
# what the receipt does not tell of a limit, as few users stand behind it, is not told here either
told = {(c["name"], c.get("group")): c["used"] for c in
        json.load(open("some/receipt.json"))["constraints"] if "used" in c}
assert None in told.values()
for limit in diff["limits"]:
    assert limit["used_now"] == told.get((limit["name"], limit["group"])), limit
PYTHON
"$remise" diff some some >page 2>&1 || fail "diff of a table with itself"
grep -q 'same discount *6,000' page || { cat page; fail "a table differs from itself"; }

why_fails() { # TEXT ARGUMENTS...
    local text=$1 got=0
    shift
    "$remise" why "$@" >why.log 2>&1 || got=$?
    [ $got = 66 ] && grep -qF "$text" why.log || { cat why.log; fail "why $* ended with $got"; }
}
why_fails 'the table has no user nobody' some nobody
why_fails 'there are rows of' some "$user" no-product
why_fails 'holds no published table' shop "$user"
why_fails 'privacy' some 00000000000000000000000000000000

# ---- fairness, churn, few levels, all at once ----
rules=(--set "allocate.limits=[\"cost <= 90 per market\"]" --set allocate.fairness.delta=0.0004
    --set allocate.previous=before --set allocate.churn_most=0.05 --set allocate.levels_most=2
    --set allocate.user.discounts_most=2)
# the table before keeps the limit of users already, so that few rows must change; more gain by it
cp -r some earlier
allocate 0 1 earlier --set "allocate.limits=[${list:1}]" --set allocate.user.discounts_most=2
cp earlier/discounts.csv before.csv
ln -s earlier before
allocate 0 1 fair "${rules[@]}"
recomputes fair --limit="cost <= 90 per market" --fairness discount 0.0004 \
    --previous before.csv --churn 0.05 --levels 2 --user-discounts 2
user=$(awk -F, 'NR > 1 && $3 > 0 && ++rows[$1] == 2 { print $1; exit }' fair/discounts.csv)
"$remise" why fair "$user" --json >why.json || fail "why under limits of users"
python3 - <<'PYTHON' || { cat why.json; fail "reasons under limits of users"; }
import json, re
why = json.load(open("why.json"))
limit = why["user_limits"][0]
assert (limit["used"], limit["limit"]) == (2, 2), limit
for row in why["rows"]:
    if row["verdict"] == "user_limit":
        assert "discounts per user, at most 2" in row["sentence"], row["sentence"]
        whole, parts = re.match(".*better here by ([0-9.]+): ([^;]*)", row["sentence"]).groups()
        parts = [float(part) for part in re.findall("[+-][0-9.]+(?= )", parts)]
        assert abs(sum(parts) - float(whole)) < 2e-4 * len(parts), row["sentence"]
    if row["verdict"] == "forbidden":
        assert re.search("but is forbidden: [a-z]", row["sentence"]), row["sentence"]
PYTHON
"$remise" why fair --all >reasons.jsonl || fail "why --all under limits of users"
grep -q '"user_limit": "discounts per user", "loss": "[1-9]' reasons.jsonl ||
    fail "why --all does not weigh limits of users"
allocate 0 4 more "${rules[@]}"
shop_same fair more
# sets of levels that no table can be made of are passed over: no word of them, and the bound is of
# those that are left
allocate 0 1 more --set 'allocate.limits=["discount >= 230", "discounts <= 1100"]' \
    --set allocate.levels_most=2 --set allocate.budget=10000 --set allocate.user.discounts_most=2
! grep "^error" more.log || fail "what was only asked about is told as an error"
python3 - <<'PYTHON' || fail "the bound of few levels"
import json
receipt = json.load(open("more/receipt.json"))
assert receipt["levels_most"]["sets_solved"] > 1 and receipt["gap"] < 1e-4, receipt["gap"]
PYTHON
# prices began at those of the table before, found by the names of limits
python3 - <<'PYTHON' || { cat fair.log; fail "where prices begin"; }
import json
begun = json.load(open("fair/receipt.json"))["prices_from"]
assert begun["version"] == json.load(open("before/current/manifest.json"))["version"], begun
assert begun["limits_met"] >= 4, begun
assert json.load(open("some/receipt.json"))["prices_from"] is None
PYTHON
for other in some free; do # one that holds something else makes the stage due
    ln -sfn $other before
    allocate 0 1 more --set allocate.previous=before
done
grep -q 'allocate: unchanged' more.log && fail "another earlier table went unseen"
allocate 0 1 more --set allocate.previous=before
says more 'allocate: unchanged, skipped'
allocate 0 2 more "${rules[@]::2}" --set allocate.fairness.delta=0.002 \
    --set allocate.fairness.measure=access --set allocate.warm_start=last \
    --set allocate.dial=8 --set allocate.front=4
says more 'prices begin at those of version'
# prices that cannot be read are no fault: the search begins anew, and comes to the same table
cp -r some worn
echo worn >worn/current/discounts.h5
allocate 0 2 worn --set "allocate.limits=[${list:1}]" --set allocate.warm_start=last
says worn 'the search for prices begins anew'
cmp some/discounts.csv worn/discounts.csv || fail "without readable prices another table"
python3 "$here/check_outlook.py" more --budgets 8 --tables 2 --no-rules ||
    fail "other budgets and goals under many limits"
recomputes more --fairness access 0.002

# ---- limits of each user; levels drawn by chance keep all of them ----
explore=(--set 'allocate.limits=["cost <= 200 per market", "purchases >= 500"]'
    --set allocate.explore.share=0.1 --set allocate.explore.cost_most=100
    --set allocate.user.discounts_most=3 --set allocate.user.discount_sum_most=0.15
    --set allocate.user.cost_share_most=0.2)
allocate 0 1 fair "${explore[@]}"
recomputes fair --limit="cost <= 200 per market" --limit="purchases >= 500" --user-discounts 3 \
    --user-sum 0.15 --user-share 0.2
"$remise" verify fair >page 2>&1 || { cat page; fail "verify under limits of users"; }
grep -q '^ok  *users  *the limits of each user hold' page || { cat page; fail "verify of users"; }
allocate 0 3 more "${explore[@]}"
shop_same fair more
awk -F, 'NR > 1 { drawn += $9 < 1; other += $10 == "explored"; bad += $9 <= 0 || $9 > 1
                  bad += $10 == "explored" && $9 > 0.05 || $10 != "explored" && $9 < 0.9 }
    END { exit !(drawn > 100 && other > 5 && bad == 0) }' fair/discounts.csv ||
    { grep explor fair.log; fail "propensities of rows drawn by chance"; }
allocate 78 1 fair "${explore[@]}" --set allocate.fairness.delta=0.1
says fair 'could break allocate.fairness.delta'

grep -q '"protected_among_inputs": false' fair/receipt.json || fail "inputs in the receipt"
awk -F, 'BEGIN { OFS = "," } { print $0, NR == 1 ? "club" : $7 == "a" ? 3 + NR % 2 : 8 }' \
    shop/users.csv >clubs.csv
clubs=(ingest shop/remise.yaml -o clubs --set "users.file=$PWD/clubs.csv"
    --set 'users.attributes=[age, club]')
timeout -k 5 60 mpirun -np 2 "$remise" "${clubs[@]}" >clubs.log 2>&1
code=$?
[ $code = 78 ] && grep -qF 'users.attributes: club tells the protected group' clubs.log ||
    { cat clubs.log; fail "a copy of the protected column ended with $code"; }
timeout -k 5 60 "$remise" "${clubs[@]}" --set privacy.protected_allowed=[club] >clubs.log 2>&1 ||
    { cat clubs.log; fail "an allowed copy"; }

# ---- no discount that does not lead below the price of the last days; who is told ----
allocate 0 3 more --set allocate.reference_rule=keep --set allocate.reference_days=10 \
    --set 'publish.disclosure_markets=[east, north]'
python3 "$here/recompute_reference.py" more shop --days 10 --kept --markets east,north ||
    fail "reference prices and marks"
python3 "$here/recompute_reference.py" some shop || fail "reference prices that are only told"
grep -A3 '"name": "reference_price"' more/receipt.json | grep -q '"forbidden_cells": [1-9]' ||
    fail "the receipt does not count what reference prices forbid"
"$remise" verify more >more.log 2>&1 || { cat more.log; fail "verify with reference prices"; }
allocate 78 1 more --set 'publish.disclosure_markets=[nroth]'
says more 'no user is of market "nroth", did you mean "north"?'

# ---- no price below a product's own floor, beside promotions of the shop too ----
cat >promotions.csv <<'CSV'
of,on,off,from,until,what,land,whom
,fruit,0.03,2001-01-01,,coupon,,
,cheese,0.03,,,membership,north,
,garden,0.5,2001-01-01,2001-12-31,,,
,coffee,0.03,2024-01-05,,,,
,bakery,0.03,,,membership,,2
,beverages,0.03,2001-01-01,2024-01-03,,,
CSV
promoted=(--set allocate.margin_floor=0 --set 'products.columns.price_floor=0.93 * list_price'
    --set "promotions.file=$PWD/promotions.csv" --set promotions.columns.product_id=of
    --set promotions.columns.category=on --set promotions.columns.discount=off
    --set promotions.columns.start=from --set promotions.columns.end=until
    --set promotions.columns.kind=what --set promotions.columns.market=land
    --set promotions.columns.audience=whom --set promotions.audience=household
    --set allocate.stacking=add)
timeout -k 5 60 "$remise" run shop/remise.yaml -o more "${promoted[@]}" >more.log 2>&1 ||
    { cat more.log; fail "price floors"; }
grep -q 'promotions: 4 of 6 run when the table begins to hold' more.log || fail "what runs"
says more '1 more begin before it ends'
says more '1 of those that run end before it does'
awk -F, 'FNR == 1 { file++; for (c = 1; c <= NF; c++) at[file, $c] = c; next }
    file == 1 { price[$1] = $at[1, "list_price"]; kind[$1] = $at[1, "category"]; next }
    file == 2 { land[$1] = $at[2, "market"]; home[$1] = $at[2, "household"]; next }
    { promoted = kind[$2] == "fruit" || kind[$2] == "beverages" ||
                 kind[$2] == "cheese" && land[$1] == "north" ||
                 kind[$2] == "bakery" && home[$1] == 2
      low += $4 < 0.93 * price[$2] - 1e-9; cut += $3 > 0
      deep += $3 > (promoted || kind[$2] == "coffee" ? 0 : 0.05)
      off = price[$2] * (1 - $3 - (promoted ? 0.03 : 0)) - $4
      wrong += off > 0.0051 || off < -0.0051
      met += promoted }
    END { exit !(low == 0 && deep == 0 && cut > 0 && wrong == 0 && met > 0) }' \
    shop/products.csv shop/users.csv more/discounts.csv ||
    fail "prices below the floors of products, or not those of promotions and discounts"
grep -A3 '"price_floor"' more/receipt.json | grep -q '"forbidden_cells": [1-9]' ||
    fail "the receipt does not count what price floors forbid"
grep -A3 '"promotions": {' more/receipt.json | grep -q '"running": 4' || fail "promotions in it"
changes=$(awk -F, 'NR == FNR { kind[$1] = $2; next }
    kind[$2] == "coffee" || kind[$2] == "beverages" { n++ } END { print n }' \
    shop/products.csv more/discounts.csv)
grep -q "\"rows_price_changes\": $changes[,}]*\$" more/receipt.json &&
    grep -q 'prices *those of the first day; of' more/receipt.txt ||
    { grep rows_price more/receipt.json; fail "prices that change later: $changes rows"; }
"$remise" verify more >more.log 2>&1 || { cat more.log; fail "verify beside promotions"; }
fruit=$(awk -F, 'NR == FNR { kind[$1] = $2; next } kind[$2] == "fruit" { print $1, $2; exit }' \
    shop/products.csv more/discounts.csv)
"$remise" why more $fruit >page 2>&1 &&
    grep -q 'coupon, 3 % off its category, until further notice' page ||
    { cat page; fail "why beside promotions"; }
user=$(grep -m 1 ",$(awk -F, '$2 == "coffee" { printf "%s%s", or, $1; or = "\\|" }' \
    shop/products.csv | sed 's/^/\\(/; s/$/\\)/')," more/discounts.csv | cut -d, -f1)
"$remise" why more "$user" >page 2>&1 &&
    grep -q 'and to come *limited-time, 3 % off its category, from 2024-01-05' page ||
    { cat page; fail "why before promotions"; }
# promotions alone are the shop's affair
allocate 0 1 more "${promoted[@]}" --set allocate.combined_most=0.02
grep -A3 '"combined_most"' more/receipt.json | grep -q '"forbidden_cells": [1-9]' ||
    fail "the receipt does not count what combined_most forbids"
"$remise" verify more >more.log 2>&1 || { cat more.log; fail "verify under combined_most"; }

# ---- what is wrong, and what cannot be ----
published=$(sha256sum some/discounts.csv)
allocate 66 1 some --set allocate.previous=shop
says some 'allocate.previous: shop holds no published table'
"$remise" check shop/remise.yaml --set allocate.previous=shop >page 2>&1
[ $? = 66 ] && grep -qF 'allocate.previous: shop holds no published table' page ||
    { cat page; fail "check does not look at the earlier table"; }
allocate 65 1 some --set 'allocate.limits=["cost <= 1", "profit_gain >= 100000"]'
allocate 65 1 some --set 'allocate.limits=["purchases <= 50"]'
says some 'purchases <= 50: 50 purchases are allowed, and any table has'
allocate 65 2 some --set 'allocate.limits=["discounts <= 1", "profit_gain >= 60"]'
says some 'in conflict: profit_gain >= 60: at least 60 currency; where the others hold it is'
says some 'no table keeps all limits: 2 limits are in conflict, "discounts <= 1", "profit_gain'
[ "$published" = "$(sha256sum some/discounts.csv)" ] || fail "the last table did not stay"
allocate 78 1 some --set 'allocate.limits=["cots <= 5", "cost <= 5 per catgory"]'
says some 'did you mean cost?'
says some 'did you mean category?'
allocate 78 1 some --set 'allocate.limits=["cost <= 5 for category = bakry"]'
says some 'there is no category "bakry", did you mean "bakery"?'

echo "limits are kept, and said where they cannot be"
