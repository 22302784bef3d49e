#!/usr/bin/python3
"""bench_train.py [PROGRAM] [--infer] [--ranks N] [--batch N] [--size N] [--channels N] [--volumes] [--pairs N] [--own] [--set KEY=VALUE]...:
training steps, or evaluations, of the default network in hqcnn-dist and in PyTorch, side by side.

The default network: five 3x3 (volumes: 3x3x3) convolutions (16, 16, 64, 64, 64) with batch norm and ReLU, two max-pools, adaptive average pooling to 4 where
the size is not 28, dense -> 4, the circuit, dense 8 -> 128 -> 2; cross entropy, Adam, single precision. In PyTorch a dense layer 4 -> 8 with tanh stands in for
the circuit, which costs next to nothing: the ratio is a lower bound. Both work on random images that lie in memory; hqcnn-dist also draws its batch from
the data set in every step, and with --infer computes the metrics.

The programs take turns (5 pairs unless told otherwise), so that other load on the machine hits both; the table has medians, and the ratio within a pair.
PROGRAM is build/release/hqcnn-dist unless given; --set goes to it. With --ranks N, hqcnn-dist runs on N ranks of one thread and PyTorch with N threads or,
in training, N processes of one thread (DistributedDataParallel over gloo).

  as written   contiguous tensors, as a user would write it
  tuned        channels_last, freed memory kept in the process

With --own, hqcnn-dist with the settings is compared with hqcnn-dist without them instead, for example --own --set compute.precision=bf16.

The last column is the largest resident memory of a process.

Needs Debian's python3-torch and python3-numpy, hence Debian's Python in the first line.
"""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}
RUNS, RUN_SECONDS = 7, 0.5


def environment(threads, extra):
    """A processor chosen for OpenBLAS by hand hides instruction sets from both programs."""
    kept = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE" and key not in KEEP}
    return {**kept, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), **extra}


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def make_network(torch, given):
    nn = torch.nn
    conv, norm, pool, mean = (
        (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, nn.AdaptiveAvgPool3d)
        if given.volumes
        else (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d)
    )
    layers, before = [], given.channels
    for after, padding, pooled in ((16, 0, 0), (16, 0, 1), (64, 0, 0), (64, 0, 0), (64, 1, 1)):
        layers += [conv(before, after, 3, padding=padding), norm(after), nn.ReLU()]
        layers += [pool(2)] if pooled else []
        before = after
    layers += [] if given.size == 28 else [mean(4)]
    features = 64 * 4 ** (3 if given.volumes else 2)
    layers += [nn.Flatten(), nn.Linear(features, 4), nn.Tanh(), nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 2)]
    return nn.Sequential(*layers)


def make_step(torch, given, batch, parallel):
    """One training step, or one evaluation of a batch, as a function."""
    sides = (given.size,) * (3 if given.volumes else 2)
    network, x, y = make_network(torch, given), torch.randn(batch, given.channels, *sides), torch.randint(0, 2, (batch,))
    if given.way.startswith("tuned"):
        layout = torch.channels_last_3d if given.volumes else torch.channels_last
        network, x = network.to(memory_format=layout), x.to(memory_format=layout)
    if given.infer:
        network.eval()

        def evaluate():
            with torch.no_grad():
                network(x)

        return evaluate
    if parallel:
        network = torch.nn.parallel.DistributedDataParallel(network)
    optimizer, criterion = torch.optim.Adam(network.parameters()), torch.nn.CrossEntropyLoss()

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


def calls_for(torch, step, parallel):
    """As many on every process."""
    calls = torch.tensor([int(RUN_SECONDS / seconds_of(step, 1)) + 1])
    if parallel:
        torch.distributed.broadcast(calls, 0)
    return int(calls)


