#!/usr/bin/env bash
# From a clean clone to a discount table: install what is missing, build, run the demo on two ranks.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/packages.sh
. cmake/build.sh
set -a
. cmake/mpi_environment.sh
set +a

packages_need build
build_targets remise
mpirun -np 2 build/remise demo -o demo

# what mpirun wants to be told: that root is meant, and two ranks on one core
flags=''
[ "$(id -u)" != 0 ] || flags+=' --allow-run-as-root'
[ "$(cores)" -ge 2 ] || flags+=' --oversubscribe'

cat <<EOM

The first lines of the discount table:
$(head -n 4 demo/run/discounts.csv)
and the first with a discount:
$(awk -F, 'NR > 1 && $3 > 0 { print; if (++rows == 3) exit }' demo/run/discounts.csv)

$(ls -sh1 demo/run/discounts.csv demo/run/discounts.h5 demo/run/receipt.json)

Next, give the same shop another budget; only the last two stages run again:
    mpirun$flags -np 2 build/remise run demo/shop/remise.yaml -o demo/run --set allocate.budget=3000
or start on your own tables (README.md):
    build/remise init shop.yaml
EOM
