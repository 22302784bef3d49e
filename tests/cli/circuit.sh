#!/usr/bin/env bash
# circuit.sh PROGRAM GOLDEN: hqcnn-dist circuit and circuit eval as a user meets them. GOLDEN: golden_circuits.json.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
GOLDEN=$2

# refused CODE "words of the message" arguments...
refused() {
    local code=$1 words=$2 got
    shift 2
    "$PROGRAM" "$@" >out.txt 2>err.txt </dev/null
    got=$?
    same "exit code of: $*" "$got" "$code"
    same "one message from: $*" "$(grep -c '^hqcnn-dist: error' err.txt)" 1
    check "message of: $*: $(cat err.txt)" grep -qF -- "$words" err.txt
}

# ---- drawing and counts
"$PROGRAM" circuit >default.txt
same "circuit" $? 0
check "drawing" grep -q '^q0 ─┤RY(x0)├──┤U3(w0,w1,w2)├──●' default.txt
check "gates" grep -qF 'gates             26 (h 4, ry 4, u3 4, cx 4, cp 6, ccx 4)' default.txt
check "outputs" grep -qF 'outputs            8 (X0, X1, X2, X3, Z0, Z1, Z2, Z3)' default.txt
check "depth" grep -qE '^  depth +17$' default.txt
check "evaluations" grep -qE '^  evaluations +33 ' default.txt
check "path" grep -qE '^  path +fused$' default.txt
check "another path" grep -qE '^  path +single$' <("$PROGRAM" circuit --set compute.circuit=single)
same "once on 3 ranks" "$(np 3 circuit)" "$(cat default.txt)"
check "options change the circuit" grep -q '^q5 ' <("$PROGRAM" circuit --set model.qubits=6)
gates=(--set model.circuit.template=gates --set model.qubits=3 --set "model.circuit.gates=cu3(w0, 2*x0-0.5, pi/2) 2 0; swap 0 1"
    --set "model.circuit.measure=Z0 Z2; Y1")
check "gates of the configuration" grep -qF '┤U3(w0,2*x0-0.5,pi/2)├' <("$PROGRAM" circuit "${gates[@]}")
check "Pauli strings of the configuration" grep -qF '  2 (Z0 Z2, Y1)' <("$PROGRAM" circuit "${gates[@]}")
check "controlled U3 as three gates" grep -qF 'cry(w0) q[2],q[0];' <("$PROGRAM" circuit "${gates[@]}" --qasm3 -)
check "a template" grep -qE '^  gates +12 \(ry 4, u3 4, cx 4\)$' <("$PROGRAM" circuit --set model.circuit.template=strongly-entangling)
printf 'model = { qubits = 2; };\n' >two.cfg
check "a configuration file" grep -qE '^  qubits +2$' <("$PROGRAM" circuit two.cfg)

# ---- files
"$PROGRAM" circuit --svg a.svg --qasm3 a.qasm >both.txt
same "exports" $? 0
same "exports print the drawing too" "$(cat both.txt)" "$(cat default.txt)"
same "nothing else is there" "$(find . -name 'a.*' | wc -l)" 2
same "picture on the standard output alone" "$("$PROGRAM" circuit --svg -)" "$(cat a.svg)"
if command -v xmllint >/dev/null; then
    check "well-formed picture" xmllint --noout a.svg
else
    check "well-formed picture" python3 -c 'import xml.dom.minidom as m; m.parse("a.svg")'
fi
check "version 3" grep -q '^OPENQASM 3.0;$' a.qasm
check "symbols of version 3" grep -q '^u3(w9,w10,w11) q\[3\];$' a.qasm
numbers=(--inputs "0.1, 0.2" "--weights=1,2,3,4,5,-6e-7" --set model.qubits=2)
check "version 2" grep -q '^u3(4,5,-5.9999999999999997e-07) q\[1\];$' <("$PROGRAM" circuit "${numbers[@]}" --qasm2 -)
same "gates of both versions" "$("$PROGRAM" circuit "${numbers[@]}" --qasm3 - | grep 'q\[[01]\];' | sed 's/^cp/cu1/')" \
    "$("$PROGRAM" circuit "${numbers[@]}" --qasm2 - | grep ' q\[[01]\]')"
same "probabilities" "$("$PROGRAM" circuit "${numbers[@]}" --probabilities - | awk -F, 'NR > 1 { sum += $2 } END { printf "%d %.12f", NR, sum }')" "5 1.000000000000"

# ---- a checkpoint
np 2 train "${SMALL[@]}" --set train.epochs=1 --set model.qubits=3 --run-dir run >/dev/null 2>&1
same "train" $? 0
"$PROGRAM" circuit run >run.txt
same "circuit of a run folder" $? 0
check "weights are numbers, inputs symbols" grep -qE '^q0 ─+┤RY\(x0\)├─+┤U3\(-?[0-9.]+,' run.txt
same "run folder and file" "$("$PROGRAM" circuit run/best.h5)" "$(cat run.txt)"
same "--run-dir" "$("$PROGRAM" circuit --run-dir run)" "$(cat run.txt)"
"$PROGRAM" circuit run --qasm3 - >trained.qasm
same "inputs stay symbols" "$(grep -c '^input float\[64\] x' trained.qasm)" 3
same "weights do not" "$(grep -c '^input float\[64\] w' trained.qasm)" 0
check "other weights go over them" grep -qF 'U3(1,2,3)' <("$PROGRAM" circuit run --weights 1,2,3,4,5,6,7,8,9)

