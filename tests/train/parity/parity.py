#!/usr/bin/env python3
"""parity.py PROGRAM PROGRAM_F64: whole-network parity with PyTorch.

The network is written here a second time, in plain PyTorch, from its description alone. Both sides start from the same
weights and see the same batches; compared are the loss of every training step, then the scores of the test split with
the running statistics that the training left. Dropout and augmentation draw random numbers and have tests of their own.

In double precision the two differ by rounding alone, and that stays small. In single precision now and then a ReLU or a
max-pool decides differently after a rounding error; the gradient then changes by a visible step, and from there on the
two trainings part (PyTorch's own single and double precision too: by 2e-3 after 20 steps of the paper's network at rate
0.01). So single precision is compared at smaller rates or with the smaller network, where such a step stays harmless.
"""
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(f"skipped: {missing}; parity needs python3-torch, python3-numpy and python3-h5py")
    sys.exit(77)

# ---- cases ----------------------------------------------------------------------------------------------------------

EPOCHS, BATCH = 5, 20
TRAIN_IMAGES = {"many": 512}  # else 77: 4 steps an epoch, the last of 17 images: 20 steps. 512: as many, of 128 images

# Every key that the reference reads; the program is given all of them, so that its defaults play no part.
BASE = {
    "model.channels": [16, 16, 64, 64, 64], "model.padding": [0, 0, 0, 0, 1], "model.pool": [0, 1, 0, 0, 1],
    "model.features": 4, "model.norm": "batch", "model.norm_groups": 4, "model.norm_statistics": "microbatch", "model.scaling": "half-pi-tanh",
    "model.circuit.template": "hqcnn", "model.qubits": 4, "model.layers": 1, "model.attention": "qft",
    "model.observables": "xz", "model.head": 128,
    "train.epochs": EPOCHS, "train.batch": BATCH, "train.microbatch": BATCH, "train.shuffle": "off",
    "train.optimizer": "sgd", "train.learning_rate": 0.01, "train.momentum": 0.9, "train.beta1": 0.9,
    "train.beta2": 0.999, "train.epsilon": 1e-8, "train.weight_decay": 0.0, "train.clip_norm": 0.0,
    "train.schedule": "constant", "train.schedule_steps": [], "train.schedule_factor": 0.1, "train.warmup": 0.0,
    "train.class_weights": "none", "log.steps": 1,
}
SMALL = {"model.channels": [8, 8, 16], "model.padding": [0, 0, 1], "model.pool": [0, 1, 1], "model.head": 32}
PAPER = {}  # the paper's network is that of BASE
WHOLE = {"model.norm_statistics": "batch", "train.batch": 128, "train.microbatch": 2}  # one batch of 128 in PyTorch
ADAM = {"train.optimizer": "adam", "train.learning_rate": 0.001}
ADAMW = {"train.optimizer": "adamw", "train.learning_rate": 0.001, "train.weight_decay": 0.1}


class Case(NamedTuple):
    name: str
    bits: int  # 32: single precision on both sides; 64: double
    data: str
    options: dict
    bound: float


def variant(name, data="grey", **options):
    """A case of the small network in double precision; model_qubits stands for model.qubits."""
    keys = {key.replace(".", "_"): key for key in BASE} | {"gradient_method": "gradient.method"}
    return Case(name, 64, data, SMALL | {keys[key]: value for key, value in options.items()}, 1e-9)


