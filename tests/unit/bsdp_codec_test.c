#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/bsdp/codec.h"
#include "tests/unit/exact.h"
#include "tests/unit/golden.h"
#include "tests/unit/pxe_support.h"

static int class_of(const char *text, size_t n, struct bsdp_request *q)
{
    memset(q, 0, sizeof *q);
    return bsdp_class_decode(exact(text, n), n, q);
}

static void classes_name_architecture_and_model(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *arch, *model; /* NULL: refused */
    } c[] = {
        {"AAPLBSDPC/i386/iMac14,3", 23, "i386", "iMac14,3"},
        {"AAPLBSDPC/ppc/PowerMac3,1", 25, "ppc", "PowerMac3,1"},
        {"AAPLBSDPC/i386/", 15, "i386", ""},
        {"AAPLBSDPC//x", 12, "", "x"},
        {"AAPLBSDPC/i386/a/b", 18, "i386", "a/b"},
        {"AAPLBSDPC/i386/iMac14,3\0", 24, NULL, NULL},
        {"AAPLBSDPC/i386/iMac\n", 20, NULL, NULL},
        {"AAPLBSDPC/i3\n86/iMac", 20, NULL, NULL},
        {"AAPLBSDPC/i386/\x1b[2J", 19, NULL, NULL},
        {"AAPLBSDPC/i386/\xc3\xbc", 17, NULL, NULL},
        {"AAPLBSDPC/i386", 14, NULL, NULL},
        {"AAPLBSDPC", 9, NULL, NULL},
        {"AAPLBSDPCx/i386/m", 17, NULL, NULL},
        {"aaplbsdpc/i386/m", 16, NULL, NULL},
        {"AAPLBSDPC/0123456789012345/m", 28, NULL, NULL},
        {"AAPLBSDPC/012345678901234/m", 27, "012345678901234", "m"},
        {"AAPLBSDPC/a/0123456789012345678901234567890", 43, "a", "0123456789012345678901234567890"},
        {"AAPLBSDPC/a/01234567890123456789012345678901", 44, NULL, NULL},
        {"", 0, NULL, NULL},
    };
    struct bsdp_request q;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        int rc = class_of(c[i].text, c[i].n, &q);

        assert_int_equal(rc, c[i].arch ? 0 : BSDP_ECLASS);
        if (rc == 0) {
            assert_string_equal(q.arch, c[i].arch);
            assert_string_equal(q.model, c[i].model);
        }
    }
    for (size_t cut = 0; cut < 23; cut++)
        assert_int_equal(class_of("AAPLBSDPC/i386/iMac14,3", cut, &q), cut < 15 ? BSDP_ECLASS : 0);
}

/* An INFORM whose option 43 holds these bytes. */
static int decode_with(const void *vendor, size_t n, struct bsdp_request *q)
{
    static struct request r;

    request_begin(&r, DHCP_INFORM, some_mac, 0x0A4D0032);
    MUST(dhcp_put(&r.w, DHCP_O_VENDOR, exact(vendor, n), n));
    MUST(dhcp_put_text(&r.w, DHCP_O_CLASS, "AAPLBSDPC/i386/iMac14,3"));
    return bsdp_decode(request_end(&r), q);
}

#define LIST_1_1 "\x01\x01\x01\x02\x02\x01\x01"

static void lengths_of_suboptions_are_exact(void **state)
{
    static const struct {
        uint8_t code, length;
    } fixed[] = {{1, 1}, {2, 2}, {3, 4}, {5, 2}, {8, 4}, {12, 2}};
    struct bsdp_request q;
    uint8_t bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        for (unsigned n = 0; n < 240; n++) {
            size_t at = 0;

            if (fixed[i].code > 2) {
                memcpy(bytes, LIST_1_1, 7);
                at = 7;
            }
            bytes[at] = fixed[i].code;
            bytes[at + 1] = (uint8_t)n;
            memset(bytes + at + 2, 0, n);
            bytes[at + 1 + n] |= n ? 1 : 0; /* in range, where it matters */
            if (fixed[i].code <= 2) {       /* the other one follows */
                memcpy(bytes + at + 2 + n,
                       fixed[i].code == 1 ? "\x02\x02\x01\x01" : "\x01\x01\x01\0", 4);
                at += fixed[i].code == 1 ? 4 : 3;
            }
            assert_int_equal(decode_with(bytes, at + 2 + n, &q) == BSDP_EMALFORMED,
                             n != fixed[i].length);
            assert_int_equal(decode_with(bytes, at + 1 + n, &q) < 0, true);
        }
}

