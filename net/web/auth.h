/* Who may do what at the box's page: the set-up code, the password, sessions and tokens, as pure
 * steps: time and chance are arguments.
 *
 *   no password:  the screen shows a set-up code; code and a new password ──> auth_ask
 *           ──> a password is set
 *   afterwards:   password ──> auth_ask ──> a session: cookie and CSRF token, both 256 bits
 *   API tokens:   made in a session, 256 bits, kept as hashes until they are removed
 *
 * A password is judged by PBKDF2-HMAC-SHA256 (RFC 8018), which takes a third of a second on
 * purpose. It is done in slices (auth_work), one question at a time, so that the thread has time
 * for its other work. Every question costs its address an attempt, right ones give it back. Beyond
 * AUTH_FREE wrong ones an address waits, twice as long each time; and all addresses together, those
 * that have logged in before excepted, have AUTH_GLOBAL_BURST at once and AUTH_GLOBAL_NS for each
 * more. So a stranger with many addresses can make a newcomer wait, never a regular. */
#ifndef NET_WEB_AUTH_H
#define NET_WEB_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/hash/hmac.h"
#include "net/web/errors.h"
#include "net/wire/mono.h"

#define AUTH_CODE_TEXT 8    /* of "23456789ABCDEFGHJKLMNPQRSTUVWXYZ": no two that look alike */
#define AUTH_PASSWORD_MIN 8 /* bytes */
#define AUTH_PASSWORD_MAX 128
#define AUTH_ROUNDS 300000u
/* rounds of one auth_work: 2 ms of a fast processor, some 5 of a slow one */
#define AUTH_SLICE 1500u
#define AUTH_SECRET_BYTES 32
#define AUTH_SESSIONS 64
#define AUTH_TOKENS 32
#define AUTH_TOKEN_NAME_MAX 63
#define AUTH_ADDRESSES 64 /* whose attempts are remembered */
#define AUTH_FREE 5       /* wrong attempts without a pause */
#define AUTH_PAUSE_NS (2 * MONO_S)
#define AUTH_PAUSE_MAX_NS (300 * MONO_S)
#define AUTH_GLOBAL_BURST 30
#define AUTH_GLOBAL_NS (4 * MONO_S)
#define AUTH_IDLE_NS (12 * 3600 * MONO_S) /* a night's session that nobody used ends */
#define AUTH_ABSOLUTE_NS (7 * 24 * 3600 * MONO_S)

#define AUTH_PASSWORD_RECORD (4 + 16 + 32)

struct auth_chance {
    void (*fill)(void *ctx, void *to, size_t n);
    void *ctx;
};

enum auth_question { AUTH_LOGIN, AUTH_SETUP };

struct auth {
    struct auth_chance chance;
    char code[AUTH_CODE_TEXT + 1]; /* "" once a password is set */
    bool has_password;
    uint32_t rounds;
    uint8_t salt[16], hash[32];

    struct auth_session {
        bool used;
        uint8_t secret[AUTH_SECRET_BYTES], csrf[AUTH_SECRET_BYTES];
        struct mono began, last;
    } session[AUTH_SESSIONS];
    struct auth_token {
        bool used;
        uint8_t hash[32];
        char name[AUTH_TOKEN_NAME_MAX + 1];
    } token[AUTH_TOKENS];

    struct auth_address {
        uint32_t address; /* 0: free */
        unsigned wrong;
        bool regular; /* has logged in */
        struct mono last, until;
    } seen[AUTH_ADDRESSES];
    struct mono global; /* the bucket, as the time at which it would be full */

    struct { /* the question under way */
        bool busy;
        enum auth_question what;
        uint32_t address;
        uint32_t rounds, done;
        uint8_t salt[16];
        uint8_t u[32], t[32];
        struct hmac_key key;
    } work;
};

/* Without a password: makes the set-up code. */
void auth_init(struct auth *, struct auth_chance, struct mono now);
/* The password of an earlier run, as auth_password_record wrote it; false: it makes no sense. The
 * set-up code goes. */
bool auth_restore_password(struct auth *, const uint8_t *record, size_t n);
void auth_password_record(const struct auth *, uint8_t out[AUTH_PASSWORD_RECORD]);
/* A token of an earlier run, hash and name. */
bool auth_restore_token(struct auth *, const uint8_t hash[32], const char *name);
/* Forgets password, sessions and tokens (the caller removes what it keeps of them); there is a
 * set-up code again. */
void auth_reset(struct auth *, struct mono now);

/* A question: 0: it is worked on; WEB_ELIMIT (*wait_s: when to ask again), WEB_EBUSY, WEB_EUNSET,
 * WEB_ESET, WEB_ECODE, WEB_EWEAK. `code` only with AUTH_SETUP. The password is used up within the
 * call. */
int auth_ask(struct auth *, enum auth_question, uint32_t address, const char *code,
             const char *password, struct mono now, unsigned *wait_s);
/* Works for one slice. 1: not through. 0: yes, and a session has been made (its secrets in texts of
 * 64 digits and NUL); with AUTH_SETUP the password is now set. WEB_EPASSWORD: no. Call only while a
 * question is under way. */
int auth_work(struct auth *, struct mono now, char cookie[65], char csrf[65]);
static inline bool auth_busy(const struct auth *a)
{
    return a->work.busy;
}
/* Nobody waits for the answer any more. */
void auth_give_up(struct auth *);

/* The session a cookie stands for, NULL when none; counts as used now. */
struct auth_session *auth_session(struct auth *, const char *cookie, struct mono now);
bool auth_csrf(const struct auth_session *, const char *csrf);
void auth_csrf_text(const struct auth_session *, char csrf[65]);
void auth_logout(struct auth_session *);

/* A new token: its text, and its hash for the journal. 0, WEB_ETOKENS. */
int auth_token_make(struct auth *, const char *name, char text[65], uint8_t hash[32]);
bool auth_token(const struct auth *, const char *text);
/* Removes by name; the hash of the removed in `hash`. False: there is none. */
bool auth_token_remove(struct auth *, const char *name, uint8_t hash[32]);

#endif
