#include "imaging/hash/crc.h"

static uint32_t reflected(uint32_t crc, uint32_t poly, const uint8_t *p, size_t n)
{
    for (; n; n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (poly & -(crc & 1));
    }
    return crc;
}

uint32_t crc32_ieee(uint32_t crc, const void *data, size_t n)
{
    return ~reflected(~crc, 0xEDB88320, data, n);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
    return reflected(crc, 0x82F63B78, data, n);
}

uint16_t crc16(uint16_t crc, const void *data, size_t n)
{
    return (uint16_t)reflected(crc, 0xA001, data, n);
}
