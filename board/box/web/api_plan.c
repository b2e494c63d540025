#include "board/box/web/api_plan.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/wire/json_read.h"
#include "net/wire/units.h"
#include "net/wol/wol.h"

#define TIME_TEXT 24

/* Large, and of one thread. */
static struct json_doc doc;
static uint8_t macs[WOL_MAX][6];
static char csv[EXPECTED_CSV_MAX];

/* ---- answers ---- */

static unsigned status_of(int code)
{
    switch (code) {
    case PLAN_EIMAGE:
    case PLAN_EUNKNOWN:
    case PLAN_EMACHINE:
        return 404;
    case PLAN_EBUSY:
    case PLAN_ESAME:
    case PLAN_EFULL:
    case PLAN_ESTATE:
    case PLAN_ENOLIST:
        return 409;
    default:
        return 400;
    }
}

static void json_time(struct json *j, const char *key, uint64_t unix_s)
{
    char text[TIME_TEXT];
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (!unix_s || !gmtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm)) {
        json_null(j, key);
        return;
    }
    json_str(j, key, text);
}

static void json_start(struct json *j, const struct plan_wish *w)
{
    char at[8];

    snprintf(at, sizeof at, "%02u:%02u", w->at_min / 60u % 24u, w->at_min % 60u);
    json_open(j, "start", '{');
    json_str(j, "rule", plan_start_word(w->start));
    if (w->start == PLAN_READY)
        json_u64(j, "n", w->ready);
    if (w->start == PLAN_AT)
        json_str(j, "at", at);
    if (w->in_s)
        json_u64(j, "in_s", w->in_s);
    if (w->start == PLAN_QUIET)
        json_u64(j, "minutes", w->quiet_min);
    json_close(j);
}

static void json_session(struct json *j, const struct plan_session *s, const struct plan_time *now)
{
    char text[PLAN_SENTENCE];

    json_open(j, NULL, '{');
    json_u64(j, "id", s->id);
    json_str(j, "image", s->wish.image);
    json_str(j, "state", plan_state_word(s->state));
    json_str(j, "targets", plan_targets_word(s->wish.targets));
    json_bool(j, "include", s->wish.include);
    json_u64(j, "idle_minutes", s->wish.idle_min);
    json_start(j, &s->wish);
    json_str(j, "sentence", plan_sentence(s, now, text));
    json_bool(j, "rate_fixed", s->wish.rate != 0);
    json_u64(j, "rate_bits_s", s->wish.rate * 8);
    json_u64(j, "ready", s->facts.ready);
    json_u64(j, "needing", s->facts.needing);
    json_u64(j, "have", s->facts.have);
    json_time(j, "made", s->made);
    json_time(j, "started", s->started);
    json_time(j, "ended", s->ended);
    json_time(j, "armed_until", s->armed_until);
    json_close(j);
}

static void answer(struct web_call *c, unsigned status, struct room *r, const struct room_answer *a,
                   uint32_t session)
{
    const struct plan_session *s = plan_find(room_plan(r), session);
    struct json j;

    if (a->code) {
        web_problem(c, status_of(a->code), a->code, "%s", a->text);
        return;
    }
    j = web_json(c);
    json_open(&j, NULL, '{');
    if (s) {
        json_u64(&j, "id", s->id);
        json_str(&j, "state", plan_state_word(s->state));
    }
    json_u64(&j, "machines", a->n);
    json_str(&j, "sentence", a->text);
    json_close(&j);
    web_json_send(c, status, &j);
}

static void obey(struct web_call *c, unsigned status, struct room *r, const struct room_order *o)
{
    struct room_answer a;

    room_order(r, o, &a);
    answer(c, status, r, &a, a.session ? a.session : o->session);
}

/* The body as JSON; false: it is none, and that has been answered. */
static bool read_body(struct web_call *c)
{
    int rc = json_read(&doc, c->body, c->n_body);

    if (rc == 0 && json_kind(&doc, JSON_ROOT) == JSON_OBJECT)
        return true;
    web_problem(c, 400, rc, "expected a JSON object");
    return false;
}

/* ---- sessions ---- */

static void list_sessions(void *ctx, struct web_call *c)
{
    struct room *r = ctx;
    struct plan_time now = room_now(r);
    struct json j = web_json(c);

    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        if (room_plan(r)->session[i].id)
            json_session(&j, &room_plan(r)->session[i], &now);
    json_close(&j);
    web_json_send(c, 200, &j);
}

