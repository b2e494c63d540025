/* The room as one HTML table, for a browser without scripts, a text browser, or a printer. Pure.
 *
 *   snapshot ──> plain_write ──> a page that asks for itself again every few seconds
 *
 * Foreign texts are escaped and isolated, so that neither marks nor right-to-left letters in them
 * touch what stands around. The page links the style of rootfs/www and nothing else. */
#ifndef NET_STATUS_PLAIN_H
#define NET_STATUS_PLAIN_H

#include "net/status/snapshot.h"

#define PLAIN_ROW_MAX 4096       /* bytes of a machine's row at most */
#define PLAIN_LEAST (128u << 10) /* for everything but machines */
#define PLAIN_TYPE "text/html; charset=utf-8"

/* Into buf of cap bytes, at least PLAIN_LEAST; the length. Machines in the order of their numbers;
 * those for whose rows there is no room are counted in a last line. */
size_t plain_write(const struct room_snapshot *, char *buf, size_t cap);
/* What somebody sees who has not logged in: a form for the password, sent to /plain/login. The
 * length; cap as above. */
size_t plain_door(char *buf, size_t cap);

#endif
