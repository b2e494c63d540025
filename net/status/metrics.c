#include "net/status/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/status/json.h"

struct text {
    char *at;
    size_t left;
    bool bad; /* did not fit */
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (t->bad)
        return;
    va_start(ap, fmt);
    n = vsnprintf(t->at, t->left, fmt, ap);
    va_end(ap);
    t->bad = n < 0 || (size_t)n >= t->left;
    if (t->bad)
        return;
    t->at += n;
    t->left -= (size_t)n;
}

/* name="value", escaped as the format asks. */
static void put_label(struct text *t, const char *name, const char *value)
{
    put(t, "%s=\"", name);
    for (; *value; value++)
        if (*value == '\\' || *value == '"')
            put(t, "\\%c", *value);
        else if (*value == '\n')
            put(t, "\\n");
        else
            put(t, "%c", *value);
    put(t, "\"");
}

static void head(struct text *t, const char *name, const char *type, const char *help)
{
    put(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct text *t, const char *name, const char *type, const char *help,
                   double value)
{
    head(t, name, type, help);
    put(t, "%s %.17g\n", name, value);
}

/* ---- the box ---- */

static void put_box(struct text *t, const struct room_snapshot *s)
{
    head(t, "ringcast_box_info", "gauge", "The box.");
    put(t, "ringcast_box_info{");
    put_label(t, "name", s->box.name);
    put(t, ",");
    put_label(t, "version", s->box.version);
    put(t, "} 1\n");
    single(t, "ringcast_uptime_seconds", "gauge", "Since the box's program was started.",
           (double)s->box.uptime_s);
    single(t, "ringcast_data_free_bytes", "gauge", "Free room for images.",
           (double)s->box.data_free_bytes);
    single(t, "ringcast_serving", "gauge", "1 while no other DHCP server keeps the box silent.",
           s->box.guard == ROOM_GUARD_SERVING);
    single(t, "ringcast_on_hold", "gauge", "1 while nothing is erased until a person decides.",
           s->box.hold[0] != 0);
    single(t, "ringcast_refused_messages_total", "counter",
           "Session messages dropped: forged, replayed, broken.", (double)s->box.refused);
}

static void put_steps(struct text *t, const struct steps *s)
{
    static const char name[] = "ringcast_control_turn_seconds";
    uint64_t below = 0;

    head(t, name, "histogram",
         "Processor time of each turn of the thread that hands out addresses.");
    for (unsigned i = 0; i < STEPS_CLASSES; i++)
        put(t, "%s_bucket{le=\"%g\"} %llu\n", name, steps_bound_us[i] / 1e6,
            (unsigned long long)(below += s->n[i]));
    put(t, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)s->all);
    put(t, "%s_sum %.9g\n%s_count %llu\n", name, (double)s->sum_ns / 1e9, name,
        (unsigned long long)s->all);
    single(t, "ringcast_control_longest_turn_seconds", "gauge", "The longest of these turns.",
           (double)s->most_ns / 1e9);
}

static void put_states(struct text *t, const struct room_snapshot *s)
{
    uint32_t n[ROOM_STATE_COUNT] = {0};

    for (unsigned i = 0; i < s->n_machines; i++)
        n[s->machine[i].state]++;
    head(t, "ringcast_machines", "gauge", "Machines the box knows of.");
    for (unsigned i = 0; i < ROOM_STATE_COUNT; i++)
        put(t, "ringcast_machines{state=\"%s\"} %u\n", room_state_word((enum room_state)i),
            (unsigned)n[i]);
    single(t, "ringcast_machines_expected", "gauge", "Machines on the list.", s->totals.expected);
    single(t, "ringcast_machines_never_came", "gauge", "Machines on the list that were not seen.",
           s->totals.never_came);
}

/* ---- sessions ---- */

struct session_metric {
    const char *name, *help;
    double (*value)(const struct room_session *);
};

static double session_rate(const struct room_session *s)
{
    return (double)s->rate / 8;
}
static double session_running(const struct room_session *s)
{
    return s->state == ROOM_SESSION_RUNNING;
}
static double session_repair(const struct room_session *s)
{
    return s->repair_ppm / 1e6;
}
static double session_passed(const struct room_session *s)
{
    return s->passed;
}
static double session_failed(const struct room_session *s)
{
    return s->failed;
}

