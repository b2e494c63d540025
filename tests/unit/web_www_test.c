/* The table of the page's files: whole, within its budget, nothing in it that the page's own rules
 * forbid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/web/www.h"

static void all_of_it_fits_the_budget(void **state)
{
    size_t sum = 0;
    (void)state;
    for (size_t i = 0; i < www_n; i++)
        sum += www_files[i].n;
    print_message("# %zu bytes in %zu files\n", sum, www_n);
    assert_in_range(sum, 1, WWW_MAX);
}

static void each_file_is_compressed_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < www_n; i++) {
        const struct www_file *f = &www_files[i];
        assert_int_equal(f->path[0], '/');
        assert_true(f->n > 18 && f->gzip[0] == 0x1f && f->gzip[1] == 0x8b);
        const uint8_t *end = f->gzip + f->n - 4; /* RFC 1952 2.3.1: the length, last */
        assert_int_equal(f->length, end[0] | end[1] << 8 | end[2] << 16 | (uint32_t)end[3] << 24);
        assert_non_null(strchr(f->type, '/'));
        assert_ptr_equal(www_find(f->path), f);
        if (i > 0)
            assert_true(strcmp(www_files[i - 1].path, f->path) < 0);
    }
}

static void the_root_is_the_page(void **state)
{
    (void)state;
    assert_ptr_equal(www_find("/"), www_find("/index.html"));
    assert_non_null(www_find("/"));
    assert_string_equal(www_find("/")->type, "text/html; charset=utf-8");
}

static void other_names_are_not_there(void **state)
{
    (void)state;
    const char *names[] = {
        "", "index.html", "/index", "/index.html/", "/../index.html", "/INDEX.HTML", "//"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(www_find(names[i]));
}

static void routes_lead_to_all_of_them(void **state)
{
    static struct web_routes routes;
    char path[64];

    (void)state;
    www_routes(&routes);
    for (size_t i = 0; i <= www_n; i++) {
        snprintf(path, sizeof path, "%s", i < www_n ? www_files[i].path : "/");
        struct web_match m = web_routes_find(&routes, WEB_GET, path);
        assert_non_null(m.route);
        assert_int_equal(m.route->needs, WEB_ANYONE);
    }
    snprintf(path, sizeof path, "/other.js");
    assert_null(web_routes_find(&routes, WEB_GET, path).route);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_fits_the_budget),
        cmocka_unit_test(each_file_is_compressed_and_named),
        cmocka_unit_test(the_root_is_the_page),
        cmocka_unit_test(other_names_are_not_there),
        cmocka_unit_test(routes_lead_to_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
