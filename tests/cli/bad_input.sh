#!/usr/bin/env bash
# bad_input.sh PROGRAM: one clear message, the right exit code on all ranks, no hang, nothing half written.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
RANKS=3
fail_fast

# refused CODE "words of the message" arguments...: run on 3 ranks
refused() {
    local code=$1 words=$2 got
    shift 2
    timeout 60 mpirun -np $RANKS "$PROGRAM" "$@" >out.txt 2>err.txt </dev/null
    got=$?
    same "exit code of: $*" "$got" "$code"
    same "one message from: $*" "$(grep -c '^hqcnn-dist: error' err.txt)" 1
    CHECKS=$((CHECKS + 1))
    grep '^hqcnn-dist: error' err.txt | grep -qF -- "$words" || { fail "message of: $*: no \"$words\" in:"; cat err.txt >&2; }
}

# ---- command line and configuration: 2
refused 2 '--sett' train --sett x=1
refused 2 'the nearest known one is --set' train --sett x=1
refused 2 'not an option of "train"' train --hash
refused 2 'needs a value' train --set
refused 2 'nearest command is train' trian
refused 2 'unknown option' -v
refused 2 'the value is empty' train --run-dir ''
refused 2 'allowed are train, val and test' evaluate run --split all
refused 2 'needs a checkpoint' evaluate
refused 2 'unexpected word' train a.cfg b.cfg
refused 2 '--resume needs --run-dir' train --resume
refused 2 'train.batch' train --set train.bach=3
refused 2 '0.95' train --set model.dropout=2
refused 2 'adamw' train --set train.optimizer=adamm
refused 2 'train.epochs' train --set train.epochs=1.5
refused 3 'none.cfg' train none.cfg
printf 'train = {\n  batch = 32;\n  epoch = 3;\n};\n' >unknown.cfg
refused 2 'unknown.cfg:3' train unknown.cfg
refused 2 'train.epochs' train unknown.cfg
printf 'train = { batch = ; };\n' >syntax.cfg
refused 2 'syntax.cfg:1' train syntax.cfg
refused 2 'model.padding' train --set model.channels=[8,8]
refused 2 'too small' train --set phantom.size=12
refused 2 'built-in set' train --set data.class_count=3

# ---- data: 3
refused 3 'none.npz' train --set data.source=none.npz
printf 'not a zip' >text.npz
refused 3 'text.npz' train --set data.source=text.npz
cp text.npz text.h5
refused 3 'text.h5' train --set data.source=text.h5
refused 2 'no .h5 file' train --set data.stream=on

# ---- data import
refused 2 'nearest command is data import' data
refused 2 'nearest command is data import' data export
refused 2 'needs a SOURCE' data import
refused 2 'needs a SOURCE' data import phantom
refused 2 'does not end in ".h5"' data import phantom set.hdf5
refused 2 'unexpected word "more"' data import phantom set.h5 more
refused 2 'not an option of "data import"' data import phantom set.h5 --run-dir x
refused 2 'not an option of "train"' train --force
refused 2 'is there already; --force' data import phantom text.h5
refused 2 'is an .h5 file already' data import text.h5 set.h5
refused 2 'phantom.channels' data import phantom set.h5 --set phantom.channels=2
refused 2 'a chunk may have at most' data import phantom set.h5 --set data.chunk=2147483647
refused 3 'bytes are needed' data import phantom set.h5 --set phantom.train=100000000 --set phantom.size=1024
refused 3 'none/set.h5' data import phantom none/set.h5
refused 3 'text.npz' data import text.npz set.h5
check "nothing is left of a refused import" test -z "$(find . -name 'set.h5*')"

# ---- run folder: 3, or 2 when it is taken
touch file
refused 3 'file/run' train "${SMALL[@]}" --run-dir file/run
np 2 train "${SMALL[@]}" --run-dir taken >/dev/null 2>&1
refused 2 'holds a run already' train "${SMALL[@]}" --run-dir taken

# ---- checkpoints: 3, or 2 when the network is another
refused 3 'none.h5' evaluate none.h5
refused 3 'its format is "hqcnn-checkpoint"' train --set data.source=taken/last.h5
refused 3 'none.h5' train --resume=none.h5
head -c 20000 taken/last.h5 >short.h5
refused 3 'short.h5' inspect short.h5
cp taken/last.h5 altered.h5
size=$(stat -c %s altered.h5)
printf '\377\377\377\377' | dd of=altered.h5 bs=1 seek=$((size / 2)) conv=notrunc status=none
refused 3 'altered.h5' evaluate altered.h5
refused 2 'model.qubits' train "${SMALL[@]}" --set model.qubits=3 --resume=taken/last.h5 --run-dir other
refused 2 'model.attention' evaluate taken --set model.attention=none
refused 2 'train.optimizer' train --set train.optimizer=sgd --run-dir taken --resume
np 1 train "${SMALL[@]}" --set train.seed=5 --run-dir second >/dev/null 2>&1
second=$(hash_of second/last.h5)
refused 2 'holds another run' train --resume=taken/last.h5 --run-dir second
same "a refused resume changes nothing" "$(hash_of second/last.h5)" "$second"
check "a refused resume makes no folder" test ! -e other

