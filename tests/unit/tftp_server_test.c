/* The TFTP server step by step, and in a seeded world of clients whose packets are lost, doubled,
 * late and out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tftp/server.h"
#include "net/wire/rng.h"
#include "tests/unit/tftp_client.h"

/* ---- what is given out: "N" is N bytes long ---- */

static unsigned open_now;

static int made_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    if (ctx)
        return CONTENT_EREAD;
    for (size_t i = 0; i < n; i++)
        to[i] = tftp_byte(offset + i);
    return 0;
}

static void made_close(void *ctx)
{
    (void)ctx;
    open_now--;
}

static int made_open(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    (void)ctx;
    (void)mac;
    if (strcmp(name, "busy") == 0)
        return CONTENT_EBUSY;
    if (name[0] < '0' || name[0] > '9')
        return CONTENT_ENAME;
    *out =
        (struct content){.size = strtoull(name, NULL, 10), .read = made_read, .close = made_close};
    if (strstr(name, "broken"))
        out->ctx = out;
    open_now++;
    return 0;
}

static char told[16384];

static void note(void *ctx, const struct tftp_event *e)
{
    static const char *const words[] = {"begun", "done",    "probed",    "broken",
                                        "left",  "refused", "unreadable"};
    size_t used = strlen(told);

    (void)ctx;
    if (e->what != TFTP_BEGUN)
        snprintf(told + used, sizeof told - used, "%s %s%s%s\n", e->name, words[e->what],
                 *e->text ? ": " : "", e->text);
}

static struct tftp_server *server_new(void)
{
    struct tftp_server *s = calloc(1, sizeof *s);

    s->source.open = made_open;
    s->locals = 4;
    s->tell = note;
    told[0] = 0;
    open_now = 0;
    return s;
}

/* Nothing may be left behind. */
static void server_free(struct tftp_server *s)
{
    tftp_server_end(s);
    assert_int_equal(s->live, 0);
    assert_int_equal(s->in_flight, 0);
    assert_int_equal(s->first, 0);
    assert_int_equal(s->last, 0);
    assert_int_equal(open_now, 0);
    for (int i = 0; i < TFTP_BUCKETS; i++)
        assert_int_equal(s->buckets[i], 0);
    free(s);
}

/* ---- step by step ---- */

static const struct tftp_client someone = {0x0A4D0032, 2070};

static struct mono at_ms(int64_t ms)
{
    return (struct mono){ms * MONO_MS};
}

static bool input(struct tftp_server *s, int64_t ms, uint16_t local, const void *bytes, size_t n,
                  struct tftp_out *reply)
{
    return tftp_server_input(s, at_ms(ms), someone, local, NULL, bytes, n, reply);
}

static void ask(struct tftp_server *s, int64_t ms, const char *bytes, size_t n)
{
    struct tftp_out reply;

    assert_false(input(s, ms, TFTP_LISTENING, bytes, n, &reply));
}
#define ASK(s, ms, text) ask(s, ms, "\0\1" text, 2 + sizeof(text))

static void ack(struct tftp_server *s, int64_t ms, uint16_t local, unsigned block)
{
    uint8_t bytes[4] = {0, TFTP_ACK, (uint8_t)(block >> 8), (uint8_t)block};
    struct tftp_out reply;

    assert_false(input(s, ms, local, bytes, 4, &reply));
}

/* The data blocks that leave now, as text: "1 2 3"; the OACK is "O", an error "E". */
static const char *leaving(struct tftp_server *s, int64_t ms, uint16_t *local)
{
    static char text[2000];
    struct tftp_out out;

    text[0] = 0;
    while (tftp_server_output(s, at_ms(ms), &out)) {
        size_t used = strlen(text);

        if (local)
            *local = out.local;
        if (out.bytes[1] == TFTP_DATA)
            snprintf(text + used, sizeof text - used, "%s%d", used ? " " : "",
                     out.bytes[2] << 8 | out.bytes[3]);
        else
            strcat(text, out.bytes[1] == TFTP_OACK ? "O" : "E");
    }
    return text;
}

