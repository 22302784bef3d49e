// qasm_node.js FOLDER CASES: simulates every CASES/*.qasm with the package quantum-circuit of FOLDER/node_modules and
// compares the probabilities of all basis states with CASES/*.csv. Exits with 1 when one differs by more than 1e-9.
"use strict";
const fs = require("fs");
const path = require("path");
const [folder, cases] = process.argv.slice(2);
const QuantumCircuit = require(path.join(folder, "node_modules", "quantum-circuit"));
const TOLERANCE = 1e-9;

// Probability of each basis state; bit i of its number is wire i.
function simulate(text) {
    const circuit = new QuantumCircuit();
    let errors = [];
    circuit.importQASM(text, (found) => { errors = found; });
    if (errors.length > 0) throw new Error(JSON.stringify(errors[0]));
    circuit.run();
    return (state) => {
        const z = circuit.state[state];
        return z === undefined ? 0 : z.re * z.re + z.im * z.im;
    };
}

// [[state number as above, probability], ...]; a state is written with wire 0 first.
function expected(text) {
    const rows = text.trim().split("\n").slice(1).map((line) => line.split(","));
    if (rows.length !== Math.pow(2, rows[0][0].length)) throw new Error("not a row for every basis state");
    return rows.map(([bits, p]) => [parseInt(bits.split("").reverse().join(""), 2), Number(p)]);
}

function compare(name) {
    const theirs = simulate(fs.readFileSync(name, "utf8"));
    let worst = 0;
    for (const [state, p] of expected(fs.readFileSync(name.replace(/\.qasm$/, ".csv"), "utf8"))) {
        const difference = Math.abs(theirs(state) - p);
        worst = difference <= worst ? worst : difference; // NaN stays
    }
    return worst;
}

let failed = 0;
let worst = 0;
const names = fs.readdirSync(cases).filter((name) => name.endsWith(".qasm"));
for (const name of names) {
    const difference = compare(path.join(cases, name));
    worst = Math.max(worst, difference);
    if (difference <= TOLERANCE) continue;
    failed++;
    console.error(`${name}: probabilities differ by ${difference}`);
}
console.log(`${names.length} circuits by quantum-circuit, ${failed} differ, largest difference ${worst}`);
process.exit(failed === 0 && names.length > 0 ? 0 : 1);
