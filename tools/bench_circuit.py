#!/usr/bin/python3
"""bench_circuit.py [PROGRAM] [--pairs N]: the reference circuit in hqcnn-dist and in PyTorch, side by side.
bench_circuit.py measure: PyTorch alone, one JSON line per batch and way of writing it.

The reference circuit is the default of `model.circuit`: 4 qubits, one layer, attention `qft`, outputs X_0..X_3, Z_0..Z_3.
One call takes new inputs x[B][4], weights w[12] and output gradients g[B][8], and gives q[B][8], dx[B][4] and dw[12]; double
precision, one thread. The two programs take turns (5 pairs unless told otherwise), so that other load on the machine hits
both; the table has the median and the lowest time of each, and the ratio within a pair. PROGRAM is build/release/hqcnn-dist
unless given, and is asked for `bench circuit --json`: path `fused`, `outputs` and `adjoint` (outputs and all gradients).

PyTorch has no circuits, so the circuit is fused by hand to one unitary U(w) for the whole batch. Three ways, from what a user
would write to the fastest found; each is checked against tests/quantum/golden_circuits.json before it is timed:
  complex    y = U psi in complex numbers, then |y|^2 and products of amplitude pairs; gradients by autograd
  real       all in real numbers: rows of U and of H U (H: Hadamard on every wire) on psi, squares, a table of signs; autograd
  by hand    q = T(w) F(x): every output is linear in the 81 products of 1, cos x_i, sin x_i; gradients written out, no autograd,
             every buffer and view made once
Tried and left out: `real` with amplitude pairs in place of H U (1.3 times the time of `real`), the formula of `by hand` under
autograd (0.7 times `real`), torch.jit.trace (no gain where its results for new inputs were right).

Needs Debian's python3-torch (1.13.1, which calls itself 1.13.0a0), hence Debian's Python in the first line.
"""
import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/quantum/golden_circuits.json"
BATCHES = (256, 1024)
WIRES = 4
TOLERANCE = 1e-11

# Debian's libtorch multiplies matrices with the system's OpenBLAS, which may have threads of its own. The two malloc limits keep
# freed memory in the process: without them autograd pays page faults at batch 1024 (up to 1.5 times the time).
SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
}
# A processor chosen for OpenBLAS by hand, often Haswell, hides AVX-512 from PyTorch: up to 1.3 times the time.
UNWANTED = ("OPENBLAS_CORETYPE",)


def environment():
    kept = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    return {**kept, **SETTINGS}


def load_torch():
    """PyTorch, with one thread and in double precision. Only `measure` needs it, after the environment is settled."""
    global torch
    try:
        import torch
    except ImportError:
        sys.exit(f"bench_circuit.py: PyTorch is missing for {sys.executable}: install Debian's package python3-torch")
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)


# --- the circuit -------------------------------------------------------------------------------------------------------------


def matrix(rows):
    return torch.tensor(rows, dtype=torch.complex128)


def on_wire(wire, gate):
    """The gate on one wire as a 16 x 16 matrix; wire 0 is the most significant bit."""
    full = matrix([[1]])
    for other in range(WIRES):
        full = torch.kron(full, gate if other == wire else matrix([[1, 0], [0, 1]]))
    return full


def controlled(controls, target, gate):
    """The gate on `target` where every control is 1."""
    all_set = torch.eye(16, dtype=torch.complex128)
    for control in controls:
        all_set = all_set @ on_wire(control, matrix([[0, 0], [0, 1]]))
    return torch.eye(16, dtype=torch.complex128) - all_set + all_set @ on_wire(target, gate)