static void a_length_past_the_end_is_refused(void **state)
{
    struct bsdp_request q;

    (void)state;
    assert_int_equal(decode_with(LIST_1_1 "\x08", 8, &q), BSDP_EMALFORMED);
    assert_int_equal(decode_with(LIST_1_1 "\x08\xff\0\0\0\0", 13, &q), BSDP_EMALFORMED);
    assert_int_equal(decode_with(LIST_1_1 "\x63\x05\0\0\0\0", 13, &q), BSDP_EMALFORMED);
    assert_int_equal(decode_with(LIST_1_1 "\xff\x63\x05", 10, &q), 0);
    assert_int_equal(decode_with("\0\0" LIST_1_1 "\0", 10, &q), 0);
}

static void the_first_of_a_kind_counts(void **state)
{
    struct bsdp_request q;

    (void)state;
    assert_int_equal(decode_with("\x01\x01\x02\x01\x01\x01\x02\x02\x01\x01\x02\x02\xff\xff\x08\x04"
                                 "\x81\0\0\x01\x08\x04\0\0\0\x02",
                                 26, &q),
                     0);
    assert_int_equal(q.type, BSDP_SELECT);
    assert_int_equal(q.version, BSDP_VERSION_1_1);
    assert_true(q.has_selected && q.selected == 0x81000001);
}

static void versions_ports_and_flags_are_judged(void **state)
{
    static const struct {
        const char *vendor;
        size_t n;
        int result;
    } c[] = {
        {LIST_1_1, 7, 0},
        {"\x01\x01\x01\x02\x02\x01\x00", 7, 0},
        {"\x01\x01\x01\x02\x02\x00\x00", 7, 0},
        {"\x01\x01\x01\x02\x02\x02\x00", 7, BSDP_EVERSION},
        {"\x01\x01\x01", 3, BSDP_EVERSION},
        {"\x02\x02\x01\x01", 4, BSDP_EMESSAGE},
        {"\x01\x01\x03\x02\x02\x01\x01", 7, BSDP_EMESSAGE},
        {"\x01\x01\x00\x02\x02\x01\x01", 7, BSDP_EMESSAGE},
        {LIST_1_1 "\x05\x02\x03\xff", 11, 0},
        {LIST_1_1 "\x05\x02\x04\x00", 11, BSDP_EPORT},
        {LIST_1_1 "\x05\x02\x00\x00", 11, BSDP_EPORT},
        {LIST_1_1 "\x05\x02\xff\xff", 11, BSDP_EPORT},
        {LIST_1_1 "\x0a\x00", 9, BSDP_EOLDFIRMWARE},
        {LIST_1_1 "\x0a\x01\x01", 10, BSDP_EOLDFIRMWARE},
        {LIST_1_1 "\x0a\x02\x01\x01", 11, BSDP_EMALFORMED},
    };
    struct bsdp_request q;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        if (decode_with(c[i].vendor, c[i].n, &q) != c[i].result)
            fail_msg("row %zu: %d", i, decode_with(c[i].vendor, c[i].n, &q));
}

static void filters_are_whole_words(void **state)
{
    struct bsdp_request q;

    (void)state;
    assert_int_equal(decode_with(LIST_1_1, 7, &q), 0);
    assert_true(bsdp_filter_passes(&q, 0x81000001));
    assert_int_equal(decode_with(LIST_1_1 "\x0b\x02\x81\x00", 11, &q), 0);
    assert_true(bsdp_filter_passes(&q, 0x81000001) && !bsdp_filter_passes(&q, 0x01000001));
    assert_int_equal(decode_with(LIST_1_1 "\x0b\x05\x81\x00\x01\x00\x03", 14, &q), 0);
    assert_true(bsdp_filter_passes(&q, 0x01000001) && !bsdp_filter_passes(&q, 0x03000001));
    assert_int_equal(q.n_filter, 2);
    assert_int_equal(decode_with(LIST_1_1 "\x0b\x00", 9, &q), 0);
    assert_false(bsdp_filter_passes(&q, 0x81000001));
    uint8_t full[255] = "\x01\x01\x01\x02\x02\x01\x01\x0b\xf6";
    assert_int_equal(decode_with(full, 255, &q), 0);
    assert_int_equal(q.n_filter, 123);
}

