#!/usr/bin/env bash
# The profile stage as a whole: profiles.json says what is true of a shop made for it, hides what it
# must, and has, as profiles.h5 has, the same bytes at any number of ranks.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
shop_begin "$1"
cd "$work" || exit 70

# 300 users, a third of them f, who buy what one wears, and m, who buy what one works with; 8 are x
# instead, and 3 have no group. User u buys on 1 + u % 4 days three things for 10 + u % 7 each.
awk 'BEGIN {
    print "user,sex" >"users.csv"
    print "user,product,when,price" >"events.csv"
    print "product,category,price" >"products.csv"
    split("coat hat shoe saw nail plank", thing, " ")
    for (t = 1; t <= 6; t++) print thing[t] "," thing[t] "s,20" >"products.csv"
    for (u = 1; u <= 300; u++) {
        f = u % 3 == 0
        print u "," (u > 292 ? "x" : u > 289 ? "" : f ? "f" : "m") >"users.csv"
        for (i = 0; i <= u % 4; i++)
            for (t = 1; t <= 3; t++)
                printf "%d,%s,2025-02-%02d 10:00:00,%d\n", u, thing[f ? t : t + 3],
                    1 + (u + 5 * i) % 28, 10 + u % 7 >"events.csv"
    }
}'
cat >shop.yaml <<'YAML'
users: {file: users.csv, columns: {user_id: user, group: sex}}
products:
  file: products.csv
  columns: {product_id: product, category: category, list_price: price}
events:
  file: events.csv
  columns: {user_id: user, product_id: product, time: when, unit_price: price}
privacy: {min_users: 20}
profile: {segments: 2, segments_most: 3, mixture: 2, horizon_days: 60}
allocate: {budget: 5}
YAML

profile() { # RANKS RUN
    timeout -k 5 60 mpirun -np "$1" "$remise" profile shop.yaml -o "$2" >"$2.log" 2>&1 ||
        { cat "$2.log"; fail "profile at $1 ranks ended with an error"; }
}

timeout -k 5 60 "$remise" ingest shop.yaml -o run1 >ingest.log 2>&1 ||
    { cat ingest.log; fail ingest; }
for ranks in 3 4 7; do cp -r run1 run$ranks; done
for ranks in 1 3 4 7; do
    profile $ranks run$ranks
    for file in profiles.h5 profiles.json; do
        cmp run1/$file run$ranks/$file || fail "$file differs at $ranks ranks"
    done
done
grep -q 'has more of group "f" than the shop' run1.log ||
    { cat run1.log; fail "no flag in the log"; }

python3 - run1/profiles.json <<'PYTHON' ||
import json, sys
file = json.load(open(sys.argv[1]))
near = lambda a, b, t=1e-5: abs(a - b) <= t * abs(b) or sys.exit(f"{a} is not {b}")
shop, segments = file["shop"], file["segments"]
assert shop["users"] == 300 == sum(s["users"] for s in segments) and len(segments) in (2, 3)
assert len(file["kmeans"]["choices"]) == 2 and file["kmeans"]["inertia_a_user"] > 0
# means, in the units that people think in
near(shop["means"]["basket"], sum(3 * (10 + u % 7) for u in range(1, 301)) / 300)
near(shop["means"]["category:hats"], 100 / 3 / 3)
wear = max(segments, key=lambda s: s["means"]["category:hats"])
near(wear["means"]["category:hats"], 100 / 3)
for name in shop["means"]:
    assert name in file["units"]
    near(sum(s["users"] * s["means"][name] for s in segments) / 300, shop["means"][name], 1e-4)
assert len(wear["rules"]) > 0 and wear["rules"][0]["purity"] > 0.99
# lifetime value
life = file["lifetime"]
assert life["horizon_days"] == 60 and life["customers"] == 300 and life["repeaters"] == 225
near(sum(s["users"] * s["lifetime"]["expected_value"] for s in segments) / 300,
     shop["lifetime"]["expected_value"], 1e-4)
