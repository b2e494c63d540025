#include "board/box/config/box_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "board/box/config/box_config_entry.h"
#include "imaging/disk/choose.h"
#include "net/ip/stack.h"
#include "net/syslog/codec.h"
#include "net/webhook/codec.h"

#define RING "ring"
#define LEASE_LEAST 60

void box_config_defaults(struct box_config *c)
{
    memset(c, 0, sizeof *c);
    config_defaults(&c->ring);
    memcpy(c->ring.address, "10.77.0.1/24", 13);
    memcpy(c->name, "ringcast", 9);
    memcpy(c->after_pass, "reboot", 7);
    memcpy(c->disk, "auto", 5);
    memcpy(c->boot.fallback, RING, sizeof RING);
    c->dhcp.lease_s = 3600;
    c->session.wish.idle_min = PLAN_IDLE_MIN;
}

/* ---- values ---- */

static int set_word(char *to, size_t cap, const char *value, const char *const *words,
                    const char *what, struct err *err)
{
    for (; *words; words++)
        if (strcmp(*words, value) == 0)
            return ini_text(to, cap, value, what, err);
    return ini_wrong(what, value, err);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef",
               *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

bool box_mac_parse(const char *text, uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++) {
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

        if (low < 0 || (i < 5 && text[2] != ':' && text[2] != '-') || (i == 5 && text[2]))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
        text += 3;
    }
    return (mac[0] & 1) == 0;
}

/* "MAC REST": the MAC, and where the rest begins. */
static const char *mac_and_rest(const char *value, uint8_t mac[6])
{
    char text[18] = "";
    size_t n = strcspn(value, " \t");

    if (n != 17)
        return NULL;
    memcpy(text, value, n);
    value += n + strspn(value + n, " \t");
    return *value && box_mac_parse(text, mac) ? value : NULL;
}

/* ---- [box] ---- */

static int box_address(struct box_config *c, const char *v, struct err *err)
{
    struct ip_config parsed = {0};

    if (ip_config_parse(&parsed, v, NULL) || !parsed.address || parsed.prefix < 8 ||
        parsed.prefix > 30)
        return ini_wrong("an address with a prefix of 8 to 30, such as 10.77.0.1/24", v, err);
    return ini_text(c->ring.address, sizeof c->ring.address, v, "an address", err);
}

static int box_interface(struct box_config *c, const char *v, struct err *err)
{
    c->ring.interface[0] = 0;
    return strcmp(v, "auto") == 0 ? 0
                                  : ini_text(c->ring.interface, sizeof c->ring.interface, v,
                                             "auto or an interface's name, at most 15 bytes", err);
}

static int box_name(struct box_config *c, const char *v, struct err *err)
{
    return ini_text(c->name, sizeof c->name, v, "a name of 1 to 32 bytes", err);
}

static int box_after_pass(struct box_config *c, const char *v, struct err *err)
{
    static const char *const words[] = {"reboot", "poweroff", "wait", NULL};

    return set_word(c->after_pass, sizeof c->after_pass, v, words, "reboot, poweroff or wait", err);
}

static int box_disk(struct box_config *c, const char *v, struct err *err)
{
    struct disk_pick pick;
    int rc = disk_rule_parse(&pick, v, err);

    return rc ? rc
              : ini_text(c->disk, sizeof c->disk, v, "auto or a rule of at most 255 bytes", err);
}

static int box_router(struct box_config *c, const char *v, struct err *err)
{
    c->router = 0;
    return *v && (ip_address_parse(v, &c->router) || !c->router)
               ? ini_wrong("an address, or nothing", v, err)
               : 0;
}

static int box_dns(struct box_config *c, const char *v, struct err *err)
{
    if (!*v)
        return 0;
    if (c->n_dns == IP_DNS_MAX)
        return ini_wrong("at most two name servers", v, err);
    if (ip_address_parse(v, &c->dns[c->n_dns]) || !c->dns[c->n_dns])
        return ini_wrong("an address, or nothing", v, err);
    c->n_dns++;
    return 0;
}

static int box_trust(struct box_config *c, const char *v, struct err *err)
{
    if (!*v)
        return 0;
    return boot_path_legal(v)
               ? ini_text(c->trust, sizeof c->trust, v, "a path of at most 127 bytes", err)
               : ini_wrong("a relative path such as authorities.pem", v, err);
}

