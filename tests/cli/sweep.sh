#!/usr/bin/env bash
# sweep.sh PROGRAM: sweeps: the table does not depend on ranks, groups, jobs or interruptions; every training is trained once; what is broken, diverged or held by
# others is dealt with. sweep_kill.sh has the kills.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cat >grid.cfg <<'EOF'
phantom = { train = 32; val = 16; test = 16; size = 16; };
model = { channels = [4, 4]; padding = [1, 1]; pool = [1, 1]; features = 2; qubits = 2; head = 8; };
train = { epochs = 2; batch = 16; microbatch = 8; };
sweep = {
    space = ("train.learning_rate = 1e-3 .. 1e-1 log grid 3", "train.optimizer = sgd | adam", "train.momentum = 0 | 0.9 if train.optimizer = sgd");
    seeds = 2;
};
EOF
table() { "$PROGRAM" sweep table "$1"; }
trainings() { find "$1/trials" -name metrics.jsonl | wc -l; }
# How often trainings were tested in all run folders: each once.
tests_in() { cat "$1"/trials/*/*/metrics.jsonl | grep -c '"event":"test"'; }
starts_in() { cat "$1"/trials/*/*/metrics.jsonl | grep -c '"event":"start"'; }

# One rank; the reference.
check "a sweep" np 1 sweep grid.cfg --run-dir one >one.out 2>one.err
same "its errors" "$(cat one.err)" ""
same "trials: 3 rates x (2 momenta with sgd + adam)" "$(table one | tail -n +2 | wc -l)" 9
same "no trial twice" "$(table one | tail -n +2 | cut -d, -f2 | sort -u | wc -l)" 9
same "states" "$(table one | tail -n +2 | cut -d, -f3 | sort -u)" ok
same "a key that is not varied is empty" "$(table one | grep -c ',adam,,')" 3
same "trainings" "$(trainings one)" 18
same "lines on the screen" "$(grep -c '^trial ' one.out)" 18
same "no claim is left" "$(find one/claims -type f | wc -l)" 0
table one >want.csv

