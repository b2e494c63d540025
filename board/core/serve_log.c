#include "board/core/serve_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "board/core/image_report.h"
#include "board/log/log.h"
#include "net/wire/json.h"
#include "net/wire/units.h"

#define JSON_FIXED_BYTES 65536
#define JSON_ROW_BYTES 512

const char *serve_receiver_name(char buf[SERVE_NAME], const struct session_receiver *r)
{
    char address[IP_TEXT];

    snprintf(buf, SERVE_NAME, "%02x:%02x:%02x:%02x:%02x:%02x (%s)", r->mac[0], r->mac[1], r->mac[2],
             r->mac[3], r->mac[4], r->mac[5], ip_address_text(address, r->address));
    return buf;
}

void serve_log_opening(const struct serve *s)
{
    char rate[UNITS_TEXT], floor[UNITS_TEXT], address[IP_TEXT];

    log_line("serving on %s as %s port %u%s", s->config.interface,
             ip_address_text(address, ip_stack_address(s->stack)), s->config.port,
             s->offload ? ", with segmentation offload" : "");
    for (unsigned i = 0; i < s->n_streams; i++) {
        const struct stream *st = &s->streams[i];

        units_rate_text(rate, s->ceiling);
        units_rate_text(floor, s->floor);
        log_line("%s: group %s, TTL %u, %s%s%s%s; waiting for the first receiver", st->session.name,
                 ip_address_text(address, st->session.welcome.group), st->session.welcome.ttl,
                 st->steered ? "between " : "", st->steered ? floor : "",
                 st->steered ? " and " : "", rate);
    }
}

void serve_log_event(const struct serve *s, const struct session_event *e)
{
    const struct session_image *m = &s->streams[e->image].session;
    const struct session_receiver *r = e->receiver;
    char name[SERVE_NAME];

    if (r)
        serve_receiver_name(name, r);
    switch (e->what) {
    case SESSION_CAME:
        log_line("%s: %s joins", m->name, name);
        break;
    case SESSION_STATE:
        if (r->facts.state == SESSION_FAIL)
            log_line("%s: %s: fail, error %d", m->name, name, r->facts.error);
        else
            log_line("%s: %s: %s", m->name, name, session_state_name(r->facts.state));
        break;
    case SESSION_GONE:
        log_line("%s: %s fell silent while %s, at %.1f %%", m->name, name,
                 session_state_name(r->facts.state), r->facts.done / 100.0);
        break;
    case SESSION_BACK:
        log_line("%s: %s is back", m->name, name);
        break;
    case SESSION_START:
        log_line("%s: the first receiver is there", m->name);
        break;
    case SESSION_RESUME:
        log_line("%s: needed again: the stream resumes", m->name);
        break;
    case SESSION_SUSPEND:
        log_line("%s: nobody needs the stream: suspended", m->name);
        break;
    case SESSION_BODY:
    case SESSION_TOLD:
        break;
    }
}

void serve_log_rate(const struct stream *st)
{
    char rate[UNITS_TEXT], reason[80];

    log_line("%s: rate %s: %s", st->session.name, units_rate_text(rate, st->rate.now),
             rate_reason_text(&st->rate, reason, sizeof reason));
}

/* The receiver that is furthest behind, and the largest loss there is. */
static void survey(const struct session_image *m, uint16_t *slowest, uint32_t *worst)
{
    *slowest = 10000;
    *worst = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct session_receiver *r = &m->rows[i];

        if (r->gone || r->facts.state > SESSION_RECEIVING)
            continue;
        *slowest = r->facts.done < *slowest ? r->facts.done : *slowest;
        *worst = r->loss_ppm > *worst ? r->loss_ppm : *worst;
    }
}

