/* set_file.h: a data set in an HDF5 file: docs/formats.md. HDF5 says where things lie; images, labels and hashes are
 * then read and written there by plain calls. */
#ifndef HQ_DATA_SET_FILE_H
#define HQ_DATA_SET_FILE_H

#include "hqcnn/data.h"

#define HQ_SET_FORMAT "hqcnn-data"
#define HQ_SET_VERSION 1

/* An open file. */
typedef struct hq_set_file {
    char path[HQ_TEXT_MAX];
    int fd;
    uint64_t hash;                         /* as stored; 0 while the file is being written */
    uint64_t label_offset[HQ_SPLIT_COUNT]; /* bytes from the start of the file, as info.offset of images */
    uint64_t hash_offset[HQ_SPLIT_COUNT];
    /* hq_set_file_load's */
    int32_t *label[HQ_SPLIT_COUNT];  /* [count][labels] */
    uint64_t *chunk[HQ_SPLIT_COUNT]; /* hash of the images of each chunk */
} hq_set_file;

/* "train_images", "val_labels", "test_hashes", ... */
void hq_set_file_member(hq_split split, const char *what, char name[32]);

/* Opens the file for reading, or for writing too, finds where all lies, and fills `info` but for bytes, hash and
 * stream. HQ_ERR_FILE when it cannot be opened, HQ_ERR_DATA for what it holds. The caller closes the file, also after
 * an error.
 */
hq_status hq_set_file_open(const char *path, bool writing, hq_set_file *file, hq_data_info *info);

/* Reads labels and hashes. HQ_ERR_FILE, HQ_ERR_MEMORY. */
hq_status hq_set_file_load(hq_set_file *file, const hq_data_info *info);
void hq_set_file_close(hq_set_file *file);

/* After hq_set_file_load. Hash of the set: sizes, labels, and the hashes of all chunks. */
uint64_t hq_set_file_hash(const hq_set_file *file, const hq_data_info *info);

/* Compares the hash with the stored one and checks the labels. HQ_ERR_DATA. */
hq_status hq_set_file_check(const hq_set_file *file, const hq_data_info *info);

/* Reads or writes `bytes` bytes at a place of the file. `what` names it in messages. HQ_ERR_FILE. */
hq_status hq_set_file_read(int fd, const char *path, const char *what, void *to, uint64_t bytes, uint64_t offset);
hq_status hq_set_file_write(const hq_set_file *file, const char *what, const void *from, uint64_t bytes,
                            uint64_t offset);

/* Images in a chunk of a split: the last one may be short. */
int64_t hq_set_chunk_images(const hq_data_info *info, hq_split split, int64_t chunk);

/* Reads the images of a chunk; `hash` is what theirs must be. HQ_ERR_FILE; HQ_ERR_DATA when they were altered. */
hq_status hq_set_file_chunk(int fd, const char *path, const hq_data_info *info, hq_split split, int64_t chunk,
                            uint64_t hash, uint8_t *to);

#endif