/* ---- [dhcp] ---- */

static int dhcp_mode(struct box_config *c, const char *v, struct err *err)
{
    static const char *const words[] = {"server", "proxy", "off"};

    for (unsigned i = 0; i < 3; i++)
        if (strcmp(words[i], v) == 0) {
            c->dhcp.mode = (enum box_dhcp_mode)i;
            return 0;
        }
    return ini_wrong("server, proxy or off", v, err);
}

static int dhcp_pool(struct box_config *c, const char *v, struct err *err)
{
    char first[IP_TEXT] = "";
    size_t n = strcspn(v, "- \t");
    const char *last = v + n + strspn(v + n, " \t");

    if (n < sizeof first)
        memcpy(first, v, n);
    last += *last == '-';
    last += strspn(last, " \t");
    if (n >= sizeof first || ip_address_parse(first, &c->dhcp.first) ||
        ip_address_parse(last, &c->dhcp.last) || c->dhcp.first > c->dhcp.last || !c->dhcp.first)
        return ini_wrong("two addresses in order, such as 10.77.0.50-10.77.0.250", v, err);
    return 0;
}

static int dhcp_lease(struct box_config *c, const char *v, struct err *err)
{
    static const uint32_t factor[] = {1, 60, 3600, 86400};

    return ini_number(&c->dhcp.lease_s, v, "smhd", factor, LEASE_LEAST, BOX_LEASE_MAX,
                      "a time such as 90s, 30m, 1h or 2d, 1m to 30d", err);
}

static int dhcp_reserve(struct box_config *c, const char *v, struct err *err)
{
    struct box_mac_address r;
    const char *address = mac_and_rest(v, r.mac);

    if (c->dhcp.n_reserve == BOX_RESERVES_MAX)
        return ini_wrong("at most 512 reservations", v, err);
    if (!address || ip_address_parse(address, &r.address) || !r.address)
        return ini_wrong("a MAC and an address, such as 52:49:4e:47:00:01 10.77.0.20", v, err);
    for (unsigned i = 0; i < c->dhcp.n_reserve; i++)
        if (c->dhcp.reserve[i].address == r.address ||
            memcmp(c->dhcp.reserve[i].mac, r.mac, 6) == 0)
            return ini_wrong("each MAC and each address reserved once", v, err);
    c->dhcp.reserve[c->dhcp.n_reserve++] = r;
    return 0;
}

static int dhcp_router(struct box_config *c, const char *v, struct err *err)
{
    c->dhcp.router = 0;
    return *v && (ip_address_parse(v, &c->dhcp.router) || !c->dhcp.router)
               ? ini_wrong("an address, or nothing", v, err)
               : 0;
}

static int dhcp_dns(struct box_config *c, const char *v, struct err *err)
{
    if (!*v)
        return 0;
    if (c->dhcp.n_dns == BOX_SERVERS_MAX)
        return ini_wrong("at most three name servers", v, err);
    if (ip_address_parse(v, &c->dhcp.dns[c->dhcp.n_dns]))
        return ini_wrong("an address, or nothing", v, err);
    c->dhcp.n_dns++;
    return 0;
}

/* ---- [boot] ---- */

static int boot_default(struct box_config *c, const char *v, struct err *err)
{
    return ini_text(c->boot.fallback, sizeof c->boot.fallback, v, "ring or the name of an entry",
                    err);
}

static int boot_image(struct box_config *c, const char *v, struct err *err)
{
    return ini_text(c->boot.image, sizeof c->boot.image, v, "an image's name of 1 to 64 bytes",
                    err);
}

static int boot_menu(struct box_config *c, const char *v, struct err *err)
{
    uint32_t seconds;
    int rc = ini_number(&seconds, v, "", NULL, 0, 255, "seconds, 0 (no menu) to 255", err);

    if (rc == 0)
        c->boot.menu_seconds = (uint8_t)seconds;
    return rc;
}

static int boot_rearm(struct box_config *c, const char *v, struct err *err)
{
    return ini_truth(&c->boot.rearm, v, "yes or no", err);
}

