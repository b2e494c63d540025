/* The signature at the end of a report: ECDSA P-256 over SHA-256 of a heading ("ringcast report 1
 * csv" and a line feed, or json, html) and every byte before the seal. The seal is text of the
 * report's own format, its key and signature as lower-case hexadecimal digits, and nothing follows
 * it. So the file as it was downloaded is what is verified: no byte of it may change, and none may
 * be missing. A spreadsheet that stores the CSV anew breaks the seal; keep the file. */
#ifndef BOARD_CORE_SEAL_H
#define BOARD_CORE_SEAL_H

#include <mbedtls/sha256.h>

#include "board/errors/report.h"
#include "imaging/image/sign.h"

enum report_format { REPORT_CSV, REPORT_JSON, REPORT_HTML, REPORT_FORMATS };

#define SEAL_MAX 512

struct seal {
    enum report_format format;
    mbedtls_sha256_context hash;
};

void seal_begin(struct seal *, enum report_format);
void seal_add(struct seal *, const void *bytes, size_t n);
/* The seal's bytes; 0 when none can be made. */
size_t seal_end(struct seal *, const struct sign_key *, uint8_t out[SEAL_MAX]);

/* Is this n bytes' report signed, and by `pub`? *format says what it is. 0 or a REPORT_E code.
 * Fuzzed. */
int seal_check(const uint8_t *bytes, size_t n, const uint8_t pub[IMG_PUBKEY_BYTES],
               enum report_format *, struct err *);
/* "CSV", "JSON", "HTML" */
const char *report_format_name(enum report_format);

#endif
