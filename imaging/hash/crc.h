/* The checksums of foreign disk structures. Bit by bit: what is summed here is kilobytes. */
#ifndef IMAGING_HASH_CRC_H
#define IMAGING_HASH_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of the GPT (UEFI 5.3.2): start with 0, feed the result in again to go on. */
uint32_t crc32_ieee(uint32_t crc, const void *data, size_t n);
/* CRC-32C as ext4 uses it: started with ~0, never inverted at the end. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
/* CRC-16 (polynomial 0x8005, reflected) as ext4 uses it: started with ~0. */
uint16_t crc16(uint16_t crc, const void *data, size_t n);

#endif
