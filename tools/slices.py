#!/usr/bin/python3
"""slices.py VOLUMES.npz IMAGES.npz [--axis A] [--count N]: slices of the volumes of a MedMNIST 3-D set as a set of images.

Takes the N central slices (12 unless told otherwise) of every volume along an axis (1, 2 or 3: depth, height or width; 1 unless told otherwise), without
those that have no voxel above 0; labels are not looked at.
A slice has the label of its volume, and stays in the split of its volume: no volume is in two splits.
"""
import argparse

import numpy as np


def slices(volumes, labels, axis, count):
    """Slices [n][h][w] of volumes [m][d][h][w] (for axis 1), volume by volume, and their labels [n][columns]."""
    volumes = np.moveaxis(volumes, axis, 1)
    depth = volumes.shape[1]
    first = (depth - count) // 2
    images = volumes[:, first : first + count].reshape(-1, *volumes.shape[2:])
    kept = images.any(axis=(1, 2))
    return images[kept], np.repeat(labels, count, axis=0)[kept]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volumes")
    parser.add_argument("images")
    parser.add_argument("--axis", type=int, default=1, choices=(1, 2, 3), metavar="A")
    parser.add_argument("--count", type=int, default=12, metavar="N")
    arguments = parser.parse_args()
    result = {}
    with np.load(arguments.volumes) as source:
        for split in ("train", "val", "test"):
            volumes, labels = source[f"{split}_images"], source[f"{split}_labels"]
            if volumes.ndim != 4:
                parser.error(f"{arguments.volumes}: {split}_images has {volumes.ndim} dimensions; grey volumes have 4: N, D, H, W")
            if not 1 <= arguments.count <= volumes.shape[arguments.axis]:
                parser.error(f"--count {arguments.count}; allowed: 1 to {volumes.shape[arguments.axis]}, the slices of a volume")
            images, labels = slices(volumes, labels, arguments.axis, arguments.count)
            result |= {f"{split}_images": images, f"{split}_labels": labels}
            print(f"{split}: {len(volumes)} volumes, {len(images)} slices")
    np.savez_compressed(arguments.images, **result)


if __name__ == "__main__":
    main()
