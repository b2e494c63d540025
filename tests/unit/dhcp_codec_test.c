#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/dhcp/codec.h"
#include "net/dhcp/hook.h"

static const uint8_t station[6] = {0x00, 0x25, 0x00, 0xaa, 0xbb, 0xcc};

static struct dhcp_message head(uint8_t type)
{
    struct dhcp_message m = {.op = DHCP_REQUEST_OP,
                             .htype = 1,
                             .hlen = 6,
                             .xid = 0xb5d9,
                             .secs = 4,
                             .flags = DHCP_BROADCAST,
                             .ciaddr = 0x0A4D0032,
                             .type = type};

    memcpy(m.chaddr, station, 6);
    return m;
}

/* Decodes from a buffer that ends where the message does, so that the sanitizer sees every byte
 * read past it. */
static int decode(const uint8_t *bytes, size_t n, struct dhcp_message *m)
{
    static uint8_t *kept;

    free(kept);
    kept = malloc(n ? n : 1);
    memcpy(kept, bytes, n);
    return dhcp_decode(kept, n, m);
}

/* A request with these bytes as its options field. */
static size_t with_options(uint8_t *to, const void *options, size_t n)
{
    struct dhcp_message h = head(DHCP_BOOTP);
    struct dhcp_writer dw;

    dhcp_write_start(&dw, to, 1500, &h);
    memcpy(to + DHCP_HEADER_BYTES, options, n);
    return DHCP_HEADER_BYTES + n;
}

static int decode_options(const void *options, size_t n, struct dhcp_message *m)
{
    uint8_t bytes[1500];

    return decode(bytes, with_options(bytes, options, n), m);
}

static size_t good_message(uint8_t *to)
{
    struct dhcp_message h = head(DHCP_DISCOVER);
    struct dhcp_writer dw;

    strcpy(h.sname, "netboot01");
    strcpy(h.file, "ringcast.efi");
    dhcp_write_start(&dw, to, 1500, &h);
    assert_true(dhcp_put_text(&dw, DHCP_O_CLASS, "PXEClient:Arch:00007:UNDI:003000"));
    assert_true(dhcp_put_u32(&dw, DHCP_O_ADDRESS, 0x0A4D0033));
    assert_true(dhcp_put(&dw, DHCP_O_ARCHITECTURE, "\0\7", 2));
    assert_true(dhcp_put(&dw, DHCP_O_CLIENT, "\1\0\x25\0\xaa\xbb\xcc", 7));
    assert_true(dhcp_put(&dw, 80, NULL, 0)); /* rapid commit: a flag without a value */
    return dhcp_write_end(&dw);
}

static void messages_survive_the_wire(void **state)
{
    uint8_t one[1500], two[1500];
    struct dhcp_message m;
    struct dhcp_writer dw;
    size_t n = good_message(one);

    (void)state;
    assert_int_equal(n, DHCP_REPLY_MIN);
    assert_int_equal(decode(one, n, &m), 0);
    assert_int_equal(m.type, DHCP_DISCOVER);
    assert_int_equal(m.xid, 0xb5d9);
    assert_int_equal(m.secs, 4);
    assert_int_equal(m.flags, DHCP_BROADCAST);
    assert_int_equal(m.ciaddr, 0x0A4D0032);
    assert_memory_equal(m.chaddr, station, 6);
    assert_string_equal(m.sname, "netboot01");
    assert_string_equal(m.file, "ringcast.efi");
    assert_int_equal(m.n, 6);
    assert_true(dhcp_option_begins(&m, DHCP_O_CLASS, "PXEClient"));
    assert_false(dhcp_option_begins(&m, DHCP_O_CLASS, "PXEClient:Arch:00007:UNDI:003000:and more"));
    assert_int_equal(dhcp_option_u32(&m, DHCP_O_ADDRESS, 0), 0x0A4D0033);
    assert_int_equal(dhcp_option_u16(&m, DHCP_O_ARCHITECTURE, 99), 7);
    assert_int_equal(dhcp_option_u16(&m, DHCP_O_ADDRESS, 99), 99);
    assert_int_equal(dhcp_option(&m, 80)->n, 0);
    dhcp_write_start(&dw, two, sizeof two, &m);
    for (unsigned i = 1; i < m.n; i++)
        assert_true(dhcp_put(&dw, m.option[i].code, m.option[i].at, m.option[i].n));
    assert_int_equal(dhcp_write_end(&dw), n);
    assert_memory_equal(one, two, n);
}

