#include "board/core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/core/plist.h"
#include "net/ip/stack.h"
#include "net/session/proto.h"
#include "net/wire/units.h"

#define PPM_PER_PERCENT 10000.0
#define REPAIR_MAX_PERCENT 25.0

void config_defaults(struct config *c)
{
    memset(c, 0, sizeof *c);
    c->rate_auto = true;
    c->group = UINT32_C(0xEF524300); /* 239.82.67.0: administratively scoped (RFC 2365), "RC" */
    c->port = SESSION_PORT;
    c->ttl = 3;
    c->loop_suspend = CONFIG_SUSPEND_AUTO;
    c->repair_ppm = CONFIG_REPAIR_AUTO;
    c->mdns = true;
}

/* ---- values ---- */

static int set_rate(uint64_t *to, const char *value, struct err *err)
{
    uint64_t rate;

    if (units_rate(value, &rate) || rate < CONFIG_RATE_MIN || rate >> 48)
        return ini_wrong("a rate such as 300Mbit or 37.5MB, at least 16kB", value, err);
    *to = rate;
    return 0;
}

static int set_choice(enum config_choice *to, const char *value, struct err *err)
{
    bool on = false;

    if (strcmp(value, "auto") == 0) {
        *to = CONFIG_AUTO;
        return 0;
    }
    if (ini_truth(&on, value, "on or off", NULL))
        return ini_wrong("on, off or auto", value, err);
    *to = on ? CONFIG_ON : CONFIG_OFF;
    return 0;
}

/* Multicast, and not of the block that never leaves a link and that switches send everywhere. */
static int set_group(uint32_t *to, const char *value, struct err *err)
{
    uint32_t group;

    if (ip_address_parse(value, &group) || group >> 28 != 14 || group >> 8 == 0xE00000)
        return ini_wrong("a multicast address, 224.0.1.0 to 239.255.255.255", value, err);
    *to = group;
    return 0;
}

/* ---- keys ---- */

static int key_interface(struct config *c, const char *v, struct err *err)
{
    return ini_text(c->interface, sizeof c->interface, v, "an interface's name, at most 15 bytes",
                    err);
}

static int key_address(struct config *c, const char *v, struct err *err)
{
    struct ip_config parsed;
    int rc = ip_config_parse(&parsed, v, err);

    return rc ? rc
              : ini_text(c->address, sizeof c->address, v,
                         "an address such as 10.0.0.1/24, or dhcp", err);
}

static int key_rate(struct config *c, const char *v, struct err *err)
{
    int rc;

    c->rate_auto = strcmp(v, "auto") == 0;
    if (c->rate_auto)
        return 0;
    rc = set_rate(&c->rate, v, NULL);
    return rc ? ini_wrong("a rate such as 300Mbit or 37.5MB, at least 16kB, or auto", v, err) : 0;
}

static int key_floor(struct config *c, const char *v, struct err *err)
{
    return set_rate(&c->floor, v, err);
}

static int key_ceiling(struct config *c, const char *v, struct err *err)
{
    return set_rate(&c->ceiling, v, err);
}

static int key_client_rate(struct config *c, const char *v, struct err *err)
{
    return set_rate(&c->client_rate, v, err);
}

static int key_group(struct config *c, const char *v, struct err *err)
{
    return set_group(&c->group, v, err);
}

static int key_port(struct config *c, const char *v, struct err *err)
{
    uint32_t port;
    int rc = ini_number(&port, v, "", NULL, 1, 65535, "a port, 1 to 65535", err);

    if (rc == 0)
        c->port = (uint16_t)port;
    return rc;
}

static int key_ttl(struct config *c, const char *v, struct err *err)
{
    uint32_t ttl;
    int rc = ini_number(&ttl, v, "", NULL, 1, 255, "a TTL, 1 to 255", err);

    if (rc == 0)
        c->ttl = (uint8_t)ttl;
    return rc;
}

static int key_loop_suspend(struct config *c, const char *v, struct err *err)
{
    if (strcmp(v, "auto") != 0)
        return ini_number(&c->loop_suspend, v, "", NULL, 0, 1000000,
                          "a number of loops (0: never), or auto", err);
    c->loop_suspend = CONFIG_SUSPEND_AUTO;
    return 0;
}

static int key_offload(struct config *c, const char *v, struct err *err)
{
    return set_choice(&c->offload, v, err);
}

static int key_repair(struct config *c, const char *v, struct err *err)
{
    char *end;
    double percent;

    if (strcmp(v, "auto") == 0 || strcmp(v, "fixed") == 0) {
        c->repair_ppm = v[0] == 'a' ? CONFIG_REPAIR_AUTO : CONFIG_REPAIR_FIXED;
        return 0;
    }
    percent = v[0] >= '0' && v[0] <= '9' ? strtod(v, &end) : -1;
    if (percent < 0 || percent > REPAIR_MAX_PERCENT || (strcmp(end, "") && strcmp(end, "%")))
        return ini_wrong("a percentage of 0 to 25, fixed or auto", v, err);
    c->repair_ppm = (uint32_t)(percent * PPM_PER_PERCENT + 0.5);
    return 0;
}

