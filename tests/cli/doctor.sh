#!/usr/bin/env bash
# doctor.sh PROGRAM: hqcnn-dist doctor on this machine as it is, and with what it must find: too many ranks, no data, a folder that cannot be
# written to, a full disk, a folder that is not common, no shared memory, odd settings. How fast anything is, is not judged.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
CHECKED=("start" "MPI library" kernels cores waiting "data set" work memory "shared memory" loading arithmetic sums "sum speed" network interfaces
    clock folder "same folder" locks MPI-IO names space disk checkpoint job "lost nodes" Slurm switches)
unset SLURM_JOB_ID SLURM_JOB_END_TIME SLURM_CPUS_PER_TASK SLURM_NTASKS
FEW=(--set phantom.train=96 --set phantom.val=32 --set phantom.test=32)
SMALLER=(doctor "${FEW[@]}" --set train.batch=32 --set train.microbatch=8 --run-dir work)
cores=$(env -u OMP_NUM_THREADS nproc)
ranks=$((cores < 2 ? 1 : 2))
mkdir work

# examined CODE arguments...: the doctor's lines in out.txt, and nothing left in the folder
examined() {
    local code=$1
    shift
    "$@" >out.txt 2>err.txt
    local have=$?
    same "exit code of $*: $(cat out.txt err.txt)" $have "$code"
    same "a line for each check" "$(grep -cE '^(ok|note|problem) ' out.txt)" "${#CHECKED[@]}"
    same "no other message" "$(grep -c '^hqcnn-dist: ' err.txt)" 0
    same "nothing is left" "$(find work -mindepth 1 | wc -l)" 0
}
# says VERDICT CHECK "words": in the lines of that check
says() {
    check "$1 of $2 with \"$3\": $(cat out.txt)" grep -qF -- "$3" <(
        awk -v first="$(printf '%-7s  %-14s' "$1" "$2")" '/^[a-z0-9]/ { on = index($0, first) == 1; text = 24 } on { printf "%s ", substr($0, text + 1) }' out.txt
    )
}
first_says() { check "$1 of $2" grep -qE "^$1 +$2 " out.txt; }

# ---- this machine
examined 0 np "$ranks" "${SMALLER[@]}"
for name in "${CHECKED[@]}"; do check "$name is in order: $(cat out.txt)" grep -qE "^(ok|note) +$name " out.txt; done
for name in kernels loading arithmetic sums "same folder" names checkpoint; do first_says ok "$name"; done
says ok sums "exact, "
says ok arithmetic "same bits on all ranks"
check "lines of at most 100 columns" test "$(awk 'length > 100' out.txt | wc -l)" = 0
check "the end counts" grep -qE "^0 problems, [0-9]+ notes?$" out.txt

# ---- the same as JSON, without mpirun
"$PROGRAM" "${SMALLER[@]}" --json >one.json 2>err.txt
same "doctor --json" $? 0
check "what --json tells" python3 - one.json "${#CHECKED[@]}" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
assert len(report["checks"]) == int(sys.argv[2]) and report["ranks"] == report["nodes"] == 1 and report["problems"] == 0
assert all(row["verdict"] in ("ok", "note") and row["check"] and row["found"] and row["seconds"] >= 0 for row in report["checks"])
assert all(row["advice"] for row in report["checks"] if row["verdict"] == "note")
PYTHON

# ---- text that is not UTF-8
"$PROGRAM" "${SMALLER[@]}" --run-dir work/$'\351' --set data.source=$'\351\303\251.npz' --json >one.json 2>err.txt
same "doctor --json with odd names" $? 3
check "odd names: $(cat err.txt)" python3 - one.json "${#CHECKED[@]}" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
assert len(report["checks"]) == int(sys.argv[2]) and report["problems"] == 1
assert any("?é.npz" in row["found"] for row in report["checks"])
PYTHON

# ---- a network that needs large images
"$PROGRAM" "${SMALLER[@]}" --set phantom.size=190 --set 'model.channels=[2,2,2,2,2]' --set 'model.padding=[0,0,0,0,0]' --set 'model.pool=[1,1,1,1,1]' >out.txt 2>err.txt
same "exit code of large images: $(cat out.txt err.txt)" $? 0
first_says ok arithmetic

