# shellcheck shell=bash
# job.sh: what the job scripts share. They source it with their name in $script and the folder of this file in $jobs.
# README.md has the variables a user may set.

: "${script:?job.sh is for the job scripts to source}"
refuse() { echo "$script: $*" >&2 && exit 2; }

[ -n "${SLURM_JOB_ID:-}" ] || refuse "start it with sbatch"
program=${HQCNN:-${SLURM_SUBMIT_DIR:-.}/build/release/hqcnn-dist}
[ -f "$program" ] && [ -x "$program" ] || refuse "no program $program; give its path in HQCNN"
case ${RESTARTS:=20} in *[!0-9]*) refuse "RESTARTS=$RESTARTS: allowed are whole numbers from 0" ;; esac
restarts=${SLURM_RESTART_COUNT:-0}
job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID} # how scontrol knows a task of an array
job=${job:-$SLURM_JOB_ID}

# A rank is one thread. It gets a core of its own where the job has all processors that it sees; where it does not, that
# core might be one of another job.
bind=none
[ "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" -gt "${SLURM_CPUS_ON_NODE:-0}" ] || bind=core:overload-allowed
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-$bind}
# mpirun notices within seconds that a node is gone (by itself after more than 11 minutes), and leaves ranks that Slurm
# or mpirun ends the time to save; docs/failures.md
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-10}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-5}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-10}

case ${LAUNCHER:=mpirun} in
mpirun) launch=(mpirun ${SLURM_NTASKS:+-np "$SLURM_NTASKS"}) ;;
srun)
    launch=(srun --mpi=pmix --kill-on-bad-exit=1 ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"})
    [ $bind = none ] || export SLURM_CPU_BIND="${SLURM_CPU_BIND:-cores}"
    ;;
*) refuse "LAUNCHER=$LAUNCHER: allowed are mpirun and srun" ;;
esac

# What squeue knows of this job: %T its state, %e its end.
ask() { SLURM_TIME_FORMAT=%s squeue --noheader --jobs="$job" --format="$1" 2>/dev/null; }

# Slurm before 23.02 does not say when the job ends, and what it says may come from the job that has submitted this one.
end=$(ask %e)
unset SLURM_JOB_END_TIME
case $end in '' | *[!0-9]*) ;; *) export SLURM_JOB_END_TIME="$end" ;; esac

# SIGUSR1 to this shell is passed on to the launcher, which passes it to every rank. SIGTERM comes to every process of a
# job that Slurm ends: the shell waits for ranks that save their state.
child='' asked=no
trap 'asked=yes; kill -USR1 "$child" 2>/dev/null' USR1
trap : TERM

# job_begin WORDS...: the line by which the starts of a job are told apart in its log.
job_begin() { echo "$script: job $job, restart $restarts, nodes $SLURM_JOB_NODELIST, $*"; }

# job_run ARGUMENTS...: the program on all ranks; its exit code, or 75 when it was stopped before it heard signals.
job_run() {
    local code
    [ $asked = no ] || return 75
    "${launch[@]}" "$program" "$@" &
    child=$!
    [ "$asked" = no ] || kill -USR1 "$child" # a signal that came while nothing ran
    wait "$child"
    while kill -0 "$child" 2>/dev/null; do wait "$child"; done # a signal ends a wait
    wait "$child"
    code=$?
    # mpirun that is asked while it starts ends by the signal, or as it can't pass it on yet (244, ORTE_ERR_UNREACH)
    [ $asked = yes ] && [[ $code = $((128 + $(kill -l USR1))) || $code = 244 ]] && return 75
    return $code
}

# The seal of a run's last checkpoint: another state has another one.
seal_of() { head -c 512 "$1/last.h5" 2>/dev/null | tr -d '\0'; }

# job_train FOLDER ARGUMENTS...: trains in that run folder from where it is. When a node or a connection is lost (mpirun
# ends with 205, the program with 5) and this start has got further, the job may go back to the queue: lost=yes.
lost=no
job_train() {
    local folder=$1 before code
    shift
    before=$(seal_of "$folder")
    job_run train "$@" --run-dir "$folder" --resume
    code=$?
    case $code in 5 | 205) [ "$(seal_of "$folder")" = "$before" ] || lost=yes ;; esac
    return $code
}

# job_sweep FOLDER ARGUMENTS...: works on that sweep. Further is: with a new result, or a new checkpoint.
job_sweep() {
    local folder=$1 started code
    shift
    mkdir -p "$folder"
    started=$(mktemp "$folder/.started-XXXXXX") || return 3
    job_run sweep "$@" --run-dir "$folder"
    code=$?
    case $code in 5 | 205)
        [ -z "$(find "$folder" \( -name '*.json' -o -name '*.h5' \) -newer "$started" -print -quit)" ] || lost=yes
        ;;
    esac
    rm -f "$started"
    return $code
}

# job_end CODE: ends the script with that code, the job back in the queue when it can go on (75: the state is saved).
job_end() {
    local state
    [ "$1" -eq 75 ] || [ $lost = yes ] || exit "$1"
    [ $lost = no ] && echo "$script: interrupted" || echo "$script: a node or a connection was lost (exit code $1)"
    state=$(ask %T)
    if [ "${state:-RUNNING}" != RUNNING ]; then # a controller that does not answer has not ended it
        echo "$script: Slurm has ended this start itself"
    elif [ "$restarts" -ge "$RESTARTS" ]; then
        echo "$script: not requeued after $restarts restarts (RESTARTS=$RESTARTS); submit again to go on" >&2
    else
        echo "$script: back to the queue"
        scontrol requeue "$job"
    fi
    exit "$1"
}
