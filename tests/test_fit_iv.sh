#!/usr/bin/env bash
# `remise fit iv`: figures of goldens/linear.py, equal bytes at any number of ranks, refusals.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
. "$(dirname "$0")/linear.sh"
shop_begin "$1"
model=iv
cd "$work" || exit 70
make_panel

has() { # NAME FIGURE: a number of the result outside the coefficients begins so
    tr -d '\n' <json | grep -qE "\"$1\": ${2//./\\.}" || { cat json; fail "$1 is not $2"; }
}

# ---- by hand: z moves x by 2 and y by 1, so the slope is 1 / 2 ----
printf 'y,x,z\n0,0,0\n2,2,0\n0,3,1\n4,3,1\n' >four.csv
fits four.csv -f 'y ~ [x ~ z]'
is x 0.50000
is '(Intercept)' 0.50000
has overidentification null
refuses 65 'four.csv: 1 instruments are too few for 2 endogenous' four.csv -f 'y ~ [x + I(x*x) ~ z]'

# ---- goldens ----
fits panel.csv -f 'y ~ x + [p ~ z1 + z2]'
is p -4.00102996
is p 0.0579257242 std_error
is x 9.97759749
is x 0.315504715 std_error
has f 2490.92155
has statistic 0.07012080
has test '"Sargan"'
has p 0.79116
fits panel.csv -f 'y ~ x + [p ~ z1 + z2]' --weights w
is p -4.01216861
is p 0.0649797884 std_error
has f 1993.19809
has statistic 0.000153984
fits panel.csv -f 'y ~ x + [p ~ z1 + z2]' --robust
is p 0.0580035663 std_error
has f 2480.45819
has statistic 0.0716632388
has test '"score"'
fits panel.csv -f 'y ~ [p ~ z1 + z2] + x' --weights w --robust
is x 0.387198246 std_error
has f 1641.1598
has statistic 0.00012737
fits panel.csv -f 'y ~ x + [p ~ z1 + z2]' --cluster region
is p 0.0455311777 std_error
has f 2492.15810
has statistic 0.12956525
fits panel.csv -f 'y ~ x + [p ~ z1]'
is p -4.01200176
is p 0.0713626299 std_error
has f 2463.7674
has overidentification null
fits panel.csv -f 'y ~ x + [p + q ~ z1 + z2]' --robust
is q -0.0244607485
is q 0.0922358208 std_error
is p 0.059556431 std_error
has f 2480.45819
fits panel.csv -f 'y ~ x + [p ~ z1 + z2]' --weights w --cluster region
is p 0.0574672866 std_error
has f 1502.94869
has statistic 0.00027416
same_at 2 3 7 -- panel.csv -f 'y ~ x + [p ~ z1 + z2]' --weights w --cluster region
fits panel.csv -f 'y ~ x + [p ~ z1 + z2] | store + week' --cluster week
is p -3.9934911
is p 0.0192897571 std_error
is x 0.240074082 std_error
has f 16581.930
has statistic 0.02230449
same_at 4 6 -- panel.csv -f 'y ~ x + [p ~ z1 + z2] | store + week' --cluster week

# A price with a large mean: its fitted values are rounded, and still seen through.
fits panel.csv -f 'y ~ x + [I(p + 100000000) ~ z1 + z2]'
is 'I(p+100000000)' -4.00103
has statistic 0.0701
refuses 65 'is not identified' panel.csv -f 'y ~ x + [I(p + 100000000) ~ I(3 * x + 5)]'

# ---- terms of levels, instruments that say nothing, and what is not identified ----
fits panel.csv -f 'y ~ C(region) + [p:C(week < 8) ~ z1:C(week < 8) + C(z2 < 15):C(week < 8)]'
grep -q '"p:C(week<8)\[1\]"' out || fail "an endogenous product is missing"
fits panel.csv -f 'y ~ x + [p ~ z1 + z2 + I(z1 + x) + week] | week'
grep -q 'instrument I(z1+x) is explained by others' log || fail "a copy is not named"
grep -q 'instrument week is explained by others' log || fail "an absorbed instrument is not named"
has statistic '[0-9]'
fits panel.csv -f 'y ~ x + [p ~ I(z1 * w * 0 + region)]'
grep -q 'the instruments are weak for p' log || fail "weak instruments are not named"
refuses 65 'the effect of p is not identified: of the instruments, 0' panel.csv \
    -f 'y ~ x + [p ~ I(2 * x)]'
refuses 65 'the effect of p, q is not identified: of the instruments, 1' panel.csv \
    -f 'y ~ x + [p + q ~ z1 + I(z1 + x)]'
refuses 65 'the effect of I(2*p) is not identified' panel.csv -f 'y ~ x + [p + I(2 * p) ~ z1 + z2]'
refuses 65 'the effect of p is not identified: of the instruments, 0' panel.csv \
    -f 'y ~ [p ~ I(w * 0 + 3)]'
grep -q 'instrument I(w\*0+3) is constant' log || fail "a constant instrument is not named"
refuses 65 'the effect of I(w*0+3) is not identified: it is constant' panel.csv \
    -f 'y ~ [I(w * 0 + 3) ~ z1]'
refuses 64 '--ridge is for `remise fit lsq`' panel.csv -f 'y ~ x + [p ~ z1]' --ridge 1

# ---- poor tables: an error that names it, or nulls, never NaN ----
head -n 2 panel.csv >one.csv
head -n 1 panel.csv >header.csv
head -n 4 panel.csv >three.csv
sed '4s/^[^,]*/inf/' panel.csv >infinite.csv
refuses 65 'the effect of p is not identified' one.csv -f 'y ~ x + [p ~ z1]'
refuses 65 'header.csv has no rows below its header' header.csv -f 'y ~ x + [p ~ z1]'
refuses 65 'y is inf in data row 3' infinite.csv -f 'y ~ x + [p ~ z1]'
fits three.csv -f 'y ~ x + [p ~ z1]' --robust
grep -q 'no degree of freedom is left' log || fail "three rows for three coefficients"
! grep -qiE '\bnan|\binf' json || fail "three rows give NaN"
fits panel.csv -f 'I(y * 0) ~ x + [p ~ z1 + z2] | store' --cluster region
! grep -qiE '\bnan|\binf' json || fail "a constant outcome gives NaN"

refuses 64 'has no instruments: write what is endogenous' panel.csv -f 'y ~ x'
refuses 64 "say what explains what" panel.csv
