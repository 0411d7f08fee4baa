#!/usr/bin/env bash
# Agreement k fails on rank r somewhere in a whole run: every rank leaves with the message and the
# code of the failure, nothing hangs, no file is half-written under a final name.
#   tests/test_faults.sh BUILD    every STEP-th agreement, REMISE_SWEEP_STEP=1 for all of them
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
step=${REMISE_SWEEP_STEP:-719}
shop_make 200
shop_run 1 "$work/reference"
final="dataset.h5 rejects.csv profiles.h5 profiles.json demand.h5 elasticities.csv
candidates.h5 model.h5 curves.h5 heldout.h5 choices.h5 discounts.csv discounts.h5 receipt.json
receipt.txt"

whole() { # RANKS AGREEMENT: what stands under a final name is what an undisturbed run leaves
    local file
    for file in $final; do
        [ ! -e "$work/run/$file" ] || cmp "$work/run/$file" "$work/reference/$file" ||
            fail "$1 ranks, agreement $2: $file is half-written"
    done
}

for ranks in 1 2 3 4; do
    agreement=$((ranks * step / 4)) tried=0 # others than at other numbers of ranks
    while :; do
        rank=$((agreement % ranks)) code=0
        rm -rf "$work/run"
        REMISE_FAULT=$agreement:$rank timeout -k 5 120 mpirun -np $ranks -x REMISE_FAULT "$remise" \
            run "$work/shop/remise.yaml" -o "$work/run" >"$work/log" 2>&1 || code=$?
        [ $code != 0 ] || break # past the last agreement
        [ $code = 70 ] ||
            { cat "$work/log"; fail "agreement $agreement on rank $rank of $ranks gave $code"; }
        grep -q "injected fault at agreement $agreement" "$work/log" ||
            { cat "$work/log"; fail "agreement $agreement on rank $rank of $ranks is not told"; }
        [ ! -d "$work/run" ] || whole $ranks $agreement
        tried=$((tried + 1)) agreement=$((agreement + step))
    done
    [ $tried -gt 2 ] || fail "only $tried agreements failed at $ranks ranks"
    echo "$ranks ranks: $tried agreements failed in turn, of about $agreement"
done