static void a_plain_transfer_goes_block_by_block(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "1024\0octet");
    assert_string_equal(leaving(s, 0, &local), "1");
    assert_string_equal(leaving(s, 0, NULL), "");
    ack(s, 1, local, 1);
    assert_string_equal(leaving(s, 1, NULL), "2");
    ack(s, 2, local, 2);
    assert_string_equal(leaving(s, 2, NULL), "3"); /* empty: 1024 is two whole blocks */
    ack(s, 3, local, 3);
    assert_string_equal(leaving(s, 3, NULL), "");
    assert_string_equal(told, "1024 done\n");
    server_free(s);
}

static void windows_leave_whole(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "10000\0octet\0blksize\0001000\0windowsize\0004");
    assert_string_equal(leaving(s, 0, &local), "O");
    ack(s, 10, local, 0);
    assert_string_equal(leaving(s, 10, NULL), "1 2 3 4");
    ack(s, 20, local, 4);
    assert_string_equal(leaving(s, 20, NULL), "5 6 7 8");
    ack(s, 30, local, 6); /* 7 was lost */
    assert_string_equal(leaving(s, 30, NULL), "7 8 9 10");
    ack(s, 40, local, 10);
    assert_string_equal(leaving(s, 40, NULL), "11");
    ack(s, 50, local, 11);
    assert_string_equal(told, "10000 done\n");
    server_free(s);
}

static void what_comes_twice_is_answered_once(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "100000\0octet\0windowsize\0004");
    assert_string_equal(leaving(s, 0, &local), "O");
    ack(s, 10, local, 0);
    ack(s, 10, local, 0);
    assert_string_equal(leaving(s, 10, NULL), "1 2 3 4");
    ack(s, 20, local, 4);
    assert_string_equal(leaving(s, 20, NULL), "5 6 7 8");
    ack(s, 20, local, 4); /* a copy: too soon to be about what has just left */
    ack(s, 21, local, 3);
    assert_string_equal(leaving(s, 21, NULL), "");
    ack(s, 30, local, 4); /* now it says that 5 is missing; */
    assert_string_equal(leaving(s, 30, NULL), "5 6 7 8");
    ack(s, 40, local, 4); /* once is enough */
    assert_string_equal(leaving(s, 40, NULL), "");
    ack(s, 41, local, 60000); /* never sent */
    assert_string_equal(leaving(s, 41, NULL), "");
    server_free(s);
}

static void without_windows_a_repeated_ack_is_nothing(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "100000\0octet");
    assert_string_equal(leaving(s, 0, &local), "1");
    ack(s, 10, local, 1);
    assert_string_equal(leaving(s, 10, NULL), "2");
    for (int i = 0; i < 100; i++)
        ack(s, 11 + i, local, 1);
    assert_string_equal(leaving(s, 120, NULL), "");
    server_free(s);
}

static void silence_is_answered_more_and_more_slowly(void **state)
{
    struct tftp_server *s = server_new();
    char times[200] = "";
    uint16_t local;

    (void)state;
    ASK(s, 0, "100000\0octet");
    leaving(s, 0, &local);
    ack(s, 2, local, 1);
    leaving(s, 2, NULL);
    for (int64_t ms = 10; ms < 60000; ms += 10) {
        tftp_server_tick(s, at_ms(ms));
        if (*leaving(s, ms, NULL))
            snprintf(times + strlen(times), sizeof times - strlen(times), "%d ", (int)ms);
    }
    assert_string_equal(times, "210 610 1410 3010 6210 10210 14210 18210 22210 26210 ");
    assert_string_equal(told, "100000 left: it fell silent\n");
    server_free(s);
}

static void a_negotiated_timeout_is_kept(void **state)
{
    struct tftp_server *s = server_new();
    char times[200] = "";
    uint16_t local;

    (void)state;
    ASK(s, 0, "100000\0octet\0timeout\0003");
    leaving(s, 0, &local);
    ack(s, 2, local, 0);
    leaving(s, 2, NULL);
    for (int64_t ms = 10; ms < 13000; ms += 10) {
        tftp_server_tick(s, at_ms(ms));
        if (*leaving(s, ms, NULL))
            snprintf(times + strlen(times), sizeof times - strlen(times), "%d ", (int)ms);
    }
    assert_string_equal(times, "3010 6010 9010 12010 ");
    server_free(s);
}

