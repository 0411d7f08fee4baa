#!/usr/bin/env bash
# A published version proves itself, and no change to it goes unseen; a reader sees whole versions
# alone, however often publishing is killed; the rows of a user are found without reading the table.
#   tests/test_publish_kill.sh BUILD    5 kills; REMISE_KILLS=500 for as many
set -uo pipefail
. "$(dirname "$0")/shop.sh"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip "publish_kill: python3 is not installed"
shop_begin "$1"
shop_make 200
cd "$work" || exit 70
sed -i '/^publish:/,/^$/d' shop/remise.yaml
printf 'publish: {keep: 2}\n' >>shop/remise.yaml
shop_run 2 run

# ---- it verifies, and says the same at any number of ranks ----
timeout 60 "$remise" verify run >one 2>one.log || { cat one one.log; fail "a right table"; }
timeout 60 mpirun -np 3 "$remise" verify run/current >three 2>&1 || { cat three; fail "3 ranks"; }
diff <(grep -v DONE three) one || fail "another verdict at 3 ranks"
[ "$(grep -c '^ok' one)" = 8 ] || { cat one; fail "there are eight checks"; }

# ---- what is changed is found, by the check that it concerns ----
version=$(readlink -f run/current)
spoilt() { # FILE [CHECK TEXT]...: the change to FILE of `spoil` is found
    local code=0 what=$1
    timeout 60 "$remise" verify spoil >out 2>&1 || code=$?
    [ $code = 65 ] || { cat out; fail "$what: verify ended with $code, not 65"; }
    while [ $# -gt 1 ]; do
        grep -E "^WRONG +$2 " out | grep -qF -- "$3" ||
            { cat out; fail "$what: not told by $2: $3"; }
        shift 2
    done
    rm -rf spoil
    cp -r "$version" spoil
}
put() { # DATA SET BYTE VALUE: one byte of a data set of spoil/discounts.h5 gets another value
    python3 - "$("$remise" info spoil/discounts.h5 | sed -n "s,^$1 .* at byte \([0-9]*\).*,\1,p")" \
        "$2" "$3" <<'PYTHON' || fail "$1 cannot be changed"
import sys
place = int(sys.argv[1]) + int(sys.argv[2])
with open("spoil/discounts.h5", "r+b") as file:
    file.seek(place)
    old = file.read(1)[0]
    file.seek(place)
    file.write(bytes([eval(sys.argv[3], {"old": old}) & 255]))
PYTHON
}
cp -r "$version" spoil
sed -i '18s/^\([^,]*,[^,]*,[^,]*,\)\([0-9]\)/\17\2/' spoil/discounts.csv
spoilt "a digit of the CSV" csv "discounts.csv:18 (row 16): price is 7"
put level 5 old+1
spoilt "a level" rows "row 5: discount" checksums "level is damaged in rows"
put limits/limit 0 old-1
put propensity 15 old^64
spoilt "a limit and a propensity" limits "limit of budget" rows "row 1: propensity"
put limits/price 3 old+1 # near its best a small change of a price changes no bound
put users/row 8 old+1
sed -i 's/"objective": [0-9]/&1/' spoil/receipt.json
spoilt "a price, the index, the receipt" bound "its prices give" order "row " receipt objective
truncate -s -700 spoil/discounts.h5
spoilt "discounts.h5 cut short" table "cut short"
truncate -s -7 spoil/discounts.csv
spoilt "discounts.csv cut short" csv "discounts.csv" digests "discounts.csv has SHA-256"
rm spoil/receipt.txt
spoilt "no receipt.txt" digests "receipt.txt is missing"
sed -i 's/"seed": /&1/' spoil/manifest.json
spoilt "a setting in the manifest" digests "manifest.json has been changed"
put reason 0 old^32
spoilt "a reason" rows "row 0: reason"
sed -i 's/"valid_to": "2/&2/' spoil/receipt.json
spoilt "a date" receipt "valid_to"
rm spoil/manifest.json
spoilt "no manifest" digests "manifest.json is missing"
rm spoil/discounts.h5
spoilt "no discounts.h5" digests "discounts.h5 is missing"
code=0
"$remise" verify shop >out 2>&1 || code=$?
[ $code = 66 ] || { cat out; fail "a folder without a table: $code"; }

# ---- rows of a user ----
user=$(sed -n '2,$p' run/discounts.csv | cut -d, -f1 | sort -u | sed -n 77p)
{ head -n 1 run/discounts.csv; grep "^$user," run/discounts.csv; } >rows
"$remise" info run --user "$user" | diff - rows || fail "other rows of $user"
id=$(python3 - "$XDG_CONFIG_HOME/remise/secret.key" "$user" <<'PYTHON'
import csv, hashlib, sys
key = open(sys.argv[1], "rb").read()
for row in csv.DictReader(open("shop/users.csv", encoding="utf-8")):
    name = row["user_id"]
    if hashlib.blake2b(name.encode(), digest_size=16, key=key).hexdigest() == sys.argv[2]:
        print(name)
PYTHON
)
"$remise" info run --user "$id" | diff - rows || fail "other rows of the shop's id"
bytes=$(python3 - "$remise" info run --user "$user" <<'PYTHON'
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # ended, but its counts are still there
print(next(line.split()[1] for line in open(f"/proc/{child}/io") if line.startswith("rchar")))
PYTHON
)
bytes=${bytes##*$'\n'} whole=$(stat -Lc %s run/discounts.h5)
[ $((4 * bytes)) -lt "$whole" ] || fail "a look-up reads $bytes of $whole bytes"
code=0
"$remise" info run --user nobody >out 2>&1 || code=$?
[ $code = 66 ] || { cat out; fail "a user who is not there: $code"; }
"$remise" info run | grep -qF "$(basename "$version")" || fail "info does not name the version"

# ---- kills ----
python3 "$here/publish_kill.py" "${REMISE_KILLS:-5}" "$remise" shop/remise.yaml run ||
    fail "a killed publication showed"
[ "$(ls run/versions | wc -l)" = 3 ] || fail "two old versions are kept, and no more"
