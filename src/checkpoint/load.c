/* load.c: one process reads a file and believes nothing of it: sizes are checked against the file's before memory is
 * taken, and every byte of state and texts is covered by a hash. */
#include "checkpoint/h5.h"

#include <string.h>
#include <sys/stat.h>

typedef struct hq_loader {
    hq_h5 h5;
    hq_problem *problem;
    hq_state *state;
    uint64_t file_bytes;
    int version; /* by the seal */
    hid_t file;
    char program[64]; /* version of the program that wrote the file */
    hq_fingerprint stored;
} hq_loader;

static bool well(const hq_loader *loader) { return loader->problem->status == HQ_OK; }

static void open_file(hq_loader *loader, const char *path)
{
    struct stat info = {0};
    loader->version = hq_seal_check(path, loader->problem);
    if (!well(loader)) return;
    if (stat(path, &info) == 0) loader->file_bytes = (uint64_t)info.st_size;
    hid_t access = hq_h5_keep(&loader->h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_h5_check(&loader->h5, H5Pset_fapl_sec2(access), "file access");
    hq_h5_check(&loader->h5, H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "file access");
    loader->file = hq_h5_keep(&loader->h5, H5Fopen(path, H5F_ACC_RDONLY, access), "it is damaged");
}

/* ---- attributes ------------------------------------------------------------------------------------------------- */

/* Opens an attribute with a single value, or notes that the file is a foreign one. */
static hid_t open_attribute(hq_loader *loader, const char *name)
{
    if (well(loader) && H5Aexists(loader->file, name) <= 0)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "it is no checkpoint of hqcnn-dist: attribute '%s' is missing",
                       name);
    if (!well(loader)) return H5I_INVALID_HID;
    hid_t attribute = hq_h5_keep(&loader->h5, H5Aopen(loader->file, name, H5P_DEFAULT), name);
    hid_t space = hq_h5_keep(&loader->h5, H5Aget_space(attribute), name);
    if (well(loader) && H5Sget_simple_extent_type(space) != H5S_SCALAR)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "attribute '%s' is not a single value", name);
    return attribute;
}

static void get_text_attribute(hq_loader *loader, const char *name, char *text, size_t size)
{
    hid_t attribute = open_attribute(loader, name);
    if (!well(loader)) return;
    hid_t type = hq_h5_keep(&loader->h5, H5Aget_type(attribute), name);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || H5Tget_size(type) > size)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "attribute '%s' is not a text of at most %zu bytes", name, size);
    if (well(loader)) hq_h5_check(&loader->h5, H5Aread(attribute, type, text), name);
    text[size - 1] = '\0';
}

static void get_attribute(hq_loader *loader, const char *name, hid_t type, void *value)
{
    hid_t attribute = open_attribute(loader, name);
    if (!well(loader)) return;
    hid_t found = hq_h5_keep(&loader->h5, H5Aget_type(attribute), name);
    if (H5Tequal(found, type) <= 0)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "attribute '%s' is not of the type of docs/formats.md", name);
    if (well(loader)) hq_h5_check(&loader->h5, H5Aread(attribute, type, value), name);
}

static void read_attributes(hq_loader *loader)
{
    char format[32] = "";
    int32_t version = 0;
    get_text_attribute(loader, HQ_H5_FORMAT, format, sizeof format);
    if (well(loader) && strcmp(format, HQ_CHECKPOINT_FORMAT) != 0)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "it is no checkpoint of hqcnn-dist: its format is '%s'", format);
    get_text_attribute(loader, HQ_H5_PROGRAM, loader->program, sizeof loader->program);
    get_attribute(loader, HQ_H5_VERSION, H5T_STD_I32LE, &version);
    if (well(loader) && version != loader->version)
        hq_problem_set(loader->problem, HQ_ERR_FILE,
                       "it was altered: its attribute 'version' is %d, its first bytes say version %d", (int)version,
                       loader->version);
    get_attribute(loader, HQ_H5_HASH, H5T_STD_U64LE, &loader->stored.state);
    get_attribute(loader, HQ_H5_TEXT_HASH, H5T_STD_U64LE, &loader->stored.texts);
}

/* ---- data sets -------------------------------------------------------------------------------------------------- */

