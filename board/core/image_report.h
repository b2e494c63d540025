/* What the commands that make and judge images print: facts about an image, a failure. */
#ifndef BOARD_CORE_IMAGE_REPORT_H
#define BOARD_CORE_IMAGE_REPORT_H

#include "imaging/image/image.h"
#include "net/wire/err.h"
#include "net/wire/json.h"

/* "--json" given: the failure as JSON on stdout, too. Prints the cause on stderr as "ringcast
 * COMMAND: ..." and returns the exit code that belongs to it. */
int report_failure(const char *command, const struct err *, bool json);

/* The head's fields as members of the open object; the keys are those of SPEC section 3. */
void report_head_json(struct json *, const struct img_head *);
/* Prints the finished text on stdout. */
void report_json(struct json *);

/* "2024-05-01 12:00:00 UTC" into buf */
void report_time(char buf[32], uint64_t seconds);
/* 64 hexadecimal digits and a NUL */
void report_hash(char buf[65], const uint8_t hash[IMG_HASH_BYTES]);

#endif