class Constants:
    """What neither x nor w changes."""

    def __init__(self):
        x, y, z = matrix([[0, 1], [1, 0]]), matrix([[0, -1j], [1j, 0]]), matrix([[1, 0], [0, -1]])
        hadamard = matrix([[1, 1], [1, -1]]) / math.sqrt(2)
        after = torch.eye(16, dtype=torch.complex128)  # all gates after the U3 gates
        for i in range(WIRES):
            after = controlled([i], (i + 1) % WIRES, x) @ after
        for i in range(WIRES):
            after = controlled([i, (i + 1) % WIRES], (i + 2) % WIRES, x) @ after
        for i in range(WIRES):
            after = on_wire(i, hadamard) @ after
            for j in range(i + 1, WIRES):
                after = controlled([j], i, torch.diag(matrix([1, complex(*unit(2 * math.pi / 2 ** (j - i + 1)))]))) @ after
        self.after = after
        self.signs = torch.stack([on_wire(i, z).diagonal().real for i in range(WIRES)])  # [4][16], of <Z_i>

        all_hadamard = torch.eye(16, dtype=torch.complex128)
        for i in range(WIRES):
            all_hadamard = on_wire(i, hadamard) @ all_hadamard
        self.after_both = torch.cat([after, all_hadamard @ after])  # [32][16]
        self.signs_both = torch.zeros(8, 64)  # of the squares of Re U psi, Im U psi, Re H U psi, Im H U psi
        self.signs_both[4:, :32] = self.signs.repeat(1, 2)
        self.signs_both[:4, 32:] = self.signs.repeat(1, 2)

        # after^dagger O_k after in Pauli strings, [wire 0][wire 1][wire 2][wire 3][k], letters I, X, Y, Z
        observables = torch.stack([on_wire(i, letter) for letter in (x, z) for i in range(WIRES)])
        observables = after.conj().t() @ observables @ after
        self.strings = torch.empty(4, 4, 4, 4, 8)
        for letters in itertools.product(range(4), repeat=WIRES):
            string = matrix([[1]])
            for letter in letters:
                string = torch.kron(string, (matrix([[1, 0], [0, 1]]), x, y, z)[letter])
            self.strings[letters] = torch.einsum("kij,ji->k", observables, string).real / 16


def unit(angle):
    return math.cos(angle), math.sin(angle)


# --- PyTorch by autograd -----------------------------------------------------------------------------------------------------


class Autograd:
    """outputs() and gradients() from a differentiable `forward`."""

    def outputs(self, x, w):
        with torch.no_grad():
            return self.forward(x, w)

    def gradients(self, x, w, g):
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        q = self.forward(x, w)
        dx, dw = torch.autograd.grad(q, (x, w), g)
        return q.detach(), dx, dw


def rotations(w):
    """The four U3 gates as one 16 x 16 matrix."""
    theta, phi, delta = w.view(WIRES, 3).unbind(1)
    cosine, sine = torch.cos(theta / 2).to(torch.complex128), torch.sin(theta / 2).to(torch.complex128)
    one = torch.ones(WIRES)
    phase, other = torch.polar(one, phi), torch.polar(one, delta)
    u = torch.stack([cosine, -other * sine, phase * sine, phase * other * cosine], 1).view(WIRES, 2, 2)
    first = (u[0][:, None, :, None] * u[1][None, :, None, :]).reshape(4, 4)
    last = (u[2][:, None, :, None] * u[3][None, :, None, :]).reshape(4, 4)
    return (first[:, None, :, None] * last[None, :, None, :]).reshape(16, 16)


class Complex(Autograd):
    name = "complex"

    def __init__(self, constants, batch):
        self.after, self.signs = constants.after, constants.signs.t().contiguous()

    def forward(self, x, w):
        half = x / 2
        wire = torch.stack([torch.cos(half), torch.sin(half)], 2)  # [B][4][2]
        first = (wire[:, 0, :, None] * wire[:, 1, None, :]).view(-1, 4)
        last = (wire[:, 2, :, None] * wire[:, 3, None, :]).view(-1, 4)
        psi = (first[:, :, None] * last[:, None, :]).view(-1, 16)
        y = torch.view_as_real(psi.to(torch.complex128) @ (self.after @ rotations(w)).t())
        z = (y * y).sum(2) @ self.signs
        pairs = [y.view(-1, 2**i, 2, 2 ** (4 - i)) for i in range(WIRES)]
        return torch.cat([torch.stack([2 * (p[:, :, 0] * p[:, :, 1]).sum((1, 2)) for p in pairs], 1), z], 1)


class Real(Autograd):
    name = "real"

    def __init__(self, constants, batch):
        self.after, self.signs = constants.after_both, constants.signs_both

    def forward(self, x, w):
        half = x.t() / 2
        wire = torch.stack([torch.cos(half), torch.sin(half)], 1)  # [4][2][B]: samples innermost
        pairs = (wire[0::2][:, :, None] * wire[1::2][:, None]).view(2, 4, -1)
        psi = (pairs[0][:, None] * pairs[1][None]).view(16, -1)
        u = torch.view_as_real(self.after @ rotations(w)).view(2, 16, 16, 2)
        y = u.permute(0, 3, 1, 2).reshape(64, 16) @ psi
        return (self.signs @ (y * y)).t()


