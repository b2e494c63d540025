/* Rates and sizes as people write and read them.
 *
 * A number (decimals allowed, with a point) and a unit, blanks between them allowed:
 *   bit kbit Mbit Gbit     thousands, eight bits to a byte; also bps kbps Mbps Gbps
 *   B kB MB GB TB          thousands
 *   KiB MiB GiB TiB        1024s
 * A rate may end in `/s`. A plain number counts bytes (per second). Letter case is free except for
 * the B of bytes: `Mb` is refused because nobody knows which of the two it means. */
#ifndef NET_WIRE_UNITS_H
#define NET_WIRE_UNITS_H

#include <stdint.h>

/* Room for any text that this module prints. */
#define UNITS_TEXT 64

#define UNITS_EFORM (-110)  /* not a number with a known unit */
#define UNITS_ERANGE (-111) /* more than 2^63 bytes */

/* Bytes per second: 0 and *out, or a negative code and *out untouched. */
int units_rate(const char *text, uint64_t *out);
/* Bytes; the bit units are refused. */
int units_size(const char *text, uint64_t *out);

/* "300 Mbit/s (37.5 MB/s)" */
const char *units_rate_text(char buf[UNITS_TEXT], uint64_t bytes_per_s);
/* "37.5 MB"; below 1000: "512 bytes" */
const char *units_size_text(char buf[UNITS_TEXT], uint64_t bytes);
/* "4.2 s", "3:07", "1:02:05" */
const char *units_time_text(char buf[UNITS_TEXT], int64_t ns);
/* "2026-11-22T11:50:00Z" (ISO 8601, RFC 3339) of seconds since 1970; beyond the year 9999: "" */
const char *units_date_text(char buf[UNITS_TEXT], uint64_t unix_s);

#endif
