/* TLS over memory with mbedTLS's own client: handshakes, data in pieces, what is refused; the
 * certificate's file; seats and rations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/os/random.h"
#include "net/tls/seat.h"
#include "net/tls/tls.h"
#include "psa/crypto.h"
#include "tests/unit/fault_files.h"

/* ---- a line in memory ---- */

struct way {
    uint8_t bytes[1 << 16];
    size_t at, n, most; /* most: how much it takes at once, and holds */
    bool cut;
};

static struct way up, down; /* to the server, from it */

static int way_read(void *ctx, void *to, size_t n)
{
    struct way *w = ctx;

    n = w->n - w->at < n ? w->n - w->at : n;
    memcpy(to, w->bytes + w->at, n);
    w->at += n;
    if (w->at == w->n)
        w->at = w->n = 0;
    return n ? (int)n : w->cut ? STREAM_END : 0;
}

static int way_write(void *ctx, const void *from, size_t n)
{
    struct way *w = ctx;
    size_t room = w->most > w->n ? w->most - w->n : 0;

    n = n < room ? n : room;
    memcpy(w->bytes + w->n, from, n);
    w->n += n;
    return (int)n;
}

static int server_read(void *ctx, void *to, size_t n)
{
    (void)ctx;
    return way_read(&up, to, n);
}

static int server_write(void *ctx, const void *from, size_t n)
{
    (void)ctx;
    return way_write(&down, from, n);
}