def process(rank, given, port):
    import resource

    import torch

    parallel = given.way.endswith("processes")
    torch.manual_seed(1)
    torch.set_num_threads(1 if parallel else given.ranks)
    if parallel:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        torch.distributed.init_process_group("gloo", rank=rank, world_size=given.ranks)
    step = make_step(torch, given, given.batch // given.ranks if parallel else given.batch, parallel)
    seconds_of(step, 2)
    calls = calls_for(torch, step, parallel)
    each = statistics.median(seconds_of(step, calls) for _ in range(RUNS))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    if rank == 0:
        print(json.dumps({"images_per_second": given.batch / each, "memory": memory, "torch": torch.__version__}), flush=True)


def measure(given):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    if not given.way.endswith("processes"):
        process(0, given, port)
        return
    import torch

    torch.multiprocessing.spawn(process, args=(given, port), nprocs=given.ranks)


# ---- both -----------------------------------------------------------------------------------------------------------


def write_images(given, path):
    """A data set of random images; the evaluation's images are those of a training epoch."""
    import numpy

    random = numpy.random.default_rng(1)
    sides = (given.size,) * (3 if given.volumes else 2)
    arrays = {}
    for split, count in (("train", max(2 * given.batch, 16)), ("val", 16), ("test", 16)):
        shape = (count, *sides, given.channels) if given.channels > 1 else (count, *sides)
        arrays[f"{split}_images"] = random.integers(0, 256, shape, dtype=numpy.uint8)
        arrays[f"{split}_labels"] = numpy.arange(count, dtype=numpy.uint8)[:, None] % 2
    numpy.savez(path, **arrays)


def answer(command, env):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"bench_train.py: {' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def ours(given, data, settings):
    command = [given.program, "bench", "infer" if given.infer else "train", "--json"]
    for setting in (f"train.batch={given.batch}", f"data.source={data}", "data.task=binary", *settings):
        command += ["--set", setting]
    command = ["mpirun", "-np", str(given.ranks), *command] if given.ranks > 1 else command
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.getuid() == 0 else {}
    return answer(command, environment(1, root))


def theirs(given, data, way):
    if given.own:
        result = ours(given, data, [])
        return {**result, "memory": result["peak_memory_megabytes"]}
    options = [f"--{name}={getattr(given, name)}" for name in ("batch", "ranks", "size", "channels")]
    options += [f"--{name}" for name in ("volumes", "infer") if getattr(given, name)]
    command = [sys.executable, __file__, "measure", "--way", way, *options]
    threads = 1 if way.endswith("processes") else given.ranks
    return answer(command, environment(threads, KEEP if way.startswith("tuned") else {}))


def ways_of(given):
    if given.own:
        return [f"without {' '.join(given.set)}"]
    ways = ["as written", "tuned"]
    if given.ranks > 1:
        ways = [f"{way}, {given.ranks} threads" for way in ways] + ([] if given.infer else [f"{way}, {given.ranks} processes" for way in ways])
    return ways


def compare(given, data):
    ways, version = ways_of(given), ""
    speed, memory, ratio = {name: [] for name in ["hqcnn-dist", *ways]}, {}, {way: [] for way in ways}
    for _ in range(given.pairs):
        mine = ours(given, data, given.set)
        speed["hqcnn-dist"].append(mine["images_per_second"])
        memory["hqcnn-dist"] = mine["peak_memory_megabytes"]
        for way in ways:
            result = theirs(given, data, way)
            version = result.get("torch", "")
            speed[way].append(result["images_per_second"])
            memory[way] = result["memory"]
            ratio[way].append(mine["images_per_second"] / result["images_per_second"])
    what = "evaluations" if given.infer else "training steps"
    sides = " x ".join([str(given.channels)] + [str(given.size)] * (3 if given.volumes else 2))
    print(f"{what} of the default network, {sides}, batch {given.batch}, {given.ranks} x 1 core, {given.pairs} pairs; images per second: median (highest)")
    for name, values in speed.items():
        label = name if name == "hqcnn-dist" or given.own else f"PyTorch {version} {name}"
        times = f"hqcnn-dist is {statistics.median(ratio[name]):.2f} times as fast" if name in ratio else ""
        print(f"  {label:40} {statistics.median(values):8.4g} ({max(values):.4g})  {times:34}  {memory[name]:6.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "build/release/hqcnn-dist"))
    parser.add_argument("--infer", action="store_true")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--volumes", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--way", default="as written", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.batch % given.ranks != 0:
        parser.error("--batch must be a multiple of --ranks")
    if given.program == "measure":
        measure(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "random.npz")
        write_images(given, data)
        compare(given, data)


if __name__ == "__main__":
    main()
