#!/usr/bin/env bash
# What a run knows of people stays where it belongs: no raw id in any file or line it leaves, users
# who are to be forgotten or refuse leave no trace in any result, the secret is refused where others
# could know it, ids come back from the vault alone, and figures of few users are not shown.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip "privacy: python3 is not installed"
shop_begin "$1"
shop_make 400
cd "$work" || exit 70
canary=c4nary.7f3a@example.org
key=$XDG_CONFIG_HOME/remise/secret.key
results="dataset.h5 profiles.h5 demand.h5 candidates.h5 model.h5 curves.h5 heldout.h5 choices.h5
elasticities.csv discounts.csv discounts.h5 receipt.json receipt.txt"

run() { # CODE RANKS COMMAND FOLDER ARGUMENTS...: its output stays in FOLDER.log
    local code=0 wanted=$1 ranks=$2 command=$3 folder=$4
    shift 4
    timeout -k 5 120 mpirun -np "$ranks" "$remise" "$command" "$config" -o "$folder" "$@" \
        >"$folder.log" 2>&1 || code=$?
    [ $code = "$wanted" ] ||
        { cat "$folder.log"; fail "$command $* at $ranks ranks ended with $code, not $wanted"; }
}

says() { # FOLDER TEXT
    grep -qF -- "$2" "$1.log" || { cat "$1.log"; fail "it does not say: $2"; }
}

same() { # FOLDER FOLDER WHAT: every result has the same bytes
    local file
    for file in $results; do cmp "$1/$file" "$2/$file" || fail "$3: $file differs"; done
}

# ---- a shop with one user who must not show ----
# The same tables three times: with the canary, who also bought what nobody else did, first and last
# of all; without; and with the canary refusing.
python3 - "$canary" <<'PYTHON'
import csv, os, sys
canary, old = sys.argv[1], None

