# shellcheck shell=bash
# cluster.sh: to be sourced, as root in namespaces of its own (run.sh): a Slurm of several nodes on this machine.

# Brings the loopback device up, with the address 127.0.0.2: where 127.0.0.1 is all there is, the C library gives Slurm
# no address to listen on. By system calls, because a bare Debian has perl but no ip: SIOCSIFFLAGS (IFF_UP), SIOCSIFADDR.
loopback_up() {
    perl -e 'my $up = pack("a16 s x22", "lo", 1);
             my $address = pack("a16 S n C4 x16", "lo", 2, 0, 127, 0, 0, 2);
             socket(S, 2, 2, 0) and ioctl(S, 0x8914, $up) and ioctl(S, 0x8916, $address)
                 or die "loopback device: $!\n"'
}

# write_config FOLDER NODES: slurm.conf and the folders it names.
write_config() {
    local folder=$1 nodes=$2 i
    mkdir -p "$folder"/{state,log,pids}
    cat >"$folder/slurm.conf" <<CONF
ClusterName=hqcnn
SlurmctldHost=$(hostname)(127.0.0.2)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
SlurmctldPidFile=$folder/pids/slurmctld
SlurmdPidFile=$folder/pids/%n
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/%n
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n/spool
TmpFS=$folder/%n/tmp
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=6
PropagateResourceLimits=NONE
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    for i in $(seq "$nodes"); do
        mkdir -p "$folder/n$i/spool" "$folder/n$i/tmp"
        echo "NodeName=n$i NodeHostname=$(hostname) NodeAddr=127.0.0.2 Port=$((16900 + i)) CPUs=2 RealMemory=1000"
    done >>"$folder/slurm.conf"
    echo "CgroupPlugin=cgroup/v1" >"$folder/cgroup.conf"
}

# start_node NAME: a node has a host name of its own, by which Open MPI tells hosts (and their files in /dev/shm) apart,
# and processes of its own, which end with the first of them. That one waits for orphans, which slurmd does not.
start_node() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --uts --mount --propagation unchanged --pid --fork --kill-child --mount-proc \
        bash -c 'hostname "$1" && slurmd -D -f "$SLURM_CONF" -N "$1"; exit $?' bash "$1" &>/dev/null &
    node_process[${1#n}]=$!
}

# kill_node NAME: everything on it ends at once. Slurm notices by itself after SlurmdTimeout (5 minutes).
kill_node() {
    kill -KILL "${node_process[${1#n}]}"
    wait "${node_process[${1#n}]}" 2>/dev/null
}

# down_node NAME: tells Slurm, as an administrator does.
down_node() { scontrol update nodename="$1" state=down reason=test; }

# restore_node NAME: after both. A node whose daemon runs comes back by itself.
restore_node() {
    kill -0 "${node_process[${1#n}]}" 2>/dev/null || start_node "$1"
    scontrol update nodename="$1" state=resume 2>/dev/null
}

# start_cluster FOLDER NODES: returns when all nodes are idle; exports SLURM_CONF for sbatch, srun and the others.
start_cluster() {
    local folder=$1 nodes=$2 i
    node_process=()
    loopback_up && write_config "$folder" "$nodes" || return
    export SLURM_CONF=$folder/slurm.conf
    slurmctld -D -f "$SLURM_CONF" &>/dev/null &
    for i in $(seq "$nodes"); do start_node "n$i"; done
    all_idle "$nodes" && return
    echo "not all nodes came up" >&2
    tail -n 5 "$folder"/log/* >&2
    return 1
}

# all_idle NODES: waits until so many nodes are.
all_idle() {
    for _ in $(seq 300); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" != "$1" ] || return 0
        sleep 0.1
    done
    return 1
}