static void options_are_granted_one_by_one(void **state)
{
    struct tftp_server *s = server_new();
    struct tftp_out out;

    (void)state;
    ASK(s, 0, "5000\0octet\0windowsize\000500\0tsize\0000\0timeout\00099\0blksize\00065464\0x\0y");
    assert_true(tftp_server_output(s, at_ms(0), &out));
    assert_int_equal(out.n, 2 + sizeof "windowsize\00016\0tsize\0005000\0blksize\0001468");
    assert_memory_equal(out.bytes, "\0\6windowsize\00016\0tsize\0005000\0blksize\0001468", out.n);
    server_free(s);
}

static bool says(const struct tftp_out *out, unsigned code, const char *text)
{
    return out->bytes[1] == TFTP_ERROR && out->bytes[3] == code &&
           strcmp((const char *)out->bytes + 4, text) == 0 && out->n == 5 + strlen(text);
}

static void refusals_say_why(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        unsigned code;
        const char *text;
    } c[] = {
        {"\0\2"
         "5\0octet",
         10, TFTP_CODE_ACCESS, "nothing can be written here"},
        {"\0\1"
         "5\0netascii",
         13, TFTP_CODE_ILLEGAL, "expected mode octet (binary)"},
        {"\0\1"
         "5\0mail",
         9, TFTP_CODE_ILLEGAL, "expected mode octet (binary)"},
        {"\0\1"
         "none\0octet",
         13, TFTP_CODE_NOT_FOUND, "no such file"},
        {"\0\1"
         "../5\0octet",
         13, TFTP_CODE_NOT_FOUND, "no such file"},
        {"\0\1"
         "\0octet",
         9, TFTP_CODE_NOT_FOUND, "no such file"},
    };
    struct tftp_server *s = server_new();
    struct tftp_out out;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_true(input(s, 0, TFTP_LISTENING, c[i].bytes, c[i].n, &out));
        assert_true(says(&out, c[i].code, c[i].text));
        assert_true(out.local < 4);
        assert_int_equal(s->live, 0);
    }
    assert_int_equal(s->counts.refused, sizeof c / sizeof *c);
    assert_false(input(s, 0, 2, c[0].bytes, c[0].n, &out)); /* not where requests go */
    ASK(s, 0, "busy\0octet");                               /* it will ask again */
    assert_int_equal(s->counts.full, 1);
    server_free(s);
}

static void a_content_that_fails_ends_the_transfer(void **state)
{
    struct tftp_server *s = server_new();

    (void)state;
    ASK(s, 0, "5000broken\0octet");
    assert_string_equal(leaving(s, 0, NULL), "E");
    assert_string_equal(told, "5000broken unreadable: the file cannot be read\n");
    server_free(s);
}

static void quit(struct tftp_server *s, uint16_t local, const char *text)
{
    uint8_t bytes[100] = {0, TFTP_ERROR, 0, 0};
    struct tftp_out out;

    strcpy((char *)bytes + 4, text);
    assert_false(input(s, 50, local, bytes, 5 + strlen(text), &out));
}

static void asking_for_the_size_is_no_failure(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "5000\0octet\0tsize\0000");
    assert_string_equal(leaving(s, 0, &local), "O");
    quit(s, local, "TFTP Aborted");
    ASK(s, 0, "5000\0octet\0tsize\0000"); /* some take the first block before they go */
    assert_string_equal(leaving(s, 0, &local), "O");
    ack(s, 1, local, 0);
    assert_string_equal(leaving(s, 1, NULL), "1");
    quit(s, local, "");
    ASK(s, 0, "5001\0octet\0tsize\0000");
    assert_string_equal(leaving(s, 0, &local), "O");
    ack(s, 1, local, 0);
    assert_string_equal(leaving(s, 1, NULL), "1");
    ack(s, 2, local, 1);
    quit(s, local, "disk full");
    assert_string_equal(told, "5000 probed: TFTP Aborted\n5000 probed\n5001 broken: disk full\n");
    assert_int_equal(s->counts.probed, 2);
    server_free(s);
}

