#include "board/box/report/diary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board/box/store/journal.h"
#include "board/errors/command.h"
#include "board/log/log.h"
#include "net/syslog/bind.h"
#include "net/webhook/bind.h"
#include "net/wire/must.h"
#include "net/wire/units.h"

struct diary {
    struct diary_needs needs;
    struct attempts attempts;
    struct syslog_bind *syslog;
    struct webhook_bind *webhook;
    uint32_t deliveries;
    bool webhook_failing; /* said in the log */
    struct mono second;
};

static struct attempt_clock attempt_clock_now(const struct diary *r)
{
    return (struct attempt_clock){.unix_s = (uint64_t)time(NULL),
                                  .up_s = (uint32_t)(ip_stack_now(r->needs.stack).ns / MONO_S)};
}

static uint64_t believed(struct attempt_clock c)
{
    return c.unix_s >= ATTEMPT_CLOCK_LEAST ? c.unix_s : 0;
}

/* ---- syslog ---- */

struct attempt_texts {
    char mac[18], number[12], error[12], cause[REPORT_CAUSE_MAX], text[512];
};

static void describe(const struct attempt *a, struct attempt_texts *t)
{
    snprintf(t->mac, sizeof t->mac, "%02x:%02x:%02x:%02x:%02x:%02x", a->mac[0], a->mac[1],
             a->mac[2], a->mac[3], a->mac[4], a->mac[5]);
    snprintf(t->number, sizeof t->number, "%lu", (unsigned long)a->number);
    snprintf(t->error, sizeof t->error, a->error ? "%d" : "", (int)a->error);
    report_cause(a, error_sentence, t->cause);
    snprintf(t->text, sizeof t->text, "%s%s%s%s: %s%s%s of image %s", t->mac,
             a->name[0] ? " (" : "", a->name, a->name[0] ? ")" : "",
             a->result == ATTEMPT_RUNNING ? "begins" : attempt_result_name(a->result),
             t->cause[0] ? ", " : "", t->cause, a->image);
}

static void tell_syslog(struct diary *r, const struct attempt *a, const struct attempt_texts *t)
{
    const struct syslog_message m = {
        .severity = a->result == ATTEMPT_RUNNING ? SYSLOG_INFO
                    : a->result == ATTEMPT_PASS  ? SYSLOG_NOTICE
                                                 : SYSLOG_WARNING,
        .unix_s = believed(attempt_clock_now(r)),
        .host = r->needs.config->name,
        .id = a->result == ATTEMPT_RUNNING ? "ATTEMPT-BEGAN" : "ATTEMPT-ENDED",
        .data = "attempt@32473",
        .n = 11,
        .param = {{"attempt", t->number},
                  {"mac", t->mac},
                  {"result", attempt_result_name(a->result)},
                  {"error", t->error},
                  {"name", a->name},
                  {"asset", a->asset},
                  {"position", a->position},
                  {"machineSerial", a->machine_serial},
                  {"diskSerial", a->disk_serial},
                  {"image", a->image},
                  {"version", a->version}},
        .text = t->text,
    };

    syslog_bind_send(r->syslog, &m);
}

static void greet_syslog(struct diary *r)
{
    const struct syslog_message m = {.severity = SYSLOG_NOTICE,
                                     .unix_s = believed(attempt_clock_now(r)),
                                     .host = r->needs.config->name,
                                     .id = "START",
                                     .text = "the box is up"};

    syslog_bind_send(r->syslog, &m);
}

/* ---- webhook ---- */

static void tell_webhook(struct diary *r, const struct attempt *a)
{
    char body[WEBHOOK_BODY_MAX], delivery[WEBHOOK_DELIVERY_MAX + 1], date[UNITS_TEXT];
    struct json j = json_on(body, sizeof body);
    uint64_t now = believed(attempt_clock_now(r));

    snprintf(delivery, sizeof delivery, "%lu-%lu", (unsigned long)r->attempts.run,
             (unsigned long)++r->deliveries);
    json_open(&j, NULL, '{');
    json_str(&j, "event", a->result == ATTEMPT_RUNNING ? "attempt.began" : "attempt.ended");
    json_str(&j, "delivery", delivery);
    json_str(&j, "box", r->needs.config->name);
    json_str(&j, "time", now ? units_date_text(date, now) : NULL);
    json_open(&j, "attempt", '{');
    report_attempt(&j, a, error_sentence);
    json_close(&j);
    json_close(&j);
    MUST(!j.bad);
    webhook_bind_put(r->webhook, delivery, j.buf, j.len);
}

/* The first failure is said, and that it works again. */
static void on_webhook(void *ctx, const char *delivery, unsigned status)
{
    struct diary *r = ctx;
    bool failed = status / 100 != 2;

    if (failed && !r->webhook_failing && status)
        log_line("webhook: %s answers %u to delivery %s", r->needs.config->report.webhook, status,
                 delivery);
    else if (failed && !r->webhook_failing)
        log_line("webhook: %s does not answer; it is tried again", r->needs.config->report.webhook);
    else if (!failed && r->webhook_failing)
        log_line("webhook: %s takes events again", r->needs.config->report.webhook);
    r->webhook_failing = failed;
}

/* ---- attempts ---- */