static int boot_direct(struct box_config *c, const char *v, struct err *err)
{
    return ini_truth(&c->boot.uefi_direct, v, "yes or no", err);
}

static int boot_machine(struct box_config *c, const char *v, struct err *err)
{
    struct box_mac_entry *m = &c->boot.machine[c->boot.n_machine];
    uint8_t mac[6];
    const char *entry = mac_and_rest(v, mac);
    int rc;

    if (c->boot.n_machine == BOX_CHOICES_MAX)
        return ini_wrong("at most 512 machines", v, err);
    if (!entry)
        return ini_wrong("a MAC and an entry, such as 52:49:4e:47:00:01 ring", v, err);
    rc = ini_text(m->entry, sizeof m->entry, entry, "ring or the name of an entry", err);
    memcpy(m->mac, mac, 6);
    c->boot.n_machine += rc == 0;
    return rc;
}

/* A MAC, or else a model as Macs spell theirs. */
static int add_rule(struct box_rules *rules, bool only, const char *v, struct err *err)
{
    struct boot_rule r = {.kind = only ? BOOT_ONLY_MAC : BOOT_NOT_MAC};
    size_t n = strlen(v);

    if (rules->n == BOX_RULES_MAX)
        return ini_wrong("at most 64 machines and models", v, err);
    if (!box_mac_parse(v, r.mac)) {
        if (n < 1 || n > BOOT_MODEL_MAX || strpbrk(v, " \t:"))
            return ini_wrong("a MAC, or a Mac's model such as iMac14,3", v, err);
        r.kind = only ? BOOT_ONLY_MODEL : BOOT_NOT_MODEL;
        memcpy(r.model, v, n);
    }
    rules->rule[rules->n++] = r;
    return 0;
}

static int boot_ring_only(struct box_config *c, const char *v, struct err *err)
{
    return add_rule(&c->boot.ring, true, v, err);
}

static int boot_ring_except(struct box_config *c, const char *v, struct err *err)
{
    return add_rule(&c->boot.ring, false, v, err);
}

/* ---- [session] ---- */

/* "+01:00" */
static int box_utc_offset(struct box_config *c, const char *v, struct err *err)
{
    int minutes = *v == '+' || *v == '-' ? plan_clock_parse(v + 1) : -1;

    if (minutes < 0 || minutes > 14 * 60)
        return ini_wrong("how far the clock on the wall is ahead of UTC, such as +01:00", v, err);
    c->utc_offset_s = (*v == '-' ? -60 : 60) * minutes;
    c->has_utc_offset = true;
    return 0;
}

/* "now", "ready 10", "at 22:00", "quiet 5" */
static int session_start(struct box_config *c, const char *v, struct err *err)
{
    static const char what[] = "now, ready N, at HH:MM or quiet MINUTES";
    char word[6] = "";
    size_t n = strcspn(v, " \t");
    const char *rest = v + n + strspn(v + n, " \t");
    uint32_t number = 0;
    int minute;

    if (n >= sizeof word)
        return ini_wrong(what, v, err);
    memcpy(word, v, n);
    c->session.wish.start = plan_start_parse(word);
    c->session.planned = true;
    switch (c->session.wish.start) {
    case PLAN_NOW:
        return *rest ? ini_wrong(what, v, err) : 0;
    case PLAN_READY:
        if (ini_number(&number, rest, "", NULL, 1, PLAN_READY_MAX, "", NULL))
            return ini_wrong("ready and 1 to 4096 machines", v, err);
        c->session.wish.ready = (uint16_t)number;
        return 0;
    case PLAN_AT:
        minute = plan_clock_parse(rest);
        if (minute < 0)
            return ini_wrong("at and a time from 00:00 to 23:59", v, err);
        c->session.wish.at_min = (uint16_t)minute;
        return 0;
    case PLAN_QUIET:
        if (ini_number(&number, rest, "", NULL, 1, PLAN_QUIET_MAX, "", NULL))
            return ini_wrong("quiet and 1 to 1440 minutes", v, err);
        c->session.wish.quiet_min = (uint16_t)number;
        return 0;
    default:
        return ini_wrong(what, v, err);
    }
}

