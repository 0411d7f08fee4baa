# Help for tests of `remise fit lsq` and `fit iv`; to be sourced after shop.sh. $model is which.

fit() { # ARGUMENTS...: JSON in ./json, one coefficient a line in ./out, everything else in ./log
    timeout -k 5 60 "$remise" fit "$model" "$@" >json 2>log || return $?
    tr -d '\n' <json | sed 's/ \{2,\}//g; s/{"term": /\n/g' >out
}

fits() { # ARGUMENTS...: the fit succeeds
    fit "$@" || { cat log; fail "fit $model $* ended with an error"; }
}

# TERM FIGURE [FIELD]: the estimate (or std_error, t) of a term, rounded to the figure's digits, is
# the figure
is() {
    awk -v term="\"$1\"" -v figure="$2" -v field="\"${3:-estimate}\": " '
        index($0, term ",") == 1 && index($0, field) {
            at = index($0, field)
            digits = index(figure, ".") ? length(figure) - index(figure, ".") : 0
            got = sprintf("%.*f", digits, substr($0, at + length(field)) + 0)
        }
        END { if (at && got == figure) exit 0
              print term, "is", got, "not", figure; exit 1 }' out ||
        { cat json; fail "a figure is missed"; }
}

refuses() { # CODE TEXT ARGUMENTS...: the fit ends so and says why
    local wanted=$1 text=$2 code=0
    shift 2
    fit "$@" || code=$?
    [ $code = "$wanted" ] || { cat log; fail "fit $model $* ended with $code, not $wanted"; }
    grep -qF -- "$text" log || { cat log; fail "fit $model $* does not say: $text"; }
}

# RANKS... -- ARGUMENTS...: the fit has the same bytes at so many ranks as in ./json
same_at() {
    local ranks=()
    while [ "$1" != -- ]; do
        ranks+=("$1")
        shift
    done
    shift
    for n in "${ranks[@]}"; do
        timeout -k 5 60 mpirun -np "$n" "$remise" fit "$model" "$@" >many.json 2>log ||
            { cat log; fail "$n ranks ended with an error: $*"; }
        cmp json many.json || fail "$n ranks give other bytes than one: $*"
    done
}

# The table of goldens/linear.py.
make_panel() {
    seq 1 5000 | awk 'BEGIN { OFS = ","; print "y,x,p,q,z1,z2,store,week,region,w" }
        {
            i = $1; e = (i * i * 13 + i * 7) % 101 - 50
            z1 = i * 37 % 29; z2 = i * 53 % 31; x = i * i % 23
            p = 3 * z1 + 2 * z2 + e + i * 11 % 19
            store = i % 60; week = i * 7919 % 10007 % 17
            y = 10 * x - 4 * p + 3 * e + 5 * store + 2 * week
            q = z1 - 2 * z2 + 2 * e + i * 17 % 13
            print y, x, p, q, z1, z2, store, week, store % 12, i * 29 % 5
        }' >panel.csv
}