static void every_truncation_is_refused_or_shorter(void **state)
{
    uint8_t bytes[1500];
    struct dhcp_message m;
    size_t n = good_message(bytes), ends = 0;

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        int rc = decode(bytes, cut, &m);

        if (cut < DHCP_HEADER_BYTES)
            assert_int_equal(rc, DHCP_ESHORT);
        else
            assert_true(rc == 0 || rc == DHCP_EOPTION);
        assert_true(rc || m.n <= 6);
        ends += rc == 0;
    }
    /* Between options a cut is a message without END, which old clients send: 7 places, then all of
     * END and padding. */
    assert_int_equal(ends, 7 + (n - 1 - (DHCP_HEADER_BYTES + 3 + 34 + 6 + 4 + 9 + 2)));
}

static void option_lengths_are_held(void **state)
{
    uint8_t options[2 + 255 + 1];
    struct dhcp_message m;

    (void)state;
    memset(options, 'x', sizeof options);
    options[0] = DHCP_O_CLASS;
    for (unsigned n = 0; n <= 255; n++) {
        options[1] = (uint8_t)n;
        assert_int_equal(decode_options(options, 2 + n, &m), 0);
        assert_int_equal(m.n, 1);
        assert_int_equal(dhcp_option(&m, DHCP_O_CLASS)->n, n);
        if (n)
            assert_int_equal(decode_options(options, 2 + n - 1, &m), DHCP_EOPTION);
    }
    assert_int_equal(decode_options("\x3c", 1, &m), DHCP_EOPTION);
    assert_int_equal(decode_options("\x3c\xff\xff", 3, &m), DHCP_EOPTION);
    /* behind END nothing counts */
    assert_int_equal(decode_options("\0\0\0\x3c\1a\0\xff\x3c\xff", 10, &m), 0);
    assert_int_equal(m.n, 1);
}

static void too_many_options_are_refused(void **state)
{
    uint8_t options[2 * (DHCP_OPTIONS_MAX + 1)] = {0};
    struct dhcp_message m;

    (void)state;
    for (unsigned i = 0; i <= DHCP_OPTIONS_MAX; i++)
        options[2 * i] = DHCP_O_VENDOR;
    assert_int_equal(decode_options(options, sizeof options - 2, &m), 0);
    assert_int_equal(decode_options(options, sizeof options, &m), DHCP_EMANY);
}

static void the_fixed_fields_are_held(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int rc;
    } c[] = {
        {0, 0, DHCP_EOP},
        {0, 3, DHCP_EOP},
        {1, 6, DHCP_EHARDWARE},
        {2, 0, DHCP_EHARDWARE},
        {2, 16, DHCP_EHARDWARE},
        {2, 255, DHCP_EHARDWARE},
        {28, 1, DHCP_EHARDWARE},
        {28, 0xff, DHCP_EHARDWARE},
        {236, 0, DHCP_ECOOKIE},
        {239, 0, DHCP_ECOOKIE},
        {240, DHCP_O_OVERLOAD, DHCP_EOVERLOAD},
        {242, 0, DHCP_ETYPE},
        {242, 19, DHCP_ETYPE},
        {241, 2, DHCP_ETYPE},
        {0, 2, 0},
    };
    uint8_t bytes[1500];
    struct dhcp_message m;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        n = good_message(bytes);
        bytes[c[i].at] = c[i].value;
        if (c[i].rc == DHCP_EOVERLOAD)
            bytes[242] = 4;
        if (c[i].at == 241) /* a type of two bytes: keep the rest in step */
            memmove(bytes + 244, bytes + 243, n++ - 243);
        assert_int_equal(decode(bytes, n, &m), c[i].rc);
    }
    n = good_message(bytes);
    memset(bytes + 28, 0, 6);
    assert_int_equal(decode(bytes, n, &m), DHCP_EHARDWARE);
}

static void a_type_comes_once(void **state)
{
    struct dhcp_message m;

    (void)state;
    assert_int_equal(decode_options("\x35\1\1\x35\1\1\xff", 7, &m), DHCP_ETYPE);
    assert_int_equal(decode_options("\x35\0\xff", 3, &m), DHCP_ETYPE);
    assert_int_equal(decode_options("\xff", 1, &m), 0);
    assert_int_equal(m.type, DHCP_BOOTP);
}

