#include "config/value.h"

static const char *kind_text(hq_kind kind)
{
    static const char *const texts[] = {
        [HQ_KIND_INT] = "integer", [HQ_KIND_REAL] = "number", [HQ_KIND_WORD] = "word",
        [HQ_KIND_TEXT] = "text",   [HQ_KIND_LIST] = "list",   [HQ_KIND_LINES] = "texts"};
    return texts[kind];
}

static const char *scope_text(hq_scope scope)
{
    static const char *const texts[] = {[HQ_SCOPE_MODEL] = "must be the same",
                                        [HQ_SCOPE_TRAIN] = "may change, with a warning",
                                        [HQ_SCOPE_FREE] = "may change"};
    return texts[scope];
}

static void add_introduction(hq_text *text)
{
    hq_text_add(
        text, "# Configuration\n\n"
              "<!-- Written by `hqcnn-dist check --document > docs/configuration.md`; change HQ_CONFIG_KEYS in\n"
              "     include/hqcnn/config.h instead of this file. -->\n\n"
              "A configuration is a text file in [libconfig](https://hyperrealm.github.io/libconfig/)'s syntax: groups "
              "of keys. A group may stand\ninside another one: `model.circuit.gates` is the key `gates` of the group "
              "`circuit` in `model`. "
              "Keys that are absent keep\ntheir defaults, unknown ones are refused.\n\n"
              "```\n"
              "# a comment\n"
              "data = { source = \"pathmnist.npz\"; classes = [0, 1]; };\n"
              "train = { epochs = 20; learning_rate = 5e-4; };\n"
              "model = { circuit = { template = \"gates\"; gates = (\"ry(x0) 0\", \"rx(w0) 0\"); }; };\n"
              "```\n\n"
              "Any key can be given on the command line too, after the file: `--set train.batch=128`, `--set "
              "model.pool=0,1,0,0,1`,\n`--set data.classes=[]`. Words and texts need no quotes there. Several texts "
              "(type \"texts\") are a list "
              "`(\"h 0\", \"cx 0 1\")`, or one text with\n`;` between them: `--set \"model.circuit.gates=h 0; cx 0 "
              "1\"`.\n\n"
              "A relative `data.source` starts from the folder of the file that holds it, or, in `--set`, from the "
              "folder the program is\nstarted in. `@include \"other.cfg\"` on a line of its own takes in another file; "
              "its path starts from the folder the program is\nstarted in.\n\n"
              "*On resume* says what happens when a key differs from the checkpoint a run goes on from.\n");
}

static void add_key(hq_text *text, const hq_key *key, const hq_config *defaults)
{
    char allowed[HQ_ALLOWED_MAX];
    hq_key_allowed(key, key->kind == HQ_KIND_WORD ? "`" : "", allowed);
    hq_text_add(text, "| `%s.%s` | %s | `", key->group, key->name, kind_text(key->kind));
    hq_value_print(text, key, defaults);
    hq_text_add(text, "` | %s | %s | %s |\n", allowed, scope_text(key->scope), key->help);
}

hq_status hq_config_document(char **out_text)
{
    hq_config defaults;
    hq_config_defaults(&defaults);
    hq_text text = {0};
    add_introduction(&text);
    for (int i = 0; i < hq_key_count; i++) {
        if (hq_key_opens_group(i)) {
            hq_text_add(&text,
                        "\n## %s\n\n| key | type | default | allowed | on resume | meaning |\n"
                        "|---|---|---|---|---|---|\n",
                        hq_keys[i].group);
        }
        add_key(&text, &hq_keys[i], &defaults);
    }
    return hq_text_take(&text, out_text);
}
