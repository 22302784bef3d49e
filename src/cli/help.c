/* help.c: --help and --version, before MPI starts. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "hqcnn-dist " HQ_VERSION ": distributed training of hybrid quantum-classical CNNs on medical images\n"
    "\n"
    "usage: mpirun -np N hqcnn-dist [COMMAND] [CONFIG] [OPTIONS]\n"
    "\n"
    "commands\n"
    "  train [CONFIG]         train a network (the default command; without CONFIG the default network on the\n"
    "                         built-in data set), then test the model of the best validation AUC\n"
    "  evaluate CHECKPOINT    metrics of a trained model; CHECKPOINT is a .h5 file or a run folder (its best.h5)\n"
    "  predict CHECKPOINT     scores of every sample, as CSV\n"
    "  check [CONFIG]         check configuration and data, print what would be trained\n"
    "  inspect CHECKPOINT     print what a checkpoint holds\n"
    "  circuit [CONFIG]       draw the circuit and count its gates; circuit CHECKPOINT: with trained weights\n"
    "  circuit eval FILE      outputs and Jacobians of the circuits in a JSON file\n"
    "  bench circuit [CONFIG] how fast circuits are evaluated, on every path and instruction set\n"
    "  bench train [CONFIG]   images per second of training steps, and where their time goes\n"
    "  bench infer [CONFIG]   images per second of evaluations\n"
    "  bench scale [CONFIG]   the same training on 1, 2, 4, ... of the ranks; what sums cost, and with more ranks\n"
    "  bench layers [CONFIG]  the layers of training steps: time, arithmetic, what this machine could do\n"
    "  bench checkpoint [CONFIG]  how long a save takes, beside a plain write of as many bytes\n"
    "  doctor [CONFIG]        check the machine before a long job, say what to set; exit code 3 when there are "
    "problems\n"
    "  sweep [CONFIG]         train with the keys of sweep.space varied, groups of ranks side by side; run it again "
    "to\n"
    "                         go on; sweep DIR: with the plan of a folder\n"
    "  sweep plan [CONFIG]    make the plan and print its trials, train nothing\n"
    "  sweep status DIR       how far it is, and its best trial\n"
    "  sweep best DIR         the best trial; --output FILE: its configuration, ready to train\n"
    "  sweep table DIR        every trial with means and deviations over its seeds, as CSV\n"
    "  sweep report DIR       a page with pictures: all trials, what matters, learning curves (DIR/report.html)\n"
    "  data import SOURCE TARGET.h5  make a data set that can be streamed of \"phantom\" or an .npz file\n"
    "\n"
    "options\n"
    "  --set KEY=VALUE        override a key of the configuration, for example --set train.batch=128 (repeatable)\n"
    "  --run-dir DIR          train: folder of the run (default: runs/<name>-<date>-<time>); sweep: of the sweep\n"
    "                         (default: sweeps/<name>); bench checkpoint, doctor: folder to write in; others: its\n"
    "                         best.h5\n"
    "  --resume               train: go on from last.h5 of --run-dir, or the newest checkpoint there that is whole;\n"
    "                         starts anew if there is none\n"
    "  --resume=FILE          train: go on from this checkpoint, in a new folder or the one of --run-dir\n"
    "  --split NAME           evaluate, predict: train, val or test (default: test)\n"
    "  --json                 evaluate, bench, doctor: print JSON instead of a table\n"
    "  --output FILE          predict, sweep table: write the CSV to FILE instead of the standard output; sweep best,\n"
    "                         sweep report: write the configuration, the page\n"
    "  --ranks-per-trial N    sweep: so many ranks train a trial together (default: all)\n"
    "  --trial N              sweep: this trial only, with all its seeds\n"
    "  --retry                sweep: try again what failed\n"
    "  --bytes N              bench checkpoint: a state of N bytes (also 64K, 100M, 2G) instead of the network's\n"
    "  --print-binding        train, evaluate, predict, bench train and infer: which cores every rank may use\n"
    "  --force                data import: replace TARGET if it is there; sweep: replace the plan of another sweep\n"
    "  --hash                 inspect: print only the hash of the state\n"
    "  --document             check: print the table of all keys as Markdown\n"
    "  --dump                 check: print the effective configuration, with comments\n"
    "  --svg FILE             circuit: the drawing as a picture (\"-\": standard output, also below)\n"
    "  --qasm2 FILE           circuit: OpenQASM 2.0; needs numbers for inputs and weights\n"
    "  --qasm3 FILE           circuit: OpenQASM 3.0; what has no number stays a symbol\n"
    "  --probabilities FILE   circuit: probability of every basis state, as CSV; needs numbers too\n"
    "  --inputs X0,X1,...     circuit: numbers for its inputs\n"
    "  --weights W0,W1,...    circuit: numbers for its weights; they go over those of a checkpoint\n"
    "  --help, --version\n"
    "\n"
    "evaluate, predict, circuit CHECKPOINT and a resumed training take the configuration from the checkpoint; --set "
    "goes over it.\n"
    "exit codes: 0 ok, 1 internal error, 2 usage or configuration, 3 data or file, 4 training diverged,\n"
    "            5 communication or external executor, 75 interrupted with the state saved (run again with --resume)\n";

/* Under a launcher every process would print: only the first does. */
static bool first_process(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *rank = getenv(names[i]);
        if (rank) return strcmp(rank, "0") == 0;
    }
    return true;
}

bool hq_cli_answer_early(int argc, char **argv)
{
    const char *answer = NULL;
    for (int i = 1; i < argc && !answer; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) answer = help;
        if (strcmp(argv[i], "--version") == 0) answer = "hqcnn-dist " HQ_VERSION "\n";
    }
    if (answer && first_process()) fputs(answer, stdout);
    return answer != NULL;
}
