/* What `serve` says: events as they happen, a line on each stream every few seconds, a summary at the end. */
#ifndef BOARD_CORE_SERVE_LOG_H
#define BOARD_CORE_SERVE_LOG_H

#include "board/core/serve.h"

/* One line on stderr, with date and time in front. Any thread. */
void serve_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From now on a thread of its own writes the lines: a serial port takes a hundred and fifty a second, and a terminal that is held takes none. SERVE_LOG_WAITING
 * of them wait for it; of those beyond it is said how many there were. Call once, when the process may have threads. */
#define SERVE_LOG_WAITING 512
void serve_log_apart(void);
/* Waits until all is written, a second at most. */
void serve_log_drain(void);

/* The last lines are kept in memory, as they were said and cut at SERVE_LOG_LINE - 1 bytes. Fills `to` with the last n of them,
 * oldest first, and returns how many there are. Any thread. */
#define SERVE_LOG_KEPT 64
#define SERVE_LOG_LINE 256
unsigned serve_log_last(char to[][SERVE_LOG_LINE], unsigned n);

/* "52:49:4e:47:00:01 (10.0.0.11)" */
#define SERVE_NAME 40
const char *serve_receiver_name(char buf[SERVE_NAME], const struct session_receiver *);

void serve_log_opening(const struct serve *);
void serve_log_event(const struct serve *, const struct session_event *);
void serve_log_rate(const struct stream *);
/* Nothing for streams that are suspended. */
void serve_log_status(const struct serve *);
void serve_log_summary(const struct serve *);
/* The summary as JSON on stdout. */
void serve_print_json(const struct serve *);

#endif