static void on_attempt(void *ctx, const struct attempt *a)
{
    struct diary *r = ctx;
    struct attempt_texts texts;

    if (r->syslog) {
        describe(a, &texts);
        tell_syslog(r, a, &texts);
    }
    if (r->webhook)
        tell_webhook(r, a);
}

static void store_attempt(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value,
                          size_t n)
{
    struct diary *r = ctx;

    r->needs.store(r->needs.ctx, JOURNAL_ATTEMPT, key, nkey, value, n);
}

static const struct expected *expected_of(const struct diary *r)
{
    return r->needs.expected ? r->needs.expected(r->needs.ctx) : NULL;
}

static struct attempt_what what_of(const struct diary *r, const struct stream *st,
                                   const uint8_t mac[6])
{
    const struct expected *list = expected_of(r);
    const struct expected_row *e = list ? expected_look(list, mac) : NULL;

    return (struct attempt_what){.name = e ? e->name : NULL,
                                 .asset = e ? e->asset : NULL,
                                 .position = e ? e->position : NULL,
                                 .image = st->session.name,
                                 .version = st->file.head.label,
                                 .root = st->file.head.root,
                                 .session =
                                     r->needs.session ? r->needs.session(r->needs.ctx, st) : 0,
                                 .data_bytes = st->file.head.data_bytes};
}

void diary_event(struct diary *r, const struct session_event *e, const struct stream *st)
{
    struct attempt_what what;

    if (!e->receiver)
        return;
    if (e->what == SESSION_TOLD) {
        attempts_told(&r->attempts, e->receiver->id, e->info->serial, e->info->disk,
                      e->info->disk_serial);
        return;
    }
    what = what_of(r, st, e->receiver->mac);
    attempts_event(&r->attempts, e, &what, attempt_clock_now(r));
}

bool diary_kept(struct diary *r, const uint8_t id[SESSION_ID_BYTES], struct memory *memory)
{
    uint8_t key[ATTEMPT_KEY_BYTES];
    enum attempt_stored is = attempts_stored(&r->attempts, id, key);

    return is == ATTEMPT_NO_ROW ||
           (is == ATTEMPT_STORED && memory_kept(memory, JOURNAL_ATTEMPT, key, sizeof key));
}

void diary_refresh(struct diary *r, const struct stream *st)
{
    const struct attempt_what what = {.data_bytes = st->file.head.data_bytes};

    for (uint32_t i = 0; i < st->session.used; i++)
        if (!st->session.rows[i].gone)
            attempts_refresh(&r->attempts, &st->session.rows[i], &what, attempt_clock_now(r));
}

void diary_tick(struct diary *r, struct mono now)
{
    if (r->webhook)
        webhook_bind_tick(r->webhook, now);
    if (mono_sub(now, r->second) < MONO_S)
        return;
    r->second = now;
    attempts_tick(&r->attempts, attempt_clock_now(r));
}

void diary_recall(const struct diary *r, void (*tell)(void *ctx, const struct attempt *), void *ctx)
{
    attempts_recall(&r->attempts, tell, ctx);
}

struct report_about diary_about(const struct diary *r)
{
    return (struct report_about){.attempts = &r->attempts,
                                 .expected = expected_of(r),
                                 .key = r->needs.key,
                                 .box = r->needs.config->name,
                                 .now = attempt_clock_now(r),
                                 .sentence = error_sentence};
}

/* ---- begin and end ---- */

int diary_make(struct diary **out, const struct diary_needs *needs, struct err *err)
{
    struct diary *r = calloc(1, sizeof *r);

    *out = r;
    if (!r)
        return err_set(err, PC_EMEMORY, "out of memory");
    r->needs = *needs;
    attempts_init(&r->attempts);
    return 0;
}

enum told diary_restore(struct diary *r, const uint8_t *key, size_t nkey, const uint8_t *value,
                        size_t nvalue)
{
    return attempts_restore(&r->attempts, key, nkey, value, nvalue);
}

static void open_syslog(struct diary *r)
{
    const struct box_config *c = r->needs.config;
    struct err err = {0};

    if (!c->report.syslog)
        return;
    if (syslog_bind_open(&r->syslog, c->report.syslog, c->report.syslog_port, &err))
        log_line("no syslog: %s (%d)", err.text, err.code);
    else
        greet_syslog(r);
}

static void open_webhook(struct diary *r)
{
    const struct box_config *c = r->needs.config;
    struct webhook_config w = {.tell = on_webhook, .ctx = r};
    struct err err = {0};
    int rc;

    if (!c->report.webhook[0])
        return;
    memcpy(w.secret, c->report.secret, sizeof w.secret);
    rc = webhook_url_parse(c->report.webhook, &w.url, &w.address, &err);
    if (rc == 0)
        rc = webhook_bind_open(&r->webhook, &w, &err);
    if (rc)
        log_line("no webhook: %s (%d)", err.text, err.code);
}

void diary_open(struct diary *r)
{
    r->attempts.store = store_attempt;
    r->attempts.ctx = r;
    attempts_begin(&r->attempts, attempt_clock_now(r));
    open_syslog(r);
    open_webhook(r);
    r->attempts.tell = on_attempt;
}

void diary_close(struct diary *r)
{
    if (!r)
        return;
    syslog_bind_close(r->syslog);
    webhook_bind_close(r->webhook);
    free(r);
}
