/* hdf5.c: whether an HDF5 file consists of what our own writers make and of nothing else. Format: "HDF5 File Format
 * Specification Version 3.0". */
#include "hqcnn/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    USER_BLOCK = 512, /* before HDF5's part, or nothing */
    PIECE_MAX = 8192, /* bytes of a piece of metadata */
    PLACES_MAX = 256, /* pieces of metadata and of data in a file */
    OBJECTS_MAX = 64, /* groups and data sets */
    PIECES_MAX = 16,  /* of an object header */
    RANK_MAX = 5,
    TYPE_DEPTH_MAX = 3,
    SUM = 4 /* bytes of a checksum, which HDF5 compares itself */
};
static const uint64_t nowhere = UINT64_MAX;

typedef enum hq_index { SINGLE = 1, IMPLICIT = 2 } hq_index; /* how chunks are found */

typedef struct hq_place {
    uint64_t start, bytes;
} hq_place;

/* A file that is looked through. Addresses in it count from `base`. */
typedef struct hq_look {
    int fd;
    uint64_t base, bytes; /* bytes: behind base */
    hq_place place[PLACES_MAX];
    int places;
    uint64_t object[OBJECTS_MAX]; /* addresses of those that have been found */
    int objects;
    const char *what; /* the piece at hand */
    uint64_t where;
} hq_look;

static bool refuse(char problem[HQ_HDF5_PROBLEM_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(char problem[HQ_HDF5_PROBLEM_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem, HQ_HDF5_PROBLEM_MAX, format, args);
    va_end(args);
    return false;
}

/* Bytes that are read one after the other. Behind their end come zeros, and `left` is negative. */
typedef struct hq_bytes {
    const uint8_t *at;
    int64_t left;
} hq_bytes;

static uint64_t take(hq_bytes *b, int n)
{
    uint64_t value = 0;
    b->left -= n;
    if (b->left < 0) return 0;
    for (int i = 0; i < n; i++) value |= (uint64_t)*b->at++ << (8 * i);
    return value;
}

static bool take_text(hq_bytes *b, const void *text, int n)
{
    b->left -= n;
    if (b->left < 0 || memcmp(b->at, text, (size_t)n) != 0) return false;
    b->at += n;
    return true;
}

/* The next n bytes by themselves. */
static hq_bytes cut(hq_bytes *b, uint64_t n)
{
    hq_bytes piece = {b->at, -1};
    if (b->left < 0 || n > (uint64_t)b->left) {
        b->left = -1;
        return piece;
    }
    piece.left = (int64_t)n;
    b->at += n;
    b->left -= (int64_t)n;
    return piece;
}

/* ---- places ---------------------------------------------------------------------------------------------------- */

/* No byte belongs to two things: so nothing leads in a circle. */
static bool claim(hq_look *look, uint64_t start, uint64_t bytes)
{
    if (start > look->bytes || bytes > look->bytes - start || look->places == PLACES_MAX) return false;
    for (int i = 0; i < look->places; i++)
        if (start < look->place[i].start + look->place[i].bytes && look->place[i].start < start + bytes) return false;
    look->place[look->places++] = (hq_place){start, bytes};
    return true;
}

static bool fetch(const hq_look *look, uint64_t start, uint64_t bytes, uint8_t *to)
{
    if (start > look->bytes || bytes > look->bytes - start || bytes > PIECE_MAX) return false;
    for (uint64_t done = 0; done < bytes;) {
        const ssize_t n = pread(look->fd, to + done, bytes - done, (off_t)(look->base + start + done));
        if (n == 0 || (n < 0 && errno != EINTR)) return false;
        if (n > 0) done += (uint64_t)n;
    }
    return true;
}

/* A piece of metadata that nothing else has: what it holds behind its signature, without its checksum. */
static bool open_piece(hq_look *look, uint64_t start, uint64_t bytes, const char *signature, uint8_t data[PIECE_MAX],
                       hq_bytes *out)
{
    look->what = signature;
    look->where = start;
    if (bytes < 4 + SUM || !claim(look, start, bytes) || !fetch(look, start, bytes, data)) return false;
    *out = (hq_bytes){data, (int64_t)(bytes - SUM)};
    return take_text(out, signature, 4);
}

/* ---- types and shapes ------------------------------------------------------------------------------------------ */

static bool check_type(hq_bytes *b, int depth, uint64_t *bytes);

static bool check_integer(hq_bytes *b, uint64_t bits, uint64_t bytes)
{
    const bool width = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    const uint64_t offset = take(b, 2), precision = take(b, 2);
    return width && (bits & ~(uint64_t)8) == 0 && offset == 0 && precision == 8 * bytes; /* 8: with a sign */
}

static bool check_real(hq_bytes *b, uint64_t bits, uint64_t bytes)
{
    static const uint8_t f32[12] = {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0};
    static const uint8_t f64[12] = {0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0};
    if (bytes == 4) return bits == 0x1f20 && take_text(b, f32, sizeof f32);
    return bytes == 8 && bits == 0x3f20 && take_text(b, f64, sizeof f64);
}

static bool check_array(hq_bytes *b, int depth, uint64_t bytes)
{
    uint64_t element;
    const uint64_t rank = take(b, 1), n = take(b, 4);
    return rank == 1 && check_type(b, depth, &element) && n > 0 && n <= bytes && n * element == bytes;
}

/* Members one behind the other. */
static bool check_record(hq_bytes *b, int depth, uint64_t members, uint64_t bytes)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < members; i++) {
        uint64_t member;
        const void *name_end = b->left > 0 ? memchr(b->at, '\0', (size_t)b->left) : NULL;
        if (!name_end) return false;
        cut(b, (uint64_t)((const uint8_t *)name_end - b->at) + 1);
        if (take(b, 1) != end || !check_type(b, depth, &member)) return false;
        end += member;
    }
    return members > 0 && end == bytes && bytes < 256; /* offsets have one byte */
}