static void the_last_ack_may_be_missing(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "600\0octet");
    assert_string_equal(leaving(s, 0, &local), "1");
    ack(s, 1, local, 1);
    assert_string_equal(leaving(s, 1, NULL), "2");
    for (int64_t ms = 10; ms < 40000; ms += 10) {
        tftp_server_tick(s, at_ms(ms));
        leaving(s, ms, NULL);
    }
    assert_string_equal(told, "600 done: it fell silent\n");
    server_free(s);
}

static void a_request_sent_again_is_the_same_transfer(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t first, local;

    (void)state;
    ASK(s, 0, "5000\0octet\0tsize\0000");
    assert_string_equal(leaving(s, 0, &first), "O");
    ASK(s, 5, "5000\0octet\0tsize\0000");
    assert_string_equal(leaving(s, 5, &local), "O");
    assert_int_equal(local, first);
    assert_int_equal(s->live, 1);
    ack(s, 6, local, 0);
    leaving(s, 6, NULL);
    ack(s, 7, local, 1);
    /* restarted from the same port: anew, and on another port of ours */
    ASK(s, 8, "5000\0octet\0tsize\0000");
    assert_string_equal(leaving(s, 8, &local), "O");
    assert_int_not_equal(local, first);
    ack(s, 9, first, 2); /* what was under way does not touch the new one */
    assert_string_equal(leaving(s, 9, NULL), "");
    assert_int_equal(s->live, 1);
    assert_string_equal(told, "5000 left: it asked for something else\n");
    server_free(s);
}

/* Firmware asks for the size, gives up that request, and asks for the file from the same port; its
 * ERROR may be lost. */
static void a_request_with_other_options_starts_anew(void **state)
{
    static const char *const other[] = {"\0\1"
                                        "5000\0octet\0blksize\0001468",
                                        "\0\1"
                                        "5000\0octet\0tsize\0000\0blksize\0001024"};
    static const size_t n[] = {2 + 5 + 6 + 8 + 5, 2 + 5 + 6 + 6 + 2 + 8 + 5};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tftp_server *s = server_new();
        uint16_t first, local;
        struct tftp_out out;

        ASK(s, 0, "5000\0octet\0tsize\0000\0blksize\0001468");
        assert_string_equal(leaving(s, 0, &first), "O");
        ask(s, 5, other[i], n[i]);
        assert_true(tftp_server_output(s, at_ms(5), &out));
        local = out.local;
        assert_int_not_equal(local, first);
        assert_int_equal(!memmem(out.bytes, out.n, "tsize", 5), i == 0);
        assert_non_null(memmem(out.bytes, out.n, i ? "1024" : "1468", 4));
        assert_int_equal(s->live, 1);
        assert_string_equal(told, "5000 probed: it asked for something else\n");
        server_free(s);
    }
}

/* 40 MB in blocks of 512: the number wraps, and goes on at 0. */
static void block_numbers_wrap(void **state)
{
    struct tftp_server *s = server_new();
    uint64_t bytes = 0;
    struct tftp_out out;
    uint16_t local = 0;

    (void)state;
    ASK(s, 0, "40000000\0octet\0windowsize\00016");
    leaving(s, 0, &local);
    ack(s, 0, local, 0);
    for (unsigned block = 1; s->live; block++) {
        assert_true(tftp_server_output(s, at_ms(0), &out));
        assert_int_equal(out.bytes[2] << 8 | out.bytes[3], block & 0xffff);
        if (out.n > 4)
            assert_int_equal(out.bytes[4], tftp_byte(bytes));
        bytes += out.n - 4;
        if (block % 16 == 0 || out.n < 516)
            ack(s, 0, local, block & 0xffff);
    }
    assert_int_equal(bytes, 40000000);
    server_free(s);
}

/* ---- strangers ---- */

static void flood(struct tftp_server *s, int64_t ms, uint32_t address, unsigned n)
{
    static const char rrq[] = "\0\1"
                              "100000\0octet";

    for (unsigned i = 0; i < n; i++) {
        struct tftp_client from = {address + i, 1000};
        struct tftp_out out;

        tftp_server_input(s, at_ms(ms), from, TFTP_LISTENING, NULL, (const uint8_t *)rrq,
                          sizeof rrq, &out);
    }
}

