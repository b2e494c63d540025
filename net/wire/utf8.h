/* UTF-8 as foreign bytes: the one place that knows which sequences are well formed (RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
#ifndef NET_WIRE_UTF8_H
#define NET_WIRE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one character at s (n >= 1 bytes there): its length 1 .. 4 and *cp, or 0 when no
 * well-formed one starts here. */
size_t utf8_read(const uint8_t *s, size_t n, uint32_t *cp);
/* Writes one character (not a surrogate, at most U+10FFFF) into out; returns its length 1 .. 4. */
size_t utf8_write(uint8_t out[4], uint32_t cp);
/* C0, DEL, C1: what may move a cursor or end a line on somebody's terminal. */
bool utf8_is_control(uint32_t cp);
/* Well formed all through, and without a control character. */
bool utf8_is_plain(const void *s, size_t n);

#endif
