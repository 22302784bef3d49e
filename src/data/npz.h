/* npz.h: the arrays of a .npz file (a zip of .npy members), read as streams through libzip. Nothing in the file is
 * trusted. */
#ifndef HQ_DATA_NPZ_H
#define HQ_DATA_NPZ_H

#include "data/npy.h"

#include <zip.h>

#define HQ_NPZ_RATIO_MAX 200 /* a large member's bytes for each packed one; images have less than 10 */

typedef struct hq_npz {
    const char *path; /* the caller's; for messages */
    zip_t *zip;
    uint64_t bytes; /* of the file */
    int megabytes;  /* that a member may have however well it is packed */
} hq_npz;

/* Opens the file for reading. megabytes: data.memory; a member that unpacks to more must not be packed better than
 * HQ_NPZ_RATIO_MAX to 1, so that a small file cannot fill memory or disk. HQ_ERR_FILE when it cannot be opened,
 * HQ_ERR_DATA when it is not a complete zip. */
hq_status hq_npz_open(const char *path, int megabytes, hq_npz *npz);
void hq_npz_close(hq_npz *npz);

/* One array being read. */
typedef struct hq_npz_array {
    const hq_npz *npz;
    char name[32]; /* of the member */
    zip_file_t *file;
    hq_npy npy;
    uint64_t left; /* bytes of the array not yet read */
} hq_npz_array;

/* Opens a member, reads its header and checks that type and shape account for exactly the bytes of the member.
 * Only integer types in C order pass. The caller closes the array, also after an error. */
hq_status hq_npz_array_open(const hq_npz *npz, const char *name, hq_npz_array *array);

/* Reads the next `bytes` bytes into `to`, or drops them when `to` is NULL. Asking for more than are left is our bug. */
hq_status hq_npz_array_read(hq_npz_array *array, void *to, uint64_t bytes);

/* After the last read: checks that the member ends here and its checksum. */
hq_status hq_npz_array_finish(hq_npz_array *array);

void hq_npz_array_close(hq_npz_array *array);

#endif
