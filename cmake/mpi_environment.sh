# What Open MPI needs on one machine: to run as root, more ranks than cores, no network. And no look
# for networks and devices, nor a daemon beside a program of one rank: they take most of a start.
# One name=value a line: shell scripts read it by `set -a; . cmake/mpi_environment.sh`, CMake by
# file(STRINGS).
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_mpi_yield_when_idle=1
OMPI_MCA_hwloc_base_binding_policy=none
OMPI_MCA_btl_base_warn_component_unused=0
OMPI_MCA_btl=self,vader
OMPI_MCA_pml=ob1
OMPI_MCA_ess_singleton_isolated=1
HWLOC_COMPONENTS=-pci,-linuxio
OPENBLAS_NUM_THREADS=1
OMP_NUM_THREADS=1