/* Beside "at": what the clock of whoever orders it has to go until then. */
static const char *read_in(struct plan_wish *w, int start)
{
    int value = json_get(&doc, start, "in_s");
    uint64_t n = 0;

    if (value == JSON_NONE || json_kind(&doc, value) == JSON_NULL || w->start != PLAN_AT)
        return NULL;
    if (!json_u64_of(&doc, value, PLAN_IN_MAX, &n) || !n)
        return "expected start.in_s, 1 to 604800 seconds from now";
    w->in_s = (uint32_t)n;
    return NULL;
}

/* {"rule":"ready","n":10}; NULL, or what was expected. */
static const char *read_start(struct plan_wish *w)
{
    int start = json_get(&doc, JSON_ROOT, "start");
    char word[16], at[8];
    uint64_t n = 0;
    int minute;

    if (start == JSON_NONE)
        return NULL; /* now */
    json_get_str(&doc, start, "rule", word, sizeof word);
    w->start = plan_start_parse(word);
    if (w->start == PLAN_STARTS)
        return "expected start.rule now, ready, at or quiet";
    if (w->start == PLAN_READY && !json_get_u64(&doc, start, "n", PLAN_READY_MAX, &n))
        return "expected start.n, 1 to 4096 machines";
    if (w->start == PLAN_QUIET && !json_get_u64(&doc, start, "minutes", PLAN_QUIET_MAX, &n))
        return "expected start.minutes, 1 to 1440";
    json_get_str(&doc, start, "at", at, sizeof at);
    minute = plan_clock_parse(at);
    if (w->start == PLAN_AT && minute < 0)
        return "expected start.at such as \"22:00\"";
    w->ready = w->start == PLAN_READY ? (uint16_t)n : 0;
    w->quiet_min = w->start == PLAN_QUIET ? (uint16_t)n : 0;
    w->at_min = w->start == PLAN_AT ? (uint16_t)minute : 0;
    return read_in(w, start);
}

/* "auto", "800Mbit", or a number of bits a second. */
static const char *read_rate(struct plan_wish *w)
{
    int rate = json_get(&doc, JSON_ROOT, "rate");
    uint64_t bits;
    char text[UNITS_TEXT];

    if (rate == JSON_NONE || json_kind(&doc, rate) == JSON_NULL)
        return NULL;
    if (json_u64_of(&doc, rate, UINT64_C(1) << 48, &bits)) {
        w->rate = bits / 8;
    } else {
        json_text_of(&doc, rate, text, sizeof text);
        if (strcmp(text, "auto") == 0)
            return NULL;
        if (units_rate(text, &w->rate) || w->rate >= UINT64_C(1) << 48)
            w->rate = 0;
    }
    return w->rate >= CONFIG_RATE_MIN ? NULL : "expected rate auto, or one such as \"800Mbit\"";
}

static const char *read_wish(struct plan_wish *w)
{
    int arm = json_get(&doc, JSON_ROOT, "arm_minutes"),
        idle = json_get(&doc, JSON_ROOT, "idle_minutes");
    uint64_t minutes = 0;
    char targets[16];
    const char *wrong;

    memset(w, 0, sizeof *w);
    if (json_get_str(&doc, JSON_ROOT, "image", w->image, sizeof w->image) <= 0)
        return "expected image, the name of one";
    if (json_get_str(&doc, JSON_ROOT, "targets", targets, sizeof targets) >= 0)
        w->targets = plan_targets_parse(targets);
    if (w->targets == PLAN_TARGETS)
        return "expected targets all, expected or named";
    if (json_get(&doc, JSON_ROOT, "include") != JSON_NONE &&
        !json_get_bool(&doc, JSON_ROOT, "include", &w->include))
        return "expected include, true or false";
    if (idle != JSON_NONE && json_kind(&doc, idle) != JSON_NULL &&
        (!json_u64_of(&doc, idle, PLAN_IDLE_MAX, &minutes) || !minutes))
        return "expected idle_minutes of 1 to 10080";
    w->idle_min = (uint16_t)minutes;
    minutes = 0;
    if (arm != JSON_NONE && json_kind(&doc, arm) != JSON_NULL &&
        !json_u64_of(&doc, arm, PLAN_ARM_MAX, &minutes))
        return "expected arm_minutes of at most 43200";
    w->arm_min = (uint32_t)minutes;
    wrong = read_start(w);
    return wrong ? wrong : read_rate(w);
}

static void create_session(void *ctx, struct web_call *c)
{
    struct room_order o = {.kind = ROOM_CREATE};
    const char *wrong;

    if (!read_body(c))
        return;
    wrong = read_wish(&o.wish);
    if (wrong) {
        web_problem(c, 400, PLAN_EVALUE, "%s", wrong);
        return;
    }
    room_visitor(ctx, c->address);
    obey(c, 201, ctx, &o);
}