static int session_targets(struct box_config *c, const char *v, struct err *err)
{
    bool all = strcmp(v, "all") == 0;

    if (!all && strcmp(v, "expected") != 0)
        return ini_wrong("all or expected", v, err);
    c->session.wish.targets = all ? PLAN_ALL : PLAN_EXPECTED;
    return 0;
}

static int session_arm(struct box_config *c, const char *v, struct err *err)
{
    static const uint32_t factor[] = {1, 60, 24 * 60};

    return ini_number(&c->session.wish.arm_min, v, "mhd", factor, 1, PLAN_ARM_MAX,
                      "a time such as 30m, 12h or 2d, at most 30d", err);
}

static int session_idle(struct box_config *c, const char *v, struct err *err)
{
    static const uint32_t factor[] = {1, 60, 24 * 60};
    uint32_t minutes = 0;
    int rc = ini_number(&minutes, v, "mhd", factor, 1, PLAN_IDLE_MAX,
                        "a time such as 30m, 4h or 2d, at most 7d", err);

    c->session.wish.idle_min = (uint16_t)minutes;
    return rc;
}

static int session_wake(struct box_config *c, const char *v, struct err *err)
{
    return ini_truth(&c->session.wake, v, "yes or no", err);
}

/* ---- [report] ---- */

static int report_syslog(struct box_config *c, const char *v, struct err *err)
{
    struct err why = {0};

    return syslog_address_parse(v, &c->report.syslog, &c->report.syslog_port, &why)
               ? ini_wrong("a syslog server such as 10.77.0.5 or 10.77.0.5:514", v, err)
               : 0;
}

static int report_webhook(struct box_config *c, const char *v, struct err *err)
{
    struct http_url url;
    uint32_t address;

    if (webhook_url_parse(v, &url, &address, NULL))
        return ini_wrong("a URL such as http://10.77.0.5:8080/hook, with an address and no name", v,
                         err);
    return ini_text(c->report.webhook, sizeof c->report.webhook, v, "a URL of at most 255 bytes",
                    err);
}

/* What it is must not stand on a screen or in a log. */
static int report_secret(struct box_config *c, const char *v, struct err *err)
{
    size_t n = strlen(v);

    if (n < WEBHOOK_SECRET_MIN || ini_text(c->report.secret, sizeof c->report.secret, v, "", NULL))
        return err_set(err, CONFIG_EVALUE, "expected a secret of 16 to 64 bytes");
    return 0;
}

/* ---- [entry NAME] ---- */

#define ENTRY_KEY(name)                                                                            \
    static int entry_##name(struct box_config *c, const char *v, struct err *err)                  \
    {                                                                                              \
        return box_entry_##name(&c->entry[c->n_entries - 1], v, err);                              \
    }
ENTRY_KEY(kind)
ENTRY_KEY(folder)
ENTRY_KEY(bios)
ENTRY_KEY(uefi)
ENTRY_KEY(mac)
ENTRY_KEY(script)
ENTRY_KEY(id)
ENTRY_KEY(hidden)
ENTRY_KEY(mac_kind)
ENTRY_KEY(mac_root)
ENTRY_KEY(any_mac)

static int entry_only(struct box_config *c, const char *v, struct err *err)
{
    return add_rule(&c->entry[c->n_entries - 1].rules, true, v, err);
}

static int entry_except(struct box_config *c, const char *v, struct err *err)
{
    return add_rule(&c->entry[c->n_entries - 1].rules, false, v, err);
}

/* ---- [library] ---- */

static int library_sticks(struct box_config *c, const char *v, struct err *err)
{
    c->library.take_sticks = strcmp(v, "take") == 0;
    if (!c->library.take_sticks && strcmp(v, "ask") != 0)
        return err_set(err, CONFIG_EVALUE, "expected ask or take, got \"%.40s\"", v);
    return 0;
}

/* ---- sections and keys ---- */