static size_t limit_with(const char *vendor, size_t n, int size57)
{
    static struct request r;
    struct bsdp_request q;
    uint8_t size[2] = {(uint8_t)(size57 >> 8), (uint8_t)size57};

    request_begin(&r, DHCP_INFORM, some_mac, 0x0A4D0032);
    MUST(dhcp_put(&r.w, DHCP_O_VENDOR, vendor, n));
    MUST(size57 < 0 || dhcp_put(&r.w, DHCP_O_SIZE, size, 2));
    MUST(dhcp_put_text(&r.w, DHCP_O_CLASS, "AAPLBSDPC/i386/iMac14,3"));
    assert_int_equal(bsdp_decode(request_end(&r), &q), 0);
    return q.limit;
}

static void sizes_are_taken_at_their_word_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(limit_with(LIST_1_1, 7, -1), 520);
    assert_int_equal(limit_with(LIST_1_1, 7, 0), 520);
    assert_int_equal(limit_with(LIST_1_1, 7, 548), 520);
    assert_int_equal(limit_with(LIST_1_1, 7, 576), 548);
    assert_int_equal(limit_with(LIST_1_1, 7, 1500), 1472);
    assert_int_equal(limit_with(LIST_1_1 "\x0c\x02\x20\x00", 11, 1500), 8164);
    assert_int_equal(limit_with(LIST_1_1 "\x0c\x02\xff\xff", 11, -1), 8164);
    assert_int_equal(limit_with(LIST_1_1 "\x0c\x02\x00\x00", 11, 1500), 520);
}

static void suboptions_may_be_spread_over_instances(void **state)
{
    static struct request r;
    struct bsdp_request q;

    (void)state;
    request_begin(&r, DHCP_INFORM, some_mac, 0x0A4D0032);
    MUST(dhcp_put(&r.w, DHCP_O_VENDOR, "\x01\x01\x02\xff\xff", 5) &&
         dhcp_put(&r.w, DHCP_O_VENDOR, "\x02\x02\x01\x01", 4) &&
         dhcp_put(&r.w, DHCP_O_VENDOR, "\x08\x04\x81\0\0\x05", 6));
    MUST(dhcp_put_text(&r.w, DHCP_O_CLASS, "AAPLBSDPC/i386/iMac14,3"));
    assert_int_equal(bsdp_decode(request_end(&r), &q), 0);
    assert_true(q.type == BSDP_SELECT && q.has_selected && q.selected == 0x81000005);
    /* glued together, these two would be one */
    request_begin(&r, DHCP_INFORM, some_mac, 0x0A4D0032);
    MUST(dhcp_put(&r.w, DHCP_O_VENDOR, LIST_1_1 "\x08\x04\x81", 10) &&
         dhcp_put(&r.w, DHCP_O_VENDOR, "\0\0\x05", 3));
    MUST(dhcp_put_text(&r.w, DHCP_O_CLASS, "AAPLBSDPC/i386/iMac14,3"));
    assert_int_equal(bsdp_decode(request_end(&r), &q), BSDP_EMALFORMED);
}

/* Cut anywhere, a golden request is refused by one decoder or the other, or reads as a shorter one:
 * never past its end. */
static void every_truncation_of_golden_requests_is_survived(void **state)
{
    static const char *const names[] = {"g01", "g02", "g05", "g05b", "g09", "g11", "g13"};
    struct dhcp_message m;
    struct bsdp_request q;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct golden g = golden_load("bsdp", names[i]);

        for (size_t cut = 0; cut <= g.n; cut++)
            if (dhcp_decode(exact(g.bytes, cut), cut, &m) == 0)
                bsdp_decode(&m, &q);
    }
}

/* ---- replies ---- */

static void start(struct dhcp_writer *w, uint8_t *bytes, size_t limit)
{
    struct dhcp_message head = {.op = DHCP_REPLY_OP, .htype = 1, .hlen = 6, .type = DHCP_ACK};

    memcpy(head.chaddr, some_mac, 6);
    dhcp_write_start(w, bytes, limit, &head);
}

