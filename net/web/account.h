/* The routes of set-up, login, sessions and tokens: auth.h at the web server.
 *
 *   POST   /api/v1/setup {"code","password"}   open until a password is set; answers as login does
 *   POST   /api/v1/login {"password"}          open; cookie, and {"csrf":".."}
 *   POST   /plain/login password=..            open: the same from a form, for who has no scripts;
 *                                              cookie, and on to /plain
 *   GET    /api/v1/session                     {"csrf":".."}: for a page that was loaded again
 *   POST   /api/v1/logout
 *   GET    /api/v1/tokens                      [{"name":".."}]
 *   POST   /api/v1/tokens {"name"}             {"name","token"}: said this once
 *   DELETE /api/v1/tokens/:name
 *
 * Passwords are judged in slices: account_tick does one, and answers the call when it was the last.
 */
#ifndef NET_WEB_ACCOUNT_H
#define NET_WEB_ACCOUNT_H

#include "net/web/server.h"

struct account {
    struct auth *auth;
    struct web_server *server;
    struct web_call *waiting; /* for the judgement under way */
    /* Keeps over restarts: the password's record, a token's name under its hash; n = 0 removes it.
     */
    void (*store_password)(void *ctx, const uint8_t *record, size_t n);
    void (*store_token)(void *ctx, const uint8_t hash[32], const char *name, size_t n);
    void (*tell)(void *ctx, const char *what, uint32_t address); /* for the log: "logged in" */
    void *ctx;
};

void account_routes(struct account *, struct web_routes *);
void account_tick(struct account *, struct mono now);
/* Password, sessions and tokens are forgotten, here and where they are kept; there is a set-up code
 * again. */
void account_reset(struct account *, struct mono now);

#endif
