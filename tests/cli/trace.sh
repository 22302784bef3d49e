#!/usr/bin/env bash
# trace.sh PROGRAM: what the time of an epoch went into, and traces. No time is judged here, only whether the times fit together.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v python3 >/dev/null || skip "python3 reads the results"

# valid FILE RANKS STEPS: a trace of so many ranks and steps (STEPS "some": at least one)
valid() {
    python3 - "$@" <<'PYTHON'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
ranks, phases = int(sys.argv[2]), [e for e in events if e["ph"] == "X"]
assert sorted(e["tid"] for e in events if e["name"] == "thread_name") == list(range(ranks))
assert {e["tid"] for e in phases} == set(range(ranks))
assert {"network", "sum", "update"} <= {e["name"] for e in phases}
assert all(e["cat"] == ("waits" if e["name"] in ("sum", "agreement", "broadcast", "barrier", "gathering", "spreading") else "works") for e in phases)
steps = {e["args"]["step"] for e in phases if e["name"] == "network"}
assert steps == set(range(1, len(steps) + 1)) and len(steps) >= 1
assert sys.argv[3] == "some" or len(steps) == int(sys.argv[3])
for rank in range(ranks):
    mine = [e for e in phases if e["tid"] == rank]
    for a, b in zip(mine, mine[1:]):
        assert a["dur"] >= 0 and abs(a["ts"] + a["dur"] - b["ts"]) < 0.01, (a, b)
PYTHON
}

np 3 train "${SMALL[@]}" --set log.trace_steps=4 --run-dir three >three.out 2>&1
same "a traced training" $? 0
check "its trace is valid" valid three/trace.json 3 4
np 1 train "${SMALL[@]}" --set log.trace_steps=1000 --run-dir one >one.out 2>&1
check "a trace of more steps than there are" valid one/trace.json 1 6
same "the bits are the same with and without ranks and traces" "$(hash_of three/last.h5)" "$(hash_of one/last.h5)"
np 1 train "${SMALL[@]}" --run-dir none >none.out 2>&1
same "the bits without a trace" "$(hash_of none/last.h5)" "$(hash_of one/last.h5)"
check "no trace when none is asked for" test ! -e none/trace.json

mpirun -np 2 "$PROGRAM" train "${SMALL[@]}" --set train.epochs=2000 --set log.trace_steps=1000000 --run-dir stopped >stopped.out 2>&1 &
job=$!
for _ in $(seq 300); do grep -q '^epoch 2/' stopped.out && break || sleep 0.02; done
kill -USR1 $job
wait $job
same "an interrupted training" $? 75
check "its trace is valid" valid stopped/trace.json 2 some

# ---- a disk that is full
mkdir full && ln -s /dev/full full/trace.json.tmp
np 2 train "${SMALL[@]}" --set log.trace_steps=1000 --run-dir full >full.out 2>&1
same "exit code without room for the trace" $? 3
same "one message: $(cat full.out)" "$(grep -c 'error: .*full/trace.json cannot be written: No space left on device' full.out)" 1
check "nothing is left of it" test ! -L full/trace.json.tmp -a ! -e full/trace.json

# ---- phases of an epoch
check "phases fit together" python3 - three/metrics.jsonl <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
epochs = [row["timing"] for row in rows if row["event"] == "epoch"]
assert len(epochs) == 2
for t in epochs:
    assert 0 < t["efficiency"] <= 1
    assert all(0 <= p["least"] <= p["mean"] * 1.000001 and p["mean"] <= p["most"] * 1.000001 for p in t["phases"].values())
    assert {"data", "network", "integers", "sum", "update", "evaluation"} <= t["phases"].keys()
    assert 0.5 * t["seconds"] < sum(p["mean"] for p in t["phases"].values()) < 1.5 * t["seconds"] + 0.05
PYTHON
check "a line for ranks that wait" grep -qE '^ +ranks work [0-9]+ % of the time \([0-9]+ to [0-9]+ %\):.* network [0-9]+' three.out
same "no line for one rank" "$(grep -c 'ranks work' one.out)" 0
finish
