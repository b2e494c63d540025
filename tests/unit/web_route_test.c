/* Which handler an address leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/web/route.h"

static void handle(void *ctx, struct web_call *c)
{
    (void)ctx;
    (void)c;
}

static const struct web_route first[] = {
    {WEB_GET, "/", WEB_USER, handle, NULL},
    {WEB_GET, "/api/v1/images", WEB_USER, handle, NULL},
    {WEB_DELETE, "/api/v1/images/:name", WEB_USER, handle, NULL},
    {WEB_POST, "/api/v1/images/:name/verify", WEB_USER, handle, NULL},
};
static const struct web_route second[] = {
    {WEB_PUT, "/a/:b/:c", WEB_USER, handle, NULL},
    {WEB_GET, "/a/:b/:c", WEB_USER, handle, NULL},
    {WEB_PUT, "/t/:b/+c", WEB_USER, handle, NULL},
};
static int one, two;

static struct web_match find(enum web_method method, const char *text)
{
    static struct web_routes r;
    static char path[64];

    memset(&r, 0, sizeof r);
    web_routes_add(&r, first, 4, &one);
    web_routes_add(&r, second, 3, &two);
    snprintf(path, sizeof path, "%s", text);
    return web_routes_find(&r, method, path);
}

static void addresses_lead_to_their_handlers(void **state)
{
    struct web_match m;

    (void)state;
    assert_ptr_equal(find(WEB_GET, "/").route, &first[0]);
    assert_ptr_equal(find(WEB_GET, "/api/v1/images").route, &first[1]);
    m = find(WEB_DELETE, "/api/v1/images/debian 13");
    assert_ptr_equal(m.route, &first[2]);
    assert_ptr_equal(m.ctx, &one);
    assert_string_equal(m.param[0], "debian 13");
    m = find(WEB_POST, "/api/v1/images/x/verify");
    assert_ptr_equal(m.route, &first[3]);
    assert_string_equal(m.param[0], "x");
    m = find(WEB_GET, "/a/1/23");
    assert_ptr_equal(m.route, &second[1]);
    assert_ptr_equal(m.ctx, &two);
    assert_string_equal(m.param[0], "1");
    assert_string_equal(m.param[1], "23");
    m = find(WEB_PUT, "/t/1/2/3/4");
    assert_ptr_equal(m.route, &second[2]);
    assert_string_equal(m.param[0], "1");
    assert_string_equal(m.param[1], "2/3/4");
}

static void others_lead_nowhere(void **state)
{
    static const char *const nowhere[] = {"",
                                          "api",
                                          "//",
                                          "/api",
                                          "/api/v1/images/",
                                          "/api/v1/image",
                                          "/api/v1/images/x/",
                                          "/a/1",
                                          "/a//2",
                                          "/a/1/2/3",
                                          "/t/1",
                                          "/t/1/",
                                          "/t//2/3",
                                          "/t/1//2",
                                          "/a/1/",
                                          "/api/v1/images/x/verify/",
                                          "/api/v1/images//verify"};

    (void)state;
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        for (int method = WEB_GET; method <= WEB_DELETE; method++)
            if (find((enum web_method)method, nowhere[i]).route)
                fail_msg("expected nothing at %s", nowhere[i]);
    assert_false(find(WEB_GET, "/nothing").other_method);
    assert_null(find(WEB_DELETE, "/api/v1/images").route);
    assert_true(find(WEB_DELETE, "/api/v1/images").other_method);
    assert_true(find(WEB_POST, "/").other_method);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_lead_to_their_handlers),
        cmocka_unit_test(others_lead_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