/* A number of at most nine digits; 0: it is none. */
static uint32_t read_id(const char *text)
{
    uint32_t id = 0;

    for (unsigned i = 0; text[i]; i++) {
        if (i == 9 || text[i] < '0' || text[i] > '9')
            return 0;
        id = id * 10 + (uint32_t)(text[i] - '0');
    }
    return id;
}

static void change_session(void *ctx, struct web_call *c)
{
    static const char *const word[] = {"start", "stop", "suspend", "resume"};
    struct room_order o = {.session = read_id(c->param[0])};

    for (unsigned i = 0; i < 4; i++)
        if (strcmp(c->param[1], word[i]) == 0) {
            o.kind = ROOM_START + i;
            obey(c, 200, ctx, &o);
            return;
        }
    web_problem(c, 404, PLAN_EVALUE, "expected start, stop, suspend or resume");
}

/* ---- the list ---- */

static void show_list(void *ctx, struct web_call *c)
{
    size_t n = expected_write(room_expected(ctx), csv, sizeof csv);

    web_text(c, 200, "text/csv; charset=utf-8", csv, n < sizeof csv ? n : sizeof csv);
}

static void replace_list(void *ctx, struct web_call *c)
{
    const struct room_order o = {.kind = ROOM_EXPECTED,
                                 .text = c->body ? (const char *)c->body : "",
                                 .n = c->n_body};

    obey(c, 200, ctx, &o);
}

/* ---- machines ---- */

static bool read_mac(struct web_call *c, const char *text, uint8_t mac[6])
{
    if (box_mac_parse(text, mac))
        return true;
    web_problem(c, 404, PLAN_EMACHINE, "expected a MAC such as 52:54:00:00:00:01");
    return false;
}

static void arm(void *ctx, struct web_call *c)
{
    struct room_order o = {.kind = ROOM_ARM};

    if (read_mac(c, c->param[0], o.mac))
        obey(c, 200, ctx, &o);
}

static void identify(void *ctx, struct web_call *c)
{
    struct room_order o = {.kind = ROOM_IDENTIFY};

    if (!read_mac(c, c->param[0], o.mac) || !read_body(c))
        return;
    if (json_get_bool(&doc, JSON_ROOT, "on", &o.on))
        obey(c, 200, ctx, &o);
    else
        web_problem(c, 400, PLAN_EVALUE, "expected on, true or false");
}

static void wake_these(struct room *r, struct web_call *c, int array)
{
    struct room_order o = {.kind = ROOM_WAKE, .macs = macs};

    for (int at = json_next(&doc, array, JSON_NONE); at != JSON_NONE;
         at = json_next(&doc, array, at)) {
        char text[20];

        json_text_of(&doc, at, text, sizeof text);
        if (o.n_macs == WOL_MAX || !box_mac_parse(text, macs[o.n_macs])) {
            web_problem(c, 400, PLAN_EVALUE,
                        "expected macs of at most %d machines, such as 52:54:00:00:00:01", WOL_MAX);
            return;
        }
        o.n_macs++;
    }
    obey(c, 200, r, &o);
}

static void wake(void *ctx, struct web_call *c)
{
    const struct room_order all = {.kind = ROOM_WAKE_EXPECTED};
    char word[16];
    int which;

    if (!read_body(c))
        return;
    which = json_get(&doc, JSON_ROOT, "macs");
    if (json_kind(&doc, which) == JSON_ARRAY)
        wake_these(ctx, c, which);
    else if (json_text_of(&doc, which, word, sizeof word) > 0 && strcmp(word, "expected") == 0)
        obey(c, 200, ctx, &all);
    else
        web_problem(c, 400, PLAN_EVALUE, "expected macs, an array or \"expected\"");
}

void api_plan_routes(struct room *r, struct web_routes *routes)
{
    static const struct web_route mine[] = {
        {WEB_GET, "/api/v1/sessions", WEB_USER, list_sessions, NULL},
        {WEB_POST, "/api/v1/sessions", WEB_USER, create_session, NULL},
        {WEB_POST, "/api/v1/sessions/:id/:order", WEB_USER, change_session, NULL},
        {WEB_GET, "/api/v1/expected", WEB_USER, show_list, NULL},
        {WEB_PUT, "/api/v1/expected", WEB_USER, replace_list, NULL},
        {WEB_POST, "/api/v1/machines/:mac/arm", WEB_USER, arm, NULL},
        {WEB_POST, "/api/v1/machines/:mac/identify", WEB_USER, identify, NULL},
        {WEB_POST, "/api/v1/wake", WEB_USER, wake, NULL},
    };

    web_routes_add(routes, mine, sizeof mine / sizeof *mine, r);
}
