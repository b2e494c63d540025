/* What `serve` says: events as they happen, a line on each stream every few seconds, a summary at
 * the end. */
#ifndef BOARD_CORE_SERVE_LOG_H
#define BOARD_CORE_SERVE_LOG_H

#include "board/core/serve.h"

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