static int client_receive(void *ctx, unsigned char *to, size_t n)
{
    int got = way_read(&down, to, n);

    (void)ctx;
    return got > 0 ? got : got == 0 ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int client_send(void *ctx, const unsigned char *from, size_t n)
{
    int took = way_write(&up, from, n);

    (void)ctx;
    return took ? took : MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* ---- both ends ---- */

static struct tls_identity identity;
static struct tls_server server;
static struct tls_link tls_end; /* the server's */
static mbedtls_ssl_config config;
static mbedtls_ssl_context client;

static int system_random(void *ctx, unsigned char *to, size_t n)
{
    (void)ctx;
    random_fill(to, n);
    return 0;
}

static int open_all(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(tls_identity_make(&identity, "ringcast", 0x0A4D0001, &err), 0);
    assert_int_equal(tls_server_open(&server, &identity, &err), 0);
    assert_int_equal(tls_link_make(&tls_end, &server, &err), 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tls_link_free(&tls_end);
    tls_server_close(&server);
    tls_identity_close(&identity);
    mbedtls_psa_crypto_free();
    return 0;
}

static void begin(size_t most)
{
    const struct wire_stream below = {.read = server_read, .write = server_write};

    memset(&up, 0, sizeof up);
    memset(&down, 0, sizeof down);
    up.most = down.most = most;
    assert_true(tls_link_begin(&tls_end, &below));
    mbedtls_ssl_config_init(&config);
    assert_int_equal(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&config, system_random, NULL);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_init(&client);
}

static void begin_client(void)
{
    assert_int_equal(mbedtls_ssl_setup(&client, &config), 0);
    mbedtls_ssl_set_bio(&client, NULL, client_send, client_receive, NULL);
    assert_int_equal(mbedtls_ssl_set_hostname(&client, "ringcast.local"), 0);
}

static void end(void)
{
    tls_link_end(&tls_end);
    mbedtls_ssl_free(&client);
    mbedtls_ssl_config_free(&config);
}

/* 1: both are through; STREAM_END: one gave up. */
static int shake(void)
{
    int theirs = 1, ours = 0;

    for (int i = 0; i < 100000 && (theirs || !ours); i++) {
        if (theirs)
            theirs = mbedtls_ssl_handshake(&client);
        if (theirs && theirs != MBEDTLS_ERR_SSL_WANT_READ && theirs != MBEDTLS_ERR_SSL_WANT_WRITE)
            return STREAM_END;
        if (!ours)
            ours = tls_link_handshake(&tls_end);
        if (ours == STREAM_END)
            return STREAM_END;
    }
    return ours;
}

/* ---- tests ---- */

static void bytes_go_both_ways(void **state)
{
    static uint8_t sent[100000], got[100000];
    struct wire_stream s = tls_link_stream(&tls_end);

    (void)state;
    for (size_t most = 100; most <= 40000; most *= 20) {
        size_t out = 0, in = 0;

        begin(most);
        begin_client();
        assert_int_equal(shake(), 1);
        assert_string_equal(mbedtls_ssl_get_version(&client), "TLSv1.3");
        random_fill(sent, sizeof sent);
        for (int i = 0; i < 1000000 && in < sizeof sent; i++) {
            int n = out < sizeof sent ? s.write(s.ctx, sent + out, sizeof sent - out) : 0;

            assert_true(n >= 0);
            out += (size_t)n;
            n = mbedtls_ssl_read(&client, got + in, sizeof got - in);
            assert_true(n > 0 || n == MBEDTLS_ERR_SSL_WANT_READ);
            in += n > 0 ? (size_t)n : 0;
        }
        assert_memory_equal(sent, got, sizeof sent);
        while ((out = (size_t)mbedtls_ssl_write(&client, sent, 10)) ==
               (size_t)MBEDTLS_ERR_SSL_WANT_WRITE)
            ;
        assert_int_equal(out, 10);
        assert_int_equal(s.read(s.ctx, got, sizeof got), 10);
        assert_int_equal(s.read(s.ctx, got, sizeof got), 0);
        mbedtls_ssl_close_notify(&client);
        assert_int_equal(s.read(s.ctx, got, sizeof got), STREAM_END);
        end();
    }
}

static void an_older_client_is_refused(void **state)
{
    (void)state;
    begin(40000);
    mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
    if (mbedtls_ssl_setup(&client, &config) == 0) { /* a library without 1.2 cannot even ask */
        mbedtls_ssl_set_bio(&client, NULL, client_send, client_receive, NULL);
        assert_int_equal(shake(), STREAM_END);
    }
    end();
}

static void a_hello_cut_anywhere_is_no_connection(void **state)
{
    static uint8_t hello[2048];
    size_t n;

    (void)state;
    begin(40000);
    begin_client();
    assert_int_equal(mbedtls_ssl_handshake(&client), MBEDTLS_ERR_SSL_WANT_READ);
    n = up.n;
    assert_true(n > 100 && n < sizeof hello);
    memcpy(hello, up.bytes, n);
    end();
    for (size_t cut = 0; cut < n; cut++) {
        begin(40000);
        memcpy(up.bytes, hello, cut);
        up.n = cut;
        assert_int_equal(tls_link_handshake(&tls_end), 0);
        up.cut = true;
        assert_int_equal(tls_link_handshake(&tls_end), STREAM_END);
        end();
    }
    for (size_t at = 0; at < n; at += 3) { /* and changed anywhere it ends, or waits for more */
        begin(40000);
        memcpy(up.bytes, hello, n);
        up.bytes[at] ^= 0xFF;
        up.n = n;
        assert_int_not_equal(tls_link_handshake(&tls_end), 1);
        end();
    }
}

static void the_certificate_names_the_box(void **state)
{
    char text[2048];

    (void)state;
    assert_true(mbedtls_x509_crt_info(text, sizeof text, "", &identity.certificate) > 0);
    assert_non_null(strstr(text, "subject name      : CN=ringcast"));
    assert_non_null(strstr(text, "ringcast.local"));
    assert_non_null(strstr(text, "10.77.0.1"));
    assert_non_null(strstr(text, "EC key size       : 256 bits"));
    assert_non_null(strstr(text, "TLS Web Server Authentication"));
    assert_int_equal(strlen(identity.fingerprint), TLS_FINGERPRINT_TEXT - 1);
    assert_int_equal(mbedtls_x509_crt_verify(&identity.certificate, &identity.certificate, NULL,
                                             "ringcast.local", &(uint32_t){0}, NULL, NULL),
                     0);
}

static void the_file_is_kept(void **state)
{
    char folder[] = "/tmp/tls_test.XXXXXX", path[64], first[TLS_FINGERPRINT_TEXT];
    struct tls_identity id;
    struct err err = {0};
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/identity", folder);
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), 0);
    memcpy(first, id.fingerprint, sizeof first);
    tls_identity_close(&id);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), 0);
    assert_string_equal(id.fingerprint, first);
    tls_identity_close(&id);
    for (off_t cut = st.st_size - 1; cut >= 0; cut -= 37) { /* one that is damaged stays as it is */
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), TLS_EFILE);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, cut);
    }
    unlink(path);
    /* there is none: a new one */
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), 0);
    assert_string_not_equal(id.fingerprint, first);
    tls_identity_close(&id);
    unlink(path);
    rmdir(folder);
    assert_int_equal(tls_identity_open(&id, "/nothing/here", "ringcast", 1, &err), TLS_EFILE);
}

