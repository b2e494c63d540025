/* Set-up code, password, sessions and tokens in simulated time: what is let in, and how fast one
 * may guess. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/web/auth.h"
#include "net/wire/rng.h"

static struct auth a;
static struct rng rng;
static struct mono now;
static char cookie[65], csrf[65];
static unsigned wait_s;

static void chance(void *ctx, void *to, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = (uint8_t)rng_u64(&rng);
}

static int begin(void **state)
{
    (void)state;
    rng.state = 5;
    now = (struct mono){500 * MONO_S};
    auth_init(&a, (struct auth_chance){.fill = chance}, now);
    return 0;
}

static int judge(void)
{
    int rc;

    do
        rc = auth_work(&a, now, cookie, csrf);
    while (rc == 1);
    return rc;
}

static int ask(enum auth_question what, uint32_t address, const char *code, const char *password)
{
    int rc = auth_ask(&a, what, address, code, password, now, &wait_s);

    return rc ? rc : judge();
}

static int login(uint32_t address, const char *password)
{
    return ask(AUTH_LOGIN, address, "", password);
}

/* A password with few rounds: these tests are about other things. */
static void with_password(const char *password)
{
    char code[AUTH_CODE_TEXT + 1];

    memcpy(code, a.code, sizeof code);
    assert_int_equal(auth_ask(&a, AUTH_SETUP, 1, code, password, now, &wait_s), 0);
    a.work.rounds = 10;
    assert_int_equal(judge(), 0);
}

/* The judge is Python: hashlib.pbkdf2_hmac("sha256", b"correct horse", bytes(16), 1000). */
static void it_is_pbkdf2(void **state)
{
    static const uint8_t want[32] = {0xc6, 0xec, 0x7c, 0xc7, 0x98, 0x12, 0xa2, 0xd0,
                                     0x94, 0x2d, 0x28, 0x8e, 0xa6, 0xf5, 0xf8, 0xcf,
                                     0x87, 0x7e, 0x09, 0xcd, 0x48, 0x70, 0x84, 0xdd,
                                     0xe5, 0xd2, 0x9d, 0x0c, 0x01, 0x25, 0xdf, 0xba};
    uint8_t record[AUTH_PASSWORD_RECORD] = {0, 0, 0x03, 0xe8};

    (void)state;
    memcpy(record + 20, want, sizeof want);
    assert_true(auth_restore_password(&a, record, sizeof record));
    assert_string_equal(a.code, "");
    assert_int_equal(login(1, "correct horse"), 0);
    assert_int_equal(login(1, "correct horsf"), WEB_EPASSWORD);
}

