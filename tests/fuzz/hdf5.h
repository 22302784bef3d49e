/* hdf5.h: changes to HDF5 files that get behind the checksums of their metadata. */
#ifndef FUZZ_HDF5_H
#define FUZZ_HDF5_H

#include <stddef.h>
#include <stdint.h>

/* Gives all metadata that this finds the checksum that it has. base: bytes before HDF5's part. */
void fuzz_repair_hdf5(uint8_t *data, size_t size, size_t base);

/* For LLVMFuzzerCustomMutator. */
size_t fuzz_mutate_hdf5(uint8_t *data, size_t size, size_t size_max, unsigned seed, size_t base);

#endif