# ---- too many ranks, each a node of its own; one has a poorer processor
HQCNN_NODE_RANKS=$((cores + 1)) OMPI_MCA_mpi_yield_when_idle=0 examined 3 np $((cores + 2)) "${SMALLER[@]}"
says problem cores "$((cores + 1)) ranks of a thread each share $cores core"
says problem cores "--ntasks-per-node"
says problem waiting "OMPI_MCA_mpi_yield_when_idle=1"
says ok network "from node to node"
says note switches "HQCNN_NODE_RANKS"
says note "lost nodes" "OMPI_MCA_oob_tcp_keepalive_time=10"
if [ "$ranks" -eq 2 ] && [ "$("$PROGRAM" check | sed -n 's/^kernels .*layers \([a-z0-9]*\);.*/\1/p')" != plain ]; then
    examined 0 mpirun -np 1 env HQCNN_MACHINE_LIMIT=plain "$PROGRAM" "${SMALLER[@]}" : -np 1 "$PROGRAM" "${SMALLER[@]}"
    says note kernels 'all ranks use kernels for "plain"'
    # the dense layers' kernels are the user's choice: where ranks differ in it no rank leaves before that is said
    mpirun -np 1 env OPENBLAS_CORETYPE=Haswell "$PROGRAM" "${SMALLER[@]}" : -np 1 env OPENBLAS_CORETYPE=Prescott "$PROGRAM" "${SMALLER[@]}" >out.txt 2>err.txt
    same "exit code of different kernels" $? 5
    check "message of different kernels: $(cat err.txt)" grep -q "error: .* differ from rank 0: other kernels of OpenBLAS" err.txt
fi

# ---- settings
printf 'KillWait=5\n RequeueExit=1-5,70-80 # all\n' >slurm.conf
HDF5_USE_FILE_LOCKING=TRUE OMPI_MCA_fs_ufs_lock_algorithm=1 SLURM_JOB_ID=1 SLURM_CONF=slurm.conf SLURM_CPUS_PER_TASK=4 SLURM_NTASKS=2 \
    SLURM_JOB_END_TIME=$(($(date +%s) + 100)) examined 3 "$PROGRAM" "${SMALLER[@]}"
says problem start "use mpirun or srun --mpi=pmix"
says note Slurm "RequeueExit has 75"
says note job "give more --time"
says note cores "--cpus-per-task=1"
if grep -q 'Open MPI v4\.[01]\.[0-6]\b' out.txt; then says problem MPI-IO "unset OMPI_MCA_fs_ufs_lock_algorithm"; fi
SLURM_JOB_END_TIME=100 SLURM_JOB_ID=1 examined 3 "$PROGRAM" "${SMALLER[@]}"
says problem job "by SLURM_JOB_END_TIME and the clock"

# ---- no data; ranks without work
examined 3 "$PROGRAM" "${SMALLER[@]}" --set data.source=missing.npz
says problem "data set" "missing.npz: cannot be opened: No such file or directory"
says note loading "not tried: see data set"
first_says ok checkpoint
examined 0 np "$ranks" "${SMALLER[@]}" --set train.batch=8
if [ "$ranks" -eq 2 ]; then says note work "1 of 2 ranks have no work"; fi

# ---- folders: a file in its place; not there yet; what needs mounts
touch file
examined 3 "$PROGRAM" "${SMALLER[@]}" --run-dir file
says problem folder "cannot be written to: Not a directory"
says note checkpoint "not tried: see folder"
examined 0 "$PROGRAM" "${SMALLER[@]}" --run-dir work/new/run
check "the folder of a new run: $(head -1 out.txt)" grep -q "folder $PWD/work\$" out.txt

if [ "$(id -u)" -ne 0 ] || ! unshare --mount --propagation private mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    echo "not tried: full disks and folders that differ between nodes (they need root and namespaces)"
    finish
fi
APART=(unshare --mount --propagation private sh -c) # then the mounts and "exec $@": a command with mounts of its own
# shellcheck disable=SC2016 # expanded by the inner shell
BEHIND=' && exec "$@"'
examined 3 "${APART[@]}" "mount -t tmpfs -o size=600k tmpfs work$BEHIND" sh "$PROGRAM" "${SMALLER[@]}"
says problem space "a run needs"
says problem checkpoint "No space left on device"
says note folder "in memory"
examined 3 "${APART[@]}" "mount -t tmpfs -o ro tmpfs work$BEHIND" sh "$PROGRAM" "${SMALLER[@]}"
says problem folder "Read-only file system"
examined 3 "${APART[@]}" "mount -t tmpfs -o size=40k tmpfs /dev/shm$BEHIND" sh "$PROGRAM" "${SMALLER[@]}"
says problem "shared memory" "enlarge /dev/shm"
says note loading "not tried: see memory"
if [ "$ranks" -eq 2 ]; then
    mkdir data
    "$PROGRAM" data import phantom data/set.h5 "${FEW[@]}" >/dev/null 2>&1
    TWO=("${SMALLER[@]}" --set data.source=data/set.h5)
    HQCNN_NODE_RANKS=1 examined 3 mpirun -np 1 "$PROGRAM" "${TWO[@]}" : \
        -np 1 "${APART[@]}" "mount -t tmpfs tmpfs work && mount -t tmpfs tmpfs data$BEHIND" sh "$PROGRAM" "${TWO[@]}"
    says problem "same folder" "is not there"
    says problem loading "rank 1 on"
    says note checkpoint "not tried: see same folder"
fi
finish