CASES = [
    Case("sgd, rate 0.001, paper's network", 32, "grey", PAPER | {"train.learning_rate": 0.001}, 1e-4),
    Case("sgd, rate 0.01", 32, "grey", SMALL, 1e-4),
    Case("sgd, 3 classes, RGB 32x30", 32, "colour", SMALL, 1e-4),
    Case("adam, rate 0.0001, paper's network", 32, "grey", PAPER | ADAM | {"train.learning_rate": 0.0001}, 1e-3),
    Case("adam, rate 0.001", 32, "grey", SMALL | ADAM, 1e-3),
    Case("sgd, rate 0.001, paper's network, norms of the whole batch", 32, "many",
         PAPER | WHOLE | {"train.learning_rate": 0.001}, 1e-4),
    Case("sgd, rate 0.01, paper's network, norms of the whole batch", 64, "many", PAPER | WHOLE, 1e-9),
    Case("sgd, rate 0.01, paper's network", 64, "grey", PAPER, 1e-9),
    Case("adam, rate 0.001, paper's network", 64, "grey", PAPER | ADAM, 1e-9),
    Case("sgd, 3 classes, RGB 32x30, paper's network", 64, "colour", PAPER, 1e-9),
    Case("adamw, decay", 64, "grey", SMALL | ADAMW, 1e-9),
    Case("adam, decay", 64, "grey", SMALL | ADAMW | {"train.optimizer": "adam"}, 1e-9),
    variant("sgd, decay", train_weight_decay=0.1),
    variant("sgd, no momentum", train_momentum=0.0),
    variant("multi-label", "labels"),
    variant("clipped gradient", train_clip_norm=0.1),
    variant("balanced classes", train_class_weights="balanced"),
    variant("balanced labels", "labels", train_class_weights="balanced"),
    variant("cosine after warm-up", train_schedule="cosine", train_warmup=1.6),
    variant("steps of the rate", train_schedule="step", train_schedule_steps=[40, 70], train_schedule_factor=0.3),
    variant("micro-batches of 8", train_microbatch=8),
    variant("norms of the whole batch", train_microbatch=6, model_norm_statistics="batch"),
    variant("group norm", model_norm="group"),
    variant("no norm", model_norm="none"),
    variant("classical circuit", model_circuit_template="classical"),
    variant("no attention", model_attention="none"),
    variant("ladder attention", model_attention="ladder"),
    variant("trainable attention, 2 layers", model_attention="trainable", model_layers=2),
    variant("qft attention, Z only", model_observables="z", model_layers=2),
    variant("2 qubits, trainable", model_qubits=2, model_attention="trainable"),
    variant("5 qubits, pi tanh", model_qubits=5, model_scaling="pi-tanh"),
    variant("no scaling, no hidden layer", model_scaling="identity", model_head=0),
    variant("tanh, 3x3 features", model_scaling="tanh", model_features=3),
    variant("parameter shift", gradient_method="parameter-shift"),
]

# ---- data -----------------------------------------------------------------------------------------------------------


def gratings(rng, labels, height, width, channels):
    """Noisy stripes whose direction, width and colour follow the labels."""
    y, x = np.mgrid[0:height, 0:width]
    kind = labels @ (1 + np.arange(labels.shape[1]))
    phase = rng.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    wave = np.sin((0.3 + 0.2 * kind[:, None, None]) * (x + kind[:, None, None] * y) + phase)
    tint = 60 + 20 * np.cos(kind[:, None] + np.arange(channels))
    image = 128 + tint[:, None, None, :] * wave[..., None] + rng.normal(0, 20, (*wave.shape, channels))
    return image.clip(0, 255).astype(np.uint8)


def make_split(rng, count, kind):
    """Images and labels of one split, in MedMNIST's layout. The first class is the rarest."""
    if kind == "labels":
        labels = (rng.random((count, 3)) < [0.2, 0.5, 0.7]).astype(np.uint8)
    else:
        share = [0.3, 0.7] if kind in ("grey", "many") else [0.2, 0.3, 0.5]
        labels = rng.choice(len(share), (count, 1), p=share).astype(np.uint8)
        labels[: len(share), 0] = np.arange(len(share))  # every class is there
    if kind == "colour":
        return gratings(rng, labels, 32, 30, 3), labels
    return gratings(rng, labels, 28, 28, 1)[..., 0], labels


