/* The box's page and API: net/web over net/tls on the box's stack, with what belongs to the box:
 * its certificate, its password, its journal.
 *
 *   portal_make ──> others hang their routes in (portal_routes) ──> journal ──> portal_open
 *           ──> portal_tick ...
 *
 * Without a password the set-up code is what the box's screen shows (portal_setup_code), and
 * nothing else is done before it is used. Whoever stands before the box may take the password away
 * (portal_reset_password).
 *
 * A box whose page cannot be opened images machines all the same: the log says why.
 *
 * The page is *closed* when the box's data cannot be read (`closed`), or its certificate alone:
 * then it is under a certificate that lasts for this run, takes no login, and shows the reason to
 * everybody. A certificate that cannot be read is put aside and another is made when a person at
 * the box resets the password. */
#ifndef BOARD_BOX_WEB_PORTAL_H
#define BOARD_BOX_WEB_PORTAL_H

#include "board/box/config/box_config.h"
#include "net/ip/stack.h"
#include "net/web/server.h"

struct portal;

struct portal_needs {
    const struct box_config *config;
    struct ip_stack *stack;
    const char *data;   /* the certificate is kept in DATA/tls */
    const char *closed; /* a sentence: why the page is closed; copied. NULL: it is not */
    /* Keeps a value under a key of one kind (journal.h) over restarts; nvalue 0 removes it. */
    void (*store)(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                  size_t nvalue);
    void *ctx;
};

/* Takes memory; nothing listens yet. */
int portal_make(struct portal **, const struct portal_needs *, struct err *);
/* Where the box's other parts hang their handlers (net/web/route.h), before portal_open. */
struct web_routes *portal_routes(struct portal *);
/* A value that `store` was given in an earlier run. */
enum told portal_restore(struct portal *, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t nvalue);
/* Listens on TCP 443. An error is no reason to stop the box. */
int portal_open(struct portal *, struct err *);
/* After each step of the stack, and again after portal_pause milliseconds at the latest. */
void portal_tick(struct portal *, struct mono now);
int portal_pause(const struct portal *);

/* What the screen shows: "" once a password is set. */
const char *portal_setup_code(const struct portal *);
/* SHA-256 of the certificate, "AB:CD:.."; "" while there is none. */
const char *portal_fingerprint(const struct portal *);
/* Somebody at the box's own keys: the password, all sessions and all tokens are gone, and there is
 * a new set-up code. */
void portal_reset_password(struct portal *);
/* Safe on NULL. */
void portal_close(struct portal *);

#endif
