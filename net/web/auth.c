#include "net/web/auth.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

/* ---- small things ---- */

/* In the same time wherever they differ. */
static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint8_t differ = 0;

    for (size_t i = 0; i < n; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

static void secret_text(char out[2 * AUTH_SECRET_BYTES + 1], const uint8_t *secret)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < AUTH_SECRET_BYTES; i++) {
        out[2 * i] = digit[secret[i] >> 4];
        out[2 * i + 1] = digit[secret[i] & 15];
    }
    out[2 * AUTH_SECRET_BYTES] = 0;
}

static bool secret_read(const char *text, uint8_t out[AUTH_SECRET_BYTES])
{
    static const char digit[] = "0123456789abcdef";

    if (strlen(text) != 2 * AUTH_SECRET_BYTES || strspn(text, digit) != 2 * AUTH_SECRET_BYTES)
        return false;
    for (size_t i = 0; i < AUTH_SECRET_BYTES; i++)
        out[i] = (uint8_t)((strchr(digit, text[2 * i]) - digit) << 4 |
                           (strchr(digit, text[2 * i + 1]) - digit));
    return true;
}

static void make_code(struct auth *a)
{
    static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    uint8_t chance[AUTH_CODE_TEXT];

    _Static_assert(sizeof letters == 33, "five bits a letter");
    a->chance.fill(a->chance.ctx, chance, sizeof chance);
    for (size_t i = 0; i < AUTH_CODE_TEXT; i++)
        a->code[i] = letters[chance[i] & 31];
    a->code[AUTH_CODE_TEXT] = 0;
}

void auth_init(struct auth *a, struct auth_chance chance, struct mono now)
{
    memset(a, 0, sizeof *a);
    a->chance = chance;
    a->global = now;
    make_code(a);
}

void auth_reset(struct auth *a, struct mono now)
{
    struct auth_chance chance = a->chance;

    auth_init(a, chance, now);
}

/* ---- what is kept ---- */

void auth_password_record(const struct auth *a, uint8_t out[AUTH_PASSWORD_RECORD])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(a->rounds >> (24 - 8 * i));
    memcpy(out + 4, a->salt, sizeof a->salt);
    memcpy(out + 20, a->hash, sizeof a->hash);
}

bool auth_restore_password(struct auth *a, const uint8_t *record, size_t n)
{
    uint32_t rounds = 0;

    for (size_t i = 0; i < 4 && i < n; i++)
        rounds = rounds << 8 | record[i];
    if (n != AUTH_PASSWORD_RECORD || rounds == 0 || rounds > 10 * AUTH_ROUNDS)
        return false;
    a->rounds = rounds;
    memcpy(a->salt, record + 4, sizeof a->salt);
    memcpy(a->hash, record + 20, sizeof a->hash);
    a->has_password = true;
    a->code[0] = 0;
    return true;
}

/* ---- attempts ---- */

/* The address's row; the one heard of longest ago makes room, and regulars are the last to. */
static struct auth_address *row_of(struct auth *a, uint32_t address, struct mono now)
{
    struct auth_address *pick = &a->seen[0];

    for (size_t i = 0; i < AUTH_ADDRESSES; i++) {
        struct auth_address *r = &a->seen[i];

        if (r->address == address)
            return r;
        if (pick->address && (!r->address || r->regular < pick->regular ||
                              (r->regular == pick->regular && mono_sub(pick->last, r->last) > 0)))
            pick = r;
    }
    *pick = (struct auth_address){.address = address, .until = now};
    return pick;
}

static unsigned seconds_up(int64_t ns)
{
    return (unsigned)((ns + MONO_S - 1) / MONO_S);
}

/* May this address ask now? Seconds to wait, 0: yes. */
static unsigned must_wait(const struct auth *a, const struct auth_address *r, struct mono now)
{
    int64_t own = mono_sub(r->until, now),
            all = mono_sub(a->global, now) - (AUTH_GLOBAL_BURST - 1) * AUTH_GLOBAL_NS;

    if (own > 0)
        return seconds_up(own);
    return !r->regular && all > 0 ? seconds_up(all) : 0;
}

static void charge(struct auth *a, struct auth_address *r, struct mono now)
{
    int64_t pause = AUTH_PAUSE_NS;

    r->last = now;
    r->wrong++;
    if (r->wrong >= AUTH_FREE) {
        for (unsigned i = AUTH_FREE; i < r->wrong && pause < AUTH_PAUSE_MAX_NS; i++)
            pause *= 2;
        r->until = mono_add(now, pause < AUTH_PAUSE_MAX_NS ? pause : AUTH_PAUSE_MAX_NS);
    }
    if (r->regular)
        return;
    if (mono_sub(now, a->global) > 0)
        a->global = now;
    a->global = mono_add(a->global, AUTH_GLOBAL_NS);
}