static void the_code_sets_the_password(void **state)
{
    char typed[32], old[AUTH_CODE_TEXT + 1];
    uint8_t record[AUTH_PASSWORD_RECORD];

    (void)state;
    assert_int_equal(strlen(a.code), AUTH_CODE_TEXT);
    assert_int_equal(strspn(a.code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), AUTH_CODE_TEXT);
    assert_int_equal(login(1, "correct horse"), WEB_EUNSET);
    assert_int_equal(ask(AUTH_SETUP, 1, "", "correct horse"), WEB_ECODE);
    assert_int_equal(ask(AUTH_SETUP, 1, a.code, "short"), WEB_EWEAK);
    snprintf(typed, sizeof typed, "%.4s-%.4s", a.code, a.code + 4);
    for (char *at = typed; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    memcpy(old, a.code, sizeof old);
    assert_int_equal(ask(AUTH_SETUP, 1, typed, "correct horse"), 0);
    assert_string_equal(a.code, "");
    assert_int_equal(ask(AUTH_SETUP, 1, old, "other horse"), WEB_ESET);
    assert_int_equal(login(1, "correct horse"), 0);
    auth_password_record(&a, record);
    begin(NULL);
    assert_true(auth_restore_password(&a, record, sizeof record));
    assert_int_equal(login(1, "correct horse"), 0);
    auth_reset(&a, now);
    assert_int_equal(login(1, "correct horse"), WEB_EUNSET);
    assert_string_not_equal(a.code, "");
    assert_string_not_equal(a.code, old);
    for (size_t n = 0; n < sizeof record; n++)
        assert_false(auth_restore_password(&a, record, n));
}

static void wrong_ones_cost_time(void **state)
{
    int64_t last = 0;

    (void)state;
    with_password("correct horse");
    for (unsigned i = 0; i < AUTH_FREE; i++)
        assert_int_equal(login(2, "wrong horse"), WEB_EPASSWORD);
    for (unsigned i = 0; i < 12; i++) { /* twice as long each time, up to five minutes */
        assert_int_equal(login(2, "correct horse"), WEB_ELIMIT);
        assert_true(wait_s >= last && wait_s <= 300);
        last = wait_s;
        now = mono_add(now, wait_s * MONO_S - 1);
        assert_int_equal(login(2, "correct horse"), WEB_ELIMIT);
        now = mono_add(now, 1);
        assert_int_equal(login(2, "wrong horse"), WEB_EPASSWORD);
    }
    assert_int_equal(last, 300);
    now = mono_add(now, 300 * MONO_S);
    assert_int_equal(login(2, "correct horse"), 0);
    assert_int_equal(login(2, "wrong horse"), WEB_EPASSWORD); /* and the count begins anew */
    assert_int_equal(login(2, "correct horse"), 0);
}

/* Ten thousand addresses guess for an hour, as fast as they are let: regulars log in all the while.
 */
static void many_addresses_do_not_help(void **state)
{
    unsigned tried = 0;

    (void)state;
    with_password("correct horse");
    for (unsigned i = 0; i < 36000; i++) {
        now = mono_add(now, 100 * MONO_MS);
        tried += login(1000 + i % 10000, "wrong horse") == WEB_EPASSWORD;
        if (i % 3000 == 0)
            assert_int_equal(login(1, "correct horse"), 0);
    }
    assert_true(tried >= AUTH_GLOBAL_BURST);
    assert_true(tried <= AUTH_GLOBAL_BURST + 3600 * MONO_S / AUTH_GLOBAL_NS + 1);
}

static void one_question_at_a_time(void **state)
{
    (void)state;
    with_password("correct horse");
    assert_int_equal(auth_ask(&a, AUTH_LOGIN, 1, "", "correct horse", now, &wait_s), 0);
    assert_int_equal(auth_ask(&a, AUTH_LOGIN, 2, "", "correct horse", now, &wait_s), WEB_EBUSY);
    auth_give_up(&a);
    assert_int_equal(login(2, "correct horse"), 0);
}

static void sessions_end(void **state)
{
    struct auth_session *s;
    char other[65];

    (void)state;
    with_password("correct horse");
    s = auth_session(&a, cookie, now);
    assert_non_null(s);
    assert_true(auth_csrf(s, csrf));
    memcpy(other, csrf, sizeof other);
    other[0] = other[0] == '0' ? '1' : '0';
    assert_false(auth_csrf(s, other));
    assert_false(auth_csrf(s, cookie));
    assert_false(auth_csrf(s, ""));
    memcpy(other, cookie, sizeof other);
    other[63] = other[63] == '0' ? '1' : '0';
    assert_null(auth_session(&a, other, now));
    for (size_t n = 0; n < 64; n++) {
        memcpy(other, cookie, n);
        other[n] = 0;
        assert_null(auth_session(&a, other, now));
    }
    now = mono_add(now, AUTH_IDLE_NS);
    assert_non_null(auth_session(&a, cookie, now)); /* and counts as used */
    now = mono_add(now, AUTH_IDLE_NS + 1);
    assert_null(auth_session(&a, cookie, now));
    assert_int_equal(login(1, "correct horse"), 0);
    for (int64_t t = 0; t < AUTH_ABSOLUTE_NS; t += AUTH_IDLE_NS / 2) {
        assert_non_null(auth_session(&a, cookie, now));
        now = mono_add(now, AUTH_IDLE_NS / 2);
    }
    now = mono_add(now, 1);
    assert_null(auth_session(&a, cookie, now)); /* however busy */
    assert_int_equal(login(1, "correct horse"), 0);
    auth_logout(auth_session(&a, cookie, now));
    assert_null(auth_session(&a, cookie, now));
}

static void the_oldest_session_makes_room(void **state)
{
    char first[65], second[65];

    (void)state;
    with_password("correct horse");
    memcpy(first, cookie, sizeof first);
    now = mono_add(now, MONO_S);
    assert_int_equal(login(1, "correct horse"), 0);
    memcpy(second, cookie, sizeof second);
    for (int i = 0; i < AUTH_SESSIONS - 1; i++) {
        now = mono_add(now, MONO_S);
        assert_int_equal(login(1, "correct horse"), 0);
    }
    assert_null(auth_session(&a, first, now));
    assert_non_null(auth_session(&a, second, now));
}

static void tokens_are_kept_as_hashes(void **state)
{
    char text[65], more[65], name[16];
    uint8_t hash[32], gone[32];

    (void)state;
    assert_int_equal(auth_token_make(&a, "script", text, hash), 0);
    assert_true(auth_token(&a, text));
    assert_int_equal(auth_token_make(&a, "script", more, gone), WEB_ETOKENS);
    assert_false(auth_token(&a, more));
    begin(NULL);
    assert_false(auth_token(&a, text));
    assert_true(auth_restore_token(&a, hash, "script"));
    assert_true(auth_token(&a, text));
    assert_false(auth_restore_token(&a, hash, "a\nb"));
    assert_false(auth_restore_token(&a, hash, ""));
    assert_true(auth_token_remove(&a, "script", gone));
    assert_memory_equal(gone, hash, sizeof hash);
    assert_false(auth_token(&a, text));
    for (int i = 0; i < AUTH_TOKENS; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(auth_token_make(&a, name, text, hash), 0);
    }
    assert_int_equal(auth_token_make(&a, "one more", text, hash), WEB_ETOKENS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, begin)
    const struct CMUnitTest tests[] = {
        T(it_is_pbkdf2),
        T(the_code_sets_the_password),
        T(wrong_ones_cost_time),
        T(many_addresses_do_not_help),
        T(one_question_at_a_time),
        T(sessions_end),
        T(the_oldest_session_makes_room),
        T(tokens_are_kept_as_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