static void a_flood_of_requests_moves_nobody_who_answers(void **state)
{
    struct tftp_server *s = server_new();
    uint16_t local;

    (void)state;
    ASK(s, 0, "4000\0octet");
    assert_string_equal(leaving(s, 0, &local), "1");
    ack(s, 1, local, 1);
    assert_string_equal(leaving(s, 1, NULL), "2");
    flood(s, 2, 0x0B000000, 10000);
    assert_int_equal(s->live, TFTP_TRANSFERS_MAX);
    leaving(s, 2, NULL);
    for (unsigned block = 2; block <= 8; block++) {
        ack(s, 3, local, block);
        leaving(s, 3, NULL);
    }
    assert_int_equal(s->counts.done, 1);
    flood(s, 3, 0x0C000000, 1000);
    leaving(s, 3, NULL);
    assert_int_equal(s->live, TFTP_TRANSFERS_MAX);
    ASK(s, 4, "4000\0octet"); /* and a new one gets in */
    assert_string_equal(leaving(s, 4, &local), "1");
    server_free(s);
}

static void one_address_has_its_share(void **state)
{
    struct tftp_server *s = server_new();
    static const char rrq[] = "\0\1"
                              "100000\0octet";

    (void)state;
    for (uint16_t port = 1; port <= 1000; port++) {
        struct tftp_out out;

        tftp_server_input(s, at_ms(port), (struct tftp_client){1, port}, TFTP_LISTENING, NULL,
                          (const uint8_t *)rrq, sizeof rrq, &out);
    }
    assert_int_equal(s->live, TFTP_PER_ADDRESS);
    assert_int_equal(s->transfers[0].client.port, 993); /* the newest stay */
    server_free(s);
}

static void who_holds_a_place_in_silence_loses_it(void **state)
{
    struct tftp_server *s = server_new();
    struct tftp_out out;

    (void)state;
    flood(s, 0, 0x0B000000, TFTP_TRANSFERS_MAX);
    leaving(s, 0, NULL);
    for (uint32_t i = 0; i < TFTP_TRANSFERS_MAX; i++) { /* all of them answer once */
        struct tftp_transfer *t = &s->transfers[i];

        tftp_server_input(s, at_ms(1), t->client, t->local, NULL, (const uint8_t *)"\0\4\0\1", 4,
                          &out);
    }
    leaving(s, 1, NULL);
    ASK(s, 100, "4000\0octet");
    assert_int_equal(s->counts.full, 1);
    ASK(s, 3100, "4000\0octet");
    assert_int_equal(s->counts.full, 1);
    assert_non_null(strstr(leaving(s, 3100, NULL), "1"));
    server_free(s);
}

/* Machines that lose power take their windows with them, but not the others' share. */
static void the_dead_do_not_hold_back_the_living(void **state)
{
    struct tftp_server *s = server_new();
    static const char rrq[] = "\0\1"
                              "1000000\0octet\0windowsize\00016";
    struct tftp_out out;
    int64_t ms;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct tftp_client from = {i, 9};

        tftp_server_input(s, at_ms(0), from, TFTP_LISTENING, NULL, (const uint8_t *)rrq, sizeof rrq,
                          &out);
    }
    leaving(s, 0, NULL);
    for (uint32_t i = 0; i < 100; i++)
        tftp_server_input(s, at_ms(1), s->transfers[i].client, s->transfers[i].local, NULL,
                          (const uint8_t *)"\0\4\0\0", 4, &out);
    leaving(s, 1, NULL);
    assert_true(s->in_flight >= TFTP_IN_FLIGHT && s->in_flight < TFTP_IN_FLIGHT + TFTP_WINDOW_MAX);
    ASK(s, 2, "40000\0octet\0windowsize\00016");
    for (ms = 10; ms < 2000 && !strstr(told, "40000 done"); ms += 10) {
        tftp_server_tick(s, at_ms(ms));
        while (tftp_server_output(s, at_ms(ms), &out)) {
            unsigned block = out.bytes[1] == TFTP_OACK ? 0 : out.bytes[2] << 8 | out.bytes[3];

            if (out.to.address == someone.address && (block % 16 == 0 || out.n < 516))
                ack(s, ms, out.local, block);
        }
    }
    assert_true(ms < 500);
    server_free(s);
}