/* A message whose options go on in `file` and `sname` as `how` says. */
static int overloaded(uint8_t how, struct dhcp_message *m)
{
    uint8_t bytes[1500];
    uint8_t options[] = {53, 1, 1, 52, 1, how, 43, 1, 'a', 255};
    size_t n = with_options(bytes, options, sizeof options);

    memcpy(bytes + 108, "\x2b\2bc\x34\1\1\xff", 8); /* file; its option 52 means nothing */
    memcpy(bytes + 44, "\x2b\1d\xff\x2b", 5);       /* sname */
    return decode(bytes, n, m);
}

static void overload_is_read(void **state)
{
    struct dhcp_message m;
    uint8_t joined[8];

    (void)state;
    assert_int_equal(overloaded(1, &m), 0);
    assert_int_equal(dhcp_option_joined(&m, 43, joined, sizeof joined), 3);
    assert_memory_equal(joined, "abc", 3);
    assert_string_equal(m.file, "");
    assert_memory_equal(m.sname, "\x2b\1d", 3);
    assert_int_equal(overloaded(2, &m), 0);
    assert_int_equal(dhcp_option_joined(&m, 43, joined, sizeof joined), 2);
    assert_memory_equal(joined, "ad", 2);
    assert_memory_equal(m.file, "\x2b\2bc", 4);
    assert_int_equal(overloaded(3, &m), 0);
    assert_int_equal(dhcp_option_joined(&m, 43, joined, sizeof joined), 4);
    assert_memory_equal(joined, "abcd", 4);
    assert_int_equal(overloaded(0, &m), DHCP_EOVERLOAD);
    assert_int_equal(overloaded(4, &m), DHCP_EOVERLOAD);
    assert_int_equal(decode_options("\x34\1\1\x34\1\1\xff", 7, &m), DHCP_EOVERLOAD);
    assert_int_equal(decode_options("\x34\2\1\1\xff", 5, &m), DHCP_EOVERLOAD);
    assert_int_equal(decode_options("\x34\0\xff", 3, &m), DHCP_EOVERLOAD);
}

/* Every place of an option that runs out of an overloaded field. */
static void overload_ends_at_its_field(void **state)
{
    uint8_t bytes[1500];
    struct dhcp_message m;
    size_t n = with_options(bytes, "\x34\1\1\xff", 4);

    (void)state;
    for (unsigned at = 0; at < DHCP_FILE_BYTES; at++) {
        memset(bytes + 108, 0, DHCP_FILE_BYTES);
        bytes[108 + at] = 43;
        if (at + 1 < DHCP_FILE_BYTES)
            bytes[108 + at + 1] = (uint8_t)(DHCP_FILE_BYTES - at - 1); /* one more than there is */
        assert_int_equal(decode(bytes, n, &m), DHCP_EOPTION);
        if (at + 1 < DHCP_FILE_BYTES)
            bytes[108 + at + 1]--;
        assert_int_equal(decode(bytes, n, &m), at + 1 < DHCP_FILE_BYTES ? 0 : DHCP_EOPTION);
    }
    memset(bytes + 108, 'f', DHCP_FILE_BYTES); /* not overloaded, and not terminated */
    bytes[DHCP_HEADER_BYTES] = 80;
    assert_int_equal(decode(bytes, n, &m), 0);
    assert_int_equal(strlen(m.file), DHCP_FILE_BYTES);
}

static void instances_stay_apart_until_asked(void **state)
{
    struct dhcp_message m;
    uint8_t joined[6];
    const struct dhcp_option *o;

    (void)state;
    assert_int_equal(decode_options("\x2b\2ab\x3c\1x\x2b\0\x2b\3cde\xff", 15, &m), 0);
    o = dhcp_option(&m, 43);
    assert_int_equal(o->n, 2);
    o = dhcp_option_next(&m, o);
    assert_int_equal(o->n, 0);
    o = dhcp_option_next(&m, o);
    assert_memory_equal(o->at, "cde", 3);
    assert_null(dhcp_option_next(&m, o));
    joined[5] = 'z';
    assert_int_equal(dhcp_option_joined(&m, 43, joined, 5), 5);
    assert_memory_equal(joined, "abcdez", 6);
    assert_int_equal(dhcp_option_joined(&m, 43, joined, 4), DHCP_EROOM);
    assert_int_equal(dhcp_option_joined(&m, 43, joined, 0), DHCP_EROOM);
    assert_int_equal(dhcp_option_joined(&m, 44, joined, 5), DHCP_EABSENT);
}