def make_data(folder, kind):
    """Writes <folder>/<kind>.npz and returns its arrays."""
    rng = np.random.default_rng(1)
    arrays = {}
    for split, count in (("train", TRAIN_IMAGES.get(kind, 77)), ("val", 12), ("test", 33)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = make_split(rng, count, kind)
    np.savez_compressed(f"{folder}/{kind}.npz", **arrays)
    return arrays


def images_of(data, split):
    """Images as the network wants them: N x channels x height x width, -1 to 1."""
    image = data[f"{split}_images"].astype(np.float64) / 255
    image = image[..., None] if image.ndim == 3 else image
    return torch.tensor((image - 0.5) / 0.5, dtype=torch.get_default_dtype()).permute(0, 3, 1, 2)


# ---- the program ----------------------------------------------------------------------------------------------------


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")


def text_of(value):
    return ",".join(map(str, value)) or "[]" if isinstance(value, list) else str(value)


def train(program, folder, data_path, settings):
    options = [f"--set={key}={text_of(value)}" for key, value in settings.items()]
    run(program, "train", "--run-dir", folder, f"--set=data.source={data_path}", *options)


def losses_of(folder):
    with open(f"{folder}/metrics.jsonl") as file:
        rows = [json.loads(line) for line in file]
    return [row["loss"] for row in rows if row["event"] == "step"]


def scores_of(program, folder, classes):
    run(program, "predict", f"{folder}/last.h5", "--split", "test", "--output", f"{folder}/scores.csv")
    with open(f"{folder}/scores.csv") as file:
        return np.array([row[-classes:] for row in list(csv.reader(file))[1:]], dtype=np.float64)


def tensors_of(path):
    """Named tensors of a checkpoint."""
    with h5py.File(path) as file:
        table = file["tensors"][:]
        blocks = {name: file["blocks"][name][:] for name in ("parameters", "statistics")}
    tensors = {}
    for name, block, offset, rank, shape in table:
        shape = tuple(shape[:rank])
        tensors[name.decode()] = blocks[block.decode()][offset : offset + math.prod(shape)].reshape(shape)
    return tensors


def start_weights(program, folder, data_path, settings):
    """Training at rate 0 leaves the parameters as they were; the statistics start at mean 0 and variance 1."""
    train(program, folder, data_path, settings | {"train.learning_rate": 0, "train.epochs": 1})
    tensors = tensors_of(f"{folder}/last.h5")
    for name, value in tensors.items():
        if name.endswith((".mean", ".var")):
            value[:] = name.endswith(".var")
    return tensors


# ---- the circuit, gate by gate on state vectors [samples][2^wires]; wire 0 is the most significant bit ---------------


def wires_of(state):
    return state.shape[1].bit_length() - 1


def bit(state, wire):
    """The bit of `wire` in every basis state's number."""
    return (torch.arange(state.shape[1]) >> (wires_of(state) - 1 - wire)) & 1


def flip(state, wire):
    """The basis states' numbers with that bit changed."""
    return torch.arange(state.shape[1]) ^ (1 << (wires_of(state) - 1 - wire))


def on_wire(state, wire, a, b, c, d):
    """[[a, b], [c, d]] on a wire; entries are numbers or one per sample."""
    a, b, c, d = (torch.as_tensor(entry).to(state.dtype).reshape(-1, 1) for entry in (a, b, c, d))
    other = state[:, flip(state, wire)]
    return torch.where(bit(state, wire) == 1, c * other + d * state, a * state + b * other)


def ry(state, wire, angle):
    cos, sin = torch.cos(angle / 2), torch.sin(angle / 2)
    return on_wire(state, wire, cos, -sin, sin, cos)


def u3(state, wire, theta, phi, delta):
    cos, sin = torch.cos(theta / 2), torch.sin(theta / 2)
    return on_wire(state, wire, cos, -torch.exp(1j * delta) * sin, torch.exp(1j * phi) * sin,
                   torch.exp(1j * (phi + delta)) * cos)


def hadamard(state, wire):
    h = math.sqrt(0.5)
    return on_wire(state, wire, h, h, h, -h)


def controlled_not(state, *wires):
    """The last wire is flipped where all others are 1: CNOT or Toffoli."""
    *controls, target = wires
    fires = math.prod(bit(state, wire) for wire in controls) == 1
    return torch.where(fires, state[:, flip(state, target)], state)


def controlled_phase(state, angle, first, second):
    return state * torch.exp(1j * angle * bit(state, first) * bit(state, second))


def attend(state, kind, gamma):
    n = wires_of(state)
    if kind == "trainable":
        for i in range(n):
            state = hadamard(state, i)
        for i, angle in enumerate(gamma):
            state = controlled_phase(state, angle, i, (i + 1) % n)
        return state
    for i in range(n if kind != "none" else 0):
        if kind == "qft":
            state = hadamard(state, i)
        for j in range(i + 1, n):
            state = controlled_phase(state, 2 * math.pi / 2 ** (j - i + 1), i, j)
    return state


def layer(state, weights, kind):
    n = wires_of(state)
    for i in range(n):
        state = u3(state, i, *weights[3 * i : 3 * i + 3])
    for i in range(n if n >= 2 else 0):
        state = controlled_not(state, i, (i + 1) % n)
    for i in range(n if n >= 3 else 0):
        state = controlled_not(state, i, (i + 1) % n, (i + 2) % n)
    return attend(state, kind, weights[3 * n :])


def measure(state, observables):
    n = wires_of(state)
    x = [(state.conj() * state[:, flip(state, i)]).sum(1).real for i in range(n)]
    z = [(state.abs() ** 2 * (1 - 2 * bit(state, i))).sum(1) for i in range(n)]
    return torch.stack(x + z if observables == "xz" else z, 1)


def circuit(angles, weights, settings):
    count, n = angles.shape
    state = torch.zeros(count, 2**n) + 0j
    state[:, 0] = 1
    for i in range(n):
        state = ry(state, i, angles[:, i])
    for part in weights.chunk(settings["model.layers"]):
        state = layer(state, part, settings["model.attention"])
    return measure(state, settings["model.observables"])


# ---- the network ----------------------------------------------------------------------------------------------------


class Network:
    """The network on the program's own tensors: convolutions [row][column][in][out], dense layers [in][out]."""

    def __init__(self, settings, tensors):
        self.settings = settings
        values = {name: torch.tensor(value, dtype=torch.get_default_dtype()) for name, value in tensors.items()}
        self.running = {name: value for name, value in values.items() if name.endswith((".mean", ".var"))}
        self.params = {name: value.requires_grad_() for name, value in values.items() if name not in self.running}

    def __call__(self, x, share=None):
        """Logits. share: this micro-batch's part of the batch in training; None: evaluation."""
        s = self.settings
        for i, (padding, pool) in enumerate(zip(s["model.padding"], s["model.pool"]), 1):
            weight = self.params[f"conv{i}.weight"].permute(3, 2, 0, 1)
            x = F.conv2d(x, weight, self.params[f"conv{i}.bias"], padding=padding)
            x = self.normalise(i, x, share).relu()
            x = F.max_pool2d(x, 2) if pool else x
        x = F.adaptive_avg_pool2d(x, s["model.features"]).permute(0, 2, 3, 1).flatten(1)
        x = self.measured(self.angles(self.dense("reduce", x)))
        x = self.dense("hidden", x).relu() if s["model.head"] > 0 else x
        return self.dense("output", x)

    def dense(self, name, x):
        return x @ self.params[f"{name}.weight"] + self.params[f"{name}.bias"]

    def angles(self, z):
        factor = {"half-pi-tanh": math.pi / 2, "pi-tanh": math.pi, "tanh": 1}
        kind = self.settings["model.scaling"]
        return z if kind == "identity" else factor[kind] * z.tanh()

    def measured(self, angles):
        if self.settings["model.circuit.template"] == "classical":
            return self.dense("circuit", angles).tanh()
        return circuit(angles, self.params["circuit.weights"], self.settings)

    def normalise(self, i, x, share):
        kind = self.settings["model.norm"]
        if kind == "none":
            return x
        scale, shift = self.params[f"norm{i}.scale"], self.params[f"norm{i}.shift"]
        if kind == "group":
            return F.group_norm(x, self.settings["model.norm_groups"], scale, shift)
        running = self.running[f"norm{i}.mean"], self.running[f"norm{i}.var"]
        if share is None:
            return F.batch_norm(x, *running, scale, shift)
        fresh = [torch.zeros_like(value) for value in running]
        y = F.batch_norm(x, *fresh, scale, shift, training=True, momentum=1.0)
        for value, new in zip(running, fresh):
            value += 0.1 * share * new
        return y

    def forget(self):
        """Makes room for a tenth of new running statistics, which the micro-batches of a batch then add."""
        for value in self.running.values():
            value *= 0.9


# ---- training -------------------------------------------------------------------------------------------------------


def class_weights(kind, labels):
    """n / (classes * members) for each class; for several label columns, negatives / positives of each."""
    columns = labels.shape[1]
    members = torch.bincount(labels[:, 0]) if columns == 1 else labels.sum(0)
    if kind == "none":
        return torch.ones(len(members))
    return len(labels) / (len(members) * members) if columns == 1 else (len(labels) - members) / members


def summed_loss(logits, labels, weights):
    if labels.shape[1] > 1:
        wanted = labels.to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights, reduction="sum")
    return F.cross_entropy(logits, labels[:, 0], weight=weights, reduction="sum")