/* The attempt was a right one. */
static void give_back(struct auth *a, uint32_t address, struct mono now)
{
    struct auth_address *r = row_of(a, address, now);

    r->wrong = 0;
    r->until = now;
    r->last = now;
    r->regular = true;
}

/* ---- PBKDF2, one block of output ---- */

static void work_begin(struct auth *a, const char *password)
{
    uint8_t first[20];

    hmac_key_set(&a->work.key, password, strlen(password));
    memcpy(first, a->work.salt, 16);
    memcpy(first + 16, (const uint8_t[4]){0, 0, 0, 1}, 4);
    hmac_with(&a->work.key, first, sizeof first, a->work.u);
    memcpy(a->work.t, a->work.u, sizeof a->work.t);
    a->work.done = 1;
    a->work.busy = true;
}

static bool work_slice(struct auth *a)
{
    for (uint32_t i = 0; i < AUTH_SLICE && a->work.done < a->work.rounds; i++, a->work.done++) {
        hmac_with(&a->work.key, a->work.u, sizeof a->work.u, a->work.u);
        for (size_t k = 0; k < sizeof a->work.t; k++)
            a->work.t[k] ^= a->work.u[k];
    }
    return a->work.done == a->work.rounds;
}

void auth_give_up(struct auth *a)
{
    memset(&a->work, 0, sizeof a->work);
}

/* ---- questions ---- */

/* As a person types it: small letters, blanks and hyphens do not matter. */
static bool code_right(const struct auth *a, const char *code)
{
    uint8_t typed[AUTH_CODE_TEXT + 1] = {0};
    size_t n = 0;

    for (; *code; code++) {
        if (*code == ' ' || *code == '-')
            continue;
        if (n == AUTH_CODE_TEXT)
            return false;
        typed[n++] = (uint8_t)(*code >= 'a' && *code <= 'z' ? *code - 'a' + 'A' : *code);
    }
    return a->code[0] && n == AUTH_CODE_TEXT &&
           same(typed, (const uint8_t *)a->code, AUTH_CODE_TEXT);
}

static int setup_wrong(const struct auth *a, const char *code, const char *password)
{
    size_t n = strlen(password);

    if (!code_right(a, code))
        return WEB_ECODE;
    return n < AUTH_PASSWORD_MIN || n > AUTH_PASSWORD_MAX ? WEB_EWEAK : 0;
}

int auth_ask(struct auth *a, enum auth_question what, uint32_t address, const char *code,
             const char *password, struct mono now, unsigned *wait_s)
{
    struct auth_address *r;
    int rc;

    *wait_s = 1;
    if (what == AUTH_LOGIN && !a->has_password)
        return WEB_EUNSET;
    if (what == AUTH_SETUP && a->has_password)
        return WEB_ESET;
    r = row_of(a, address, now);
    *wait_s = must_wait(a, r, now);
    if (*wait_s)
        return WEB_ELIMIT;
    *wait_s = 1;
    if (a->work.busy)
        return WEB_EBUSY;
    rc = what == AUTH_SETUP ? setup_wrong(a, code, password) : 0;
    if (rc != WEB_EWEAK)
        charge(a, r, now);
    if (rc)
        return rc;
    a->work.what = what;
    a->work.address = address;
    a->work.rounds = what == AUTH_SETUP ? AUTH_ROUNDS : a->rounds;
    if (what == AUTH_SETUP)
        a->chance.fill(a->chance.ctx, a->work.salt, sizeof a->work.salt);
    else
        memcpy(a->work.salt, a->salt, sizeof a->work.salt);
    work_begin(a, password);
    return 0;
}

/* ---- sessions ---- */

static bool session_over(const struct auth_session *s, struct mono now)
{
    return mono_sub(now, s->last) > AUTH_IDLE_NS || mono_sub(now, s->began) > AUTH_ABSOLUTE_NS;
}

/* A place for a new session: a free one, or of the one unused for longest. */
static struct auth_session *session_place(struct auth *a, struct mono now)
{
    struct auth_session *pick = &a->session[0];

