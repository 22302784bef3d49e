# layers.awk: see layers.sh. Written for any POSIX awk.

BEGIN {
    # A module may include what stands strictly below it; modules of one level do not know each other.
    split("base:0 json:0 tensor:1 config:2 nn:3 quantum:3 data:3 metrics:3 dist:3 model:4 checkpoint:4 train:5 sweep:6 report:7 cli:8",
          pairs, " ")
    for (i in pairs) { split(pairs[i], pair, ":"); level[pair[1]] = pair[2] }
    LONGEST = 600
    # Matched in code only, without comments and strings.
    output = called("v?printf|v?dprintf|puts|putchar|putc|perror|psignal|psiginfo") "|" word("stdout|stderr|STDOUT_FILENO|STDERR_FILENO")
    ending = called("exit|_exit|_Exit|quick_exit|abort|raise|assert|MPI_Abort")
    chance = called("rand|srand|rand_r|random|srandom|[dejlmns]rand48|getrandom|getentropy|arc4random")
    many = "(^|[^A-Za-z0-9_])(size|ranks|hq_dist_size *[(][^()]*[)]) *((>|==|!=|<=) *1|(<|>=) *2)([^0-9.]|$)"
}

function called(names) { return "(^|[^A-Za-z0-9_])(" names ") *[(]" }
function word(names) { return "(^|[^A-Za-z0-9_])(" names ")([^A-Za-z0-9_]|$)" }
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad++ }

# The line without comments and without the contents of strings; `inside` carries a comment over to the next line.
function code_of(line,    out, i, c, two, quote) {
    out = ""; quote = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1); two = substr(line, i, 2)
        if (inside) { if (two == "*/") { inside = 0; i++ } }
        else if (quote != "") { if (c == "\\") i++; else if (c == quote) { quote = ""; out = out c } }
        else if (two == "/*") { inside = 1; i++ }
        else if (two == "//") break
        else { if (c == "\"" || c == "'") quote = c; out = out c }
    }
    return out
}

# "src/nn/conv.c" -> nn; "include/hqcnn/nn.h" -> nn; of a test "": tests may look everywhere.
function module_of(path,    part) {
    split(path, part, "/")
    if (part[1] == "tests") return ""
    sub(/\.h$/, "", part[3])
    return part[1] == "src" ? part[2] : part[3]
}

function check_include(target,    to, private, part) {
    if (target == "mpi.h") {
        if (module != "dist" || FILENAME ~ /^include/) complain("mpi.h is for src/dist alone")
        return
    }
    private = target !~ /^hqcnn\//
    if (private && target !~ /\//) {
        if (!system_include) complain("\"" target "\": name the folder of the module too")
        return
    }
    to = target; sub(/^hqcnn\//, "", to); split(to, part, "/"); to = part[1]; sub(/\.h$/, "", to)
    if (to == module || (system_include && !(to in level))) return
    if (!(to in level)) complain("includes \"" target "\", and layers.awk does not know the module " to)
    else if (target == "dist/mpi_private.h" && module == "checkpoint") return
    else if (private) complain("\"" target "\" is private to " to)
    else if (level[to] >= level[module]) complain(module " includes " to ", which does not stand below it")
}

FNR == 1 {
    inside = 0
    module = module_of(FILENAME)
    talks = module == "cli" || FILENAME == "src/base/log.c"
    if (module != "" && !(module in level)) complain("layers.awk does not know the module " module)
}

FNR == LONGEST + 1 { complain("longer than " LONGEST " lines") }

module in level {
    was_inside = inside
    code = code_of($0)
    if (!was_inside && match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/)) {
        target = substr($0, RSTART, RLENGTH)
        system_include = target ~ /</
        sub(/^[^"<]*["<]/, "", target)
        check_include(target)
        next
    }
    if (FILENAME != "src/dist/start.c") {
        if (code ~ word("MPI_COMM_WORLD")) complain("MPI_COMM_WORLD is for src/dist/start.c alone")
        if (code ~ ending && !talks) complain("only cli ends the process: return a status")
    }
    if (code ~ output && !talks) complain("only cli and the log print: use hq_say, hq_warn or hq_fail")
    if (code ~ chance) complain("random numbers come from hq_random")
    if (code ~ many && module != "dist" && FILENAME != "src/base/log.c")
        complain("a branch for one rank or several belongs in dist")
}

END { exit bad > 0 }