static const struct key {
    const char *section, *name;
    int (*set)(struct box_config *, const char *value, struct err *);
    bool repeats;
} keys[] = {
    {"box", "address", box_address, false},
    {"box", "interface", box_interface, false},
    {"box", "name", box_name, false},
    {"box", "after-pass", box_after_pass, false},
    {"box", "disk", box_disk, false},
    {"box", "router", box_router, false},
    {"box", "dns", box_dns, true},
    {"box", "trust", box_trust, false},
    {"box", "utc-offset", box_utc_offset, false},
    {"dhcp", "mode", dhcp_mode, false},
    {"dhcp", "pool", dhcp_pool, false},
    {"dhcp", "lease", dhcp_lease, false},
    {"dhcp", "reserve", dhcp_reserve, true},
    {"dhcp", "router", dhcp_router, false},
    {"dhcp", "dns", dhcp_dns, true},
    {"boot", "default", boot_default, false},
    {"boot", "image", boot_image, false},
    {"boot", "menu", boot_menu, false},
    {"boot", "rearm", boot_rearm, false},
    {"boot", "uefi-direct", boot_direct, false},
    {"boot", "machine", boot_machine, true},
    {"entry", "kind", entry_kind, false},
    {"entry", "folder", entry_folder, false},
    {"entry", "loader-bios", entry_bios, false},
    {"entry", "loader-uefi", entry_uefi, false},
    {"entry", "loader-mac", entry_mac, false},
    {"entry", "script", entry_script, false},
    {"entry", "id", entry_id, false},
    {"entry", "hidden", entry_hidden, false},
    {"entry", "only", entry_only, true},
    {"entry", "mac-kind", entry_mac_kind, false},
    {"entry", "mac-root", entry_mac_root, false},
    {"entry", "any-mac", entry_any_mac, false},
    {"entry", "except", entry_except, true},
    {"boot", "ring-only", boot_ring_only, true},
    {"boot", "ring-except", boot_ring_except, true},
    {"session", "start", session_start, false},
    {"session", "targets", session_targets, false},
    {"session", "arm", session_arm, false},
    {"session", "idle", session_idle, false},
    {"session", "wake", session_wake, false},
    {"library", "sticks", library_sticks, false},
    {"report", "syslog", report_syslog, false},
    {"report", "webhook", report_webhook, false},
    {"report", "webhook-secret", report_secret, false},
};
#define KEYS (sizeof keys / sizeof *keys)
_Static_assert(KEYS <= 64, "a bit a key");
_Static_assert(BOX_SECRET_MAX == WEBHOOK_SECRET_MAX, "one limit");

struct parsing {
    struct box_config *config;
    uint64_t seen;
    uint32_t ring_seen;
    char entry[BOOT_NAME_MAX + 1]; /* whose section it is in */
};

/* "entry NAME": the section of a tree begins, or goes on. */
static int open_entry(struct parsing *p, const struct ini_place *at, const char *name,
                      struct err *err)
{
    struct box_config *c = p->config;
    struct box_entry *e;

    if (strcmp(p->entry, name) == 0)
        return 0;
    for (unsigned i = 0; i < c->n_entries; i++)
        if (strcmp(c->entry[i].name, name) == 0)
            return err_set(err, PC_ESECTION, "%s:%u: expected [entry %.40s] once, got it again",
                           at->file, at->line, name);
    if (c->n_entries == BOOT_ENTRIES_MAX - 1)
        return err_set(err, PC_ESECTION, "%s:%u: expected at most %d entries", at->file, at->line,
                       BOOT_ENTRIES_MAX - 1);
    e = &c->entry[c->n_entries];
    if (strcmp(name, RING) == 0 || ini_text(e->name, sizeof e->name, name, "", NULL))
        return err_set(
            err, PC_ESECTION,
            "%s:%u: expected a name of 1 to 63 bytes that is not \"ring\", got \"%.40s\"", at->file,
            at->line, name);
    memcpy(p->entry, e->name, sizeof p->entry);
    e->line = at->line;
    c->n_entries++;
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].section, "entry") == 0)
            p->seen &= ~(UINT64_C(1) << i);
    return 0;
}

static size_t key_find(const char *section, const char *name)
{
    size_t i = 0;

    while (i < KEYS && (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0))
        i++;
    return i;
}