/* A data set with its type and number of elements, whose bytes really are in the file. */
typedef struct hq_source {
    const char *name;
    hid_t dataset, type;
    uint64_t count;
} hq_source;

static uint64_t element_count(hq_loader *loader, hid_t dataset, const char *name, int dimensions)
{
    hsize_t extent = 1;
    hid_t space = hq_h5_keep(&loader->h5, H5Dget_space(dataset), name);
    if (well(loader) && H5Sget_simple_extent_ndims(space) != dimensions)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "data set '%s' must have %d dimensions", name, dimensions);
    if (well(loader) && dimensions == 1)
        hq_h5_check(&loader->h5, H5Sget_simple_extent_dims(space, &extent, NULL), name);
    return extent;
}

static void check_inside(hq_loader *loader, const hq_source *source)
{
    uint64_t size = H5Tget_size(source->type), bytes, end;
    hid_t creation = hq_h5_keep(&loader->h5, H5Dget_create_plist(source->dataset), source->name);
    if (!well(loader)) return;
    bool ours = H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) == 0;
    bool fits = ours && size > 0 && !__builtin_mul_overflow(source->count, size, &bytes);
    if (fits && bytes > 0) {
        haddr_t start = H5Dget_offset(source->dataset);
        fits = start != HADDR_UNDEF && !__builtin_add_overflow(start, bytes, &end) && end <= loader->file_bytes;
    }
    if (!fits)
        hq_problem_set(
            loader->problem, HQ_ERR_FILE,
            "data set '%s' (%llu elements of %llu bytes) is not one contiguous piece of the file's %llu bytes",
            source->name, (unsigned long long)source->count, (unsigned long long)size,
            (unsigned long long)loader->file_bytes);
}

/* dimensions: 1, or 0 for a single element. */
static hq_source open_dataset(hq_loader *loader, hid_t parent, const char *name, int dimensions)
{
    H5L_info_t link;
    hq_source source = {.name = name};
    if (well(loader) && (H5Lget_info(parent, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD))
        hq_problem_set(loader->problem, HQ_ERR_FILE, "data set '%s' is missing", name);
    if (!well(loader)) return source;
    source.dataset = hq_h5_keep(&loader->h5, H5Dopen2(parent, name, H5P_DEFAULT), name);
    source.type = hq_h5_keep(&loader->h5, H5Dget_type(source.dataset), name);
    source.count = element_count(loader, source.dataset, name, dimensions);
    if (well(loader)) check_inside(loader, &source);
    return source;
}

/* Memory for the whole data set (one byte more, zero) and its data. */
static void *take(hq_loader *loader, const hq_source *source, hid_t memory_type)
{
    void *data;
    if (!well(loader)) return NULL;
    if (hq_alloc(source->count * H5Tget_size(memory_type) + 1, source->name, &data) != HQ_OK)
        hq_problem_set(loader->problem, HQ_ERR_MEMORY, "%s", "");
    else if (source->count > 0)
        hq_h5_check(&loader->h5, H5Dread(source->dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data),
                    source->name);
    return data;
}

static bool number_of(hid_t type, hq_number *number)
{
    for (*number = HQ_NUMBER_F32; *number <= HQ_NUMBER_I64; (*number)++)
        if (H5Tequal(type, hq_h5_file_type(*number)) > 0) return true;
    return false;
}

static void read_block(hq_loader *loader, hid_t group, int i)
{
    hq_block *block = &loader->state->block[i];
    ssize_t n = H5Lget_name_by_idx(group, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, (hsize_t)i, block->name,
                                   sizeof block->name, H5P_DEFAULT);
    if (n <= 0 || n >= HQ_CHECKPOINT_NAME_MAX) {
        hq_problem_set(loader->problem, HQ_ERR_FILE, "block %d has no name of at most %d bytes in creation order", i,
                       HQ_CHECKPOINT_NAME_MAX - 1);
        return;
    }
    hq_source source = open_dataset(loader, group, block->name, 1);
    if (well(loader) && !number_of(source.type, &block->number))
        hq_problem_set(loader->problem, HQ_ERR_FILE, "block '%s' has an unknown kind of number", block->name);
    if (!well(loader)) return;
    block->count = (int64_t)source.count;
    block->data = take(loader, &source, hq_h5_memory_type(block->number));
}

static void read_blocks(hq_loader *loader)
{
    H5G_info_t info = {0};
    if (!well(loader)) return;
    hid_t group =
        hq_h5_keep(&loader->h5, H5Gopen2(loader->file, HQ_H5_BLOCKS, H5P_DEFAULT), "group '" HQ_H5_BLOCKS "'");
    hq_h5_check(&loader->h5, H5Gget_info(group, &info), "group '" HQ_H5_BLOCKS "'");
    if (info.nlinks > HQ_CHECKPOINT_BLOCKS_MAX)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "it has %llu blocks, at most %d are allowed",
                       (unsigned long long)info.nlinks, HQ_CHECKPOINT_BLOCKS_MAX);
    for (; well(loader) && loader->state->blocks < (int)info.nlinks; loader->state->blocks++)
        read_block(loader, group, loader->state->blocks);
}