def learning_rate(settings, start, end):
    """Rate of the step that takes the training from epoch `start` to `end`, both with fractions."""
    rate, epochs, factor = settings["train.learning_rate"], settings["train.epochs"], settings["train.schedule_factor"]
    if settings["train.schedule"] == "step":
        rate *= factor ** sum(math.floor(start) >= math.ceil(share * epochs / 100) for share in settings["train.schedule_steps"])
    if settings["train.schedule"] == "cosine":
        rate *= factor + (1 - factor) * (1 + math.cos(math.pi * start / epochs)) / 2
    warmup = settings["train.warmup"]
    return rate * end / warmup if end < warmup else rate


def make_optimizer(settings, params):
    """Weight decay is for the weights of convolutions and dense layers: the tensors of more than one dimension."""
    groups = [{"params": [p for p in params if p.dim() > 1], "weight_decay": settings["train.weight_decay"]},
              {"params": [p for p in params if p.dim() == 1], "weight_decay": 0.0}]
    rate = settings["train.learning_rate"]
    if settings["train.optimizer"] == "sgd":
        return torch.optim.SGD(groups, rate, settings["train.momentum"])
    rule = torch.optim.Adam if settings["train.optimizer"] == "adam" else torch.optim.AdamW
    return rule(groups, rate, (settings["train.beta1"], settings["train.beta2"]), settings["train.epsilon"])