/* ---- a world ---- */

#define WORLD_CLIENTS 60
#define WORLD_PACKETS 20000

struct wire_packet {
    int64_t due;
    bool to_server;
    unsigned client;
    uint16_t local;
    size_t n;
    uint8_t bytes[TFTP_PACKET_MAX];
};

struct world {
    struct rng rng;
    unsigned loss, twice, late; /* of 1000 packets */
    struct tftp_server *server;
    struct tftp_sim_client clients[WORLD_CLIENTS];
    struct wire_packet *packets, *arriving;
    unsigned n;
    uint64_t sent;
};

static void wire(struct world *w, int64_t now, bool to_server, unsigned client, uint16_t local,
                 const uint8_t *bytes, size_t n)
{
    unsigned copies = rng_below(&w->rng, 1000) < w->loss    ? 0
                      : rng_below(&w->rng, 1000) < w->twice ? 2
                                                            : 1;

    while (copies--) {
        struct wire_packet *p = &w->packets[w->n++];

        assert_true(w->n < WORLD_PACKETS);
        p->due =
            now + 150000 +
            (rng_below(&w->rng, 1000) < w->late ? (int64_t)rng_below(&w->rng, 5 * MONO_MS) : 0);
        p->to_server = to_server;
        p->client = client;
        p->local = local;
        p->n = n;
        memcpy(p->bytes, bytes, n);
    }
}

static void client_says(struct world *w, int64_t now, unsigned i)
{
    struct tftp_sim_client *c = &w->clients[i];
    uint16_t local = c->state == CLIENT_ASKING ? TFTP_LISTENING : (uint16_t)(c->server - 1000);

    wire(w, now, true, i, local, c->out, c->out_n);
}

static void server_says(struct world *w, int64_t now)
{
    struct tftp_out out;

    while (tftp_server_output(w->server, (struct mono){now}, &out)) {
        w->sent++;
        wire(w, now, false, out.to.address, out.local, out.bytes, out.n);
    }
}

static void deliver(struct world *w, int64_t now, const struct wire_packet *p)
{
    struct mono t = {now};
    struct tftp_out reply;

    if (!p->to_server) {
        if (sim_client_input(&w->clients[p->client], t, (uint16_t)(1000 + p->local), p->bytes,
                             p->n))
            client_says(w, now, p->client);
        return;
    }
    if (tftp_server_input(w->server, t, (struct tftp_client){p->client, 7}, p->local, NULL,
                          p->bytes, p->n, &reply))
        wire(w, now, false, p->client, reply.local, reply.bytes, reply.n);
    server_says(w, now);
}

/* Whatever is due by now, in the order in which it left. */
static void deliver_due(struct world *w, int64_t now)
{
    unsigned n = w->n, kept = 0;

    memcpy(w->arriving, w->packets, n * sizeof *w->packets);
    for (unsigned i = 0; i < n; i++)
        if (w->arriving[i].due > now)
            w->packets[kept++] = w->arriving[i];
    w->n = kept;
    for (unsigned i = 0; i < n; i++)
        if (w->arriving[i].due <= now)
            deliver(w, now, &w->arriving[i]);
}

static unsigned unfinished(const struct world *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < WORLD_CLIENTS; i++)
        n += w->clients[i].state < CLIENT_DONE;
    return n;
}

static void world_begin(struct world *w)
{
    static const unsigned blksizes[] = {0, 512, 1024, 1428, 1468, 8192},
                          windows[] = {0, 1, 2, 4, 8, 16, 64};

    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        struct tftp_sim_client *c = &w->clients[i];

        c->name = i % 3 ? "120000" : "51200";
        c->blksize = blksizes[rng_below(&w->rng, 6)];
        c->window = windows[rng_below(&w->rng, 7)];
        c->tsize = rng_below(&w->rng, 2);
        c->naive = c->window <= 1 && rng_below(&w->rng, 2);
        c->timeout = (1 + (int64_t)rng_below(&w->rng, 4)) * MONO_S;
        sim_client_ask(c, (struct mono){0});
        client_says(w, 0, i);
    }
}