/* What [ring] shares with `serve`, but for what the box decides for all services. */
static int ring_key(struct parsing *p, const struct ini_place *at, const char *key,
                    const char *value, struct err *err)
{
    if (strcmp(key, "interface") == 0 || strcmp(key, "address") == 0)
        return err_set(err, PC_EKEY, "%s:%u: expected %s in [box], got it in [ring]", at->file,
                       at->line, key);
    return config_entry(&p->config->ring, &p->ring_seen, at, key, value, err);
}

static int on_entry(void *ctx, const struct ini_place *at, const char *section, const char *key,
                    const char *value, struct err *err)
{
    struct parsing *p = ctx;
    struct err why = {0};
    bool entry = strncmp(section, "entry ", 6) == 0;
    size_t i;

    if (strcmp(section, RING) == 0)
        return ring_key(p, at, key, value, err);
    if (!entry && strcmp(section, "box") != 0 && strcmp(section, "dhcp") != 0 &&
        strcmp(section, "boot") != 0 && strcmp(section, "session") != 0 &&
        strcmp(section, "library") != 0 && strcmp(section, "report") != 0)
        return err_set(err, PC_ESECTION,
                       "%s:%u: expected [box], [dhcp], [boot], [session], [library], [ring], "
                       "[report] or [entry NAME], got [%.40s]",
                       at->file, at->line, section);
    if (entry && open_entry(p, at, section + 6, err))
        return err->code;
    i = key_find(entry ? "entry" : section, key);
    if (i == KEYS)
        return err_set(err, PC_EKEY, "%s:%u: expected a key that [%.40s] knows, got \"%.40s\"",
                       at->file, at->line, section, key);
    if (p->seen >> i & 1 && !keys[i].repeats)
        return err_set(err, PC_EKEY, "%s:%u: expected %s once, got it again", at->file, at->line,
                       key);
    p->seen |= UINT64_C(1) << i;
    if (keys[i].set(p->config, value, &why))
        return err_set(err, why.code, "%s:%u: %s: %s", at->file, at->line, key, why.text);
    return 0;
}

/* ---- what fits together ---- */

static bool has_entry(const struct box_config *c, const char *name)
{
    bool found = strcmp(name, RING) == 0;

    for (unsigned i = 0; i < c->n_entries; i++)
        found |= strcmp(c->entry[i].name, name) == 0;
    return found;
}

static int check_boot(const struct box_config *c, const char *file, struct err *err)
{
    if (!has_entry(c, c->boot.fallback))
        return err_set(err, CONFIG_EVALUE,
                       "%s: default: expected ring or the name of an [entry], got \"%.40s\"", file,
                       c->boot.fallback);
    for (unsigned i = 0; i < c->boot.n_machine; i++)
        if (!has_entry(c, c->boot.machine[i].entry))
            return err_set(err, CONFIG_EVALUE,
                           "%s: machine: expected ring or the name of an [entry], got \"%.40s\"",
                           file, c->boot.machine[i].entry);
    for (unsigned i = 0; i < c->n_entries; i++) {
        const struct box_entry *e = &c->entry[i];

        if (!e->folder[0] || !(e->loader[BOOT_BIOS][0] || e->loader[BOOT_UEFI][0] ||
                               e->loader[BOOT_MAC][0] || e->script[0]))
            return err_set(err, CONFIG_EVALUE,
                           "%s:%u: expected a folder and a loader or a script in [entry %.40s]",
                           file, e->line, e->name);
    }
    return 0;
}

