/* What a box answers, and what strangers answer in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "board/cli/api.h"

static struct api_answer a;
static struct err err;
static char *kept;

static int read_n(const char *text, size_t n)
{
    free(kept);
    kept = malloc(n + 1); /* the room for one more, and no more */
    memcpy(kept, text, n);
    err = (struct err){0};
    return api_answer_read(&a, kept, n, &err);
}

static int read_text(const char *text)
{
    return read_n(text, strlen(text));
}

static void lengths_and_chunks_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=b; Path=/\r\n\r\nabcdef"),
        0);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "abc");
    assert_string_equal(a.cookie, "a=b");
    assert_int_equal(read_text(
                         "HTTP/1.1 409 No\r\nset-cookie:x=1\r\nSet-Cookie: y=2\r\n\r\nall of it"),
                     0);
    assert_string_equal(a.body, "all of it");
    assert_string_equal(a.cookie, "y=2");
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n"),
                     0);
    assert_string_equal(a.body, "abc0123456789");
    assert_int_equal(a.n, 13);
    assert_int_equal(read_text("HTTP/1.1 204 None\r\n\r\n"), 0);
    assert_int_equal(a.n, 0);
}

static void what_is_cut_short_is_refused(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: "
                                "a=b\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n";
    static const char length[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";

    (void)state;
    assert_int_equal(read_n(whole, sizeof whole - 1), 0);
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        assert_int_equal(read_n(whole, cut), CLI_EANSWER);
        assert_true(err.text[0]);
    }
    for (size_t cut = 0; cut < sizeof length - 1; cut++)
        assert_int_equal(read_n(length, cut), CLI_EANSWER);
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "\n\n",
        "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 999 x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(read_text(texts[i]), CLI_EANSWER);
}

static const char *reason(const char *body)
{
    static char out[API_REASON_MAX + 1], text[1024];

    strcpy(text, "HTTP/1.1 409 No\r\n\r\n");
    strcat(text, body);
    assert_int_equal(read_text(text), 0);
    return api_answer_reason(&a, out);
}

static void reasons_are_fit_for_a_terminal(void **state)
{
    (void)state;
    assert_string_equal(reason("{\"title\":\"t\",\"detail\":\"another session runs\"}"),
                        "another session runs");
    assert_string_equal(reason("{\"title\":\"Conflict\"}"), "Conflict");
    assert_string_equal(reason("{\"detail\":\"\\u001b[2J\"}"), "it answers with status 409");
    assert_string_equal(reason("<html>"), "it answers with status 409");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_chunks_are_read),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(reasons_are_fit_for_a_terminal),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(kept);
    return failed;
}
