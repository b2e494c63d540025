#include "net/web/server.h"

#include <string.h>

#include "net/web/connection.h"
#include "net/wire/must.h"

size_t web_server_bytes(void)
{
    return sizeof(struct web_server);
}

void web_server_init(struct web_server *s, const char *name, struct auth *auth,
                     const struct web_routes *routes)
{
    memset(s, 0, sizeof *s);
    s->name = name;
    s->auth = auth;
    s->routes = routes;
    for (unsigned i = 0; i < WEB_BLOCKS; i++) {
        s->block[i].next = s->free;
        s->free = &s->block[i];
    }
}

const struct web_counts *web_server_counts(const struct web_server *s)
{
    return &s->counts;
}

struct auth_session *web_call_session(struct web_call *call)
{
    return ((struct web_connection *)(void *)call)->session;
}

bool web_known(const struct web_server *s, unsigned seat)
{
    return s->seat[seat].used && s->seat[seat].known;
}

bool web_rests(const struct web_server *s, unsigned seat)
{
    return s->seat[seat].state == WEB_READING && s->seat[seat].parser.lines.total == 0;
}

static void take_state(struct web_connection *c, enum web_state state)
{
    c->state = state;
    c->since = c->server->now;
}

/* ---- connections ---- */

/* All that belongs to the request before is given back. */
static void call_ended(struct web_connection *c)
{
    if (c->inside && c->call.gone)
        c->call.gone(c->ctx, &c->call);
    c->inside = false;
    web_answer_drop(c);
    if (c->big >= 0)
        c->server->big_taken[c->big] = false;
    c->big = -1;
}

static void next_request(struct web_connection *c)
{
    web_parser_init(&c->parser);
    web_answer_begin(c);
    memset(&c->call, 0, sizeof c->call);
    c->route = NULL;
    c->session = NULL;
    c->interim = "";
    c->body_at = 0;
    c->whole = false;
    take_state(c, WEB_READING);
}

void web_open(struct web_server *s, unsigned seat, const struct wire_stream *stream,
              uint32_t address, struct mono now)
{
    struct web_connection *c = &s->seat[seat];

    MUST(seat < WEB_SEATS && !c->used);
    s->now = now;
    c->server = s;
    c->stream = *stream;
    c->used = true;
    c->known = c->ended = c->inside = false;
    c->address = address;
    c->big = -1;
    c->in_at = c->in_n = 0;
    c->kind = WEB_NOTHING;
    c->first = NULL;
    next_request(c);
}

void web_close(struct web_server *s, unsigned seat)
{
    struct web_connection *c = &s->seat[seat];

    MUST(c->used);
    call_ended(c);
    c->used = false;
}

/* ---- who asks, and may he? ---- */

static void refuse(struct web_connection *c, unsigned status, int code, const char *sentence)
{
    web_problem(&c->call, status, code, "%s", sentence);
}

static void identify(struct web_connection *c)
{
    const struct web_request *r = &c->parser.r;
    bool token = auth_token(c->server->auth, r->bearer);

    c->session = token ? NULL : auth_session(c->server->auth, r->cookie, c->server->now);
    c->call.user = c->session || token;
    c->known |= c->call.user;
}

static bool is_closed(const char *path)
{
    return strncmp(path, "/api", 4) == 0 || strcmp(path, "/metrics") == 0;
}

/* True: the request may go to its handler; else it has been answered. */
static bool admitted(struct web_connection *c, const struct web_match *m, bool closed)
{
    const struct web_request *r = &c->parser.r;

    if (!web_host_ours(r->host, c->server->name))
        refuse(c, 421, WEB_EHOST,
               "this box is not the host that the request names: use its address");
    else if (!c->call.user && (m->route ? m->route->needs == WEB_USER : closed))
        refuse(c, 401, WEB_ELOGIN, "a login or a token is needed");
    else if (!m->route && m->other_method)
        refuse(c, 405, WEB_EMETHOD, "this address does not know that method");
    else if (!m->route)
        refuse(c, 404, WEB_EROUTE, "there is nothing at this address");
    else if (r->method != WEB_GET && r->origin[0] && strcmp(r->origin, r->host) != 0)
        refuse(c, 403, WEB_ECSRF, "the request comes from another site's page");
    else if (r->method != WEB_GET && m->route->needs == WEB_USER && c->session &&
             !auth_csrf(c->session, r->csrf))
        refuse(c, 403, WEB_ECSRF, "the request lacks the session's X-Ringcast-CSRF");
    else
        return true;
    return false;
}