void serve_log_status(const struct serve *s)
{
    for (unsigned i = 0; i < s->n_streams; i++) {
        const struct stream *st = &s->streams[i];
        struct send_stats now;
        char rate[UNITS_TEXT];
        uint16_t slowest;
        uint32_t worst;

        if (!st->session.running)
            continue;
        send_stats(st->send, &now);
        survey(&st->session, &slowest, &worst);
        log_line("%s: %s, loop %u, window %u of %u, repair %.1f %%; %u receivers need it, the "
                 "slowest at %.1f %%, loss up to "
                 "%.1f %%",
                 st->session.name, units_rate_text(rate, st->set), now.pass, now.window + 1,
                 st->file.head.windows,
                 st->file.head.windows && now.rows > st->file.body.windows[now.window].k
                     ? 100.0 * (now.rows - st->file.body.windows[now.window].k) /
                           st->file.body.windows[now.window].k
                     : 0.0,
                 st->session.needing, slowest / 100.0, worst / 1e4);
    }
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void serve_log_summary(const struct serve *s)
{
    for (unsigned i = 0; i < s->server.n; i++) {
        struct session_tally t = session_image_tally(&s->server, i);
        struct send_stats now;
        char bytes[UNITS_TEXT];

        if (!session_image_there(&s->server, i))
            continue;
        send_stats(s->streams[i].send, &now);
        log_line("%s: %u passed, %u failed, %u lost, %u unfinished; %s sent in %u loops",
                 s->streams[i].session.name, t.passed, t.failed, t.lost, t.unfinished,
                 units_size_text(bytes, now.bytes), now.pass);
    }
}

static void json_receiver(struct json *j, const struct session_image *m,
                          const struct session_receiver *r)
{
    static const char *const word[SESSION_STATES] = {"joined", "manifest", "receiving", "verifying",
                                                     "pass",   "fail",     "left"};
    char mac[18], address[IP_TEXT];

    snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", r->mac[0], r->mac[1], r->mac[2],
             r->mac[3], r->mac[4], r->mac[5]);
    json_open(j, NULL, '{');
    json_str(j, "mac", mac);
    json_str(j, "address", ip_address_text(address, r->address));
    json_str(j, "state", word[r->facts.state]);
    json_bool(j, "gone", r->gone);
    json_bool(j, "superseded", session_image_superseded(m, r));
    json_i64(j, "error", r->facts.error);
    json_fixed(j, "done", r->facts.done / 1e4, 4);
    json_fixed(j, "seconds", (double)mono_sub(r->heard, r->joined) / 1e9, 1);
    json_u64(j, "heard", r->facts.heard);
    json_u64(j, "missed", r->facts.missed);
    json_u64(j, "drops", r->facts.drops);
    json_u64(j, "disk_rate", r->facts.disk_rate);
    json_close(j);
}

static void json_sent(struct json *j, const struct stream *st)
{
    struct send_stats now;
    struct ring_tx_counts ring;

    send_stats(st->send, &now);
    ring_tx_counts(st->tx, &ring);
    json_u64(j, "packets", now.packets);
    json_u64(j, "wire_bytes", now.bytes);
    json_u64(j, "body_packets", now.body);
    json_u64(j, "repair_packets", now.repair);
    json_u64(j, "computed_packets", now.computed);
    json_u64(j, "passes", now.pass);
    json_u64(j, "stalls", now.stalls);
    json_fixed(j, "stall_seconds", (double)now.stall_ns / 1e9, 3);
    json_u64(j, "system_calls", ring.kicks);
    json_u64(j, "busy", ring.busy);
    json_u64(j, "rate", st->set);
}

static void json_stream(struct json *j, const struct serve *s, unsigned i)
{
    const struct stream *st = &s->streams[i];
    const struct session_image *m = &st->session;
    struct session_tally t = session_image_tally(&s->server, i);
    char group[IP_TEXT];

    json_open(j, NULL, '{');
    json_str(j, "name", m->name);
    json_str(j, "group", ip_address_text(group, m->welcome.group));
    json_u64(j, "tsi", m->welcome.tsi);
    json_sent(j, st);
    json_u64(j, "passed", t.passed);
    json_u64(j, "failed", t.failed);
    json_u64(j, "lost", t.lost);
    json_u64(j, "unfinished", t.unfinished);
    json_open(j, "receivers", '[');
    for (uint32_t r = 0; r < m->used; r++)
        json_receiver(j, m, &m->rows[r]);
    json_close(j);
    json_close(j);
}

void serve_print_json(const struct serve *s)
{
    struct session_tally t = serve_tally(s);
    size_t cap = JSON_FIXED_BYTES;
    struct json j;
    char *buf;

    for (unsigned i = 0; i < s->n_streams; i++)
        cap += s->streams[i].session.used * (size_t)JSON_ROW_BYTES;
    buf = malloc(cap);
    if (!buf)
        return;
    j = json_on(buf, cap);
    json_open(&j, NULL, '{');
    json_bool(&j, "ok", t.failed + t.lost + t.unfinished == 0);
    json_fixed(&j, "seconds", (double)mono_sub(s->ended, s->began) / 1e9, 3);
    json_fixed(&j, "cpu_seconds", cpu_seconds(), 3);
    json_bool(&j, "offload", s->offload);
    json_u64(&j, "refused_messages", s->server.refused);
    json_open(&j, "images", '[');
    for (unsigned i = 0; i < s->server.n; i++)
        if (session_image_there(&s->server, i))
            json_stream(&j, s, i);
    json_close(&j);
    json_close(&j);
    report_json(&j);
    free(buf);
}