static int key_mdns(struct config *c, const char *v, struct err *err)
{
    return ini_truth(&c->mdns, v, "on or off", err);
}

static int key_image(struct config *c, const char *v, struct err *err)
{
    int rc;

    if (c->n_images == CONFIG_IMAGES_MAX)
        return ini_wrong("at most 16 images", v, err);
    rc = ini_text(c->image[c->n_images], sizeof c->image[0], v, "a path of at most 255 bytes", err);
    c->n_images += rc == 0;
    return rc;
}

static const struct {
    const char *name;
    int (*set)(struct config *, const char *value, struct err *);
    bool repeats;
} keys[] = {
    {"interface", key_interface, false},
    {"address", key_address, false},
    {"rate", key_rate, false},
    {"floor", key_floor, false},
    {"ceiling", key_ceiling, false},
    {"client-rate", key_client_rate, false},
    {"group", key_group, false},
    {"port", key_port, false},
    {"ttl", key_ttl, false},
    {"loop-suspend", key_loop_suspend, false},
    {"offload", key_offload, false},
    {"repair", key_repair, false},
    {"mdns", key_mdns, false},
    {"image", key_image, true},
};
#define KEYS (sizeof keys / sizeof *keys)

static size_t key_find(const char *name)
{
    size_t i = 0;

    while (i < KEYS && strcmp(keys[i].name, name) != 0)
        i++;
    return i;
}

int config_set(struct config *c, const char *key, const char *value, struct err *err)
{
    struct err why = {0};
    size_t i = key_find(key);
    int rc;

    if (i == KEYS)
        return err_set(err, CONFIG_EKEY, "%.40s: no such key", key);
    rc = keys[i].set(c, value, &why);
    return rc ? err_set(err, rc, "%s: %s", key, why.text) : 0;
}

/* ---- ringcast.conf ---- */

int config_entry(struct config *c, uint32_t *seen, const struct ini_place *at, const char *key,
                 const char *value, struct err *err)
{
    struct err why = {0};
    size_t i = key_find(key);

    if (i == KEYS)
        return err_set(err, CONFIG_EKEY,
                       "%s:%u: expected a key such as rate or image, got \"%.40s\"", at->file,
                       at->line, key);
    if (*seen >> i & 1 && !keys[i].repeats)
        return err_set(err, CONFIG_EKEY, "%s:%u: expected %s once, got it again", at->file,
                       at->line, key);
    *seen |= UINT32_C(1) << i;
    if (config_set(c, key, value, &why))
        return err_set(err, why.code, "%s:%u: %s", at->file, at->line, why.text);
    return 0;
}

struct ini_config {
    struct config *config;
    uint32_t seen;
};

static int on_entry(void *ctx, const struct ini_place *at, const char *section, const char *key,
                    const char *value, struct err *err)
{
    struct ini_config *t = ctx;

    if (*section && strcmp(section, "serve") != 0)
        return err_set(err, CONFIG_EKEY, "%s:%u: expected the section [serve] or none, got [%.40s]",
                       at->file, at->line, section);
    return config_entry(t->config, &t->seen, at, key, value, err);
}

static int parse_ini(struct config *c, const char *file, const char *text, size_t n,
                     struct err *err)
{
    struct ini_config t = {.config = c};

    return ini_text_read(file, text, n, on_entry, &t, err);
}

/* ---- asr's property list ---- */

enum asr_needs { ASR_POSITIVE, ASR_NUMBER, ASR_TEXT, ASR_TRUTH };

/* Apple's name, ours, and what it must be. */
static const struct {
    const char *name, *key;
    enum asr_needs needs;
    bool required;
} asr_keys[] = {
    {"Data Rate", "rate", ASR_POSITIVE, true},
    {"Multicast Address", "group", ASR_TEXT, true},
    {"Client Data Rate", "client-rate", ASR_POSITIVE, false},
    {"DNS Service Discovery", "mdns", ASR_TRUTH, false},
    {"Loop Suspend", "loop-suspend", ASR_NUMBER, false},
    {"Multicast TTL", "ttl", ASR_NUMBER, false},
    {"Port", "port", ASR_NUMBER, false},
};
#define ASR_KEYS (sizeof asr_keys / sizeof *asr_keys)

struct asr {
    struct config *config;
    const char *file;
    unsigned seen;
};

static const char *asr_wants(enum asr_needs needs)
{
    return needs == ASR_TEXT    ? "a <string>"
           : needs == ASR_TRUTH ? "<true/> or <false/>"
                                : "an <integer>";
}

static bool asr_fits(enum asr_needs needs, const struct plist_value *v)
{
    if (needs == ASR_TEXT)
        return v->kind == PLIST_STRING;
    if (needs == ASR_TRUTH)
        return v->kind == PLIST_BOOL;
    return v->kind == PLIST_INTEGER && v->integer >= (needs == ASR_POSITIVE);
}