# ---- circuit eval
close() { # close WANT HAVE: q and jacobian are the same within 1e-10, what was given is the same
    python3 - "$1" "$2" <<'PYTHON'
import json, sys
want, have = (json.load(open(name)) for name in sys.argv[1:])
def flat(x): return [z for y in x for z in flat(y)] if isinstance(x, list) else [x]
def numbers(case): return flat(case["q"]) + flat(case["jacobian"])
assert len(want) == len(have) > 30
for v, w in zip(want, have):
    assert all(v[key] == w[key] for key in ("qubits", "layers", "fourier", "x", "w"))
    assert len(numbers(v)) == len(numbers(w))
    assert max(abs(a - b) for a, b in zip(numbers(v), numbers(w))) <= 1e-10
PYTHON
}
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; json.dump([c for c in json.load(open(sys.argv[1])) if c["qubits"] <= 7], sys.stdout)' "$GOLDEN" >fused.json
    cp "$GOLDEN" batched.json
    cp "$GOLDEN" single.json
    for path in fused batched single; do
        for method in adjoint parameter-shift; do
            "$PROGRAM" circuit eval $path.json --set compute.circuit=$path --set gradient.method=$method >$path-$method.json
            same "eval $path $method" $? 0
            check "golden cases, $path $method" close $path.json $path-$method.json
        done
    done
    "$PROGRAM" circuit eval fused-adjoint.json --set compute.circuit=fused >again.json
    check "what comes out can go in" cmp fused-adjoint.json again.json
    np 3 circuit eval fused.json --set compute.circuit=fused >again.json
    check "once on 3 ranks" cmp fused-adjoint.json again.json
else
    echo "not tried: golden cases (python3 is missing)"
fi
refused 2 'up to 7 qubits' circuit eval "$GOLDEN" --set compute.circuit=fused
same "no output before all cases are checked" "$(cat out.txt)" ""
echo '[{"qubits":1,"layers":1,"fourier":"none","observables":"z","x":[0],"w":[0,0,0]}]' >z.json
check "eval with Z alone" grep -qF '"q": [1.0], "jacobian": [[' <("$PROGRAM" circuit eval z.json)
echo '[]' >none.json
same "eval of no case" "$("$PROGRAM" circuit eval none.json)" "[]"

# ---- refusals
refused 2 '--inputs X0,X1,...' circuit --qasm2 a2.qasm
refused 2 '--weights W0,W1,...' circuit --qasm2 a2.qasm --inputs 1,2,3,4
refused 2 '--inputs X0,X1,...' circuit --probabilities p.csv
check "no file is left" test ! -e a2.qasm -a ! -e p.csv
refused 2 '3 numbers; the circuit has 4 inputs' circuit --inputs 1,2,3
refused 2 '--inputs: number 1 is no finite number' circuit --inputs 1,,3,4
refused 2 '--weights: number 0 is no finite number' circuit --weights nan
refused 2 'not an option of "circuit"' circuit --output x
refused 2 'not an option of "train"' train --svg x
refused 2 'classical' circuit --set model.circuit.template=classical
refused 2 'model.qubits' circuit run --set model.qubits=4
refused 3 'none.h5' circuit none.h5
refused 3 '--svg no/a.svg cannot be written' circuit --svg no/a.svg
refused 2 'circuit eval needs a file' circuit eval
refused 2 'spsa' circuit eval z.json --set gradient.method=spsa
refused 3 'missing.json' circuit eval missing.json

# wrong 'words' 'JSON text'
wrong() {
    printf '%s' "$2" >wrong.json
    refused 3 "$1" circuit eval wrong.json
    same "no output for $2" "$(cat out.txt)" ""
}
GOOD='{"qubits":1,"layers":1,"fourier":"none","x":[0],"w":[0,0,0]}'
wrong 'wrong.json:1:' '[{"qubits":1'
wrong 'not an array' "$GOOD"
wrong 'case 1: is not an object' "[$GOOD,3]"
wrong 'case 1: "qubits" is missing' "[$GOOD,{\"layers\":1}]"
wrong 'case 0: "qubits" must be an integer from 1 to 20' '[{"qubits":21}]'
wrong 'case 0: "layers" must be an integer' '[{"qubits":1,"layers":1.5}]'
wrong 'case 0: "fourier" is missing; allowed are "none", "ladder", "qft", "trainable"' '[{"qubits":1,"layers":1}]'
wrong 'case 0: "observables"' '[{"qubits":1,"layers":1,"fourier":"qft","observables":"x"}]'
wrong 'case 0: "x" must be an array of 1 numbers (it has 2)' '[{"qubits":1,"layers":1,"fourier":"qft","x":[0,1]}]'
wrong 'case 0: "w"[1] is not a number' '[{"qubits":1,"layers":1,"fourier":"qft","x":[0],"w":[0,"1",2]}]'
wrong 'case 0: unknown key "obs"' '[{"obs":1}]'
finish
