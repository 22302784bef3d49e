#!/bin/sh
# layers_test.sh: layers.sh finds every kind of violation in a small made-up tree, and none in a clean one.
set -eu
layers=$(cd "$(dirname "$0")" && pwd)/layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# A clean tree, with the things that look like violations but are none.
plant() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/include/hqcnn" "$tree/src" "$tree/tests/nn"
    for module in base tensor config nn quantum data metrics dist model checkpoint train sweep report cli; do
        mkdir "$tree/src/$module"
        printf '#include "hqcnn/base.h"\n' > "$tree/include/hqcnn/$module.h"
        printf '#include "hqcnn/%s.h"\n' "$module" > "$tree/src/$module/code.c"
    done
    : > "$tree/include/hqcnn/base.h"
    echo '#include <mpi.h>' > "$tree/src/dist/mpi_private.h"
    echo 'MPI_Comm all = MPI_COMM_WORLD; void stop(void) { MPI_Abort(all, 1); _exit(1); }' > "$tree/src/dist/start.c"
    echo '#include "dist/mpi_private.h"' > "$tree/src/checkpoint/file.c"
    echo 'void say(void) { vprintf(f, a); fputs(text, stderr); if (self.size > 1) abort(); }' > "$tree/src/base/log.c"
    echo 'int main(void) { puts("x"); exit(1); }' > "$tree/src/cli/main.c"
    cat > "$tree/src/nn/conv.c" <<'C'
#include "hqcnn/config.h"
#include <string.h>
/* printf("in a comment"), exit(1),
#include "hqcnn/cli.h"
   rand() */
int f(void) __attribute__((format(printf, 1, 2)));
int g(FILE *file) { return fprintf(file, "exit(1) rand() MPI_COMM_WORLD \" stdout") + snprintf(b, 2, "x"); } // abort()
int my_exit(int size) { return size > 10 || size == 16 || bytes_size > 1; }
C
    echo 'int main(void) { printf("tests may print"); exit(1); }' > "$tree/tests/nn/conv.c"
}

# expect FILE LINE_OF_C TEXT: with that line added to FILE, layers.sh fails, and says just this about that file.
expect() {
    plant
    printf '%s\n' "$2" >> "$tree/$1"
    if said=$("$layers" "$tree"); then
        echo "not found: \"$2\" in $1"
        failed=1
    else
        case $said in
        "$1:"*"$3"*) ;;
        *) echo "for \"$2\" in $1 it says: $said" && failed=1 ;;
        esac
    fi
}

plant
"$layers" "$tree" || { echo "the clean tree is refused" && failed=1; }

expect src/nn/code.c '#include "hqcnn/model.h"' "nn includes model"
expect src/nn/code.c '#include <hqcnn/train.h>' "nn includes train"
expect src/nn/code.c '  #  include "hqcnn/quantum.h"' "nn includes quantum"
expect src/model/code.c '#include "hqcnn/checkpoint.h"' "model includes checkpoint"
expect src/tensor/code.c '#include "hqcnn/config.h"' "tensor includes config"
expect src/sweep/code.c '#include "hqcnn/report.h"' "sweep includes report"
expect include/hqcnn/base.h '#include "hqcnn/tensor.h"' "base includes tensor"
expect include/hqcnn/config.h '#include "hqcnn/cli.h"' "config includes cli"
expect src/train/code.c '#include "nn/rows.h"' "private to nn"
expect src/nn/code.c '#include "rows.h"' "name the folder"
expect src/nn/code.c '#include "hqcnn/magic.h"' "does not know the module magic"
expect include/hqcnn/magic.h 'int x;' "does not know the module magic"
expect src/train/code.c '#include "dist/mpi_private.h"' "private to dist"
expect src/train/code.c '#include <mpi.h>' "mpi.h is for src/dist alone"
expect include/hqcnn/dist.h '#include <mpi.h>' "mpi.h is for src/dist alone"
expect src/dist/code.c 'MPI_Comm c = MPI_COMM_WORLD;' "start.c alone"
for call in 'printf("x")' 'puts("x")' 'putchar(1)' 'perror("x")' 'fprintf(stderr, "x")' 'fputs("x", stdout)' \
    'write(STDOUT_FILENO, "x", 1)'; do
    expect src/train/code.c "void f(void) { $call; }" "print"
done
for call in 'exit(1)' '_exit(1)' 'abort()' 'assert(x)' 'raise(SIGTERM)' 'MPI_Abort(comm, 1)'; do
    expect src/checkpoint/code.c "void f(void) { $call; }" "only cli ends the process"
done
for call in 'rand()' 'srand(1)' 'random()' 'drand48()' 'rand_r(&seed)'; do
    expect src/cli/code.c "int x = $call;" "hq_random"
done
for condition in 'size > 1' 'hq_dist_size(dist) == 1' 'run->size != 1' 'ranks >= 2' 'size < 2'; do
    expect src/train/code.c "void f(void) { if ($condition) g(); }" "belongs in dist"
done
expect src/nn/code.c "$(seq -f 'int x%.0f;' 600)" "longer than 600 lines"
expect tests/nn/conv.c "$(seq -f 'int x%.0f;' 600)" "longer than 600 lines"

exit $failed