    for (size_t i = 0; i < AUTH_SESSIONS; i++) {
        struct auth_session *s = &a->session[i];

        if (!s->used || session_over(s, now))
            return s;
        if (mono_sub(pick->last, s->last) > 0)
            pick = s;
    }
    return pick;
}

static void session_make(struct auth *a, struct mono now, char cookie[65], char csrf[65])
{
    struct auth_session *s = session_place(a, now);

    *s = (struct auth_session){.used = true, .began = now, .last = now};
    a->chance.fill(a->chance.ctx, s->secret, sizeof s->secret);
    a->chance.fill(a->chance.ctx, s->csrf, sizeof s->csrf);
    secret_text(cookie, s->secret);
    secret_text(csrf, s->csrf);
}

static void take_password(struct auth *a)
{
    a->rounds = a->work.rounds;
    memcpy(a->salt, a->work.salt, sizeof a->salt);
    memcpy(a->hash, a->work.t, sizeof a->hash);
    a->has_password = true;
    a->code[0] = 0;
}

int auth_work(struct auth *a, struct mono now, char cookie[65], char csrf[65])
{
    bool right;

    MUST(a->work.busy);
    if (!work_slice(a))
        return 1;
    if (a->work.what == AUTH_SETUP)
        take_password(a);
    right = same(a->work.t, a->hash, sizeof a->hash);
    if (right) {
        give_back(a, a->work.address, now);
        session_make(a, now, cookie, csrf);
    }
    auth_give_up(a);
    return right ? 0 : WEB_EPASSWORD;
}

struct auth_session *auth_session(struct auth *a, const char *cookie, struct mono now)
{
    uint8_t secret[AUTH_SECRET_BYTES];
    struct auth_session *found = NULL;

    if (!secret_read(cookie, secret))
        return NULL;
    for (size_t i = 0; i < AUTH_SESSIONS; i++)
        if (a->session[i].used && same(a->session[i].secret, secret, sizeof secret))
            found = &a->session[i];
    if (found && session_over(found, now))
        auth_logout(found);
    if (!found || !found->used)
        return NULL;
    found->last = now;
    return found;
}

bool auth_csrf(const struct auth_session *s, const char *csrf)
{
    uint8_t said[AUTH_SECRET_BYTES];

    return secret_read(csrf, said) && same(said, s->csrf, sizeof said);
}

void auth_csrf_text(const struct auth_session *s, char csrf[65])
{
    secret_text(csrf, s->csrf);
}

void auth_logout(struct auth_session *s)
{
    memset(s, 0, sizeof *s);
}

/* ---- tokens ---- */

static struct auth_token *token_named(struct auth *a, const char *name)
{
    for (size_t i = 0; i < AUTH_TOKENS; i++)
        if (a->token[i].used && strcmp(a->token[i].name, name) == 0)
            return &a->token[i];
    return NULL;
}

bool auth_restore_token(struct auth *a, const uint8_t hash[32], const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > AUTH_TOKEN_NAME_MAX || !utf8_is_plain(name, n) || token_named(a, name))
        return false;
    for (size_t i = 0; i < AUTH_TOKENS; i++)
        if (!a->token[i].used) {
            a->token[i].used = true;
            memcpy(a->token[i].hash, hash, 32);
            memcpy(a->token[i].name, name, n + 1);
            return true;
        }
    return false;
}

int auth_token_make(struct auth *a, const char *name, char text[65], uint8_t hash[32])
{
    uint8_t secret[AUTH_SECRET_BYTES];

    a->chance.fill(a->chance.ctx, secret, sizeof secret);
    MUST(mbedtls_sha256(secret, sizeof secret, hash, 0) == 0);
    secret_text(text, secret);
    return auth_restore_token(a, hash, name) ? 0 : WEB_ETOKENS;
}

/* The secret has 256 bits of chance: one round of a hash keeps it. */
bool auth_token(const struct auth *a, const char *text)
{
    uint8_t secret[AUTH_SECRET_BYTES], hash[32];
    bool found = false;

    if (!secret_read(text, secret))
        return false;
    MUST(mbedtls_sha256(secret, sizeof secret, hash, 0) == 0);
    for (size_t i = 0; i < AUTH_TOKENS; i++)
        found |= a->token[i].used && same(a->token[i].hash, hash, sizeof hash);
    return found;
}

bool auth_token_remove(struct auth *a, const char *name, uint8_t hash[32])
{
    struct auth_token *t = token_named(a, name);

    if (!t)
        return false;
    memcpy(hash, t->hash, 32);
    memset(t, 0, sizeof *t);
    return true;
}
