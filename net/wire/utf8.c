#include "net/wire/utf8.h"

size_t utf8_read(const uint8_t *s, size_t n, uint32_t *cp)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80   ? 1
                 : s[0] < 0xC2 ? 0
                 : s[0] < 0xE0 ? 2
                 : s[0] < 0xF0 ? 3
                 : s[0] < 0xF5 ? 4
                               : 0;
    uint32_t v = len == 1 ? s[0] : s[0] & (0xFFu >> (len + 1));

    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | (s[i] & 0x3F);
    }
    if (v < least[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return 0;
    *cp = v;
    return len;
}

size_t utf8_write(uint8_t out[4], uint32_t cp)
{
    size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint8_t mark[5] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = len; i-- > 1; cp >>= 6)
        out[i] = (uint8_t)(0x80 | (cp & 0x3F));
    out[0] = (uint8_t)(mark[len] | cp);
    return len;
}

bool utf8_is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
}

bool utf8_is_plain(const void *s, size_t n)
{
    const uint8_t *p = s;
    uint32_t cp = 0;

    while (n) {
        size_t len = utf8_read(p, n, &cp);

        if (len == 0 || utf8_is_control(cp))
            return false;
        p += len;
        n -= len;
    }
    return true;
}
