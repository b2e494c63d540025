/* The web server over memory: who may do what, set-up, login and tokens. */
#include "tests/unit/web_room.h"

static void without_a_token_nothing_is_told(void **state)
{
    static const char *const open[] = {"GET /", "GET /api/v1/health", "POST /api/v1/open-echo",
                                       "POST /api/v1/setup", "POST /api/v1/login"};
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "HEAD"};

    (void)state;
    for (unsigned t = 0; t < routes.n; t++)
        for (size_t i = 0; i < routes.table[t].n; i++)
            for (size_t m = 0; m < 5; m++) {
                char line[200];
                bool is_open = false;

                snprintf(line, sizeof line, "%s %s", names[m], routes.table[t].route[i].pattern);
                for (size_t k = 0; k < sizeof open / sizeof *open; k++)
                    is_open |=
                        strcmp(line, open[k]) == 0 || (m == 4 && strcmp(line + 1, open[k]) == 0);
                if (is_open || strncmp(routes.table[t].route[i].pattern, "/api", 4) != 0 || m == 4)
                    continue;
                assert_true(
                    say(line, "Cookie: __Host-ringcast=00\r\nAuthorization: Bearer 00\r\n", NULL));
                if (status() != 401 && routes.table[t].route[i].needs != WEB_ANYONE)
                    fail_msg("expected 401 for %s, got %u", line, status());
            }
    say("GET /api/v2/secret", "", NULL);
    assert_int_equal(status(), 401);
    say("GET /metrics", "", NULL);
    assert_int_equal(status(), 401);
    say("GET /secret", "", NULL);
    assert_int_equal(status(), 404);
    assert_non_null(strstr(client.out, "application/problem+json"));
}

static void a_cookie_needs_its_csrf(void **state)
{
    char headers[300];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\n", cookie);
    assert_true(say("GET /api/v1/named/a%20b", headers, NULL));
    assert_int_equal(status(), 200);
    assert_string_equal(content(), "a b");
    assert_true(say("POST /api/v1/echo", headers, "x"));
    assert_int_equal(status(), 403);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    assert_true(user_says("POST /api/v1/echo", "x"));
    assert_int_equal(status(), 200);
    snprintf(
        headers, sizeof headers,
        "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nOrigin: https://evil.example\r\n",
        cookie, csrf);
    say("POST /api/v1/echo", headers, "x");
    assert_int_equal(status(), 403);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nOrigin: https://10.77.0.1\r\n",
             cookie, csrf);
    say("POST /api/v1/echo", headers, "x");
    assert_int_equal(status(), 200);
}

static void a_token_needs_nothing_else(void **state)
{
    char text[65], headers[200];
    uint8_t hash[32];

    (void)state;
    assert_int_equal(auth_token_make(&auth, "script", text, hash), 0);
    snprintf(headers, sizeof headers, "Authorization: bearer %s\r\n", text);
    assert_true(say("POST /api/v1/echo", headers, "data"));
    assert_int_equal(status(), 200);
    assert_true(web_known(server, 0));
    assert_true(auth_token_remove(&auth, "script", hash));
    assert_true(say("POST /api/v1/echo", headers, "data"));
    assert_int_equal(status(), 401);
}

static bool judge(void)
{
    for (int i = 0; i < 1000 && client.out_n == 0; i++) {
        account_tick(&account, now);
        web_step(server, 0, now);
    }
    return client.out_n > 0;
}

/* What a browser without scripts sends from /plain. */
static void a_form_logs_in_as_well(void)
{
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    static const char *const broken[] = {"password=%", "password=%4", "password=%zz", "passwort=x",
                                         "",           "password=" /* and 200 more */};
    char body[256], long_text[201];

    memset(long_text, 'x', sizeof long_text);
    say("POST /plain/login", form, "password=correct+h%6Frse");
    assert_true(judge());
    assert_int_equal(status(), 303);
    assert_non_null(strstr(client.out, "Location: /plain\r\n"));
    assert_non_null(strstr(client.out, "__Host-ringcast="));
    say("POST /plain/login", form, "password=wrong");
    assert_true(judge());
    assert_int_equal(status(), 403);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        snprintf(body, sizeof body, "%s%.*s", broken[i], i == 5 ? 200 : 0, long_text);
        say("POST /plain/login", form, body);
        assert_int_equal(status(), 400);
    }
}

