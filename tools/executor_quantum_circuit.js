#!/usr/bin/env node
// executor_quantum_circuit.js: an external executor (docs/executor.md) that runs circuits with the npm package
// quantum-circuit, a simulator by others. Same seed, same counts. For example:
//
//   npm install --prefix ~/simulator quantum-circuit
//   export NODE_PATH=~/simulator/node_modules
//   hqcnn-dist train ... --set shots.count=1000 --set gradient.method=parameter-shift
//       --set executor.command="node tools/executor_quantum_circuit.js"
"use strict";
const readline = require("readline");

console.log = console.error; // standard output is for answers alone

function load() {
    try {
        return require("quantum-circuit");
    } catch (error) {
        if (error.code !== "MODULE_NOT_FOUND") throw error;
        console.error("executor_quantum_circuit.js: the package quantum-circuit is missing. Install it with\n" +
            "    npm install --prefix FOLDER quantum-circuit\n" +
            "and set the environment variable NODE_PATH to FOLDER/node_modules");
        process.exit(1);
    }
}
const QuantumCircuit = load();

// ---- random numbers: xoshiro128** (Blackman and Vigna, arXiv:1805.01407) ----

function rotate(x, k) { return (x << k) | (x >>> (32 - k)); }

// A function that gives numbers uniform in [0, 1) with 53 bits; seed: an integer below 2^53.
function uniform(seed) {
    const s = [seed >>> 0, Math.floor(seed / 4294967296) >>> 0, 0x6a09e667, 0xbb67ae85];
    function next() {
        const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
        const t = s[1] << 9;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotate(s[3], 11);
        return result;
    }
    for (let i = 0; i < 20; i++) next(); // the seed spreads over all of the state
    return () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
}

// ---- circuits ----

// [[bit string with wire 0 first, probability], ...] of the states that occur, in the order of their numbers. The
// measurement at the end is left out: the package would draw one outcome; here all shots come from one simulation.
function simulate(job) {
    const circuit = new QuantumCircuit();
    let errors = [];
    circuit.importQASM(job.program.replace(/^measure .*;$/gm, ""), (found) => { errors = found; });
    if (errors.length > 0) throw new Error("quantum-circuit refuses the program: " + JSON.stringify(errors[0]));
    if (circuit.numQubits > job.qubits) throw new Error("the program has more than " + job.qubits + " qubits");
    circuit.run();
    return Object.keys(circuit.state).map(Number).sort((a, b) => a - b).map((state) => {
        const z = circuit.state[state];
        const bits = state.toString(2).padStart(job.qubits, "0"); // bit i of the number is wire i
        return [bits.split("").reverse().join(""), z.re * z.re + z.im * z.im];
    });
}

// The place of the first sum that exceeds x.
function find(sums, x) {
    let low = 0, high = sums.length - 1;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle] > x) high = middle;
        else low = middle + 1;
    }
    return low;
}

function sample(states, shots, seed) {
    const random = uniform(seed), counts = {};
    let total = 0;
    const sums = states.map(([, p]) => (total += p));
    for (let i = 0; i < shots; i++) {
        const bits = states[find(sums, random() * total)][0];
        counts[bits] = (counts[bits] || 0) + 1;
    }
    return counts;
}

function answer(line) {
    const job = JSON.parse(line);
    try {
        if (job.format !== "qasm2") throw new Error("quantum-circuit needs executor.format = \"qasm2\"");
        return { id: job.id, counts: sample(simulate(job), job.shots, job.seed) };
    } catch (error) {
        return { id: job.id, error: error.message };
    }
}

readline.createInterface({ input: process.stdin, terminal: false })
    .on("line", (line) => process.stdout.write(JSON.stringify(answer(line)) + "\n"));