/* Integers, reals, texts of fixed length, and arrays and records of those. *bytes: of one element. */
static bool check_type(hq_bytes *b, int depth, uint64_t *bytes)
{
    enum { INTEGER = 0x10, REAL = 0x11, TEXT = 0x13, RECORD = 0x36, ARRAY = 0x3a }; /* with their versions */
    const uint64_t kind = take(b, 1), bits = take(b, 3);
    *bytes = take(b, 4);
    if (depth == TYPE_DEPTH_MAX || *bytes == 0) return false;
    if (kind == INTEGER) return check_integer(b, bits, *bytes);
    if (kind == REAL) return check_real(b, bits, *bytes);
    if (kind == TEXT) return bits == 0;
    if (kind == RECORD) return check_record(b, depth + 1, bits, *bytes);
    return kind == ARRAY && bits == 0 && check_array(b, depth + 1, *bytes);
}

/* What is known of a data set, or of an attribute. */
typedef struct hq_member {
    int rank; /* -1: not yet known */
    uint64_t dims[RANK_MAX];
    uint64_t count, element; /* numbers, and bytes of each */
} hq_member;

static bool check_shape(hq_bytes *b, hq_member *member)
{
    const uint64_t version = take(b, 1), rank = take(b, 1), flags = take(b, 1), kind = take(b, 1);
    if (version != 2 || rank > RANK_MAX || flags > 1 || kind != (rank > 0)) return false;
    member->rank = (int)rank;
    member->count = 1;
    for (uint64_t i = 0; i < rank; i++) {
        member->dims[i] = take(b, 8);
        if (__builtin_mul_overflow(member->count, member->dims[i], &member->count)) return false;
    }
    for (uint64_t i = 0; i < rank && flags; i++) /* the most that it may grow to: not at all */
        if (take(b, 8) != member->dims[i]) return false;
    return true;
}

/* ---- where data lie -------------------------------------------------------------------------------------------- */

static bool check_contiguous(hq_look *look, hq_bytes *b, const hq_member *member)
{
    uint64_t bytes;
    const uint64_t start = take(b, 8), stored = take(b, 8);
    if (__builtin_mul_overflow(member->count, member->element, &bytes) || stored != bytes) return false;
    return bytes == 0 ? start == nowhere : claim(look, start, bytes);
}

/* One chunk, or chunks one behind the other. */
static bool check_chunks(hq_look *look, hq_bytes *b, const hq_member *member)
{
    const uint64_t flags = take(b, 1), dims = take(b, 1), width = take(b, 1);
    uint64_t chunks = 1, bytes = 1;
    if (flags != 0 || dims != (uint64_t)member->rank + 1 || width < 1 || width > 8) return false;
    for (int i = 0; i <= member->rank; i++) {
        const uint64_t side = take(b, (int)width), whole = i < member->rank ? member->dims[i] : member->element;
        if (side == 0 || side > whole || (i == member->rank && side != whole)) return false;
        if (__builtin_mul_overflow(chunks, (whole - 1) / side + 1, &chunks) ||
            __builtin_mul_overflow(bytes, side, &bytes))
            return false;
    }
    const uint64_t index = take(b, 1), start = take(b, 8);
    if (index != IMPLICIT && (index != SINGLE || chunks != 1)) return false;
    return bytes <= UINT32_MAX && !__builtin_mul_overflow(chunks, bytes, &bytes) && claim(look, start, bytes);
}