/* No other certificate is made because the one that is there cannot be read just now. */
static void what_cannot_be_read_is_not_replaced(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
    } way[] = {{FAULT_OPEN, EIO}, {FAULT_OPEN, EMFILE}, {FAULT_OPEN, EACCES}, {FAULT_READ, EIO}};
    char folder[] = "/tmp/tls_test.XXXXXX", path[64], first[TLS_FINGERPRINT_TEXT];
    struct tls_identity id;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/identity", folder);
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, NULL), 0);
    memcpy(first, id.fingerprint, sizeof first);
    tls_identity_close(&id);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        struct err err = {0};

        fault_set(way[i].call, path, way[i].error);
        fault.most = 1; /* another could be made */
        assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), TLS_EFILE);
        assert_true(fault.hits);
        assert_non_null(strstr(err.text, strerror(way[i].error)));
        fault_set(FAULT_NONE, "", 0);
        assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, &err), 0);
        assert_string_equal(id.fingerprint, first);
        tls_identity_close(&id);
    }
    fault_set(FAULT_READ, path, FAULT_SHORT); /* half of the file is not all of it */
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, NULL), 0);
    assert_true(fault.hits);
    assert_string_equal(id.fingerprint, first);
    tls_identity_close(&id);
    unlink(path);
    fault_set(FAULT_WRITE, "identity", FAULT_SHORT);
    assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, NULL), 0);
    assert_true(fault.hits);
    tls_identity_close(&id);
    /* the file, then its name, may not be on the disk: not said to be kept */
    for (unsigned i = 0; i < 2; i++) {
        unlink(path);
        fault_set(FAULT_FSYNC, folder, EIO);
        fault.after = i;
        assert_int_equal(tls_identity_open(&id, folder, "ringcast", 0x0A4D0001, NULL), TLS_EFILE);
        assert_true(fault.hits);
    }
    fault_set(FAULT_NONE, "", 0);
    unlink(path);
    rmdir(folder);
}

static void newcomers_take_from_who_has_most(void **state)
{
    struct tls_seat s[8] = {{0}};

    (void)state;
    assert_int_equal(tls_seat_for(s, 8, 7), 0);
    for (int i = 0; i < 8; i++)
        s[i] = (struct tls_seat){.used = true, .address = i < 5 ? 100 : 200, .since = {100 - i}};
    assert_int_equal(tls_seat_for(s, 8, 7), 4); /* of address 100, the oldest */
    s[4].standing = TLS_RESTING;
    assert_int_equal(tls_seat_for(s, 8, 7), 3);
    s[0].standing = s[1].standing = s[2].standing = s[3].standing = TLS_RESTING;
    assert_int_equal(tls_seat_for(s, 8, 7), 7); /* 100 has more, but has proved who it is */
    for (int i = 5; i < 8; i++)
        s[i].standing = TLS_BUSY;
    assert_int_equal(tls_seat_for(s, 8, 7), 4); /* all have: who rests */
    for (int i = 0; i < 5; i++)
        s[i].standing = TLS_BUSY;
    assert_int_equal(tls_seat_for(s, 8, 7), 4);
    assert_int_equal(tls_seat_for(s, 8, 200), 4);
    s[6].used = false;
    assert_int_equal(tls_seat_for(s, 8, 7), 6);
}

static void who_waits_with_many_waits_longer(void **state)
{
    struct tls_seat s[8] = {{0}};

    (void)state;
    assert_int_equal(tls_seat_turn(s, 8), 8);
    for (int i = 0; i < 8; i++)
        s[i] = (struct tls_seat){.used = true,
                                 .waits = true,
                                 .address = i < 5 ? 100 : 200,
                                 .since = {100 - i}};
    /* 200 waits with three, and this is the oldest of them */
    assert_int_equal(tls_seat_turn(s, 8), 7);
    s[7].waits = false;
    assert_int_equal(tls_seat_turn(s, 8), 6);
    s[6].waits = s[5].waits = false;
    assert_int_equal(tls_seat_turn(s, 8), 4); /* nobody else does */
    s[5] = (struct tls_seat){.used = true, .waits = true, .address = 300, .since = {1000}};
    assert_int_equal(tls_seat_turn(s, 8), 5); /* a newcomer before a crowd of one address */
    s[5].used = false;
    assert_int_equal(tls_seat_turn(s, 8), 4);
}

static void handshakes_are_rationed(void **state)
{
    struct tls_ration r = {{0}};
    struct mono now = {1000 * MONO_S};
    unsigned taken = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        taken += tls_ration_take(&r, 16, 40 * MONO_MS, now);
    assert_int_equal(taken, 16);
    for (int i = 0; i < 1000; i++) {
        now = mono_add(now, 10 * MONO_MS);
        taken += tls_ration_take(&r, 16, 40 * MONO_MS, now);
    }
    assert_int_equal(taken, 16 + 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(an_older_client_is_refused),
        cmocka_unit_test(a_hello_cut_anywhere_is_no_connection),
        cmocka_unit_test(the_certificate_names_the_box),
        cmocka_unit_test(the_file_is_kept),
        cmocka_unit_test(what_cannot_be_read_is_not_replaced),
        cmocka_unit_test(newcomers_take_from_who_has_most),
        cmocka_unit_test(who_waits_with_many_waits_longer),
        cmocka_unit_test(handshakes_are_rationed),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
