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

# root has to say that it is meant
as_root=$([ "$(id -u)" != 0 ] || echo " --allow-run-as-root")
cat <<EOM

The first lines of the discount table:
$(head -n 6 demo/run/discounts.csv)

$(ls -sh1 demo/run/discounts.csv demo/run/discounts.h5 demo/run/receipt.json)

Next, give the same shop another budget; only the last two stages run again:
    mpirun$as_root -np 2 build/remise run demo/shop/remise.yaml -o demo/run --set allocate.budget=50
or start on your own tables (README.md):
    build/remise init shop.yaml
EOM
