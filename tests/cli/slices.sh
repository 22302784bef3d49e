#!/usr/bin/env bash
# slices.sh PROGRAM SLICES: tools/slices.py makes images of volumes: the right slices with the right labels in the right split, which the program reads.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SLICES=$2
python=$(command -v /usr/bin/python3 || command -v python3) || skip "python3 is missing"
"$python" -c 'import numpy' 2>/dev/null || skip "numpy is missing"

# Voxel (d, h, w) of volume v is 100 split + 10 v + d (axis 1), and 0 in plane d = 3 of volume 1; 3 volumes, 2, 1.
"$python" - <<'END'
import numpy as np
sets = {}
for number, (split, count) in enumerate({"train": 3, "val": 2, "test": 1}.items()):
    volumes = np.zeros((count, 6, 28, 28), np.uint8)
    for v in range(count):
        volumes[v] = (100 * number + 10 * v + np.arange(6) + 1)[:, None, None]
    if count > 1:
        volumes[1, 3] = 0
    sets[f"{split}_images"] = volumes
    sets[f"{split}_labels"] = np.arange(count).reshape(-1, 1).astype(np.uint8) % 2
np.savez("volumes.npz", **sets)
sets["val_images"] = sets["val_images"][0]
np.savez("flat.npz", **sets)
END

# expect ARGUMENTS NAME "values of the train split" "its labels" "values of val" "values of test": a value is a slice's first pixel
expect() {
    local arguments=$1
    shift
    # shellcheck disable=SC2086 # words
    check "slices $arguments" "$python" "$SLICES" volumes.npz images.npz $arguments >slices.out
    same "slices $arguments" "$("$python" - <<'END'
import numpy as np
with np.load("images.npz") as s:
    first = {k: [int(x.flat[0]) for x in s[f"{k}_images"]] for k in ("train", "val", "test")}
    print(first["train"], s["train_labels"].ravel().tolist(), first["val"], first["test"], s["train_images"].shape[1:], s["train_images"].dtype)
END
)" "$*"
}
expect "--count 2" "[3, 4, 13, 23, 24] [0, 0, 1, 0, 0] [103, 104, 113] [203, 204] (28, 28) uint8"
expect "--count 6" "[1, 2, 3, 4, 5, 6, 11, 12, 13, 15, 16, 21, 22, 23, 24, 25, 26] [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0] $(
    )[101, 102, 103, 104, 105, 106, 111, 112, 113, 115, 116] [201, 202, 203, 204, 205, 206] (28, 28) uint8"
expect "--count 1 --axis 3" "[1, 11, 21] [0, 1, 0] [101, 111] [201] (6, 28) uint8"
check "it says what it did" grep -q "train: 3 volumes, 3 slices" slices.out

"$python" "$SLICES" volumes.npz images.npz --count 2 >/dev/null
"$PROGRAM" check --set data.source=images.npz >check.out 2>&1
same "the program reads them" $? 0
check "as images" grep -q "binary, 2 classes, images 1 x 28 x 28; 5 train, 3 validation, 2 test" check.out

"$python" "$SLICES" volumes.npz images.npz --count 7 >refused.out 2>&1
same "more slices than there are" $? 2
check "are refused by number" grep -q -- "--count 7; allowed: 1 to 6" refused.out
"$python" "$SLICES" flat.npz images.npz --count 2 >refused.out 2>&1
same "images in place of volumes" $? 2
check "are refused by name" grep -q "flat.npz: val_images has 3 dimensions" refused.out
finish
