/* A damaged certificate closes the page; the key R at the box puts it aside and opens the page
 * under a new one. */
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

#include "board/box/web/portal.h"
#include "tests/unit/ip_pair.h"

static struct ip_pair pair;
static struct box_config config;
static struct portal *portal;
static char data[64], identity[96], aside[96];

static void nobody(struct ip_stack *stack)
{
    (void)stack;
    for (;;)
        pause();
}

static void forget(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                   size_t nvalue)
{
    (void)ctx;
    (void)kind;
    (void)key;
    (void)nkey;
    (void)value;
    (void)nvalue;
}

static void open_page(const char *closed)
{
    const struct portal_needs needs = {
        .config = &config, .stack = pair.stack, .data = data, .closed = closed, .store = forget};
    struct err err = {0};

    assert_int_equal(portal_make(&portal, &needs, &err), 0);
    assert_int_equal(portal_open(portal, &err), 0);
}

static int begin(void **state)
{
    (void)state;
    box_config_defaults(&config);
    config.address = PAIR_PARENT;
    snprintf(data, sizeof data, "/tmp/web_portal_test.XXXXXX");
    assert_non_null(mkdtemp(data));
    snprintf(identity, sizeof identity, "%s/tls/identity", data);
    snprintf(aside, sizeof aside, "%s/tls/identity.damaged", data);
    ip_pair_up(&pair, 0, 1, nobody);
    return 0;
}

static int end(void **state)
{
    char command[96];

    (void)state;
    ip_pair_down(&pair);
    snprintf(command, sizeof command, "rm -r %s", data);
    return system(command);
}

static off_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void a_damaged_certificate_is_put_aside_by_a_key(void **state)
{
    char first[96], second[96];

    (void)state;
    open_page(NULL);
    snprintf(first, sizeof first, "%s", portal_fingerprint(portal));
    assert_true(portal_setup_code(portal)[0]);
    portal_reset_password(portal); /* a page that is open keeps its certificate */
    assert_string_equal(portal_fingerprint(portal), first);
    portal_close(portal);
    assert_int_equal(truncate(identity, 100), 0);
    open_page(NULL);
    assert_string_equal(portal_setup_code(portal), "");
    assert_int_equal(size_of(identity), 100); /* nothing is made anew by itself */
    assert_int_equal(size_of(aside), -1);
    portal_reset_password(portal);
    assert_true(portal_setup_code(portal)[0]);
    assert_int_equal(size_of(aside), 100);
    assert_true(size_of(identity) > 100);
    snprintf(second, sizeof second, "%s", portal_fingerprint(portal));
    assert_string_not_equal(second, first);
    portal_close(portal);
    open_page(NULL); /* it is kept */
    assert_string_equal(portal_fingerprint(portal), second);
    portal_close(portal);
}

/* Where the data cannot be read no key opens the page, and nothing is written. */
static void a_page_without_data_stays_closed(void **state)
{
    (void)state;
    open_page("The data of this box cannot be read.");
    portal_reset_password(portal);
    assert_string_equal(portal_setup_code(portal), "");
    assert_int_equal(size_of(identity), -1);
    portal_close(portal);
    rmdir(data);
    assert_int_equal(mkdir(data, 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_damaged_certificate_is_put_aside_by_a_key, begin, end),
        cmocka_unit_test_setup_teardown(a_page_without_data_stays_closed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