assert file["mixture"]["components"] == 2 and file["mixture"]["bic"] is not None
# groups: f and m; x is too small, 3 users have none, and these 11 must not follow from the totals
assert [g["group"] for g in file["groups"]] == ["f", "m"]
assert file["groups"][0]["users"] is None and file["groups"][0]["suppressed"]
assert file["groups"][1]["users"] in (None, 193)
assert all(g["auc"] > 0.95 for g in file["groups"]) and file["groups_judged"] is None
for s in segments:
    rest = s["users"] - sum(g["users"] or 0 for g in s["groups"])
    assert rest == 0 or rest >= 20
    assert rest == 0 or any(g["suppressed"] for g in s["groups"])
flags = {(f["segment"], f["group"]): f["flag"] for f in file["flags"]}
assert flags[wear["segment"], "f"] == "more" and flags[wear["segment"], "m"] == "less"
f, m = wear["groups"]
assert f["times_the_shop"] is None and f["users"] is None
assert all((g["users"] is None) == g["suppressed"] for s in segments for g in s["groups"])
PYTHON
    { cat run1/profiles.json; fail "profiles.json is wrong"; }

# ---- nobody came back, no group, hardly any users: nothing to say, said so ----
printf 'user,product,when,price\n1,tool,2025-01-01,5\n2,tool,2025-01-02,5\n' >events.csv
sed -i '/^users:/d; s/segments_most: 3, //' shop.yaml
for ranks in 1 4; do
    timeout -k 5 60 "$remise" ingest shop.yaml -o few$ranks >ingest.log 2>&1 ||
        { cat ingest.log; fail "ingest of a small shop"; }
    profile $ranks few$ranks
done
cmp few1/profiles.json few4/profiles.json || fail "profiles.json of a small shop differs"
cmp few1/profiles.h5 few4/profiles.h5 || fail "profiles.h5 of a small shop differs"
grep -q 'no lifetime value: nobody bought on two days' few1.log ||
    fail "no lifetime value: not said"
python3 - few1/profiles.json <<'PYTHON' || { cat few1/profiles.json; fail "of a small shop"; }
import json, sys
file = json.load(open(sys.argv[1]))
assert file["lifetime"] is None and file["groups"] == [] and file["flags"] == []
assert all(s["suppressed"] and s["users"] is None and s["means"] is None for s in file["segments"])
shop = file["shop"]
assert shop["suppressed"] and shop["users"] is shop["means"] is shop["lifetime"] is None
assert file["mixture"] is None and file["kmeans"]["inertia_a_user"] is None
PYTHON
grep -q 'log-likelihood\|inertia' few1.log && fail "the log tells of two users"

# ---- buyers all alike, and who only looked: two segments of eight, one without a purchase ----
awk 'BEGIN {
    print "user,product,when,price,kind" >"events.csv"
    print "user,group" >"users.csv"
    for (u = 1; u <= 60; u++) {
        print u "," u >"users.csv"
        printf "%d,%s,2025-01-01,5,%s\n", u, u % 2 ? "saw" : "hat",
            u % 2 ? "purchase" : "view" >"events.csv"
    }
    print "1,saw,2025-01-11,,view" >"events.csv"
}'
sed -i 's/unit_price: price/unit_price: price, kind: kind/; s/segments: 2/segments: 8/' shop.yaml
sed -i '1i users: {file: users.csv, columns: {user_id: user, group: group}}' shop.yaml
sed -i 's/profile: {/profile: {rules_depth: 2, /' shop.yaml
timeout -k 5 60 "$remise" ingest shop.yaml -o alike >ingest.log 2>&1 ||
    { cat ingest.log; fail "ingest of users who are alike"; }
profile 2 alike
grep -q 'segments are empty' alike.log && grep -q 'is users.columns.group an id?' alike.log ||
    { cat alike.log; fail "empty segments, groups of one: not said"; }
python3 - alike/profiles.json <<'PYTHON' || { cat alike/profiles.json; fail "of users alike"; }
import json, sys
file = json.load(open(sys.argv[1]))
means = [s["means"] for s in file["segments"] if s["means"]]
assert 2 <= len(file["segments"]) == 8 - file["kmeans"]["empty"] < 8 and file["groups"] == []
looked = [m for m in means if m["spend"] == 0]
assert looked and all(m["recency"] is None and m["basket"] is None for m in looked)
assert file["shop"]["means"]["recency"] == 10 and file["shop"]["means"]["basket"] == 5
PYTHON
