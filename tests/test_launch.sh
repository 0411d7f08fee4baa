#!/usr/bin/env bash
# Copies of the program that do not know of each other stop with 69 and the remedy, before they
# touch anything.
set -uo pipefail
. "$(dirname "$0")/shop.sh"
shop_begin "$1"
cd "$work" || exit 70

refused() { # REMEDY VARIABLE=VALUE...: as one of the launcher's copies sees its environment
    local remedy=$1 code=0
    shift
    env "$@" "$remise" synth "$work/shop" --users 100 >out 2>&1 || code=$?
    [ $code = 69 ] || { cat out; fail "$* ended with $code, not 69"; }
    grep -q -- "$remedy" out || { cat out; fail "$* does not name the remedy '$remedy'"; }
    [ ! -e "$work/shop" ] || fail "$* wrote something"
}

refused 'srun --mpi=pmix' SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0
refused 'srun --mpi=pmix' SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0
refused 'mpirun of Open MPI' PMI_SIZE=2 PMI_RANK=0

# The other copies end the same way but leave the words to the first.
code=0
SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=1 "$remise" synth "$work/shop" --users 100 >out 2>&1 || code=$?
[ $code = 69 ] || fail "a second copy ended with $code, not 69"
[ ! -s out ] || { cat out; fail "the remedy was printed twice"; }

# What looks alike and is right: mpirun inside a step, and one rank without any launcher.
SLURM_STEP_NUM_TASKS=4 mpirun -np 1 "$remise" synth "$work/a" --users 100 >out 2>&1 ||
    { cat out; fail "mpirun of one rank was refused"; }
"$remise" synth "$work/b" --users 100 >out 2>&1 ||
    { cat out; fail "a run without mpirun was refused"; }
diff -r "$work/a" "$work/b" || fail "the two differ"

# Without the library beside it the program says what is missing, in its own words and at once.
mkdir alone
cp "$remise" alone/
code=0
alone/remise synth "$work/shop" --users 100 >out 2>&1 || code=$?
[ $code = 69 ] || { cat out; fail "without its library synth ended with $code, not 69"; }
grep -q 'libremise_scalapack.so .* must lie beside it' out ||
    { cat out; fail "the library that is missing is not named"; }
[ ! -e "$work/shop" ] || fail "without its library synth wrote something"

# --help and init work without MPI, as on a login node, and without linear algebra.
for command in --help "run --help" init; do
    # shellcheck disable=SC2086
    PATH=/usr/bin:/bin SLURM_STEP_NUM_TASKS=4 alone/remise $command >out 2>&1 ||
        { cat out; fail "'$command' needs MPI"; }
    [ -s out ] || fail "'$command' says nothing"
done

# They begin at once, as the loader brings nothing large that they do not use; nor, where HDF5 is
# linked as an archive, what its shared library stands on.
loaded=$(ldd "$remise" | grep -oE 'lib(openblas|blas|lapack|scalapack|gfortran)[^ ]*\.so')
[ -z "$loaded" ] || fail "the loader brings $loaded"
ldd "$remise" | grep -q libhdf5 || ! ldd "$remise" | grep libcurl ||
    fail "the loader brings libcurl"