def clip(params, largest):
    """As clip_grad_norm_, but without the 1e-6 that it adds to the norm."""
    norm = torch.sqrt(sum((p.grad**2).sum() for p in params))
    for p in params if norm > largest else []:
        p.grad *= largest / norm


def batch_loss(network, images, labels, weights):
    """Loss of one batch, and its gradient. The divisor is the size of the batch, whatever the weights."""
    total = 0
    network.forget()
    whole = network.settings["model.norm_statistics"] == "batch"
    pieces = 1 if whole else math.ceil(len(images) / network.settings["train.microbatch"])
    borders = [piece * len(images) // pieces for piece in range(pieces + 1)]
    for first, last in zip(borders, borders[1:]):
        x, wanted = images[first:last], labels[first:last]
        loss = summed_loss(network(x, len(x) / len(images)), wanted, weights) / labels.numel()
        loss.backward()
        total += loss.item()
    return total


def train_reference(network, images, labels):
    """Trains; returns the loss of every step."""
    settings, losses = network.settings, []
    params = list(network.params.values())
    optimizer = make_optimizer(settings, params)
    weights = class_weights(settings["train.class_weights"], labels).to(images.dtype)
    batches = list(zip(images.split(settings["train.batch"]), labels.split(settings["train.batch"])))
    seen = 0
    for step in range(settings["train.epochs"] * len(batches)):
        optimizer.zero_grad()
        batch = batches[step % len(batches)]
        losses.append(batch_loss(network, *batch, weights))
        if settings["train.clip_norm"] > 0:
            clip(params, settings["train.clip_norm"])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, seen / len(images), (seen + len(batch[0])) / len(images))
        optimizer.step()
        seen += len(batch[0])
    return losses


def reference(settings, tensors, data):
    """Losses of all steps and scores of the test split."""
    network = Network(settings, tensors)
    labels = torch.tensor(data["train_labels"].astype(np.int64))
    losses = train_reference(network, images_of(data, "train"), labels)
    with torch.no_grad():
        logits = network(images_of(data, "test"))
    return losses, logits.sigmoid() if labels.shape[1] > 1 else logits.softmax(1)


# ---- comparison -----------------------------------------------------------------------------------------------------


def compare(case, program, folder, data):
    """Steps, largest relative difference of a loss, largest difference of a score."""
    data_path, settings = f"{folder}/{case.data}.npz", BASE | case.options
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        tensors = start_weights(program, f"{runs}/start", data_path, settings)
        train(program, f"{runs}/run", data_path, settings)
        losses, scores = reference(settings, tensors, data)
        ours = losses_of(f"{runs}/run")
        score_gap = np.abs(scores_of(program, f"{runs}/run", scores.shape[1]) - scores.numpy()).max()
    if len(ours) != len(losses):
        sys.exit(f"{case.name}: {len(ours)} losses in metrics.jsonl, expected are {len(losses)}")
    return len(losses), max(abs(a - b) / abs(b) for a, b in zip(ours, losses)), score_gap


def agrees(case, program, folder, data):
    """Compares one case and prints its row of the table."""
    torch.set_default_dtype(torch.float64 if case.bits == 64 else torch.float32)
    steps, loss, score = compare(case, program, folder, data)
    good = loss <= case.bound and score <= case.bound
    print(f"{case.name:43} {case.bits}  {steps:5}  {loss:7.1e}  {score:7.1e}  {case.bound:6.0e}  "
          f"{'ok' if good else 'FAILED'}", flush=True)
    return good


def main():
    torch.set_num_threads(1)
    programs = {32: sys.argv[1], 64: sys.argv[2]}
    print(f"PyTorch {torch.__version__}, same start weights and batches: largest relative difference of a step's loss,")
    print("then largest difference of a test score after training.\n")
    print(f"{'case':43} bits  steps  loss     score    bound")
    with tempfile.TemporaryDirectory() as folder:
        data = {kind: make_data(folder, kind) for kind in {case.data for case in CASES}}
        passed = sum(agrees(case, programs[case.bits], folder, data[case.data]) for case in CASES)
    print(f"\n{passed} of {len(CASES)} cases agree")
    return 0 if passed == len(CASES) else 1


if __name__ == "__main__":
    sys.exit(main())
