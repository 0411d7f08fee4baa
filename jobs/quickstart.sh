#!/usr/bin/env bash
# From a clean clone to a discount table: install what is missing, build, run the demo shop on two ranks.
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

echo
echo "Your discount table, the first lines of it:"
head -n 6 demo/discounts.csv
echo
ls -l demo/discounts.csv demo/discounts.h5 demo/receipt.json
cat <<'EOM'

Next, your own shop: put your CSV files in a folder and write five lines of YAML (README.md), or try
    build/remise init > shop.yaml
    mpirun -np 2 build/remise run shop.yaml -o run
EOM