/* Reads a list back as a Mac does: each instance on its own. Returns how many images; all names
 * must be "n..." */
static unsigned images_in(const uint8_t *bytes, size_t n, unsigned *instances)
{
    struct dhcp_message m;
    unsigned images = 0;

    *instances = 0;
    assert_int_equal(dhcp_decode(exact(bytes, n), n, &m), 0);
    for (const struct dhcp_option *o = dhcp_option(&m, DHCP_O_VENDOR); o;
         o = dhcp_option_next(&m, o)) {
        ++*instances;
        for (size_t at = 0; at < o->n; at += 2u + o->at[at + 1]) {
            assert_true(at + 2 <= o->n && at + 2u + o->at[at + 1] <= o->n);
            for (size_t i = at + 2; o->at[at] == BSDP_O_IMAGES && i < at + 2u + o->at[at + 1];
                 images++) {
                assert_true(i + 5 <= at + 2u + o->at[at + 1]);
                i += 5u + o->at[i + 4];
                assert_true(i <= at + 2u + o->at[at + 1]);
            }
        }
    }
    return images;
}

static void lists_are_cut_at_whole_images_at_every_limit(void **state)
{
    static char names[40][248];
    struct bsdp_image image[40];
    uint8_t bytes[8192];

    (void)state;
    for (unsigned length = 1; length <= 246; length += 35) {
        unsigned last = 0;

        for (unsigned i = 0; i < 40; i++) {
            memset(names[i], 'n', length);
            names[i][length] = 0;
            image[i] = (struct bsdp_image){0x81000001 + i, names[i]};
        }
        for (size_t limit = DHCP_REPLY_MIN; limit < 4000; limit += limit < 700 ? 1 : 37) {
            struct dhcp_writer w;
            struct bsdp_vendor v = {.to = &w};
            unsigned put, instances;

            start(&w, bytes, limit);
            assert_true(bsdp_put(&v, BSDP_O_MESSAGE, "\1", 1) &&
                        bsdp_put_u16(&v, BSDP_O_PRIORITY, 7));
            put = bsdp_put_images(&v, image, 40);
            bsdp_put_end(&v);
            size_t n = dhcp_write_end(&w);
            assert_true(n <= limit || n == DHCP_REPLY_MIN);
            assert_int_equal(images_in(bytes, n, &instances), put);
            assert_true(put >= last || put == 40);
            last = put;
        }
        assert_true(last >= 8);
    }
}

static void suboptions_start_a_new_instance_when_one_is_full(void **state)
{
    struct dhcp_writer w;
    struct bsdp_vendor v = {.to = &w};
    uint8_t bytes[1500], value[253] = {0};
    unsigned instances;

    (void)state;
    start(&w, bytes, sizeof bytes);
    for (unsigned i = 0; i < 4; i++)
        assert_true(bsdp_put(&v, 200, value, 100));
    assert_true(bsdp_put(&v, 200, value, 253));
    assert_false(bsdp_put(&v, 200, value, 254));
    bsdp_put_end(&v);
    images_in(bytes, dhcp_write_end(&w), &instances);
    assert_int_equal(instances, 3);
    start(&w, bytes, 300);
    v = (struct bsdp_vendor){.to = &w};
    assert_true(bsdp_put_u32(&v, BSDP_O_DEFAULT, 1));
    assert_false(bsdp_put(&v, 200, value, 60));
    assert_true(bsdp_put(&v, 200, value, 20));
    bsdp_put_end(&v);
    images_in(bytes, dhcp_write_end(&w), &instances);
    assert_int_equal(instances, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_name_architecture_and_model),
        cmocka_unit_test(lengths_of_suboptions_are_exact),
        cmocka_unit_test(a_length_past_the_end_is_refused),
        cmocka_unit_test(the_first_of_a_kind_counts),
        cmocka_unit_test(versions_ports_and_flags_are_judged),
        cmocka_unit_test(filters_are_whole_words),
        cmocka_unit_test(sizes_are_taken_at_their_word_within_bounds),
        cmocka_unit_test(suboptions_may_be_spread_over_instances),
        cmocka_unit_test(every_truncation_of_golden_requests_is_survived),
        cmocka_unit_test(lists_are_cut_at_whole_images_at_every_limit),
        cmocka_unit_test(suboptions_start_a_new_instance_when_one_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
