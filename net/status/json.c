#include "net/status/json.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"

#define ADDRESS_TEXT 16
#define ALL_FIELDS UINT32_MAX

/* ---- texts ---- */

const char *status_mac_text(char to[STATUS_MAC_TEXT], const uint8_t mac[6])
{
    snprintf(to, STATUS_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    return to;
}

/* The calendar of the Gregorian rules, from days since 1970: eras of 400 years, years that begin in
 * March. */
const char *status_time_text(char to[STATUS_TIME_TEXT], uint64_t unix_s)
{
    uint64_t limited = unix_s < 253402300800 ? unix_s : 253402300799; /* year 9999 */
    uint32_t days = (uint32_t)(limited / 86400) + 719468, second = (uint32_t)(limited % 86400);
    uint32_t era = days / 146097, doe = days % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
             doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1,
             month = mp < 10 ? mp + 3 : mp - 9;
    uint32_t year = yoe + era * 400 + (month <= 2);

    snprintf(to, STATUS_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000, month % 100,
             day % 100, second / 3600 % 100, second / 60 % 60, second % 60);
    return to;
}

static void put_time(struct json *j, const char *key, uint64_t unix_s)
{
    char text[STATUS_TIME_TEXT];

    json_str(j, key, unix_s ? status_time_text(text, unix_s) : NULL);
}

static void put_address(struct json *j, const char *key, uint32_t a)
{
    char text[ADDRESS_TEXT];

    snprintf(text, sizeof text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    json_str(j, key, a ? text : NULL);
}

static void put_seconds(struct json *j, const char *key, int32_t s)
{
    if (s < 0)
        json_null(j, key);
    else
        json_i64(j, key, s);
}

/* ---- parts ---- */

static void put_box(struct json *j, const struct room_box *b)
{
    static const char *const guard[] = {[ROOM_GUARD_SERVING] = "serving",
                                        [ROOM_GUARD_LISTENING] = "listening",
                                        [ROOM_GUARD_SILENT] = "silent"};

    json_open(j, "box", '{');
    json_str(j, "name", b->name);
    json_str(j, "version", b->version);
    put_address(j, "address", b->address);
    put_time(j, "time", b->unix_s);
    json_u64(j, "uptime_s", b->uptime_s);
    json_str(j, "guard", guard[b->guard]);
    json_str(j, "guard_text", b->guard_text);
    json_str(j, "hold", b->hold[0] ? b->hold : NULL);
    json_u64(j, "data_free_bytes", b->data_free_bytes);
    json_str(j, "fingerprint", b->fingerprint[0] ? b->fingerprint : NULL);
    json_close(j);
}

static void put_totals(struct json *j, const struct room_totals *t)
{
    json_open(j, "totals", '{');
    json_u64(j, "machines", t->machines);
    json_u64(j, "waiting", t->waiting);
    json_u64(j, "imaging", t->imaging);
    json_u64(j, "verifying", t->verifying);
    json_u64(j, "passed", t->passed);
    json_u64(j, "failed", t->failed);
    json_u64(j, "lost", t->lost);
    json_u64(j, "expected", t->expected);
    json_u64(j, "never_came", t->never_came);
    json_close(j);
}

static void put_start(struct json *j, const struct room_session *s)
{
    static const char *const rule[] = {[ROOM_START_NOW] = "now",
                                       [ROOM_START_READY] = "ready",
                                       [ROOM_START_AT] = "at",
                                       [ROOM_START_QUIET] = "quiet"};
    char at[8];

    json_open(j, "start", '{');
    json_str(j, "rule", rule[s->rule]);
    if (s->rule == ROOM_START_READY)
        json_u64(j, "n", s->ready_n);
    snprintf(at, sizeof at, "%02u:%02u", s->at_minute / 60 % 24, s->at_minute % 60);
    if (s->rule == ROOM_START_AT)
        json_str(j, "at", at);
    if (s->rule == ROOM_START_QUIET)
        json_u64(j, "minutes", s->quiet_minutes);
    json_close(j);
}

static void put_session(struct json *j, const struct room_session *s)
{
    static const char *const state[] = {[ROOM_SESSION_WAITING] = "waiting",
                                        [ROOM_SESSION_RUNNING] = "running",
                                        [ROOM_SESSION_SUSPENDED] = "suspended",
                                        [ROOM_SESSION_STOPPED] = "stopped",
                                        [ROOM_SESSION_DONE] = "done"};

    json_open(j, NULL, '{');
    json_u64(j, "id", s->id);
    json_bool(j, "planned", s->planned);
    json_str(j, "image", s->image);
    json_str(j, "version", s->version);
    json_str(j, "state", state[s->state]);
    put_start(j, s);
    json_str(j, "sentence", s->sentence);
    json_u64(j, "rate_bits_s", s->rate);
    json_bool(j, "rate_fixed", s->rate_fixed);
    json_str(j, "rate_reason", s->rate_reason);
    json_u64(j, "repair_ppm", s->repair_ppm);
    json_u64(j, "machines", s->machines);
    json_u64(j, "passed", s->passed);
    json_u64(j, "failed", s->failed);
    put_seconds(j, "eta_s", s->eta_s);
    put_time(j, "started", s->started);
    put_time(j, "armed_until", s->armed_until);
    json_close(j);
}

static void put_field(struct json *j, const struct room_machine *m, enum room_field f)
{
#define X(name, word) word,
    static const char *const words[] = {ROOM_FIELDS(X)};
#undef X
    const char *key = words[f];

    switch (f) {
    case ROOM_BIT_NUMBER:
        json_u64(j, key, m->number);
        break;
    case ROOM_BIT_NAME:
        json_str(j, key, m->name);
        break;
    case ROOM_BIT_ASSET:
        json_str(j, key, m->asset);
        break;
    case ROOM_BIT_POSITION:
        json_str(j, key, m->position);
        break;
    case ROOM_BIT_SERIAL:
        json_str(j, key, m->serial);
        break;
    case ROOM_BIT_ADDRESS:
        put_address(j, key, m->address);
        break;
    case ROOM_BIT_SESSION:
        json_u64(j, key, m->session);
        break;
    case ROOM_BIT_STATE:
        json_str(j, key, room_state_word(m->state));
        break;
    case ROOM_BIT_PERCENT:
        json_fixed(j, key, m->done / 100.0, 1);
        break;
    case ROOM_BIT_RATE:
        json_u64(j, key, m->rate);
        break;
    case ROOM_BIT_LOSS:
        json_u64(j, key, m->loss_ppm);
        break;
    case ROOM_BIT_DROPPED:
        json_u64(j, key, m->drop_ppm);
        break;
    case ROOM_BIT_DISK_RATE:
        json_u64(j, key, m->disk_rate);
        break;
    case ROOM_BIT_LINK:
        json_u64(j, key, m->link_mbps);
        break;
    case ROOM_BIT_ETA:
        put_seconds(j, key, m->eta_s);
        break;
    case ROOM_BIT_CAUSE:
        json_str(j, key, m->cause);
        break;
    case ROOM_BIT_DISK:
        json_str(j, key, m->disk);
        break;
    case ROOM_BIT_DISK_SERIAL:
        json_str(j, key, m->disk_serial);
        break;
    case ROOM_BIT_IDENTIFY:
        json_bool(j, key, m->identify);
        break;
    case ROOM_FIELD_COUNT:
        break;
    }
}

static void put_machine(struct json *j, const struct room_machine *m, uint32_t fields)
{
    char mac[STATUS_MAC_TEXT];

    json_open(j, NULL, '{');
    json_str(j, "mac", status_mac_text(mac, m->mac));
    for (unsigned f = 0; f < ROOM_FIELD_COUNT; f++)
        if (fields >> f & 1 || f == ROOM_BIT_NUMBER)
            put_field(j, m, (enum room_field)f);
    json_close(j);
}

void status_json_machine(struct json *j, const struct room_machine *m)
{
    put_machine(j, m, ALL_FIELDS);
}

void status_json_sessions(struct json *j, const struct room_snapshot *s)
{
    json_open(j, "sessions", '[');
    for (unsigned i = 0; i < s->n_sessions; i++)
        put_session(j, &s->session[i]);
    json_close(j);
}

/* ---- wholes ---- */

static struct json begin(const struct room_snapshot *s, char *buf, size_t cap)
{
    struct json j = json_on(buf, cap);

    json_open(&j, NULL, '{');
    json_u64(&j, "seq", s->seq);
    put_box(&j, &s->box);
    put_totals(&j, &s->totals);
    return j;
}

static size_t end(struct json *j)
{
    json_close(j);
    return json_text(j) ? j->len : 0;
}

size_t status_json_whole(const struct room_snapshot *s, char *buf, size_t cap)
{
    struct json j = begin(s, buf, cap);

    status_json_sessions(&j, s);
    json_open(&j, "machines", '[');
    for (unsigned i = 0; i < s->n_machines; i++)
        status_json_machine(&j, &s->machine[i]);
    json_close(&j);
    return end(&j);
}

size_t status_json_change(const struct room_snapshot *s, char *buf, size_t cap)
{
    struct json j = begin(s, buf, cap);
    char mac[STATUS_MAC_TEXT];

    json_open(&j, "sessions", '[');
    for (unsigned i = 0; i < s->n_sessions; i++)
        if (s->session[i].fresh)
            put_session(&j, &s->session[i]);
    json_close(&j);
    json_open(&j, "machines", '[');
    for (unsigned i = 0; i < s->n_machines; i++)
        if (s->machine[i].fresh)
            put_machine(&j, &s->machine[i], s->machine[i].fresh);
    json_close(&j);
    json_open(&j, "gone", '[');
    for (unsigned i = 0; i < s->n_gone; i++)
        json_str(&j, NULL, status_mac_text(mac, s->gone[i]));
    json_close(&j);
    return end(&j);
}