/* Addresses of hosts in the box's own net, and not the box's. */
static bool usable(const struct box_config *c, uint32_t address)
{
    uint32_t hosts = UINT32_MAX >> c->prefix, host = address & hosts;

    return (address & ~hosts) == (c->address & ~hosts) && host != 0 && host != hosts &&
           address != c->address;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Without a pool: from .50 to .250 where the net is that large, else the half of it that is not the
 * box's. */
static void default_pool(struct box_config *c)
{
    uint32_t hosts = UINT32_MAX >> c->prefix, net = c->address & ~hosts;

    c->dhcp.first = net + min32(50, hosts / 4 + 1);
    c->dhcp.last = net + min32(250, hosts - 1);
    if (c->address >= c->dhcp.first && c->address <= c->dhcp.last) {
        if (c->address - c->dhcp.first > c->dhcp.last - c->address)
            c->dhcp.last = c->address - 1;
        else
            c->dhcp.first = c->address + 1;
    }
}

static int check_dhcp(struct box_config *c, const char *file, struct err *err)
{
    if (!c->dhcp.first)
        default_pool(c);
    if (c->dhcp.mode != BOX_DHCP_SERVER)
        return 0;
    if (!usable(c, c->dhcp.first) || !usable(c, c->dhcp.last) ||
        (c->address >= c->dhcp.first && c->address <= c->dhcp.last))
        return err_set(err, CONFIG_EVALUE,
                       "%s: pool: expected addresses of the box's net without the box's own", file);
    if (c->dhcp.last - c->dhcp.first >= BOX_POOL_MAX)
        return err_set(err, CONFIG_EVALUE, "%s: pool: expected at most %d addresses", file,
                       BOX_POOL_MAX);
    for (unsigned i = 0; i < c->dhcp.n_reserve; i++)
        if (!usable(c, c->dhcp.reserve[i].address))
            return err_set(err, CONFIG_EVALUE,
                           "%s: reserve: expected addresses of the box's net, not the box's own",
                           file);
    if (c->dhcp.router && c->dhcp.router != c->address && !usable(c, c->dhcp.router))
        return err_set(err, CONFIG_EVALUE, "%s: router: expected an address of the box's net",
                       file);
    return 0;
}

/* A packet to elsewhere needs somebody who takes it there. */
static int check_ways(const struct box_config *c, const char *file, struct err *err)
{
    if (c->router && !usable(c, c->router))
        return err_set(err, CONFIG_EVALUE,
                       "%s: router: expected an address of the box's net, not the box's own", file);
    for (unsigned i = 0; i < c->n_dns; i++)
        if (!c->router && !usable(c, c->dns[i]))
            return err_set(err, CONFIG_EVALUE,
                           "%s: dns: expected an address of the box's net, or router beside it",
                           file);
    return 0;
}

static int check_session(const struct box_config *c, const char *file, struct err *err)
{
    bool told = c->session.wish.targets != PLAN_ALL || c->session.wish.arm_min || c->session.wake;

    return told && !c->session.planned
               ? err_set(err, CONFIG_EVALUE, "%s: expected start in [session]", file)
               : 0;
}

static int check_report(const struct box_config *c, const char *file, struct err *err)
{
    if (c->report.webhook[0] && !c->report.secret[0])
        return err_set(err, CONFIG_EVALUE, "%s: webhook: expected webhook-secret beside it", file);
    return 0;
}

static int check(struct box_config *c, const char *file, struct err *err)
{
    struct ip_config ip = {0};
    struct err why = {0};
    int rc = ip_config_parse(&ip, c->ring.address, err);

    c->address = ip.address;
    c->prefix = ip.prefix;
    if (rc == 0)
        rc = check_ways(c, file, err);
    if (rc == 0)
        rc = check_dhcp(c, file, err);
    if (rc == 0)
        rc = check_boot(c, file, err);
    if (rc == 0)
        rc = check_session(c, file, err);
    if (rc == 0)
        rc = check_report(c, file, err);
    if (rc == 0 && config_check_ring(&c->ring, &why))
        rc = err_set(err, why.code, "%s: %s", file, why.text);
    return rc;
}

int box_config_parse(struct box_config *c, const char *file, const char *text, size_t n,
                     struct err *err)
{
    struct parsing p = {.config = c};
    int rc;

    if (memchr(text, 0, n))
        return err_set(err, CONFIG_ESYNTAX, "%s: expected text, got a zero byte", file);
    rc = ini_text_read(file, text, n, on_entry, &p, err);
    return rc ? rc : check(c, file, err);
}

int box_config_load(struct box_config *c, const char *path, struct err *err)
{
    static char text[CONFIG_FILE_MAX + 1];
    size_t n;
    int rc = config_read_file(text, &n, path, err);

    return rc ? rc : box_config_parse(c, path, text, n, err);
}

int box_config_open(struct box_config *c, const char *path, bool *missing, struct err *err)
{
    struct stat st;

    box_config_defaults(c);
    *missing = !path || (lstat(path, &st) && errno == ENOENT);
    return *missing ? box_config_parse(c, "defaults", "", 0, err) : box_config_load(c, path, err);
}