static void the_writer_keeps_its_limit(void **state)
{
    uint8_t bytes[DHCP_REPLY_MIN + 1], value[255] = {0};
    struct dhcp_message h = head(DHCP_ACK);
    struct dhcp_writer dw;

    (void)state;
    for (size_t n = 0; n <= 255; n++) {
        memset(bytes, 0xEE, sizeof bytes);
        dhcp_write_start(&dw, bytes, DHCP_REPLY_MIN, &h);
        assert_int_equal(dhcp_room(&dw), 300 - 240 - 3 - 3);
        assert_int_equal(dhcp_put(&dw, 43, value, n), n <= 54);
        assert_int_equal(dw.dropped, n > 54);
        assert_int_equal(dhcp_write_end(&dw), DHCP_REPLY_MIN);
        assert_int_equal(bytes[DHCP_REPLY_MIN], 0xEE);
    }
    dhcp_write_start(&dw, bytes, DHCP_REPLY_MIN, &h);
    assert_true(dhcp_put(&dw, 43, value, 53));
    assert_int_equal(dhcp_room(&dw), 0);
    assert_int_equal(bytes[0], DHCP_REQUEST_OP);
}

static void long_values_are_refused_not_split(void **state)
{
    uint8_t bytes[1500], value[256] = {0};
    struct dhcp_message h = head(DHCP_ACK);
    struct dhcp_writer dw;

    (void)state;
    dhcp_write_start(&dw, bytes, sizeof bytes, &h);
    assert_true(dhcp_put(&dw, 43, value, 255));
    assert_false(dhcp_put(&dw, 43, value, 256));
    assert_int_equal(dhcp_room(&dw), 255);
}

static void replies_fit_the_client(void **state)
{
    static const struct {
        const char *size;
        size_t limit;
    } c[] = {{"\x39\2\0\0", 548},    {"\x39\2\2\x3f", 548},    {"\x39\2\2\x41", 549},
             {"\x39\2\5\xc0", 1444}, {"\x39\2\xff\xff", 1472}, {"\x39\1\xff\0", 548}};
    struct dhcp_message m, reply;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(decode_options(c[i].size, 4, &m), 0);
        assert_int_equal(dhcp_reply_limit(&m, 1472), c[i].limit);
    }
    dhcp_reply_head(&reply, &m, DHCP_OFFER);
    assert_int_equal(reply.op, DHCP_REPLY_OP);
    assert_int_equal(reply.xid, m.xid);
    assert_int_equal(reply.flags, m.flags);
    assert_int_equal(reply.ciaddr, 0);
    assert_int_equal(reply.secs, 0);
    assert_memory_equal(reply.chaddr, station, 6);
}

static void boot_options_are_bounded(void **state)
{
    struct dhcp_boot b = {0};
    uint8_t value[256] = {0};

    (void)state;
    assert_false(dhcp_boot_put(&b, 43, value, 256));
    assert_true(dhcp_boot_put(&b, 43, value, 255));
    assert_false(dhcp_boot_put(&b, 43, value, 42));
    assert_true(dhcp_boot_put(&b, 43, value, 41));
    assert_false(dhcp_boot_put(&b, 43, value, 0));
    assert_int_equal(b.n, sizeof b.options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_survive_the_wire),
        cmocka_unit_test(every_truncation_is_refused_or_shorter),
        cmocka_unit_test(option_lengths_are_held),
        cmocka_unit_test(too_many_options_are_refused),
        cmocka_unit_test(the_fixed_fields_are_held),
        cmocka_unit_test(a_type_comes_once),
        cmocka_unit_test(overload_is_read),
        cmocka_unit_test(overload_ends_at_its_field),
        cmocka_unit_test(instances_stay_apart_until_asked),
        cmocka_unit_test(the_writer_keeps_its_limit),
        cmocka_unit_test(long_values_are_refused_not_split),
        cmocka_unit_test(replies_fit_the_client),
        cmocka_unit_test(boot_options_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
