/* The snapshot in Prometheus's text format (version 0.0.4). Pure.
 *
 * Names begin with ringcast_, units are seconds, bytes and ratios, counters end in _total. A
 * machine's series carry its "mac" and nothing that changes while it works; what it is called is in
 * ringcast_machine_info alone. Foreign texts are label values with
 * '\', '"' and newline escaped; they hold no other control characters (snapshot.h). */
#ifndef NET_STATUS_METRICS_H
#define NET_STATUS_METRICS_H

#include "net/status/snapshot.h"
#include "net/status/steps.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MACHINE_MAX 2048
#define METRICS_MAX (65536 + (size_t)ROOM_MACHINES_MAX * METRICS_MACHINE_MAX)

/* Into buf of cap bytes; the length; 0: it does not fit (never with METRICS_MAX). */
size_t metrics_write(const struct room_snapshot *, const struct steps *, char *buf, size_t cap);

#endif