/* ---- the body ---- */

static int big_place(struct web_server *s)
{
    for (int i = 0; i < (int)WEB_BIG_BODIES; i++)
        if (!s->big_taken[i])
            return i;
    return -1;
}

/* Where a body goes that is collected. False: it was refused. */
static bool make_room(struct web_connection *c, uint64_t n)
{
    if (n > (c->call.user ? WEB_BODY_MAX : WEB_BODY_ANYONE)) {
        refuse(c, 413, WEB_ETOOLARGE, "the body is larger than is taken here");
        return false;
    }
    c->call.body = c->body;
    if (n <= sizeof c->body)
        return true;
    c->big = big_place(c->server);
    if (c->big < 0) {
        refuse(c, 503, WEB_EBUSY, "too many large requests are under way at this moment");
        return false;
    }
    c->server->big_taken[c->big] = true;
    c->call.body = c->server->big[c->big];
    return true;
}

static void call_handler(struct web_connection *c)
{
    c->inside = true;
    c->call.now = c->server->now;
    if (c->state != WEB_WAITING)
        take_state(c, WEB_WAITING);
    c->route->handle(c->ctx, &c->call);
}

static bool body_all(const struct web_connection *c)
{
    return c->body_at == c->parser.r.length;
}

static void begin_body(struct web_connection *c)
{
    const struct web_request *r = &c->parser.r;

    c->interim = r->expects && r->length ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
    if (!c->route->take && !make_room(c, r->length))
        return;
    if (!c->route->take && r->length == 0) {
        call_handler(c);
        return;
    }
    if (c->route->take)
        call_handler(c);
    if (!c->answered)
        take_state(c, WEB_BODY);
}

/* Bytes of the body to the handler, or beside the others. How many went. */
static size_t give_body(struct web_connection *c, const uint8_t *bytes, size_t n)
{
    uint64_t left = c->parser.r.length - c->body_at;

    n = left < n ? (size_t)left : n;
    if (n == 0)
        return 0;
    if (c->route->take) {
        size_t took;

        c->call.now = c->server->now;
        took = c->route->take(c->ctx, &c->call, bytes, n);
        MUST(took <= n);
        n = took;
    } else {
        uint8_t *to = c->big >= 0 ? c->server->big[c->big] : c->body;

        memcpy(to + c->body_at, bytes, n);
    }
    c->body_at += n;
    return n;
}

static void end_body(struct web_connection *c)
{
    take_state(c, WEB_WAITING);
    if (c->route->take) {
        c->call.now = c->server->now;
        c->route->take(c->ctx, &c->call, NULL, 0);
        return;
    }
    c->call.n_body = (size_t)c->body_at;
    call_handler(c);
}

/* ---- steps ---- */

/* More bytes behind those that wait. True: some came. */
static bool fill(struct web_connection *c)
{
    int n;

    if (c->in_at == c->in_n)
        c->in_at = c->in_n = 0;
    if (c->ended || c->in_n == sizeof c->in)
        return false;
    n = c->stream.read(c->stream.ctx, c->in + c->in_n, sizeof c->in - c->in_n);
    if (n == STREAM_END)
        c->ended = true;
    if (n > 0)
        c->in_n += (size_t)n;
    return n > 0;
}

static void dispatch(struct web_connection *c)
{
    struct web_request *r = &c->parser.r;
    bool closed = is_closed(r->path);
    struct web_match m = web_routes_find(c->server->routes, r->method, r->path);

    c->server->counts.requests++;
    c->route = m.route;
    c->ctx = m.ctx;
    c->call.method = r->method;
    c->call.path = r->path;
    c->call.query = r->query;
    c->call.type = r->type;
    c->call.length = r->length;
    c->call.has_offset = r->has_offset;
    c->call.offset = r->offset;
    c->call.address = c->address;
    for (unsigned i = 0; i < WEB_PARAMS_MAX; i++)
        c->call.param[i] = m.param[i];
    identify(c);
    if (admitted(c, &m, closed))
        begin_body(c);
}