/* Runs a world to its end and says how much was sent beyond what the files hold, in percent. */
static double world_run(uint64_t seed, unsigned loss, unsigned twice, unsigned late, int64_t limit)
{
    struct world *w = calloc(1, sizeof *w);
    uint64_t least = 0;
    int64_t now = 0;
    double more;

    *w = (struct world){
        .rng = {seed}, .loss = loss, .twice = twice, .late = late, .server = server_new()};
    w->packets = malloc(WORLD_PACKETS * sizeof *w->packets);
    w->arriving = malloc(WORLD_PACKETS * sizeof *w->packets);
    world_begin(w);
    for (; unfinished(w) && now < limit; now += 200000) {
        deliver_due(w, now);
        for (unsigned i = 0; i < WORLD_CLIENTS; i++)
            if (sim_client_tick(&w->clients[i], (struct mono){now}))
                client_says(w, now, i);
        tftp_server_tick(w->server, (struct mono){now});
        server_says(w, now);
    }
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        const struct tftp_sim_client *c = &w->clients[i];

        if (c->state != CLIENT_DONE || c->wrong || c->bytes != strtoull(c->name, NULL, 10))
            fail_msg("seed %llu: client %u in state %d after %.1f s: %llu bytes, %u wrong",
                     (unsigned long long)seed, i, c->state, (double)now / 1e9,
                     (unsigned long long)c->bytes, c->wrong);
        least += c->bytes / c->got_blksize + 1 + (c->blksize || c->window || c->tsize);
    }
    more = 100.0 * ((double)w->sent / (double)least - 1);
    server_free(w->server);
    free(w->packets);
    free(w->arriving);
    free(w);
    return more;
}

static void a_clean_wire_takes_no_repeats(void **state)
{
    (void)state;
    assert_true(world_run(1, 0, 0, 0, 60 * MONO_S) <= 0.01);
}

/* Copies alone must not make us send more: the Sorcerer's Apprentice, with clients that answer
 * every copy. */
static void copies_are_not_copied(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double more = world_run(seed, 0, 300, 0, 60 * MONO_S);

        if (more > 3)
            fail_msg("seed %llu: %.1f %% more than the files", (unsigned long long)seed, more);
    }
}

static void every_file_arrives_over_a_bad_wire(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        double more = world_run(seed, 20, 20, 20, 300 * MONO_S);

        if (more > 40)
            fail_msg("seed %llu: %.1f %% more than the files", (unsigned long long)seed, more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_transfer_goes_block_by_block),
        cmocka_unit_test(windows_leave_whole),
        cmocka_unit_test(what_comes_twice_is_answered_once),
        cmocka_unit_test(without_windows_a_repeated_ack_is_nothing),
        cmocka_unit_test(silence_is_answered_more_and_more_slowly),
        cmocka_unit_test(a_negotiated_timeout_is_kept),
        cmocka_unit_test(options_are_granted_one_by_one),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(a_content_that_fails_ends_the_transfer),
        cmocka_unit_test(asking_for_the_size_is_no_failure),
        cmocka_unit_test(the_last_ack_may_be_missing),
        cmocka_unit_test(a_request_sent_again_is_the_same_transfer),
        cmocka_unit_test(a_request_with_other_options_starts_anew),
        cmocka_unit_test(block_numbers_wrap),
        cmocka_unit_test(a_flood_of_requests_moves_nobody_who_answers),
        cmocka_unit_test(one_address_has_its_share),
        cmocka_unit_test(who_holds_a_place_in_silence_loses_it),
        cmocka_unit_test(the_dead_do_not_hold_back_the_living),
        cmocka_unit_test(a_clean_wire_takes_no_repeats),
        cmocka_unit_test(copies_are_not_copied),
        cmocka_unit_test(every_file_arrives_over_a_bad_wire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
