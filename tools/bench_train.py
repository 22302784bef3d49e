#!/usr/bin/python3
"""bench_train.py [PROGRAM] [--pairs N] [--ranks N] [--batch N]: training steps of the default network in hqcnn-dist and in PyTorch, side by side.
bench_train.py measure: PyTorch alone, one JSON line per way of writing it.

The default network on 1 x 28 x 28 images: five 3x3 convolutions (16, 16, 64, 64, 64) with batch norm and ReLU, two max-pools, dense 1024 -> 4, the circuit,
dense 8 -> 128 -> 2; cross entropy, Adam, single precision. In PyTorch a dense layer 4 -> 8 with tanh stands in for the circuit, which costs next to nothing:
the ratio is a lower bound. Both train on batches that lie in memory; hqcnn-dist also draws its batch from the data set in every step.

The programs take turns (5 pairs unless told otherwise), so that other load on the machine hits both; the table has medians, and the ratio within a pair.
PROGRAM is build/release/hqcnn-dist unless given. With --ranks N, hqcnn-dist runs on N ranks of one thread and PyTorch with N threads.

  as written   contiguous tensors, as a user would write it
  tuned        channels_last, freed memory kept in the process

Needs Debian's python3-torch, hence Debian's Python in the first line.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}
WAYS = {"as written": {}, "tuned": KEEP}
RUNS, RUN_SECONDS = 7, 0.5


def environment(threads, extra):
    """A processor chosen for OpenBLAS by hand hides instruction sets from both programs."""
    kept = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE" and key not in KEEP}
    return {**kept, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), **extra}


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def make_step(torch, batch, channels_last):
    """One training step as a function."""
    nn = torch.nn
    layers, before = [], 1
    for after, padding, pool in ((16, 0, 0), (16, 0, 1), (64, 0, 0), (64, 0, 0), (64, 1, 1)):
        layers += [nn.Conv2d(before, after, 3, padding=padding), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool else []
        before = after
    layers += [nn.Flatten(), nn.Linear(1024, 4), nn.Tanh(), nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 2)]
    network, x, y = nn.Sequential(*layers), torch.randn(batch, 1, 28, 28), torch.randint(0, 2, (batch,))
    if channels_last:
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer, criterion = torch.optim.Adam(network.parameters()), nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        criterion(network(x), y).backward()
        optimizer.step()

    return step


def seconds_of(step, calls):
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def measure(way, batch, threads):
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(threads)
    step = make_step(torch, batch, way == "tuned")
    seconds_of(step, 3)
    calls = int(RUN_SECONDS / seconds_of(step, 1)) + 1
    each = statistics.median(seconds_of(step, calls) for _ in range(RUNS))
    print(json.dumps({"images_per_second": batch / each, "torch": torch.__version__}))


# ---- both -----------------------------------------------------------------------------------------------------------


def answer(command, env):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"bench_train.py: {' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def ours(program, batch, ranks):
    command = [program, "bench", "train", "--json", "--set", f"train.batch={batch}"]
    command = ["mpirun", "-np", str(ranks), *command] if ranks > 1 else command
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.getuid() == 0 else {}
    return answer(command, environment(1, root))["images_per_second"]


def theirs(way, batch, threads):
    command = [sys.executable, __file__, "measure", "--way", way, "--batch", str(batch), "--ranks", str(threads)]
    return answer(command, environment(threads, WAYS[way]))


def compare(program, pairs, batch, ranks):
    speed, ratio, version = {"hqcnn-dist": []}, {way: [] for way in WAYS}, ""
    for _ in range(pairs):
        mine = ours(program, batch, ranks)
        speed["hqcnn-dist"].append(mine)
        for way in WAYS:
            result = theirs(way, batch, ranks)
            version = result["torch"]
            speed.setdefault(way, []).append(result["images_per_second"])
            ratio[way].append(mine / result["images_per_second"])
    print(f"training steps of the default network, batch {batch}, {ranks} x 1 core, {pairs} pairs; images per second: median (highest)")
    for name, values in speed.items():
        label = name if name == "hqcnn-dist" else f"PyTorch {version} {name}"
        times = f"  hqcnn-dist is {statistics.median(ratio[name]):.2f} times as fast" if name in ratio else ""
        print(f"  {label:32} {statistics.median(values):8.0f} ({max(values):.0f}){times}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "build/release/hqcnn-dist"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--way", choices=WAYS, default="as written", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.program == "measure":
        measure(given.way, given.batch, given.ranks)
    else:
        compare(given.program, given.pairs, given.batch, given.ranks)


if __name__ == "__main__":
    main()