static bool check_layout(hq_look *look, hq_bytes *b, const hq_member *member)
{
    enum { CONTIGUOUS = 1, CHUNKED = 2 };
    const uint64_t version = take(b, 1), kind = take(b, 1);
    if (member->rank < 0 || member->element == 0) return false; /* shape and type stand before it */
    if (kind == CONTIGUOUS) return (version == 3 || version == 4) && check_contiguous(look, b, member);
    return version == 4 && kind == CHUNKED && check_chunks(look, b, member);
}

/* ---- links and attributes -------------------------------------------------------------------------------------- */

/* A hard link: notes where it leads. */
static bool check_link(hq_look *look, hq_bytes *b)
{
    const uint64_t version = take(b, 1), flags = take(b, 1);
    if (version != 1 || (flags & ~(uint64_t)4) != 0) return false; /* 4: with its number */
    if (flags) take(b, 8);
    const hq_bytes name = cut(b, take(b, 1));
    if (name.left < 1 || memchr(name.at, '\0', (size_t)name.left) || look->objects == OBJECTS_MAX) return false;
    look->object[look->objects++] = take(b, 8);
    return true;
}

static bool check_attribute(hq_bytes *b)
{
    hq_member member = {0};
    uint64_t bytes;
    const uint64_t version = take(b, 1), flags = take(b, 1);
    const uint64_t name_bytes = take(b, 2), type_bytes = take(b, 2), shape_bytes = take(b, 2), letters = take(b, 1);
    hq_bytes name = cut(b, name_bytes), type = cut(b, type_bytes), shape = cut(b, shape_bytes);
    if (version != 3 || flags != 0 || letters != 0 || name.left < 2 || name.at[name.left - 1] != '\0') return false;
    if (!check_type(&type, 0, &member.element) || type.left != 0) return false;
    if (!check_shape(&shape, &member) || shape.left != 0) return false;
    if (__builtin_mul_overflow(member.count, member.element, &bytes)) return false;
    return cut(b, bytes).left >= 0;
}

/* Attributes are kept in the header, not elsewhere. */
static bool check_attribute_info(hq_bytes *b)
{
    return take(b, 1) == 0 && take(b, 1) == 0 && take(b, 8) == nowhere && take(b, 8) == nowhere;
}

static bool check_group_info(hq_bytes *b)
{
    const uint64_t version = take(b, 1), flags = take(b, 1);
    if (version != 0 || flags > 3) return false;
    cut(b, (flags & 1 ? 4u : 0u) + (flags & 2 ? 4u : 0u));
    return true;
}

/* ---- links of a group with many: in a heap of one block, found by a tree of one leaf ---------------------------- */

enum { BLOCK = 512, BLOCK_HEAD = 21, HEAP = 146, NODE = 512, TREE = 38, RECORD = 11 };

static bool check_heap(hq_look *look, uint64_t heap, uint64_t *block, uint64_t *links)
{
    uint8_t data[PIECE_MAX];
    hq_bytes b;
    if (!open_piece(look, heap, HEAP, "FRHP", data, &b)) return false;
    const bool head = take(&b, 1) == 0 && take(&b, 2) == 7 && take(&b, 2) == 0 && take(&b, 1) == 2; /* with sums */
    take(&b, 4); /* largest object in it */
    const bool huge = take(&b, 8) == 0 && take(&b, 8) == nowhere;
    take(&b, 8); /* free space, and who manages it: for writers */
    const uint64_t manager = take(&b, 8);
    const bool sizes = take(&b, 8) == BLOCK && take(&b, 8) == BLOCK;
    take(&b, 8); /* where the next block would be: for writers */
    *links = take(&b, 8);
    const bool only = take(&b, 8) == 0 && take(&b, 8) == 0 && take(&b, 8) == 0 && take(&b, 8) == 0;
    const bool table =
        take(&b, 2) == 4 && take(&b, 8) == BLOCK && take(&b, 8) == 65536 && take(&b, 2) == 32 && take(&b, 2) == 1;
    *block = take(&b, 8);
    const bool inside = manager == nowhere || manager < look->bytes;
    return head && huge && sizes && only && table && inside && take(&b, 2) == 0 && b.left == 0;
}