static bool step_reading(struct web_connection *c)
{
    bool before = c->parser.lines.total > 0;
    size_t used = 0;
    int rc;

    if (c->in_at == c->in_n && !fill(c)) {
        if (c->ended)
            c->state = WEB_OVER;
        return false;
    }
    rc = web_parser_feed(&c->parser, c->in + c->in_at, c->in_n - c->in_at, &used);
    c->in_at += used;
    if (!before)
        take_state(c, WEB_READING); /* the clock of this request */
    if (rc == 1) {
        c->whole = true;
        dispatch(c);
    } else if (rc > 1) {
        refuse(c, (unsigned)rc, WEB_EREQUEST, "the request cannot be understood");
    }
    return true;
}

static bool step_body(struct web_connection *c)
{
    size_t n = strlen(c->interim);
    int took = n ? c->stream.write(c->stream.ctx, c->interim, n) : 0;
    size_t gave;

    if (c->in_at == c->in_n && !body_all(c))
        fill(c);
    if (took == STREAM_END || (c->ended && c->in_at == c->in_n && !body_all(c))) {
        c->state = WEB_OVER;
        return false;
    }
    c->interim += took;
    if (body_all(c)) {
        end_body(c);
        return true;
    }
    gave = give_body(c, c->in + c->in_at, c->in_n - c->in_at);
    c->in_at += gave;
    if (c->state == WEB_BODY && (c->route->take ? gave > 0 || c->in_at < c->in_n : false))
        c->since = c->server->now; /* a handler that is slow makes nobody late */
    return gave > 0;
}

/* The answer is through: the next request, or the end. While something of a last request may still
 * come, its client closes when it has the answer: closing now could take that back. */
static void answer_ended(struct web_connection *c)
{
    bool last = c->last, all = c->whole && body_all(c) && c->in_at == c->in_n;

    call_ended(c);
    if (!last)
        next_request(c);
    else
        take_state(c, c->ended || all ? WEB_OVER : WEB_LINGERING);
}

static bool is_open_end(const struct web_connection *c)
{
    return c->used && c->kind == WEB_PULLED && c->left == WEB_UNKNOWN;
}

void web_hang_up(struct web_server *s)
{
    for (unsigned i = 0; i < WEB_SEATS; i++)
        if (is_open_end(&s->seat[i]))
            s->seat[i].state = WEB_OVER;
}

/* Who listens to events and hangs up is seen by his end of the stream. */
static bool step_sending(struct web_connection *c)
{
    bool moved = web_answer_send(c);

    if (c->state == WEB_SENDING && web_answer_sent(c)) {
        answer_ended(c);
        return true;
    }
    if (is_open_end(c)) {
        c->in_at = c->in_n;
        fill(c);
        if (c->ended)
            c->state = WEB_OVER;
    }
    return moved;
}

static bool step_waiting(struct web_connection *c)
{
    if (c->in_n < sizeof c->in)
        fill(c);
    if (c->ended)
        c->state = WEB_OVER; /* nobody is there for the answer */
    return false;
}

static bool step_lingering(struct web_connection *c)
{
    bool more;

    c->in_at = c->in_n;
    more = fill(c);
    if (c->ended)
        c->state = WEB_OVER;
    return more;
}

static bool step_once(struct web_connection *c)
{
    switch (c->state) {
    case WEB_READING:
        return step_reading(c);
    case WEB_BODY:
        return step_body(c);
    case WEB_WAITING:
        return step_waiting(c);
    case WEB_SENDING:
        return step_sending(c);
    case WEB_LINGERING:
        return step_lingering(c);
    default:
        return false;
    }
}

static bool is_late(const struct web_connection *c, struct mono now)
{
    static const int64_t most[] = {[WEB_BODY] = WEB_BODY_NS,
                                   [WEB_WAITING] = WEB_WAITING_NS,
                                   [WEB_SENDING] = WEB_SENDING_NS,
                                   [WEB_LINGERING] = WEB_LINGER_NS};
    int64_t limit = c->state == WEB_READING ? c->parser.lines.total ? WEB_READING_NS : WEB_IDLE_NS
                    : c->state == WEB_BODY && !c->route->take ? WEB_WHOLE_NS
                                                              : most[c->state];

    return mono_sub(now, c->since) > limit;
}

bool web_step(struct web_server *s, unsigned seat, struct mono now)
{
    struct web_connection *c = &s->seat[seat];

    MUST(c->used);
    s->now = now;
    while (c->state != WEB_OVER && step_once(c))
        ;
    if (c->state != WEB_OVER && is_late(c, now)) {
        s->counts.late++;
        c->state = WEB_OVER;
    }
    return c->state != WEB_OVER;
}