# --- PyTorch with the gradient written out -----------------------------------------------------------------------------------

# U3(theta, phi, delta) is RZ(phi) RY(theta) RZ(delta) up to a phase, and turns the Bloch vector (sin x, 0, cos x) of an encoded
# wire. Entries of this turn M, rows I, X, Y, Z, columns 1, cos x, sin x: row, column, sign and the factor of theta, phi, delta
# (0: 1, 1: cosine, 2: sine).
TURN = (
    (0, 0, 1, (0, 0, 0)),
    (1, 1, 1, (2, 1, 0)), (1, 2, 1, (1, 1, 1)), (1, 2, -1, (0, 2, 2)),
    (2, 1, 1, (2, 2, 0)), (2, 2, 1, (1, 2, 1)), (2, 2, 1, (0, 1, 2)),
    (3, 1, 1, (1, 0, 0)), (3, 2, -1, (2, 0, 1)),
)


class ByHand:
    """q = T F. F[81][B]: products of (1, cos x_i, sin x_i) over the wires. T[8][81]: the strings, contracted with M_i wire by wire.

    The derivative of (1, c, s) is (0, -s, c), so a gradient d of (1, c, s) gives d_s c - d_c s. Names: `_x` of the inputs, `_w` of
    the weights, leading d: gradient with respect to. All results go to buffers made here; a call creates only q, dx and dw.
    """

    name = "by hand"

    def __init__(self, constants, batch):
        turn = torch.zeros(12, 3, 3, 3)
        for row, column, sign, factors in TURN:
            turn[(row * 3 + column, *factors)] = sign
        self.turn = turn.view(12, 27)
        self.turn_t = self.turn.t().contiguous()
        self.make_input_buffers(batch)
        self.make_weight_buffers(constants.strings)

    def make_input_buffers(self, batch):
        wire, d_wire = torch.ones(WIRES, 3, batch), torch.empty(WIRES, 3, batch)
        pair, d_pair = torch.empty(2, 9, batch), torch.empty(2, 9, batch)
        self.cos_x, self.sin_x, self.d_cos_x, self.d_sin_x = wire[:, 1], wire[:, 2], d_wire[:, 1], d_wire[:, 2]
        self.even, self.odd = wire[0::2][:, :, None], wire[1::2][:, None]  # wires 0 and 2; 1 and 3
        self.d_even, self.d_odd = d_wire[0::2], d_wire[1::2]
        self.pair, self.d_pair = pair.view(2, 3, 3, batch), d_pair.view(2, 3, 3, batch)
        self.low, self.high = pair[0][:, None], pair[1][None]  # wires 0, 1; wires 2, 3
        self.d_low, self.d_high = d_pair[0], d_pair[1]
        self.f, self.d_f, self.work_f = (torch.empty(9, 9, batch) for _ in range(3))
        self.f81, self.d_f81, self.f81_t = self.f.view(81, batch), self.d_f.view(81, batch), self.f.view(81, batch).t()
        self.work_pair = torch.empty(2, 3, 3, batch)

    def make_weight_buffers(self, strings):
        angle, d_angle = torch.ones(WIRES, 3, 3), torch.empty(WIRES, 3, 3)  # [wire][theta, phi, delta][1, cos, sin]
        self.cos_w, self.sin_w, self.d_cos_w, self.d_sin_w = angle[:, :, 1], angle[:, :, 2], d_angle[:, :, 1], d_angle[:, :, 2]
        self.theta, self.phi, self.delta = angle[:, 0, :, None], angle[:, 1, :, None], angle[:, 2, None]
        self.d_theta, self.d_phi, self.d_delta = d_angle.unbind(1)
        self.phases, self.d_phases = torch.empty(WIRES, 1, 9), torch.empty(WIRES, 9)
        self.phases33, self.d_phases33 = self.phases.view(WIRES, 3, 3), self.d_phases.view(WIRES, 3, 3)
        self.angles, self.d_angles, self.work_w = (torch.empty(WIRES, 3, 9) for _ in range(3))
        self.angles27, self.d_angles27 = self.angles.view(WIRES, 27), self.d_angles.view(WIRES, 27)
        self.work_phases = torch.empty(WIRES, 3, 3)
        self.m12, self.d_m12 = torch.empty(WIRES, 12), torch.empty(WIRES, 12)
        self.m, self.d_m = list(self.m12.view(WIRES, 4, 3)), list(self.d_m12.view(WIRES, 4, 3))
        # before[i]: letter of wire i first, then the later wires, k, the wires already contracted; after[i] = before[i]^T M_i
        # is the same memory as before[i + 1], and T in the end.
        sizes = (384, 288, 216)
        self.before = [strings.view(4, 512), *(torch.empty(4, size) for size in sizes)]
        self.d_before = [torch.empty(4, 512), *(torch.empty(4, size) for size in sizes)]
        self.t, self.d_t = torch.empty(8, 81), torch.empty(8, 81)
        self.t_t = self.t.t()
        self.before_t = [b.t() for b in self.before]
        self.after = [b.view(-1, 3) for b in (*self.before[1:], self.t)]
        self.d_after = [b.view(-1, 3) for b in (*self.d_before[1:], self.d_t)]
        self.d_after_t = [b.t() for b in self.d_after]

    def forward(self, x, w):
        x, w, mul = x.t(), w.view(WIRES, 3), torch.mul
        torch.cos(x, out=self.cos_x)
        torch.sin(x, out=self.sin_x)
        mul(self.even, self.odd, out=self.pair)
        mul(self.low, self.high, out=self.f)
        torch.cos(w, out=self.cos_w)
        torch.sin(w, out=self.sin_w)
        mul(self.phi, self.delta, out=self.phases33)
        mul(self.theta, self.phases, out=self.angles)
        torch.mm(self.angles27, self.turn_t, out=self.m12)
        for i in range(WIRES):
            torch.mm(self.before_t[i], self.m[i], out=self.after[i])
        return torch.mm(self.t, self.f81).t()

    def backward_inputs(self, g):
        torch.mm(self.t_t, g, out=self.d_f81)
        self.product(self.d_f, self.low, self.high, self.work_f, self.d_low, self.d_high, 0)
        self.product(self.d_pair, self.even, self.odd, self.work_pair, self.d_even, self.d_odd, 1)
        return (self.d_sin_x * self.cos_x).addcmul_(self.d_cos_x, self.sin_x, value=-1).t()

    def backward_weights(self, g):
        torch.mm(g, self.f81_t, out=self.d_t)
        for i in (3, 2, 1, 0):
            torch.mm(self.before[i], self.d_after[i], out=self.d_m[i])
            if i > 0:
                torch.mm(self.m[i], self.d_after_t[i], out=self.d_before[i])
        torch.mm(self.d_m12, self.turn, out=self.d_angles27)
        self.product(self.d_angles, self.theta, self.phases, self.work_w, self.d_theta, self.d_phases, 1)
        self.product(self.d_phases33, self.phi, self.delta, self.work_phases, self.d_phi, self.d_delta, 1)
        return (self.d_sin_w * self.cos_w).addcmul_(self.d_cos_w, self.sin_w, value=-1).view(12)

    @staticmethod
    def product(d, left, right, work, d_left, d_right, axis):
        """Gradients of both factors of an outer product: left lies along `axis`, right along the next one."""
        torch.sum(torch.mul(d, right, out=work), axis + 1, out=d_left)
        torch.sum(torch.mul(d, left, out=work), axis, out=d_right)

    def outputs(self, x, w):
        with torch.no_grad():
            return self.forward(x, w)

    def gradients(self, x, w, g):
        with torch.no_grad():
            q, g = self.forward(x, w), g.t()
            return q, self.backward_inputs(g), self.backward_weights(g)


