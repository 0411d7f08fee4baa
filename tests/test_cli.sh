#!/usr/bin/env bash
# The command line: exit codes, messages, help; init, config and check agree with each other.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$work" || exit 70

expect() { # CODE TEXT ARGUMENTS...: the program ends so, and says the text on stdout or stderr
    local code=0 wanted=$1 text=$2
    shift 2
    "$remise" "$@" >out 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat out; fail "remise $* ended with $code, not $wanted"; }
    [ -z "$text" ] || grep -qF -- "$text" out || { cat out; fail "remise $* does not say: $text"; }
}

# ---- finding commands ----
expect 64 'Usage: remise COMMAND'
expect 0 'Usage: remise COMMAND' --help
expect 0 'Usage: remise COMMAND' help
expect 0 'remise 0.' --version
expect 64 'did you mean `remise config`?' cnofig
expect 64 '`remise --help` lists' wombat
expect 64 'Usage: remise fit ALGORITHM' fit
expect 0 'Usage: remise fit ALGORITHM' fit --help
expect 64 '`remise fit --help` lists' fit wombat
for command in $("$remise" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect 0 "Usage: remise $command" "$command" --help
done
for algorithm in $("$remise" fit --help | sed -n '/^Algorithms:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect 0 "Usage: remise fit $algorithm" fit "$algorithm" --help
done

# ---- wrong usage ----
expect 64 'name a configuration' config
expect 64 'one configuration only' config a.yaml b.yaml
expect 64 'expected KEY=VALUE' config a.yaml --set seed
expect 64 'unrecognized option' init --wombat
expect 66 'No such file' config nosuch.yaml
expect 66 'not a file' config .

# ---- init gives a configuration that is valid as it stands, and with every setting taken up ----
expect 0 '' init shop.yaml
expect 73 'not overwritten' init shop.yaml
expect 0 'segments: 8 ' config shop.yaml
sed 's/^\( *\)# \([a-z_]*: \)/\1\2/' shop.yaml >all.yaml
[ "$(grep -c '^ *[a-z_]*: ' all.yaml)" -gt 60 ] || fail "init does not show all settings"
expect 0 'budget: 10000.00 ' config all.yaml
[ "$(grep -c '# default' out)" = 0 ] || { cat out; fail "a given setting counts as default"; }
"$remise" config shop.yaml --set respond.epochs=9 >again.yaml || fail "config"
expect 0 'epochs: 9 ' config again.yaml

# ---- what is wrong is told at once, with lines ----
cat >wrong.yaml <<'YAML'
events:
  file: sales.csv
  columns: {user_id: customer, product_id: sku, time: date, unit_price: price}
respond:
  epochs: abc
  epoch: 3
YAML
expect 78 \
    'wrong.yaml:5: respond.epochs: "abc" is not an integer; expected 1 .. 1000 (default 4)' \
    config wrong.yaml
grep -qF 'wrong.yaml:6: respond.epoch: there is no such setting; did you mean respond.epochs?' \
    out || { cat out; fail "the second problem is not told"; }
expect 78 '--set respond.rate=fast: "fast" is not a number' config shop.yaml --set respond.rate=fast

# ---- check ----
sed -i '/^respond/,$d' wrong.yaml
expect 66 'sales.csv' check wrong.yaml
printf 'customer,sku,date,price\n1,2,2025-01-01,3\n1,2,2025-01-02,3\n' >sales.csv
expect 0 '2 rows' check wrong.yaml
mkdir -p elsewhere && mv sales.csv elsewhere
expect 66 'cannot be read' check wrong.yaml
expect 0 'elsewhere/sales.csv' check wrong.yaml --set data.dir=elsewhere --ranks 4

# ---- a run ends with a line that says how, and nothing behind it ----
expect 66 'nosuch.csv' fit kmeans nosuch.csv --columns a --k 2
grep -q 'MPI_ABORT' out && { cat out; fail "MPI has the last word"; }
expect 66 'FAILED: run: ' run nosuch.yaml -o run
tail -n 1 out | grep -q "^FAILED: run: .*; next: " || { cat out; fail "FAILED is not last"; }
expect 0 'DONE: synth in ' synth shop --users 50
tail -n 1 out | grep -q '^DONE: ' || { cat out; fail "the last line is not DONE"; }

# ---- with several processes a message comes once, and the code is kept ----
code=0
mpirun -np 3 "$remise" config nosuch.yaml >out 2>&1 || code=$?
[ $code = 66 ] || { cat out; fail "under mpirun the exit code became $code"; }
[ "$(grep -c 'cannot read' out)" = 1 ] || { cat out; fail "the message did not come once"; }

# ---- the manual is the one of this program ----
"$remise" init --markdown | diff - "$root/docs/configuration.md" ||
    fail "docs/configuration.md is old: remise init --markdown > docs/configuration.md"