static void a_password_is_set_and_logs_in(void **state)
{
    char body[200], old[AUTH_CODE_TEXT + 1], *at;

    (void)state;
    memcpy(old, auth.code, sizeof old);
    say("POST /api/v1/login", "Content-Type: application/json\r\n",
        "{\"password\":\"correct horse\"}");
    assert_int_equal(status(), 409);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n",
        "{\"code\":\"22222222\",\"password\":\"correct horse\"}");
    assert_int_equal(status(), 403);
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"password\":\"short\"}", auth.code);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_int_equal(status(), 422);
    snprintf(body, sizeof body, "{\"code\":\"%.4s-%.4s\",\"password\":\"correct horse\"}",
             auth.code, auth.code + 4);
    say("POST /api/v1/setup", "Content-Type: text/plain\r\n", body);
    assert_int_equal(status(), 400); /* what a form of another site could send */
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_true(judge());
    assert_int_equal(status(), 200);
    assert_int_equal(stored, 1);
    assert_string_equal(auth.code, "");
    assert_non_null(strstr(client.out, "HttpOnly; SameSite=Strict"));
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"password\":\"another horse\"}", old);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_int_equal(status(), 409);
    say("POST /api/v1/login", "Content-Type: application/json\r\n",
        "{\"password\":\"wrong horse\"}");
    assert_true(judge());
    assert_int_equal(status(), 403);
    a_form_logs_in_as_well();
    say("POST /api/v1/login", "Content-Type: application/json\r\n",
        "{\"password\":\"correct horse\"}");
    assert_true(judge());
    assert_int_equal(status(), 200);
    at = strstr(client.out, "__Host-ringcast=");
    assert_non_null(at);
    memcpy(cookie, at + 16, 64);
    at = strstr(client.out, "\"csrf\":\"");
    memcpy(csrf, at + 8, 64);
    assert_true(user_says("POST /api/v1/echo", "hello"));
    assert_int_equal(status(), 200);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"script\"}"));
    assert_int_equal(status(), 201);
    user_says("POST /api/v1/tokens", "{\"name\":\"script\"}");
    assert_int_equal(status(), 409);
    user_says("DELETE /api/v1/tokens/script", NULL);
    assert_int_equal(status(), 204);
    assert_true(user_says("POST /api/v1/logout", ""));
    assert_int_equal(status(), 204);
    assert_true(user_says("POST /api/v1/echo", "hello"));
    assert_int_equal(status(), 401);
}

/* A name that no path can hold could never be removed. */
static void a_token_is_called_what_a_path_can_hold(void **state)
{
    (void)state;
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"a/b\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"..\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\".\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"..a b\"}"));
    assert_int_equal(status(), 201);
    user_says("DELETE /api/v1/tokens/..a%20b", NULL);
    assert_int_equal(status(), 204);
}

/* A token that is none does not stand in for the header that only our own page can send. */
static void a_wrong_token_excuses_no_cookie(void **state)
{
    char headers[400];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nAuthorization: Bearer x\r\n",
             cookie);
    say("POST /api/v1/echo", headers, "hello");
    assert_int_equal(status(), 403);
}

/* One listens with a token; its removal is the end of that, too. */
static void a_token_that_is_removed_hears_no_more(void **state)
{
    static struct client listener;
    struct wire_stream s = client_stream(&listener);
    char text[65], request[200];
    uint8_t hash[32];

    (void)state;
    pulls = 2000; /* nothing to say */
    assert_int_equal(auth_token_make(&auth, "script", text, hash), 0);
    web_open(server, 1, &s, 0x0A000003, now);
    snprintf(request, sizeof request,
             "GET /api/v1/events HTTP/1.1\r\nHost: 10.77.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
             text);
    client_send(&listener, request, strlen(request));
    assert_true(web_step(server, 1, now));
    assert_true(strncmp(listener.out, "HTTP/1.1 200", 12) == 0);
    assert_true(web_step(server, 1, now));
    assert_true(user_says("DELETE /api/v1/tokens/script", NULL));
    assert_int_equal(status(), 204);
    assert_false(web_step(server, 1, now));
    web_close(server, 1);
}

static void who_asks_and_leaves_frees_the_judge(void **state)
{
    struct wire_stream s;

    (void)state;
    auth.has_password = true;
    auth.rounds = AUTH_ROUNDS;
    say("POST /api/v1/login", "Content-Type: application/json\r\n",
        "{\"password\":\"some horse\"}");
    assert_true(auth_busy(&auth));
    client.closed = true;
    assert_false(web_step(server, 0, now));
    web_close(server, 0);
    assert_false(auth_busy(&auth));
    account_tick(&account, now);
    s = client_stream(&client);
    web_open(server, 0, &s, 0x0A000003, now);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(without_a_token_nothing_is_told),
        T(a_cookie_needs_its_csrf),
        T(a_token_needs_nothing_else),
        T(a_password_is_set_and_logs_in),
        T(a_token_is_called_what_a_path_can_hold),
        T(a_wrong_token_excuses_no_cookie),
        T(a_token_that_is_removed_hears_no_more),
        T(who_asks_and_leaves_frees_the_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