static bool check_tree(hq_look *look, uint64_t tree, uint64_t links, uint64_t *leaf)
{
    uint8_t data[PIECE_MAX];
    hq_bytes b;
    if (!open_piece(look, tree, TREE, "BTHD", data, &b)) return false;
    const bool head = take(&b, 1) == 0 && take(&b, 1) == 5 && take(&b, 4) == NODE && take(&b, 2) == RECORD &&
                      take(&b, 2) == 0 && take(&b, 1) == 100 && take(&b, 1) == 40;
    *leaf = take(&b, 8);
    return head && take(&b, 2) == links && take(&b, 8) == links && b.left == 0;
}

/* One record of the leaf: a hash, and the place in the heap. */
static bool check_stored_link(hq_look *look, hq_bytes *leaf, const uint8_t *block)
{
    take(leaf, 4);
    const uint64_t kind = take(leaf, 1), start = take(leaf, 4), bytes = take(leaf, 2);
    if (kind != 0 || start < BLOCK_HEAD || start > BLOCK || bytes > BLOCK - start) return false;
    hq_bytes link = {block + start, (int64_t)bytes};
    return check_link(look, &link) && link.left == 0;
}

static bool check_many_links(hq_look *look, uint64_t heap, uint64_t tree)
{
    uint8_t block_data[PIECE_MAX], leaf_data[PIECE_MAX];
    uint64_t block = 0, links = 0, leaf = 0;
    hq_bytes b, records;
    if (!check_heap(look, heap, &block, &links) || !check_tree(look, tree, links, &leaf)) return false;
    if (!open_piece(look, block, BLOCK, "FHDB", block_data, &b)) return false;
    if (take(&b, 1) != 0 || take(&b, 8) != heap || take(&b, 4) != 0) return false;
    if (links > (NODE - 6 - SUM) / RECORD || !open_piece(look, leaf, NODE, "BTLF", leaf_data, &records)) return false;
    if (take(&records, 1) != 0 || take(&records, 1) != 5) return false;
    for (uint64_t i = 0; i < links; i++)
        if (!check_stored_link(look, &records, block_data)) return false;
    return true;
}

static bool check_link_info(hq_look *look, hq_bytes *b)
{
    const uint64_t version = take(b, 1), flags = take(b, 1);
    if (version != 0 || flags > 1) return false;
    if (flags) take(b, 8); /* number of the next link */
    const uint64_t heap = take(b, 8), tree = take(b, 8);
    if (heap == nowhere) return tree == nowhere;
    return flags == 0 && check_many_links(look, heap, tree);
}

/* ---- object headers -------------------------------------------------------------------------------------------- */

/* Types of messages. */
enum {
    NOTHING = 0,
    SHAPE = 1,
    LINKS = 2,
    TYPE = 3,
    FILL = 5,
    LINK = 6,
    LAYOUT = 8,
    GROUP = 10,
    ATTRIBUTE = 12,
    CONTINUATION = 16,
    ATTRIBUTES = 21
};
#define GROUP_PARTS (1u << LINKS | 1u << GROUP)
#define DATA_PARTS (1u << SHAPE | 1u << TYPE | 1u << FILL | 1u << LAYOUT)

/* A header that is read: its pieces, and what is known so far. */
typedef struct hq_header {
    hq_place piece[PIECES_MAX];
    int pieces;
    hq_member member;
    uint32_t seen; /* a bit for each type of message that may stand once */
} hq_header;

static bool check_continuation(hq_header *header, hq_bytes *b)
{
    const uint64_t start = take(b, 8), bytes = take(b, 8);
    if (header->pieces == PIECES_MAX) return false;
    header->piece[header->pieces++] = (hq_place){start, bytes};
    return true;
}

static bool check_message(hq_look *look, hq_header *header, uint64_t type, hq_bytes *b)
{
    const uint32_t once = type < 32 ? 1u << type & (GROUP_PARTS | DATA_PARTS | 1u << ATTRIBUTES) : 0;
    if (header->seen & once) return false;
    header->seen |= once;
    switch (type) {
    case NOTHING:
        cut(b, (uint64_t)b->left);
        return true;
    case SHAPE:
        return check_shape(b, &header->member);
    case TYPE:
        return check_type(b, 0, &header->member.element);
    case FILL: /* version 3, without a value */
        return take(b, 1) == 3 && (take(b, 1) & 0xe0) == 0;
    case LAYOUT:
        return check_layout(look, b, &header->member);
    case LINKS:
        return check_link_info(look, b);
    case LINK:
        return check_link(look, b);
    case GROUP:
        return check_group_info(b);
    case ATTRIBUTE:
        return check_attribute(b);
    case ATTRIBUTES:
        return check_attribute_info(b);
    case CONTINUATION:
        return check_continuation(header, b);
    default:
        return false;
    }
}

