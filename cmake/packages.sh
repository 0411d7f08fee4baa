# What remise needs of the system, as Debian packages, and functions that see to it. To be sourced.
#
#   packages_need build            to build and run
#   packages_need build tests      and to run the tests
#   packages_want slurm            for the Slurm tests; says so and goes on where it cannot be had
#   packages_want fuzz             for the fuzz targets, likewise
#   packages_want curves           for the scorer of response curves, likewise
#
# What is missing is installed on a Debian family system, as root or by sudo without a password;
# elsewhere it is named and the script ends with 69. Nothing missing: no network is used.

# group, package, and how to see that it is there: a command, a pkg-config module, a C header, a
# sanitizer that clang can link
packages_list() {
    cat <<'LIST'
build gcc                         command gcc
build libc6-dev                   header stdio.h
build cmake                       command cmake
build make                        command make
build pkg-config                  command pkg-config
build openmpi-bin                 command mpirun
build libopenmpi-dev              command mpicc
build libscalapack-openmpi-dev    module scalapack-openmpi
build libopenblas-dev             module openblas
build libhdf5-openmpi-dev         module hdf5-openmpi
build libcmocka-dev               header setjmp.h stdarg.h stddef.h stdint.h cmocka.h
build coinor-libclp-dev           module clp
build libyaml-dev                 module yaml-0.1
build libjansson-dev              module jansson
build librandom123-dev            header Random123/philox.h
build libsodium-dev               module libsodium
build libxxhash-dev               module libxxhash
build zlib1g-dev                  module zlib
tests python3                     command python3
slurm slurm-wlm                   command slurmctld slurmd sbatch srun
slurm munge                       command munged
fuzz clang                        command clang
fuzz libclang-rt-dev              sanitizer fuzzer
curves hdf5-tools                 command h5dump
LIST
}

packages_present() { # KIND NAME...: true if all are there
    local kind=$1 name source=''
    shift
    case $kind in
    header)
        for name in "$@"; do source+="#include <$name>"$'\n'; done
        gcc -E -x c - >/dev/null 2>&1 <<<"$source"
        ;;
    module) pkg-config --exists "$1" 2>/dev/null ;;
    sanitizer)
        clang -fsanitize="$1" -x c - -o /dev/null >/dev/null 2>&1 \
            <<<'int LLVMFuzzerTestOneInput(void) { return 0; }'
        ;;
    command)
        for name in "$@"; do
            PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null || return 1
        done
        ;;
    esac
}

packages_missing() { # GROUP...: names of the missing packages, one a line
    local group package probe
    while read -r group package probe; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        # shellcheck disable=SC2086
        packages_present $probe || echo "$package"
    done < <(packages_list)
}

packages_install() { # PACKAGE...: by apt-get, never asking
    local run=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        run=(sudo -n)
    fi
    run+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300)
    run+=(-o Dpkg::Use-Pty=0 --no-install-recommends)
    echo "installing: $*"
    # the lists on a fresh machine are empty or old: only then the network is asked for new ones
    "${run[@]}" install "$@" </dev/null >/dev/null 2>&1 ||
        { "${run[@]}" update && "${run[@]}" install "$@"; } </dev/null >/dev/null
}

packages_need() { # GROUP...
    local missing
    missing=$(packages_missing "$@" | paste -sd ' ')
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    packages_install $missing || true # what matters is what is there afterwards
    missing=$(packages_missing "$@" | paste -sd ' ')
    [ -n "$missing" ] || return 0
    cat >&2 <<EOM
Missing packages (Debian names): $missing
They could not be installed from here. Have them installed, for example by
    sudo apt-get install $missing
or by the packages of the same libraries on your system, and run this again.
EOM
    exit 69
}

packages_want() { # GROUP...
    local missing
    missing=$(packages_missing "$@" | paste -sd ' ')
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    packages_install $missing ||
        echo "not installed: $missing; the tests that need them will be skipped" >&2
}