# --- check, time, compare ----------------------------------------------------------------------------------------------------


def largest_difference(results, expected):
    return max((a - b).abs().max().item() for a, b in zip(results, expected))


def golden_error(program):
    """Outputs and every entry of the Jacobian of the golden cases; a second sample with gradient 0 must not matter."""
    cases = [c for c in json.loads(GOLDEN.read_text()) if (c["qubits"], c["layers"], c["fourier"]) == (WIRES, 1, "qft")]
    worst = 0.0 if cases else math.inf
    for case, k in itertools.product(cases, range(8)):
        x, g = torch.tensor([case["x"], [0.3, -0.2, 0.9, 1.4]]), torch.zeros(2, 8)
        g[0, k] = 1
        q, dx, dw = program.gradients(x, torch.tensor(case["w"]), g)
        column = torch.tensor(case["jacobian"])[:, k]
        worst = max(worst, largest_difference((q[0], dx[0], dw), (torch.tensor(case["q"]), column[:WIRES], column[WIRES:])))
    return worst


def microseconds(call, repeats=9, seconds=0.02):
    """Median over repeats, each long enough for the clock."""
    call()
    start = time.perf_counter()
    call()
    count = max(3, int(seconds / (time.perf_counter() - start)))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return statistics.median(times) * 1e6