# ---- divergence: 4, and the last good state stays
refused 4 'learning_rate' train "${SMALL[@]}" --set train.learning_rate=1000 --set train.optimizer=sgd --set model.norm=none --set train.epochs=20 --run-dir diverged
DEEP=(--set 'model.channels=[16,16,16,16,16,16,16,16,16,16]' --set 'model.padding=[1,1,1,1,1,1,1,1,1,1]' --set 'model.pool=[0,1,0,0,0,0,0,0,0,1]')
FAST=(--set phantom.train=32 --set phantom.val=32 --set train.batch=32 --set train.epochs=1 --set model.norm=none --set train.learning_rate=1000)
refused 4 'validation loss' train "${FAST[@]}" "${DEEP[@]}" --run-dir nan
SHOTS=(--set gradient.method=parameter-shift --set shots.count=20)
refused 4 'validation loss' train "${FAST[@]}" "${DEEP[@]}" "${SHOTS[@]}" --run-dir nan_shots
refused 4 'validation loss' train "${FAST[@]}" "${DEEP[@]}" --set gradient.method=parameter-shift --set noise.depolarizing2=0.01 --set noise.method=density --run-dir nan_density
refused 4 'validation loss' train "${FAST[@]}" "${DEEP[@]}" "${SHOTS[@]}" --set noise.depolarizing2=0.01 --set noise.method=trajectories --run-dir nan_trajectories
check "no temporary files" test -z "$(find . -name '*.tmp*')"
[ -e diverged/last.h5 ] && check "the state before is whole" "$PROGRAM" inspect --hash diverged/last.h5 >/dev/null

# ---- a full disk, and a folder that cannot be written: 3
if [ "$(id -u)" = 0 ] && mkdir small room && mount -t tmpfs -o size=600k tmpfs small 2>/dev/null; then
    trap 'umount "$SCRATCH/small" "$SCRATCH/room" "$SCRATCH/locked" 2>/dev/null; cleanup' EXIT
    refused 3 'small/run' train "${SMALL[@]}" --run-dir small/run
    same "nothing half written on a full disk" "$(find small -name '*.h5*' | wc -l)" 0
    mount -t tmpfs -o size=1900k tmpfs room # room for one checkpoint, not for the second beside it
    refused 3 'room/run/checkpoints/step-000000006.h5' train "${SMALL[@]}" --run-dir room/run
    same "no temporary file on a full disk" "$(find room -name '*.tmp*' | wc -l)" 0
    check "the checkpoint before is whole" "$PROGRAM" inspect --hash room/run/last.h5 >/dev/null
    mkdir locked && mount -t tmpfs -o ro tmpfs locked
    refused 3 'locked/run' train "${SMALL[@]}" --run-dir locked/run
else
    echo "not tried: full disk and read-only folder (needs root and mount)"
fi

# ---- data sets that are whole as files, but wrong inside: 3
if /usr/bin/python3 - 2>/dev/null <<'PYTHON'
import numpy as np

def save(name, **changes):
    members = {}
    for split, n in (("train", 40), ("val", 10), ("test", 10)):
        members[split + "_images"] = np.zeros((n, 28, 28), np.uint8)
        members[split + "_labels"] = (np.arange(n) % 2).astype(np.uint8)[:, None]
    np.savez_compressed(name, **(members | changes))

save("dtype.npz", train_images=np.zeros((40, 28, 28), np.float32))
save("count.npz", train_labels=np.zeros((39, 1), np.uint8))
save("empty.npz", val_images=np.zeros((0, 28, 28), np.uint8), val_labels=np.zeros((0, 1), np.uint8))
save("outside.npz", test_labels=np.full((10, 1), 7, np.uint8))
save("negative.npz", train_labels=np.full((40, 1), -1, np.int64))
save("shape.npz", test_images=np.zeros((10, 27, 28), np.uint8))
PYTHON
then
    for name in dtype count empty outside negative shape; do
        refused 3 "$name.npz" train --set data.source=$name.npz --run-dir "of-$name"
        check "$name: no run folder is left" test ! -e "of-$name"
    done
else
    echo "not tried: data sets that are wrong inside (python3-numpy is missing)"
fi

# ---- the pieces of a bad data set
if [ -n "$DATA" ]; then
    head -c 100000 "$DATA/breastmnist.npz" >cut.npz
    refused 3 'cut.npz' train --set data.source=cut.npz
    refused 2 '3' train --set data.source="$DATA/breastmnist.npz" --set "data.classes=[0,3]"
    refused 2 'class_count' train --set data.source="$DATA/retinamnist.npz" --set data.class_count=3
    refused 2 '28 x 28 x 28) are too small' train --set data.source="$DATA/adrenalmnist3d.npz" --set "model.channels=[4,4,4,4]" \
        --set "model.padding=[0,0,0,0]" --set "model.pool=[1,1,1,1]"
else
    echo "not tried: damaged real data (HQCNN_DATA_DIR is not set)"
fi
finish
