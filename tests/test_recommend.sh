#!/usr/bin/env bash
# The recommend stage as a whole: on a shop made for it the scorer wins that must, what it measures
# is what an independent count finds, and candidates and report have the same bytes at any number of
# ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
shop_begin "$1"
cd "$work" || exit 70

# 400 users of two kinds. On each of 20 days user u buys one of two favourites, p + u % 5 and 5
# further; the other kind has its own ten products; now and then everyone buys bread, product 20.
awk 'BEGIN {
    print "user,product,when,price" >"events.csv"
    print "product,category,price" >"products.csv"
    for (p = 0; p <= 20; p++) printf "p%02d,c%d,10\n", p, p / 10 >"products.csv"
    for (u = 0; u < 400; u++)
        for (d = 1; d <= 20; d++) {
            p = d % 7 == u % 7 ? 20 : u % 2 * 10 + (u * 7 % 5 + (u + d) % 2 * 5)
            if ((u * 13 + d * 5) % 3 > 0)
                printf "%d,p%02d,2025-03-%02d 10:00:00,9\n", u, p, d >"events.csv"
        }
}'
cat >shop.yaml <<'YAML'
products:
  file: products.csv
  columns: {product_id: product, category: category, list_price: price}
events:
  file: events.csv
  columns: {user_id: user, product_id: product, time: when, unit_price: price}
profile: {segments: 2}
allocate: {budget: 5}
recommend: {slots: 3, holdout: 5, als.factors: 4, neural.passes: 6}
YAML

recommend() { # RANKS RUN [--set ...]
    local ranks=$1 run=$2
    shift 2
    timeout -k 5 60 mpirun -np "$ranks" "$remise" recommend shop.yaml -o "$run" "$@" \
        >"$run.log" 2>&1 ||
        { cat "$run.log"; fail "recommend at $ranks ranks ended with an error"; }
}

timeout -k 5 60 "$remise" run shop.yaml -o run1 --until profile >profile.log 2>&1 ||
    { cat profile.log; fail profile; }
for ranks in 2 3 4; do cp -r run1 run$ranks; done
for ranks in 1 2 3 4; do
    recommend $ranks run$ranks --set recommend.tune=3
    for file in candidates.h5 recommend.json; do
        cmp run1/$file run$ranks/$file || fail "$file differs at $ranks ranks"
    done
done

grep -q '  21 of 21 products can be offered' run1.log || fail "what can be offered"
recommend 2 run2 --set 'recommend.never=[p20, postage]' --set recommend.scorer=popularity
grep -q '  20 of 21 products can be offered' run2.log &&
    grep -q 'recommend.never: there is no product "postage"' run2.log ||
    { cat run2.log; fail "what is never offered"; }

python3 - run1/recommend.json events.csv <<'PYTHON' || exit 1
import csv, json, sys
from collections import Counter, defaultdict
from math import log2, sqrt
file = json.load(open(sys.argv[1]))
near = lambda a, b: abs(a - b) <= 2e-5 * abs(b) or sys.exit(f"FAILED: {a} is not {b}")
seen, wanted = defaultdict(Counter), defaultdict(set)
for row in csv.DictReader(open(sys.argv[2])):
    if row["when"] < "2025-03-15 10:00:01":
        seen[row["user"]][row["product"]] += 1
    else:
        wanted[row["user"]].add(row["product"])
judged = file["judged"]
near(judged["users"], len(wanted))
near(judged["products_wanted"], sum(len(w) for w in wanted.values()))
entry = {s["scorer"]: s for s in file["scorers"]}
# each user's own products first, by number of purchases; users have three or fewer and no ties that
# matter where they have all of them among the first three
full = [u for u in wanted if len(seen[u]) == 3]
len(full) > 300 or sys.exit("FAILED: the shop is not what it should be")
gains = []
for u, w in wanted.items():
    first = [p for p, n in seen[u].most_common(3)]
    gains.append(sum(1 / log2(i + 2) for i, p in enumerate(first) if p in w)
                 / sum(1 / log2(i + 2) for i in range(min(3, len(w)))))
mean = entry["repeat"]["all_products"]["ndcg"]["mean"]
mean > 0.9 * sum(gains) / len(gains) or sys.exit(f"FAILED: NDCG of repeat is {mean}")
entry["popularity"]["all_products"]["ndcg"]["mean"] < mean or sys.exit("FAILED: popularity wins")
for learned in "linear", "neural":
    worse = entry["popularity"]["all_products"]["ndcg"]["mean"]
    best = entry[learned]["all_products"]["ndcg"]["mean"]
    best > worse + 0.1 or sys.exit(f"FAILED: NDCG of {learned} is {best}, of popularity {worse}")
for s in file["scorers"]:
    m = s["all_products"]
    0 <= m["auc"]["mean"] <= 1 and m["coverage"]["mean"] > 0 or sys.exit("FAILED: " + str(m))
    # hardly anyone has not bought all that is wanted: too few for a figure
    s["not_bought_before"]["ndcg"]["mean"] is None or sys.exit("FAILED: figures of few users")
len(file["trials"]) >= 4 or sys.exit("FAILED: no trials")
hit = entry["repeat"]["all_products"]["hit_rate"]
near(hit["error"], sqrt(hit["mean"] * (1 - hit["mean"]) / (len(wanted) - 1)))
file["chosen"] != "popularity" or sys.exit("FAILED: popularity chooses")
PYTHON

# a scorer of pairs chooses from the pools of the others
recommend 3 run3 --set recommend.scorer=neural --set recommend.neural.units=8
grep -q 'neural chooses: recommend.scorer names it' run3.log || fail "neural does not choose"

# what was bought is not offered again; a scorer may be named; folds
recommend 2 run2 --set recommend.repeat=no --set recommend.scorer=als
grep -q 'als chooses: recommend.scorer names it' run2.log || fail "als does not choose"
for ranks in 1 3; do recommend $ranks run$ranks --set recommend.folds=2; done
cmp run1/recommend.json run3/recommend.json || fail "recommend.json by folds differs"

# too short to judge
recommend 2 run2 --set recommend.holdout=0
grep -q 'repeat chooses: there are too few' run2.log || fail "no word of what is not judged"

# nothing moves here but what is bought: prices do not, and the response says what that means
timeout -k 5 60 "$remise" run shop.yaml -o run1 --until respond --set respond.epochs=1 \
    >respond.log 2>&1 || { cat respond.log; fail respond; }
grep -q '^warning: all [0-9]* weeks of purchases have a discount of 10 %' respond.log ||
    fail "no word of prices that do not move"
echo "scorers are judged as they should be"