/* Fewer bytes than a message has at its head may be left over. */
static bool check_messages(hq_look *look, hq_header *header, hq_bytes *b)
{
    while (b->left >= 4) {
        const uint64_t type = take(b, 1), bytes = take(b, 2), flags = take(b, 1);
        hq_bytes body = cut(b, bytes);
        if (body.left < 0 || (flags & ~(uint64_t)5) != 0) return false; /* 1: constant, 4: not to be shared */
        if (!check_message(look, header, type, &body) || body.left != 0) return false;
    }
    return true;
}

static bool check_first_piece(hq_look *look, hq_header *header, uint64_t start)
{
    enum { HEAD = 6, SIZE_MAX_BYTES = 4 };
    uint8_t data[PIECE_MAX];
    if (!fetch(look, start, HEAD + SIZE_MAX_BYTES, data)) return false;
    hq_bytes head = {data, HEAD + SIZE_MAX_BYTES}, b;
    if (!take_text(&head, "OHDR", 4) || take(&head, 1) != 2) return false;
    const uint64_t flags = take(&head, 1);
    if (flags > 2) return false; /* without times, with the usual limits; up to 4 bytes for the size */
    const int width = 1 << flags;
    const uint64_t bytes = take(&head, width), skip = 2 + (uint64_t)width;
    if (!open_piece(look, start, 4 + skip + bytes + SUM, "OHDR", data, &b)) return false;
    cut(&b, skip);
    return check_messages(look, header, &b);
}

static bool check_object(hq_look *look, uint64_t start)
{
    hq_header header = {.member = {.rank = -1}};
    uint8_t data[PIECE_MAX];
    if (!check_first_piece(look, &header, start)) return false;
    for (int i = 0; i < header.pieces; i++) {
        hq_bytes b;
        if (!open_piece(look, header.piece[i].start, header.piece[i].bytes, "OCHK", data, &b)) return false;
        if (!check_messages(look, &header, &b)) return false;
    }
    const uint32_t parts = header.seen & (GROUP_PARTS | DATA_PARTS);
    return parts == GROUP_PARTS || parts == DATA_PARTS;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

enum { SUPERBLOCK = 48 };

/* Where HDF5's part begins: HDF5 looks at these places too, in this order. */
static bool find_start(hq_look *look, uint64_t file_bytes, uint8_t data[SUPERBLOCK])
{
    static const uint8_t signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    for (look->base = 0; look->base <= USER_BLOCK && look->base <= file_bytes; look->base += USER_BLOCK) {
        look->bytes = file_bytes - look->base;
        if (fetch(look, 0, SUPERBLOCK, data) && memcmp(data, signature, sizeof signature) == 0) return true;
    }
    return false;
}

/* Versions 2 and 3, without extensions. */
static bool check_superblock(hq_look *look, const uint8_t data[SUPERBLOCK], uint64_t *end)
{
    hq_bytes b = {data + 8, SUPERBLOCK - 8 - SUM};
    const uint64_t version = take(&b, 1);
    const bool head = take(&b, 2) == 0x0808 && take(&b, 1) == 0 && take(&b, 8) == look->base && take(&b, 8) == nowhere;
    *end = take(&b, 8);
    look->object[look->objects++] = take(&b, 8);
    return (version == 2 || version == 3) && head && claim(look, 0, SUPERBLOCK);
}

bool hq_hdf5_check(int fd, char problem[HQ_HDF5_PROBLEM_MAX])
{
    uint8_t data[SUPERBLOCK];
    struct stat info;
    uint64_t end = 0;
    hq_look look = {.fd = fd, .what = "superblock"};
    if (fstat(fd, &info) != 0 || !find_start(&look, (uint64_t)info.st_size, data))
        return refuse(problem, "it has no start of an HDF5 file");
    bool well = check_superblock(&look, data, &end);
    if (well && end != (uint64_t)info.st_size)
        return refuse(problem, "it should have %llu bytes, it has %llu", (unsigned long long)end,
                      (unsigned long long)info.st_size);
    for (int i = 0; i < look.objects && well; i++) well = check_object(&look, look.object[i]);
    if (well) return true;
    return refuse(problem, "its %s at byte %llu is not as hqcnn-dist writes it", look.what,
                  (unsigned long long)(look.base + look.where));
}