static int asr_entry(void *ctx, const char *name, const struct plist_value *v, unsigned line,
                     struct err *err)
{
    struct asr *a = ctx;
    struct err why = {0};
    char text[PLIST_TEXT_MAX + 1];
    size_t i = 0;

    while (i < ASR_KEYS && strcmp(asr_keys[i].name, name) != 0)
        i++;
    if (i == ASR_KEYS)
        return err_set(err, CONFIG_EKEY, "%s:%u: expected one of asr's keys, got \"%.60s\"",
                       a->file, line, name);
    if (a->seen >> i & 1)
        return err_set(err, CONFIG_EKEY, "%s:%u: expected \"%s\" once, got it again", a->file, line,
                       name);
    a->seen |= 1u << i;
    if (!asr_fits(asr_keys[i].needs, v))
        return err_set(err, CONFIG_EVALUE, "%s:%u: %s: expected %s%s", a->file, line, name,
                       asr_wants(asr_keys[i].needs),
                       asr_keys[i].needs == ASR_POSITIVE ? " above 0 (bytes per second)" : "");
    memcpy(text, v->text, sizeof text);
    if (v->kind == PLIST_BOOL)
        snprintf(text, sizeof text, "%s", v->truth ? "on" : "off");
    if (v->kind == PLIST_INTEGER)
        snprintf(text, sizeof text, "%lld", (long long)v->integer);
    if (config_set(a->config, asr_keys[i].key, text, &why))
        return err_set(err, why.code, "%s:%u: %s: %s", a->file, line, name, why.text);
    return 0;
}

/* asr's defaults hold where its plist is silent: loops for ever, TTL 3, advertised. */
static int parse_asr(struct config *c, const char *file, const char *text, size_t n,
                     struct err *err)
{
    struct asr a = {.config = c, .file = file};
    int rc;

    c->loop_suspend = 0;
    rc = plist_read(file, text, n, asr_entry, &a, err);
    for (size_t i = 0; rc == 0 && i < ASR_KEYS; i++)
        if (asr_keys[i].required && !(a.seen >> i & 1))
            return err_set(err, CONFIG_EMISSING, "%s: expected the key \"%s\"", file,
                           asr_keys[i].name);
    return rc;
}

/* ---- files ---- */

int config_parse(struct config *c, const char *file, const char *text, size_t n, struct err *err)
{
    if (plist_is_binary(text, n))
        return err_set(err, CONFIG_EBINARY,
                       "%s: expected an XML property list, got a binary one; 'plutil -convert xml1 "
                       "%s' converts it",
                       file, file);
    if (memchr(text, 0, n))
        return err_set(err, CONFIG_ESYNTAX, "%s: expected text, got a zero byte", file);
    return plist_is_xml(text, n) ? parse_asr(c, file, text, n, err)
                                 : parse_ini(c, file, text, n, err);
}

int config_read_file(char text[CONFIG_FILE_MAX + 1], size_t *n, const char *path, struct err *err)
{
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *n = 0;
    if (fd < 0)
        return err_set(err, CONFIG_EOPEN, "cannot open %s: %s", path, strerror(errno));
    while (*n <= CONFIG_FILE_MAX && (got = read(fd, text + *n, CONFIG_FILE_MAX + 1 - *n)) > 0)
        *n += (size_t)got;
    if (got < 0)
        err_set(err, CONFIG_EOPEN, "cannot read %s: %s", path, strerror(errno));
    close(fd);
    if (got < 0)
        return CONFIG_EOPEN;
    if (*n > CONFIG_FILE_MAX)
        return err_set(err, CONFIG_EOPEN, "%s: expected at most %d bytes", path, CONFIG_FILE_MAX);
    return 0;
}

int config_load(struct config *c, const char *path, struct err *err)
{
    static char text[CONFIG_FILE_MAX + 1];
    size_t n;
    int rc = config_read_file(text, &n, path, err);

    return rc ? rc : config_parse(c, path, text, n, err);
}

int config_check(const struct config *c, struct err *err)
{
    if (!c->interface[0])
        return err_set(err, CONFIG_EMISSING, "expected --interface: where the receivers are");
    if (c->n_images == 0)
        return err_set(err, CONFIG_EMISSING, "expected at least one image");
    return config_check_ring(c, err);
}

int config_check_ring(const struct config *c, struct err *err)
{
    if (c->floor && c->ceiling && c->floor > c->ceiling)
        return err_set(err, CONFIG_EVALUE, "expected a floor that is not above the ceiling");
    if (!c->rate_auto && ((c->floor && c->rate < c->floor) || (c->ceiling && c->rate > c->ceiling)))
        return err_set(err, CONFIG_EVALUE, "expected a rate between floor and ceiling");
    if ((c->group + (c->n_images ? c->n_images : CONFIG_IMAGES_MAX) - 1) >> 28 != 14)
        return err_set(err, CONFIG_EVALUE, "expected a group that leaves room for %u images",
                       c->n_images ? c->n_images : CONFIG_IMAGES_MAX);
    return 0;
}
