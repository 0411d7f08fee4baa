#!/usr/bin/env bash
# Running stages: the same table at any number of ranks; what is unchanged is skipped, what depends
# on a change is run again and nothing else; stages alone, forced, and without what they need; a
# full disk.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
shop_make 500
cd "$work" || exit 70
all="ingest profile demand recommend respond allocate publish"

remise() { # CODE ARGUMENTS...: one rank; the output stays in `out`
    local code=0 wanted=$1
    shift
    timeout -k 5 120 "$remise" "$@" >out 2>&1 || code=$?
    [ $code = "$wanted" ] || { cat out; fail "remise $* ended with $code, not $wanted"; }
}

says() { grep -qF -- "$1" out || { cat out; fail "it does not say: $1"; }; }

begun() { # the stages that were begun, by `out`
    grep -oE '^(ingest|profile|demand|recommend|respond|allocate|publish): [^u]' out |
        sed 's/:.*//'
}

ran() { # STAGES: these ran, in this order, and the others were skipped or not asked for
    local got
    got=$(begun | xargs)
    [ "$got" = "$1" ] || { cat out; fail "$2: \"$got\" ran, not \"$1\""; }
}

# ---- the same table at any number of ranks ----
for ranks in 1 2 3 4; do
    shop_run $ranks run$ranks
    shop_same run1 run$ranks
    for file in dataset.h5 profiles.h5 profiles.json demand.h5 candidates.h5 model.h5 curves.h5 \
        heldout.h5 choices.h5; do
        cmp run1/$file run$ranks/$file || fail "$file differs at $ranks ranks"
    done
    ls run$ranks/*.part run$ranks/.[!.]* 2>/dev/null && fail "something half-written was left"
done
sha256sum run1/discounts.csv | cut -d ' ' -f 1 >sum
grep -qf sum run1/manifest.json || fail "the manifest has another SHA-256 of discounts.csv"

# ---- unchanged: nothing runs, and no result is touched ----
run=run1
stamps() { stat -L -c '%n %Y %Z %i' $run/*.h5 $run/*.csv $run/receipt.json $run/manifest.json; }
stamps >before
remise 0 run shop/remise.yaml -o $run
ran "" "nothing has changed"
[ "$(grep -c ': unchanged, skipped$' out)" = 7 ] || { cat out; fail "not all seven were skipped"; }
stamps | diff before - || fail "a skipped stage touched its result"

# ---- a change runs what depends on it ----
changed() { # STAGES SETTING: what runs where it is changed; then it is changed back
    remise 0 run shop/remise.yaml -o $run --set "$2"
    ran "$1" "$2"
    remise 0 run shop/remise.yaml -o $run
    ran "$1" "$2 taken back"
}
changed "allocate publish" run.valid_from=2030-01-01
changed "allocate publish" allocate.budget_share=0.01
changed "respond allocate publish" respond.epochs=2
changed "recommend respond allocate publish" recommend.slots=7
changed "demand respond allocate publish" demand.season=month
changed "profile demand recommend respond allocate publish" profile.segments=5
changed "$all" ingest.min_price=0.5
changed "$all" seed=7
shop_same run2 $run # and it is what it was

# ---- the response of a part of the users: another model, the same at any number of ranks ----
part=(respond shop/remise.yaml --force --set respond.rows_most=2000 --set respond.epochs=1)
for ranks in 2 3; do
    cp -a run$ranks part$ranks
    timeout -k 5 60 mpirun -np $ranks "$remise" "${part[@]}" -o part$ranks >out 2>&1 ||
        { cat out; fail "a part of the users at $ranks ranks ended with an error"; }
    says "of the users (respond.rows_most)"
done
grep -qE '^ +network 1 of 3: 1[0-9]{3} training rows' out || { cat out; fail "2000 rows, about"; }
cmp part2/curves.h5 part3/curves.h5 || fail "curves of a part of the users differ at 3 ranks"
cmp -s part2/curves.h5 run2/curves.h5 && fail "a part of the users taught what all did"

touch shop/products.csv
remise 0 run shop/remise.yaml -o $run
ran "$all" "a table that was touched"
shop_same run2 $run

# ---- results that are gone or cut short are made again ----
rm $run/curves.h5
remise 0 run shop/remise.yaml -o $run
ran "respond" "curves.h5 is gone"
truncate -s -1 $run/discounts.csv # of the version itself, which must be made anew
remise 0 run shop/remise.yaml -o $run
ran "publish" "discounts.csv is cut short"
shop_same run2 $run

# ---- from, until, force ----
remise 0 run shop/remise.yaml -o $run --from allocate --force
ran "allocate publish" "--from allocate --force"
remise 0 run shop/remise.yaml -o $run --until profile --force
ran "ingest profile" "--until profile --force"
remise 0 run shop/remise.yaml -o $run --from demand --until recommend --force
ran "demand recommend" "--from demand --until recommend --force"
remise 0 respond shop/remise.yaml -o $run --force
ran "respond" "respond --force"
shop_same run2 $run
remise 64 run shop/remise.yaml -o $run --from publish --until ingest
says 'nothing to do'
remise 64 run shop/remise.yaml -o $run --from nosuch
says 'there is no stage "nosuch"'

# ---- a stage wants its needs as the settings have them, and runs on nothing else ----
remise 66 run shop/remise.yaml -o fresh --from demand
says 'fresh/dataset.h5, which is not there; run the stage that makes it, `remise ingest`'
remise 66 allocate shop/remise.yaml -o $run --set recommend.slots=7
says 'candidates.h5, which was made with other settings'
says '`remise recommend`'
shop_same run2 $run
remise 0 ingest shop/remise.yaml -o fresh
remise 0 profile shop/remise.yaml -o fresh
ran "profile" "one stage"
remise 66 respond shop/remise.yaml -o fresh
says '`remise demand`'
remise 0 run shop/remise.yaml -o fresh
ran "demand recommend respond allocate publish" "the rest"
shop_same run2 fresh

# ---- the settings of a run can be run again ----
remise 0 run shop/remise.yaml -o fresh --set allocate.budget_share=0.01
grep -q 'budget_share: 0.01 .*--set' fresh/settings.yaml || fail "settings.yaml lacks the change"
cp fresh/settings.yaml shop/again.yaml # data.dir is seen from there
remise 0 run shop/again.yaml -o fresh2
shop_same fresh fresh2

# ---- exit codes ----
remise 73 run shop/remise.yaml -o /proc/nowhere
says '/proc/nowhere'
remise 73 run shop/remise.yaml -o shop/remise.yaml
remise 78 run shop/remise.yaml -o $run --set allocate.levels=[0.1]
remise 66 run shop/remise.yaml -o $run --set data.dir=nosuch

# ---- a full disk ----
full() { # KIB: a run on a disk of this size ends with a message and leaves nothing half-written
    local code=0 file
    umount disk 2>/dev/null
    mount -t tmpfs -o size="$1"k tmpfs disk || return 1
    timeout -k 5 60 mpirun -np 2 "$remise" run "$work/shop/remise.yaml" -o disk/run \
        >out 2>&1 || code=$?
    [ $code != 0 ] || return 0
    case $code in 71 | 73) ;; *) cat out; fail "a disk of $1 KiB: it ended with $code" ;; esac
    grep -qE '^error: .*(room|space|No space)' out || { cat out; fail "$1 KiB: no clear message"; }
    grep -q '^FAILED: run: ' out || { cat out; fail "$1 KiB: no FAILED line"; }
    for file in disk/run/*.h5 disk/run/*.csv disk/run/receipt.json disk/run/settings.yaml; do
        [ ! -e "$file" ] || cmp "$file" "run2/${file#disk/run/}" ||
            fail "$1 KiB: $file is half-written"
    done
    full_in="$full_in $(begun | tail -n 1)"
}
mkdir disk
full_in=
trap 'umount disk 2>/dev/null; shop_end' EXIT
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
    need=$(du -sk run2 | cut -f 1)
    for kib in 17 280; do full $kib; done # so small that HDF5 cannot write its own pages
    for part in 1 15 50 70 90 97; do full $((need * part / 100)); done
    umount disk
    [ "$(echo "$full_in" | xargs -n 1 | sort -u | wc -l)" -ge 3 ] ||
        fail "the disk was full in too few stages:$full_in"
    echo "a disk that was full in$full_in"
else
    echo "SKIPPED: a full disk, which takes root and a tmpfs to try"
fi
echo "the same table at 1, 2, 3 and 4 ranks; changes run what depends on them"