def rows(name):
    with open(f"shop/{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))

def write(shop, name, table):
    os.makedirs(shop, exist_ok=True)
    with open(f"{shop}/{name}.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)

tables = {name: rows(name) for name in ("users", "products", "events", "offers")}
bought = {}
for row in tables["events"][1:]:
    bought[row[0]] = bought.get(row[0], 0) + 1
old = max(bought, key=bought.get)
for shop in ("with", "without", "refusing"):
    for name, (header, *table) in tables.items():
        at = header.index("user_id") if "user_id" in header else None
        mine = lambda row: at is not None and row[at] == old
        named = [[canary if mine(row) and i == at else text for i, text in enumerate(row)]
                 for row in table if shop != "without" or not mine(row)]
        if name == "events" and shop != "without":
            like = next(row for row in named if row[at] == canary)
            for product, time in (("nobodys", "1999-01-01"), ("nobodys", "2033-01-01")):
                named.insert(0, [{"user_id": canary, "product_id": product, "time": time,
                                  "kind": "purchase", "quantity": "1", "unit_price": "3"}
                                 .get(column, "") for column in header])
        if name == "users":
            header = header + ["agrees"]
            named = [row + ["0" if row[at] == canary and shop == "refusing" else "1"]
                     for row in named]
        write(f"tables/{shop}", name, [header] + named)
PYTHON
sed -e '/^publish:/,/^$/d' -e 's/group: group}/group: group, consent: agrees}/' shop/remise.yaml \
    >shop.yaml
sed -i 's,^  dir: .*,  dir: tables/with,' shop.yaml
config=shop.yaml
grep -q 'consent: agrees' shop.yaml || fail "the configuration of the shop has another form"

# ---- a canary in good rows and in every kind of bad one ----
cp -r tables/with tables/spoilt
python3 - "$canary" <<'PYTHON'
import sys
name = sys.argv[1].encode()
def add(table, *rows):
    with open(f"tables/spoilt/{table}.csv", "ab") as file:
        file.writelines(row + b"\n" for row in rows)
with open("tables/spoilt/events.csv", "rb") as file:
    columns = file.readline().rstrip(b"\n").split(b",")
def event(**given):
    usual = {"user_id": name, "product_id": b"p0003", "time": b"2023-05-05", "kind": b"purchase",
             "quantity": b"1", "unit_price": b"3"}
    return b",".join({**usual, **given}.get(column.decode(), b"") for column in columns)
add("events", event(time=name), event(quantity=name), event(unit_price=name), event(kind=name),
    event(product_id=b""), event(time=b"soon"), event(unit_price=b"-1"),
    event(quantity=b"-1"), event(quantity=b"0"), event(user_id=name + b"\xff"),
    event(user_id=name + b"\0"), event(user_id=name * 90), event(user_id=b'"' + name + b'"x'),
    name, event() + b"," + name, event() * 2, b'"' + name)
PYTHON
printf '%s,1\n%s,1,2,3,4,5,6,7,8,9\n' $canary $canary >>tables/spoilt/users.csv
sed -n "/^$canary,/p" tables/with/users.csv | sed "s/1\$/$canary/" >>tables/spoilt/users.csv
printf '%s\n%s,%s,%s,0.1,0.2,1,1,1,1\n' $canary $canary $canary $canary >>tables/spoilt/offers.csv
ulimit -c unlimited 2>/dev/null
run 0 2 run plain --set data.dir=tables/spoilt --set ingest.max_bad_rows=1
grep -raF "${canary%%@*}" plain plain.log && fail "a raw id stands in the run folder or the log"
code=0
timeout -k 5 60 "$remise" run shop.yaml -o plain.stop --set data.dir=tables/spoilt \
    --set ingest.on_bad_row=stop >plain.stop.log 2>&1 || code=$?
[ $code = 65 ] || { cat plain.stop.log; fail "bad rows: ended with $code, not 65"; }
grep -raF "${canary%%@*}" plain.stop plain.stop.log && fail "a refused shop shows a raw id"
open=$(find plain -type f -perm /077 -printf '%f\n' | sort -u | xargs)
shown="discounts.csv elasticities.csv log.jsonl manifest.json profiles.json receipt.json"
[ "$open" = "$shown receipt.txt recommend.json" ] ||
    fail "others may read $open"

# ---- pseudonyms are what they are said to be, whoever works them out ----
python3 - "$key" <<'PYTHON' || fail "user_id is not the keyed hash of the id"
import csv, hashlib, sys
key = open(sys.argv[1], "rb").read()
def column(path):
    with open(path, encoding="utf-8", newline="", errors="replace") as file:
        return {row["user_id"] for row in csv.DictReader(x.replace("\0", "") for x in file)}
names = {hashlib.blake2b(name.encode(), digest_size=16, key=key).hexdigest()
         for name in column("tables/with/users.csv")}
assert column("plain/discounts.csv") <= names
PYTHON

# ---- forgotten, refusing or never there: the same bytes ----
printf '# who asked to be forgotten\n\n%s\nnobody of that name\n' $canary >forget.txt
chmod 600 forget.txt
run 0 1 run without.1 --set data.dir=tables/without
for ranks in 1 3; do # all stages of each way at one number of ranks, the data set at both
    forget=ingest file=ingest refusing=ingest
    [ $ranks = 3 ] && forget=run refusing=run || file=run
    run 0 $ranks $forget forget.$ranks --set "privacy.forget=[$canary]"
    run 0 $ranks $file file.$ranks --set privacy.forget_file=forget.txt
    run 0 $ranks $refusing refusing.$ranks --set data.dir=tables/refusing
    for way in forget file refusing; do
        cmp without.1/dataset.h5 $way.$ranks/dataset.h5 || fail "$way at $ranks ranks"
    done
done
same without.1 forget.3 "forgotten at 3 ranks"
same without.1 file.1 "forgotten by the file"
same without.1 refusing.3 "refusing at 3 ranks"
grep -raF "$canary" forget.[13] forget.[13].log file.[13] file.[13].log &&
    fail "who is to be forgotten is remembered"
run 0 1 run with
cp -r with named
cmp -s with/dataset.h5 without.1/dataset.h5 && fail "the canary made no difference"
run 0 1 run with --set "privacy.forget=[$canary]"
same without.1 with "forgotten later, in the same folder"
[ "$(ls with/versions | wc -l)" = 1 ] || fail "an old version still has who is to be forgotten"

# ---- the secret ----
head -c 32 /dev/urandom >other.key
chmod 640 other.key
run 78 2 ingest refused --set privacy.secret_file=other.key
says refused "chmod 600"
chmod 600 other.key
run 78 1 ingest refused --set privacy.secret_file=other.key --set privacy.secret_fd=0
head -c 31 /dev/urandom >short.key
chmod 600 short.key
run 78 2 ingest refused --set privacy.secret_file=short.key
says refused "it must have 32"
run 78 1 ingest refused --set privacy.secret_file=absent.key
says refused "absent.key"
[ ! -e refused/dataset.h5 ] || fail "a refused secret left a data set"
run 0 2 ingest filed --set privacy.secret_file=other.key
run 0 2 ingest piped --set privacy.secret_fd=0 < <(cat other.key)
cmp filed/dataset.h5 piped/dataset.h5 || fail "a secret from the standard input is another"
cmp -s filed/dataset.h5 with/dataset.h5 && fail "another secret makes the same data set"
run 78 2 ingest refused --set privacy.secret_fd=0 < <(head -c 33 /dev/zero)
XDG_CONFIG_HOME=$work/fresh run 0 1 ingest first
XDG_CONFIG_HOME=$work/fresh run 0 2 ingest second
cmp first/dataset.h5 second/dataset.h5 || fail "a user's own secret is another in every folder"
[ "$(stat -c '%a %s' fresh/remise/secret.key)" = "600 32" ] || fail "the secret that was made"
XDG_CONFIG_HOME=/proc run 78 1 ingest refused
says refused privacy.secret_file
mkfifo hold
"$remise" ingest shop.yaml -o held --set privacy.secret_fd=0 <hold >held.log 2>&1 &
held=$!
exec 8>hold
for _ in $(seq 200); do
    limit=$(sed -n 's/^Max core file size *\([^ ]*\).*/\1/p' /proc/$held/limits)
    [ "$limit" != 1 ] || break
    sleep 0.02
done
[ "$limit" = 1 ] || fail "it might leave a core file (limit $limit)"
cat other.key >&8
exec 8>&-
wait $held || { cat held.log; fail "a secret that comes late"; }

# ---- the shop's own ids, by the vault ----
run 0 3 run ids --set publish.user_ids=original
python3 - <<'PYTHON' || fail "the two tables differ in more than the names of users"
import csv, hashlib, os
key = open(os.environ["XDG_CONFIG_HOME"] + "/remise/secret.key", "rb").read()
def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
def hashed(row):
    return [hashlib.blake2b(row[0].encode(), digest_size=16, key=key).hexdigest()] + row[1:]
with_ids = rows("ids/discounts.csv")
assert [with_ids[0]] + [hashed(row) for row in with_ids[1:]] == rows("named/discounts.csv")
PYTHON
[ "$(stat -L -c %a ids/discounts.csv ids/discounts.h5 ids/ids.vault | xargs)" = "600 600 600" ] ||
    fail "others may read the shop's ids"
found=$(grep -rlaF "$canary" ids ids.log | sed 's,.*/,,' | sort | xargs)
[ "$found" = "discounts.csv discounts.h5" ] ||
    fail "raw ids stand elsewhere than in the table"
same_but_names() { # the same vault whoever reads it
    run 0 "$1" publish ids --set publish.user_ids=original \
        --set publish.keep=$((10 + $2))
    cut -d, -f1 ids/discounts.csv | cmp - names || fail "other ids at $1 ranks"
}
cut -d, -f1 ids/discounts.csv >names
same_but_names 1 8
same_but_names 4 9
cp ids/ids.vault whole.vault
run 0 3 ingest others --set publish.user_ids=original --set privacy.secret_file=other.key
cp others/ids.vault ids/ids.vault
run 78 2 publish ids --set publish.user_ids=original --set publish.keep=9
says ids "another secret"
python3 - <<'PYTHON'
data = bytearray(open("whole.vault", "rb").read())
data[len(data) // 2] ^= 1
open("ids/ids.vault", "wb").write(data)
PYTHON
run 65 2 publish ids --set publish.user_ids=original --set publish.keep=9
says ids damaged
cp whole.vault ids/ids.vault
same_but_names 2 10
run 0 2 run ids
[ ! -e ids/ids.vault ] || fail "ids that nobody asks for any more are still kept"
grep -rqaF "$canary" ids && fail "an old version still has ids that nobody asks for any more"

# ---- figures of few users ----
run 0 2 run few --set profile.segments=20
grep -qE 'segment [0-9]+: suppressed' few.log || fail "no segment of 20 is small among 400 users"
grep -E 'segment [0-9]+: [1-9] users|segment [0-9]+: [1-4][0-9] users' few.log &&
    fail "the log shows a small segment"
awk -F, 'NR == 1 { bad = $9 != "users" || $10 != "suppressed"; next }
    $10 == 1 { hidden++; for (f = 3; f <= 9; f++) bad += $f != ""; next }
    $9 > 0 && $9 < 50 { bad++ }
    END { exit bad || !hidden }' few/elasticities.csv ||
    { cat few/elasticities.csv; fail "elasticities.csv shows figures of few users"; }
python3 "$here/recompute_receipt.py" few --products tables/with/products.csv ||
    fail "the receipt"
grep -qw null few/receipt.json || fail "no figure of the receipt is suppressed"
echo "privacy: no raw id left, who is forgotten was never there, at 1 and 3 ranks"
