/* support.h: what the fuzz targets share. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include "hqcnn/base.h"

/* libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

/* Changes up to 16 bytes at one place; nothing moves. */
void fuzz_mutate_place(uint8_t *data, size_t size, unsigned seed);

/* Makes a file of these bytes, in memory where there is such a folder, in place of the one before; returns its path. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The bytes as a text, ended at the first zero or at the end; freed with free(). */
char *fuzz_text(const uint8_t *data, size_t size);

/* Stops when a target has left blocks of memory behind. */
void fuzz_check_memory(void);

#endif