static void put_sessions(struct text *t, const struct room_snapshot *s)
{
    static const struct session_metric metrics[] = {
        {"ringcast_session_rate_bytes_per_second", "Of the stream on the wire.", session_rate},
        {"ringcast_session_running", "1 while the stream runs.", session_running},
        {"ringcast_session_repair_ratio", "Repair symbols for each source symbol.", session_repair},
        {"ringcast_session_passed", "Machines of the session that passed.", session_passed},
        {"ringcast_session_failed", "Machines of the session that failed.", session_failed},
    };

    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++) {
        head(t, metrics[k].name, "gauge", metrics[k].help);
        for (unsigned i = 0; i < s->n_sessions; i++) {
            put(t, "%s{session=\"%u\",", metrics[k].name, (unsigned)s->session[i].id);
            put_label(t, "image", s->session[i].image);
            put(t, "} %.17g\n", metrics[k].value(&s->session[i]));
        }
    }
}

/* ---- machines ---- */

struct machine_metric {
    const char *name, *help;
    double (*value)(const struct room_machine *);
};

static double machine_done(const struct room_machine *m)
{
    return m->done / 1e4;
}
static double machine_loss(const struct room_machine *m)
{
    return m->loss_ppm / 1e6;
}
static double machine_dropped(const struct room_machine *m)
{
    return m->drop_ppm / 1e6;
}
static double machine_rate(const struct room_machine *m)
{
    return (double)m->rate / 8;
}
static double machine_disk(const struct room_machine *m)
{
    return (double)m->disk_rate;
}
static double machine_link(const struct room_machine *m)
{
    return m->link_mbps * 125e3;
}
static double machine_state(const struct room_machine *m)
{
    return m->state;
}

static void put_info(struct text *t, const struct room_snapshot *s)
{
    char mac[STATUS_MAC_TEXT];

    head(t, "ringcast_machine_info", "gauge", "What a machine is.");
    for (unsigned i = 0; i < s->n_machines; i++) {
        const struct room_machine *m = &s->machine[i];

        put(t, "ringcast_machine_info{mac=\"%s\",number=\"%u\",", status_mac_text(mac, m->mac),
            m->number);
        put_label(t, "name", m->name);
        put(t, ",");
        put_label(t, "asset", m->asset);
        put(t, ",");
        put_label(t, "serial", m->serial);
        put(t, ",");
        put_label(t, "disk", m->disk);
        put(t, ",");
        put_label(t, "disk_serial", m->disk_serial);
        put(t, "} 1\n");
    }
}

static void put_machines(struct text *t, const struct room_snapshot *s)
{
    static const struct machine_metric metrics[] = {
        {"ringcast_machine_state",
         "0 booting, 1 joined, 2 manifest, 3 receiving, 4 verifying, 5 pass, 6 fail, 7 left, 8 "
         "lost.",
         machine_state},
        {"ringcast_machine_done_ratio", "Of the image.", machine_done},
        {"ringcast_machine_loss_ratio", "Packets lost on the way lately.", machine_loss},
        {"ringcast_machine_dropped_ratio",
         "Packets that arrived and that the machine dropped itself lately.", machine_dropped},
        {"ringcast_machine_rate_bytes_per_second", "Of the stream as the machine hears it.",
         machine_rate},
        {"ringcast_machine_disk_bytes_per_second", "Written.", machine_disk},
        {"ringcast_machine_link_bytes_per_second", "Of its cable; 0: not known.", machine_link},
    };
    char mac[STATUS_MAC_TEXT];

    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++) {
        head(t, metrics[k].name, "gauge", metrics[k].help);
        for (unsigned i = 0; i < s->n_machines; i++)
            put(t, "%s{mac=\"%s\"} %.17g\n", metrics[k].name,
                status_mac_text(mac, s->machine[i].mac), metrics[k].value(&s->machine[i]));
    }
}

size_t metrics_write(const struct room_snapshot *s, const struct steps *steps, char *buf,
                     size_t cap)
{
    struct text t = {.at = buf, .left = cap};

    put_box(&t, s);
    put_steps(&t, steps);
    put_states(&t, s);
    put_sessions(&t, s);
    put_info(&t, s);
    put_machines(&t, s);
    return t.bad ? 0 : cap - t.left;
}