/* A row has one form only: no byte of it may differ without notice. */
static void read_record(hq_loader *loader, const hq_record *record)
{
    hq_tensor_entry *entry = &loader->state->tensor[loader->state->tensors++];
    *entry = hq_record_entry(record);
    hq_record again = hq_record_of(entry);
    if (memcmp(&again, record, sizeof again) != 0)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "it was altered: row %d of the table of tensors is not valid",
                       loader->state->tensors - 1);
}

static void read_tensors(hq_loader *loader)
{
    hq_state *state = loader->state;
    hq_source source = open_dataset(loader, loader->file, HQ_H5_TENSORS, 1);
    hid_t type = hq_h5_record_type(&loader->h5);
    if (well(loader) && (H5Tequal(source.type, type) <= 0 || source.count > INT_MAX))
        hq_problem_set(loader->problem, HQ_ERR_FILE, "'%s' is not a table of tensors", HQ_H5_TENSORS);
    hq_record *record = take(loader, &source, type);
    if (well(loader) && hq_alloc_array(source.count, sizeof *state->tensor, "tensor table", &state->tensor) != HQ_OK)
        hq_problem_set(loader->problem, HQ_ERR_MEMORY, "%s", "");
    for (uint64_t i = 0; well(loader) && i < source.count; i++) read_record(loader, &record[i]);
    hq_free(record);
}

static const char *read_text(hq_loader *loader, const char *name)
{
    hq_source source = open_dataset(loader, loader->file, name, 0);
    if (well(loader) && (H5Tget_class(source.type) != H5T_STRING || H5Tis_variable_str(source.type) != 0))
        hq_problem_set(loader->problem, HQ_ERR_FILE, "'%s' is not a text of fixed length", name);
    return take(loader, &source, source.type);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void check_hashes(hq_loader *loader, hq_fingerprint *found)
{
    if (!well(loader)) return;
    *found = hq_state_fingerprint(loader->state, loader->program);
    if (found->state != loader->stored.state)
        hq_problem_set(loader->problem, HQ_ERR_FILE, "it was altered: its state has hash %016llx, it should be %016llx",
                       (unsigned long long)found->state, (unsigned long long)loader->stored.state);
    else if (found->texts != loader->stored.texts)
        hq_problem_set(loader->problem, HQ_ERR_FILE,
                       "it was altered: its configuration, kernel variant or program version "
                       "does not have the hash it was saved with");
    else
        hq_state_check(loader->state, HQ_ERR_FILE, loader->problem);
}

void hq_checkpoint_load(const char *path, hq_state *state, hq_fingerprint *fingerprint, hq_problem *problem)
{
    hq_loader loader = {.problem = problem, .state = state};
    *state = (hq_state){.owned = true};
    *fingerprint = (hq_fingerprint){0};
    hq_h5_begin(&loader.h5, problem);
    open_file(&loader, path);
    read_attributes(&loader);
    read_blocks(&loader);
    read_tensors(&loader);
    state->config = read_text(&loader, HQ_H5_CONFIG);
    state->variant = read_text(&loader, HQ_H5_VARIANT);
    check_hashes(&loader, fingerprint);
    hq_h5_end(&loader.h5);
    if (problem->status != HQ_OK) hq_checkpoint_free(state);
}