# A training of the sweep has the bits of the same training by itself.
id=$(sed -n 6p want.csv | cut -d, -f2)
folder=$(echo one/trials/*/"$id"-s2)
same "seed in the configuration" "$(grep -E '^ *seed = ' "$folder/config.cfg" | sed -n 2p | tr -d ' ')" "seed=2;"
check "the same training by itself" np 2 train "$folder/config.cfg" --run-dir alone >alone.out 2>&1
same "best model of it" "$(hash_of "$folder/best.h5")" "$(hash_of alone/best.h5)"
same "metrics of it" "$(values_of "$folder")" "$(values_of alone)"
check "only the best model stays" test ! -e "$folder/last.h5" -a ! -e "$folder/checkpoints"

# Groups of ranks, also when they do not divide evenly.
check "4 groups" np 4 sweep grid.cfg --ranks-per-trial 1 --run-dir four >four.out 2>four.err
same "4 groups: errors" "$(grep -v 'ranks of a thread each share' four.err)" ""
check "4 groups: table" cmp want.csv <(table four)
same "4 groups: each once" "$(tests_in four) $(starts_in four)" "18 18"
check "4 groups: idle share" grep -q '^4 groups of ranks trained for .* idle share' four.out
check "5 ranks in 2 groups" np 5 sweep grid.cfg --ranks-per-trial 2 --run-dir two >two.out 2>&1
check "5 ranks in 2 groups: table" cmp want.csv <(table two)

# As an array: each trial a job of its own, several at once, some twice.
for trial in 1 2 3 4 5 6 7 8 9 3 4; do np 1 sweep grid.cfg --run-dir array --trial $trial >array.$trial.$RANDOM.out 2>&1 & done
wait
check "array: table" cmp want.csv <(table array)
same "array: each once" "$(tests_in array) $(starts_in array)" "18 18"
same "array: no claim is left" "$(find array/claims -type f | wc -l)" 0

# Nothing to do.
check "again" np 2 sweep grid.cfg --run-dir one >again.out 2>&1
same "again: no training" "$(grep -c '^trial ' again.out)" 0
check "without CONFIG the plan of the folder" np 1 sweep one >again.out 2>&1
check "that plan" grep -q '18 of 18 trainings have results' again.out

# Status, best, its configuration.
check "status" np 1 sweep status one >status.out
check "status: counts" grep -q 'trainings 18: 18 done (0 diverged, 0 failed), 0 under way, 0 open' status.out
check "best" np 1 sweep best one --output best.cfg >best.out
best=$(sed -n 's/^best: trial \([0-9]*\),.*/\1/p' best.out)
same "best is the largest validation AUC" "$best" "$(tail -n +2 want.csv | sort -t, -k9,9gr -k1,1n | head -n 1 | cut -d, -f1)"
check "its configuration can be trained" np 1 train best.cfg --run-dir from_best >from_best.out 2>&1
same "and gives the same model" "$(hash_of from_best/best.h5)" "$(hash_of one/trials/*/"$(sed -n $((best + 1))p want.csv | cut -d, -f2)"-s1/best.h5)"

# The plan without a training; the page.
check "plan" "$PROGRAM" sweep plan grid.cfg --run-dir planned >plan.out
check "plan: counts" grep -q 'planned: 9 trials x 2 seeds, method grid, up to 36 epochs in all' plan.out
same "plan: nothing is trained" "$(find planned -type f)" planned/plan.cfg
check "report" "$PROGRAM" sweep report one --output report.html >report.out
check "report: where it is" grep -qx 'report report.html' report.out
same "report: a line and a curve for each trial" "$(grep -c '<path ' report.html)" 18
same "report: is whole" "$(tail -n 1 report.html)" "</html>"
same "report: its pictures" "$(grep -c '<svg ' report.html)" 3

# Trials of different lengths on groups.
check "lengths" np 2 sweep grid.cfg --ranks-per-trial 1 --run-dir lengths --set sweep.seeds=1 --set 'sweep.space=train.epochs = 1 | 7; train.optimizer = sgd | adam' >lengths.out 2>&1
same "lengths: epochs" "$(table lengths | tail -n +2 | cut -d, -f4 | tr '\n' ' ')" "1 1 7 7 "

# A result that is half written, or empty, counts as none and is made again; so does one whose training is gone.
cp -r one broken
victims=(broken/results/*/*.json)
head -c 300 "${victims[0]}" >half && cp half "${victims[0]}"
: >"${victims[1]}"
rm "${victims[2]}"
rm -r broken/trials/*/"$(basename "${victims[2]}" .json)"
check "broken results" np 2 sweep grid.cfg --run-dir broken >broken.out 2>broken.err
same "broken results: told" "$(grep -c 'is no whole result: it counts as none' broken.err)" 2
same "broken results: trained again" "$(grep -c '^trial ' broken.out)" 3
check "broken results: table" cmp want.csv <(table broken)

# More seeds, more points: what is there already counts, whatever its number in the new plan.
cp -r one more
check "more" np 2 sweep grid.cfg --run-dir more --ranks-per-trial 1 --set sweep.seeds=3 --set 'sweep.space=train.learning_rate = 1e-3 .. 1e-1 log grid 5; train.optimizer = sgd | adam; train.momentum = 0 | 0.9 if train.optimizer = sgd' >more.out 2>&1
same "more: only what is new is trained" "$(grep -c '^trial ' more.out)" $((15 * 3 - 18))
check "more: said" grep -q 'the plan of more changes; 18 of its 18 results belong to the new one' more.out
np 1 sweep another.cfg --run-dir one >other.out 2>&1
same "no such file" $? 3
np 1 sweep grid.cfg --run-dir one --set train.batch=8 >other.out 2>&1
same "another sweep in the same folder" $? 2
check "another sweep: message" grep -q 'one holds another sweep: none of its 18 results belongs to this plan' other.out

# Trainings that diverge, and that the configuration refuses; the others go on.
check "bad trials" np 2 sweep grid.cfg --ranks-per-trial 1 --run-dir bad --set sweep.seeds=1 \
    --set 'sweep.space=train.learning_rate = 1e-3 | 1e3; train.optimizer = sgd; model.norm = batch | group; model.norm_groups = 3 | 4 if model.norm = group' >bad.out 2>bad.err
same "bad trials: states" "$(table bad | tail -n +2 | cut -d, -f3 | sort | uniq -c | tr -s ' \n' ' ')" " 2 diverged 2 failed 2 ok "
check "bad trials: why" grep -q 'failed: model.norm_groups = 3 does not divide' bad.out
same "bad trials: no error" "$(cat bad.err)" ""
check "bad trials: kept" grep -q '"message":"model.norm_groups = 3' bad/results/*/*.json
check "bad trials: again nothing" np 1 sweep bad >bad.out 2>&1
same "bad trials: not tried again" "$(grep -c '^trial ' bad.out)" 0
check "bad trials: retried" np 1 sweep bad --retry >bad.out 2>&1
same "bad trials: what failed is tried again" "$(grep -c '^trial .*failed' bad.out)" 2

# Decisions by results: the same with any ranks and groups; each training goes on from where it paused.
ASHA=(sweep grid.cfg --set sweep.halving=asha --set train.epochs=9 --set sweep.eta=3 --set sweep.lag=4 --set sweep.keep=all)
check "asha" np 1 "${ASHA[@]}" --run-dir asha1 >asha1.out 2>&1
check "asha: 3 groups" np 3 "${ASHA[@]}" --ranks-per-trial 1 --run-dir asha3 >asha3.out 2>&1
check "asha: table" cmp <(table asha1) <(table asha3)
same "asha: one trial to the end, two further" "$(table asha1 | tail -n +2 | cut -d, -f4 | sort -n | uniq -c | tr -s ' \n' ' ')" " 6 1 2 3 1 9 "
# A training that diverges behind its first rung keeps what it was before: decisions stay what they were, also when they are made again.
LATE=(sweep grid.cfg --set sweep.halving=asha --set train.epochs=9 --set sweep.eta=2 --set sweep.seeds=1 --set sweep.lag=3 --set train.optimizer=sgd --set train.warmup=6
    --set 'sweep.space=train.learning_rate = 1e-3 | 1e-2 | 1e-1 | 1 | 10 | 100 | 1000; train.momentum = 0 | 0.5')
check "late divergence" np 1 "${LATE[@]}" --run-dir late1 >late1.out 2>&1
check "late divergence: there are some" grep -q 'diverged' late1.out
check "late divergence: 3 groups" np 3 "${LATE[@]}" --ranks-per-trial 1 --run-dir late3 >late3.out 2>&1
check "late divergence: table" cmp <(table late1) <(table late3)
check "late divergence: over" grep -q ' 0 under way, 0 open' <("$PROGRAM" sweep status late1)
same "late divergence: nothing more" "$(np 2 "${LATE[@]}" --run-dir late1 | grep -c '^trial ')" 0

# All checkpoints of a paused training are damaged: it begins anew, with the same result.
cp -r asha1 damaged
rm -r damaged/results && mkdir damaged/results
for file in damaged/trials/*/*/last.h5 damaged/trials/*/*/checkpoints/*.h5; do printf x | dd of="$file" bs=1 seek=700 conv=notrunc status=none; done
check "damaged" np 2 "${ASHA[@]}" --run-dir damaged >damaged.out 2>damaged.err
check "damaged: said" grep -q 'begins anew: .*none of its' damaged.err
check "damaged: table" cmp <(table asha1) <(table damaged)

# Other trials in the plan: asha decides anew, and what a trial had beyond its new end does not count.
cp -r asha1 wider
check "wider" np 2 "${ASHA[@]}" --run-dir wider --set sweep.eta=2 >out 2>&1
check "wider and back" np 2 "${ASHA[@]}" --run-dir wider >out 2>&1
check "wider and back: table" cmp <(table asha1) <(table wider)
best=$("$PROGRAM" sweep best asha1 | sed -n 's/^  run folder //p')
check "asha: the training to the end" np 1 train "$best/config.cfg" --run-dir asha_alone >out 2>&1
same "asha: has the bits of one that never paused" "$(hash_of "$best/last.h5")" "$(hash_of asha_alone/last.h5)"
same "asha: one result file for each training" "$(find asha1/results -name '*.json' | wc -l)" 18
np 1 "${ASHA[@]}" --run-dir asha1 --trial 1 >out 2>&1
same "asha: no single trial" $? 2
TPE=(sweep grid.cfg --set sweep.method=tpe --set sweep.trials=20 --set sweep.seeds=1 --set sweep.lag=3 --set 'sweep.space=train.learning_rate = 1e-4 .. 1e-1 log; train.optimizer = sgd | adam; train.momentum = 0 .. 0.99 if train.optimizer = sgd')
check "tpe" np 1 "${TPE[@]}" --run-dir tpe1 >tpe1.out 2>&1
check "tpe: 3 groups" np 3 "${TPE[@]}" --ranks-per-trial 1 --run-dir tpe3 >tpe3.out 2>&1
check "tpe: table" cmp <(table tpe1) <(table tpe3)
same "tpe: trials" "$(table tpe1 | tail -n +2 | cut -d, -f2 | sort -u | wc -l)" 20

# A signal: what is under way is saved, the next start goes on from there.
LONG=(sweep grid.cfg --set sweep.seeds=1 --set train.epochs=60 --run-dir stopped)
mpirun -np 2 "$PROGRAM" "${LONG[@]}" --ranks-per-trial 1 >stopped.out 2>&1 &
for _ in $(seq 1000); do [ "$(find stopped/results -name '*.json' 2>/dev/null | wc -l)" -ge 2 ] && break || sleep 0.02; done
sleep 0.2
kill -USR1 $!
wait $!
same "signal: exit code" $? 75
check "signal: said" grep -q '^interrupted; what was under way is saved' stopped.out
same "signal: no claim is left" "$(find stopped/claims -type f | wc -l)" 0
check "signal: goes on" np 3 "${LONG[@]}" >stopped2.out 2>&1
check "signal: some went on from their checkpoint" grep -q '"event":"resume"' stopped/trials/*/*/metrics.jsonl
check "signal: reference" np 1 "${LONG[@]}" --run-dir unstopped >out 2>&1
check "signal: table" cmp <(table unstopped) <(table stopped)

# A claim: of a process that lives; of one that has ended here; of another machine, fresh and old.
mkdir -p claims && cp -r one claimed && rm claimed/results/*/*.json
NAME=$(basename "$(find claimed/trials -mindepth 2 -maxdepth 2 | sort | head -n 1)")
TRIAL=$(grep -n "${NAME%-s*}" want.csv | cut -d: -f1)
TRIAL=$((TRIAL - 1))
claim() { # claim PROCESS SINCE MACHINE
    printf '{"host":"elsewhere","machine":"%s","process":%d,"since":"%s","job":"","restart":0,"attempts":0,"progress":"0000000000000000"}\n' "$3" "$1" "$2" >"claimed/claims/$NAME.1"
}
HERE="$(cat /proc/sys/kernel/random/boot_id) $(readlink /proc/self/ns/pid)"
sleep 1000 &
SLEEPER=$!
since=$(sed 's/.*) //' /proc/$SLEEPER/stat | cut -d' ' -f20)
claim $SLEEPER "$since" "$HERE"
check "held by a process that lives" np 1 sweep grid.cfg --run-dir claimed --trial $TRIAL >held.out 2>&1
check "held: said" grep -q "1 training is left to other processes, the first of them process $SLEEPER on elsewhere" held.out
same "held: only the other seed" "$(grep -c '^trial ' held.out)" 1
"$PROGRAM" sweep status claimed >held.out
check "held: status" grep -q ' 1 under way' held.out
kill $SLEEPER
wait $SLEEPER 2>/dev/null
check "its process has ended" np 1 sweep grid.cfg --run-dir claimed --trial $TRIAL >held.out 2>&1
same "its process has ended: taken over at once" "$(grep -c '^trial ' held.out)" 1
same "its process has ended: no claim is left" "$(find claimed/claims -type f | wc -l)" 0
rm claimed/results/*/"$NAME".json
claim 17 1 "another machine"
check "another machine, fresh" np 1 sweep grid.cfg --run-dir claimed --trial $TRIAL --set sweep.lease=30 >held.out 2>&1
same "another machine, fresh: left to it" "$(grep -c '^trial ' held.out)" 0
touch -d '40 seconds ago' "claimed/claims/$NAME.1"
check "another machine, silent" np 1 sweep grid.cfg --run-dir claimed --trial $TRIAL --set sweep.lease=30 >held.out 2>&1
same "another machine, silent: taken over" "$(grep -c '^trial ' held.out)" 1
rm claimed/results/*/"$NAME".json
rm -r claimed/trials/*/"$NAME"
claim 17 1 "another machine"
sed -i 's/"attempts":0/"attempts":4/' "claimed/claims/$NAME.1"
touch -d '300 seconds ago' "claimed/claims/$NAME.1"
check "lost too often" np 1 sweep grid.cfg --run-dir claimed --trial $TRIAL >held.out 2>&1
check "lost too often: failed" grep -q 'given up: 5 starts ended without a sign' claimed/results/*/"$NAME".json

# A rank of a group stops: its neighbour names it, not the other group.
mpirun -np 4 "$PROGRAM" sweep grid.cfg --ranks-per-trial 2 --run-dir stall --set train.epochs=2000 --set dist.stall_timeout=3 --set dist.stall_abort=6 >stall.out 2>stall.err &
mpirun=$!
for _ in $(seq 300); do [ "$(cat stall/trials/*/*/metrics.jsonl 2>/dev/null | grep -c '"epoch"')" -gt 4 ] && break || sleep 0.05; done
for rank in $(pgrep -P $mpirun); do tr '\0' '\n' <"/proc/$rank/environ" | grep -qx OMPI_COMM_WORLD_RANK=3 && kill -STOP "$rank"; done
wait $mpirun
same "stall: exit code" $? 5
check "stall: who" grep -q 'rank 3 of 4 on .* is late: .* 1 rank waits' stall.err
same "stall: nobody else" "$(grep -c 'is late' stall.err)" 1

# Results of other data under the same name are told.
cp -r one mixed
sed -i 's/"data":"[0-9a-f]*"/"data":"0123456789abcdef"/' "$(find mixed/results -name '*.json' | head -n 1)"
"$PROGRAM" sweep status mixed >out 2>err
check "mixed data: told" grep -q 'results are of another data set than the first' err

# Bad input.
refused() { # refused CODE "words" arguments...
    local code=$1 words=$2
    shift 2
    timeout 60 "${LAUNCH[@]}" "$PROGRAM" "$@" >out 2>err
    same "exit code of: $*" $? "$code"
    CHECKS=$((CHECKS + 1))
    grep -qF -- "$words" err || fail "$*: \"$words\" is not in: $(cat err)"
    same "messages of: $*" "$(grep -c 'hqcnn-dist: error' err)" 1
}
space() { refused 2 "$2" sweep grid.cfg --run-dir none --set "sweep.space=$1"; }
fail_fast
LAUNCH=(mpirun -np 2)
refused 2 'sweep.ranks_per_trial = 3, but there are 2 ranks' sweep grid.cfg --run-dir few --ranks-per-trial 3
refused 2 'the nearest known key is train.optimizer' sweep grid.cfg --run-dir none --set 'sweep.space=train.optimiser = sgd'
LAUNCH=(env)
space "train.learning_rate" 'sweep.space, entry 1 "train.learning_rate": no "="; expected:'
space "train.learning_rte = 1 | 2" 'unknown key train.learning_rte; the nearest known key is train.learning_rate'
space "train.optimizer = sgd | adma" 'is not one of its words'
space "train.batch = 8 | 8" 'train.batch = 8 is there twice'
space "train.batch = 8 | " 'a value of train.batch is missing'
space "train.learning_rate = 1e-1 .. 1e-3 log grid 3" 'the range of train.learning_rate goes from 0.1 to 0.001'
space "train.learning_rate = 0 .. 1 log grid 3" 'a range with "log" must start above 0'
space "train.learning_rate = 1e-3 .. 1e9 grid 3" 'train.learning_rate = 1000000000 is out of range'
space "train.learning_rate = 1e-3 .. 1e-1 lgo" '"lgo" behind a range'
space "train.learning_rate = 1e-3 .. 1e-1 grid 1" '"grid 1"; allowed: a number of points, 2 to 1000'
space "train.learning_rate = 1e-3 .. 1e-1" 'has no points for sweep.method = "grid"; write "grid N" behind it'
space "train.seed = 1 | 2" 'sweep.seeds says how many each trial has'
space "checkpoint.keep = 1 | 2" 'checkpoint.keep changes no number of a training'
space "train.batch = 8 | 16; train.batch = 32" 'another entry has train.batch already'
space "train.momentum = 0 | 0.5 if train.optimizer" 'no "=" behind "if"'
space "train.momentum = 0 | 0.5 if train.optimiser = sgd" 'the nearest known key is train.optimizer'
space "data.source = some.npz | phantom" 'it must be an absolute path'
space "data.source = /a/some.npz | /b/some.npz" 'two data sets have the file name "some.npz"'
refused 2 'sweep.trials = 5, but sweep.method = "grid" tries every combination' sweep grid.cfg --run-dir none --set sweep.trials=5
refused 2 'sweep.first_epochs = 2 leaves nothing to stop early' sweep grid.cfg --run-dir none --set sweep.halving=asha --set sweep.first_epochs=2
refused 2 '--trial 10: the plan of ten has the trials 1 to 9' sweep grid.cfg --run-dir ten --trial 10
refused 2 '--trial zero: allowed is the number of a trial' sweep grid.cfg --trial zero
refused 2 'none is no folder of a sweep: it has no plan.cfg' sweep status none
refused 2 'sweep table needs the folder of a sweep' sweep table
refused 2 'no trial has a result yet' sweep best ten
check "nothing was made for a space that is wrong" test ! -e none
finish