def measure():
    """Prints the JSON lines. Starts itself anew where the environment is not the wanted one: it counts before the first import."""
    if environment() != dict(os.environ):
        os.execve(sys.executable, [sys.executable, __file__, "measure"], environment())
    load_torch()
    torch.manual_seed(1)
    constants = Constants()
    for batch in BATCHES:
        x, w, g = (torch.rand(batch, WIRES) - 0.5) * math.pi, torch.rand(12) * 2 * math.pi, torch.randn(batch, 8)
        expected = Complex(constants, batch).gradients(x, w, g)  # itself checked against the golden cases below
        for kind in (Complex, Real, ByHand):
            program = kind(constants, batch)
            error = max(golden_error(kind(constants, 2)), largest_difference(program.gradients(x, w, g), expected))
            if not error <= TOLERANCE:
                sys.exit(f"bench_circuit.py: '{kind.name}' is wrong by {error:.1e} at batch {batch}: nothing to time")
            line = {
                "batch": batch,
                "program": f"PyTorch {torch.__version__.strip()} {kind.name}",
                "us_per_sample": microseconds(lambda: program.gradients(x, w, g)) / batch,
                "outputs_us_per_sample": microseconds(lambda: program.outputs(x, w)) / batch,
                "check": error,
            }
            print(json.dumps(line), flush=True)


def run(command):
    try:
        done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        sys.exit(f"bench_circuit.py: cannot run {command[0]}: {error.strerror}")
    if done.returncode != 0:
        sys.exit(f"bench_circuit.py: '{' '.join(map(str, command))}' ended with exit code {done.returncode}")
    return done.stdout


def our_times(program):
    """Rows batch, name, outputs, outputs and gradient: the fused path with the kernel the program chooses by itself."""
    answer = run([program, "bench", "circuit", "--json"])
    try:
        report = json.loads(answer)
        times = {
            (case["batch"], case["what"]): case["us_per_sample"]
            for case in report["cases"]
            if case["path"] == "fused" and case["kernel"] == report["kernel"]
        }
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"bench_circuit.py: {program} bench circuit --json prints something else: {error!r}")
    missing = [key for key in itertools.product(BATCHES, ("outputs", "adjoint")) if key not in times]
    if missing:
        sys.exit(f"bench_circuit.py: {program} reports no fused case {missing[0][1]} at batch {missing[0][0]}")
    return [(batch, f"hqcnn-dist {report['kernel']}", times[batch, "outputs"], times[batch, "adjoint"]) for batch in BATCHES]


def torch_times():
    lines = [json.loads(line) for line in run([sys.executable, __file__, "measure"]).splitlines()]
    return [(line["batch"], line["program"], line["outputs_us_per_sample"], line["us_per_sample"]) for line in lines]


def compare(program, pairs):
    outputs, both, ratios = {}, {}, {}
    for _ in range(pairs):
        peers = torch_times()  # first: it says at once when PyTorch is missing
        ours = our_times(program)
        reference = {batch: time for batch, _, _, time in ours}
        for batch, name, first, second in ours + peers:
            outputs.setdefault((batch, name), []).append(first)
            both.setdefault((batch, name), []).append(second)
            ratios.setdefault((batch, name), []).append(second / reference[batch])
    print(f"reference circuit, double precision, one thread, {pairs} pairs; microseconds per sample: median (lowest)")
    print(f"{'batch':>5}  {'program':32}{'outputs':>16}{'with gradient':>18}{'times ours':>12}")
    for batch, name in sorted(both, key=lambda key: key[0]):
        columns = [f"{statistics.median(t):.3f} ({min(t):.3f})" for t in (outputs[batch, name], both[batch, name])]
        print(f"{batch:5}  {name:32}{columns[0]:>16}{columns[1]:>18}{statistics.median(ratios[batch, name]):12.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=ROOT / "build/release/hqcnn-dist", metavar="PROGRAM|measure")
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    options = parser.parse_args()
    if options.program == "measure":
        measure()
    elif options.pairs < 1:
        parser.error("--pairs: allowed is a number from 1")
    else:
        compare(options.program, options.pairs)


if __name__ == "__main__":
    main()
