#!/usr/bin/env bash
# Both batch scripts on a real Slurm of two nodes end with the same table as mpirun; a wrong launch
# is refused.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/shop.sh"
. "$here/slurm_cluster.sh"
for program in slurmctld slurmd munged sbatch srun; do
    PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null ||
        skip "slurm: $program is not installed (packages slurm-wlm and munge)"
done
shop_begin "$1"
chmod 711 "$work" # munged insists that its socket can be reached
slurm_start "$work/slurm" || {
    tail -n 3 "$work"/slurm/*.log "$work"/slurm/*.out
    skip "slurm: a private cluster could not be started here"
}
cd "$work" || exit 70
export REMISE=$remise

shop_make 2000
(OMPI_MCA_btl=self,vader && shop_run 2 "$work/reference") || exit

for script in retrain retrain-mpirun; do
    job=$(sbatch --parsable --time=5 "$here/../jobs/slurm/$script.sbatch" shop/remise.yaml \
        $script) || fail "sbatch refused $script"
    code=$(slurm_wait_job "$job" 120) || { cat "remise-$job.log"; fail "$script did not end"; }
    [ "$code" = 0 ] || { cat "remise-$job.log"; fail "$script ended with $code"; }
    shop_same reference $script
    echo "$script on 4 ranks and 2 nodes: the same table as mpirun on 2"
done

# The program's own exit code is the job's.
job=$(sbatch --parsable "$here/../jobs/slurm/retrain.sbatch" no-such.yaml nothing)
code=$(slurm_wait_job "$job" 60)
[ "$code" = 66 ] ||
    { cat "remise-$job.log"; fail "a missing configuration ended with $code, not 66"; }

# Srun without PMIx starts copies that know nothing of each other, even a single one.
for tasks in 3 1; do
    job=$(sbatch --parsable -n $tasks -o wrong.log \
        --wrap "srun --mpi=none $remise run shop/remise.yaml -o wrong")
    code=$(slurm_wait_job "$job" 60)
    [ "$code" = 69 ] || { cat wrong.log; fail "a wrong launch of $tasks ended with $code, not 69"; }
    grep -q 'srun --mpi=pmix' wrong.log || fail "the wrong launch does not name the remedy"
    [ ! -e wrong/discounts.csv ] || fail "the wrong launch published a table"
done
echo "a wrong launch ends with 69 and the remedy"
