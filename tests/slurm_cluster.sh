# A private Slurm of two nodes in a folder of its own, without privileges, on the loopback.
# To be sourced.
#
#   slurm_start DIR     munged, slurmctld, two slurmd; true when both nodes are idle
#   slurm_stop          ends exactly these daemons; to be called in a trap
#
# Both nodes share the host's name, so ranks must talk by TCP: slurm_start exports that, too.
# DIR must be short (Unix socket paths end at 107 characters) and open to all (munged insists).
slurm_daemons=()

slurm_free_port() { # first of 16 ports that nobody uses
    local try base port
    for try in $(seq 50); do
        base=$((20000 + (RANDOM + try) % 600 * 16))
        for port in $(seq $base $((base + 15))); do
            (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && continue 2
        done
        echo $base
        return
    done
    return 1
}

slurm_write_conf() { # DIR PORT
    local user node
    user=$(id -un)
    : >"$1/plugstack.conf"
    # inert, but slurmd 22.05 does not start on a host with cgroup v2 and no systemd without it
    printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$1/cgroup.conf"
    echo "PMIxCollFence=ring" >"$1/mpi.conf"
    cat >"$1/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$2
SrunPortRange=$(($2 + 4))-$(($2 + 15))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$1/munge.sock,cred_expire=5
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool/%n
TmpFS=$1/tmp/%n
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.%n.pid
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.%n.log
PlugStackConfig=$1/plugstack.conf
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=1
MailProg=/bin/true
KillWait=3
MinJobAge=3600
CONF
    for node in 0 1; do
        echo "NodeName=n$node NodeHostname=$(hostname -s) NodeAddr=127.0.0.1" \
            "Port=$(($2 + 1 + node)) CPUs=2 CoresPerSocket=2 RealMemory=1000"
    done >>"$1/slurm.conf"
    echo "PartitionName=main Nodes=n[0-1] Default=YES MaxTime=INFINITE State=UP" >>"$1/slurm.conf"
}

slurm_launch() { # LOG COMMAND...: as a child of ours, so that its number is certain when we end it
    local log=$1
    shift
    setsid "$@" </dev/null >>"$log" 2>&1 &
    slurm_daemons+=($!)
}

slurm_wait() { # COMMAND...: until it is true, 10 s at most
    local try
    for try in $(seq 100); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

slurm_munge_works() { munge -S "$1/munge.sock" -n | unmunge -S "$1/munge.sock"; }
slurm_nodes_idle() { [ "$(sinfo -h -N -o %T | grep -c '^idle$')" = 2 ]; }

slurm_start() { # DIR
    local dir=$1 node port
    PATH=$PATH:/usr/sbin:/sbin
    port=$(slurm_free_port) || return 1
    mkdir -p "$dir"/{state,munge,spool/n0,spool/n1,tmp/n0,tmp/n1}
    chmod 711 "$dir"
    chmod 700 "$dir/munge" "$dir/state"
    (umask 277 && head -c 1024 /dev/urandom >"$dir/munge/key")
    slurm_write_conf "$dir" "$port"
    export SLURM_CONF=$dir/slurm.conf
    slurm_launch "$dir/munged.log" munged -F --key-file="$dir/munge/key" \
        --socket="$dir/munge.sock" --pid-file="$dir/munge/pid" --seed-file="$dir/munge/seed"
    slurm_wait slurm_munge_works "$dir" || return 1
    slurm_launch "$dir/slurmctld.out" slurmctld -D -f "$SLURM_CONF"
    for node in n0 n1; do
        slurm_launch "$dir/slurmd.$node.out" slurmd -D -N $node -f "$SLURM_CONF"
    done
    slurm_wait slurm_nodes_idle || return 1
    export OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
    export OMPI_MCA_btl_tcp_disable_family=6 OMPI_MCA_pml=ob1
}

slurm_stop() {
    local at pid
    [ ${#slurm_daemons[@]} -gt 0 ] || return 0
    timeout 10 scancel --user="$(id -un)" 2>/dev/null
    slurm_wait sh -c '! squeue -h | grep -q .'
    for ((at = ${#slurm_daemons[@]} - 1; at >= 0; at--)); do # munged last
        pid=${slurm_daemons[at]}
        kill -TERM "$pid" 2>/dev/null
        slurm_wait sh -c "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    slurm_daemons=()
}

slurm_job_ended() { # JOB: no longer pending or running, and the controller was there to say so
    local job
    job=$(scontrol show job "$1" 2>/dev/null) && [[ $job == *JobState=* ]] &&
        [[ ! $job =~ JobState=(PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED|STOPPED) ]]
}

slurm_wait_job() { # JOB SECONDS: its exit code on stdout
    local end=$((SECONDS + $2))
    until slurm_job_ended "$1"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
    scontrol show job "$1" | sed -n 's/.*ExitCode=\([0-9]*\):.*/\1/p'
}
