#include "imaging/disk/choose.h"

#include <stdio.h>
#include <string.h>

#include "imaging/disk/disk.h"
#include "net/wire/units.h"

#define UFS_FIRMWARE_MAX (UINT64_C(4) << 30)
#define SIZE_PART 50 /* a disk's size may differ from its label's by this part: 2 % */

/* ---- the rule ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Length of `what` if `text` starts with it but for case, else 0. */
static size_t starts(const char *text, const char *what)
{
    size_t n = 0;

    while (what[n] && lower(text[n]) == lower(what[n]))
        n++;
    return what[n] ? 0 : n;
}

static bool same_text(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && (a[0] == 0 || starts(a, b));
}

static bool holds_text(const char *text, const char *part)
{
    for (; *text; text++)
        if (starts(text, part))
            return true;
    return false;
}

static int bad_rule(struct err *err, const char *at)
{
    return err_set(err, DISK_ERULE,
                   "expected auto or a list of serial=, wwn=, model=, size= and path= for the "
                   "disk, got \"%.80s\"",
                   at);
}

static int take(char *to, size_t room, const char *value, struct err *err)
{
    if (!value[0] || strlen(value) >= room || to[0])
        return bad_rule(err, value);
    memcpy(to, value, strlen(value) + 1);
    return 0;
}

static int rule_word(struct disk_pick *p, const char *word, struct err *err)
{
    size_t n;

    if ((n = starts(word, "serial=")) > 0)
        return take(p->serial, sizeof p->serial, word + n, err);
    if ((n = starts(word, "wwn=")) > 0)
        return take(p->wwn, sizeof p->wwn, word + n, err);
    if ((n = starts(word, "model=")) > 0)
        return take(p->model, sizeof p->model, word + n, err);
    if ((n = starts(word, "path=")) > 0)
        return take(p->path, sizeof p->path, word + n, err);
    if ((n = starts(word, "size=")) > 0 && !p->size && units_size(word + n, &p->size) == 0 &&
        p->size)
        return 0;
    return bad_rule(err, word);
}

int disk_rule_parse(struct disk_pick *p, const char *text, struct err *err)
{
    char word[DISK_RULE_MAX];
    int rc = 0;

    memset(p, 0, sizeof *p);
    if (!strcmp(text, "auto"))
        return 0;
    do {
        size_t n = strcspn(text, ",");

        if (n >= sizeof word)
            return bad_rule(err, text);
        facts_text(word, sizeof word, (const uint8_t *)text, n);
        rc = rule_word(p, word, err);
        text += n;
    } while (!rc && *text++ == ',');
    return rc;
}

static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* Whether the path has that part, cut out between words: ata1 is no part of ata10, which would be
 * another port's disk. */
static bool holds_part(const char *path, const char *part)
{
    size_t n = strlen(part);

    for (const char *at = path; (at = strstr(at, part)) != NULL; at++)
        if (!(at > path && in_word(at[-1]) && in_word(at[0])) &&
            !(in_word(at[n - 1]) && in_word(at[n])))
            return true;
    return false;
}

static bool picked(const struct disk_pick *p, const struct disk_facts *f)
{
    uint64_t off = p->size > f->bytes ? p->size - f->bytes : f->bytes - p->size;
    const char *name = strncmp(p->path, "/dev/", 5) ? NULL : p->path + 5;

    if (p->size && off > p->size / SIZE_PART)
        return false;
    if ((p->serial[0] && !same_text(f->serial, p->serial)) ||
        (p->wwn[0] && !same_text(f->wwn, p->wwn)))
        return false;
    if (p->model[0] && !holds_text(f->model, p->model))
        return false;
    return !p->path[0] || (name ? !strcmp(name, f->name) : holds_part(f->place, p->path));
}

/* ---- the choice ---- */

/* Two devices with one world-wide name (or one model, where a device tells no name) and one serial
 * number are two ways to one disk. An eMMC's areas and the hidden paths of a disk share its name by
 * right. */
static bool twins(const struct disk_facts *a, const struct disk_facts *b)
{
    const uint32_t by_right = DISK_BIT(DISK_BAR_EMMC_AREA) | DISK_BIT(DISK_BAR_HIDDEN);
    bool same = a->wwn[0] && b->wwn[0] ? !strcmp(a->wwn, b->wwn)
                                       : a->serial[0] && !strcmp(a->model, b->model);

    return !((a->bars | b->bars) & by_right) && same && !strcmp(a->serial, b->serial);
}

static bool has_twin(const struct inventory *v, unsigned i)
{
    for (unsigned j = 0; j < v->n; j++)
        if (j != i && twins(&v->disk[i], &v->disk[j]))
            return true;
    return false;
}

static bool has_serial(const struct disk_facts *f, const char *serial)
{
    return strncmp(f->serial, serial, DISK_SERIAL_MAX) == 0;
}

/* Whether its marks are those that an image laid there. */
static bool is_written(const struct disk_facts *f, const struct disk_need *need)
{
    static const uint8_t none[IMG_MARKS_BYTES];

    for (unsigned i = 0; i < need->n_written && memcmp(f->marks, none, sizeof none) != 0; i++)
        if (memcmp(need->written[i].marks, f->marks, sizeof f->marks) == 0 &&
            (!need->written[i].serial[0] || has_serial(f, need->written[i].serial)))
            return true;
    return false;
}

uint32_t disk_bars(const struct inventory *v, unsigned i, const struct disk_need *need)
{
    const struct disk_facts *f = &v->disk[i];
    uint32_t bars = f->bars;

    if (is_written(f, need))
        bars &= ~DISK_MARK_BARS;
    if (has_twin(v, i))
        bars |= DISK_BIT(DISK_BAR_MULTIPATH);
    if (!picked(&need->pick, f))
        bars |= DISK_BIT(DISK_BAR_UNPICKED);
    if (f->bytes < need->min_bytes)
        bars |= DISK_BIT(DISK_BAR_SMALL);
    if (need->sector && f->sector != need->sector)
        bars |= DISK_BIT(DISK_BAR_SECTOR);
    return bars;
}

/* Small units of a UFS device hold the machine's firmware; its large unit is the disk. Volumes of a
 * RAID controller share a target as well, and are disks each. */
static bool is_firmware_unit(const struct disk_facts *f, uint32_t bars)
{
    return bars == DISK_BIT(DISK_BAR_SMALL) && strstr(f->place, ".ufshc/") != NULL &&
           f->bytes < UFS_FIRMWARE_MAX;
}

/* A drawer without a disk, a card reader without a card. A disk inside that has no size any more
 * has failed. */
static bool is_empty_drive(uint32_t bars)
{
    const uint32_t both = DISK_BIT(DISK_BAR_NO_MEDIUM) | DISK_BIT(DISK_BAR_REMOVABLE);

    return (bars & both) == both;
}

bool disk_counts(const struct inventory *v, unsigned i, const struct disk_need *need)
{
    const uint32_t outside =
        DISK_BIT(DISK_BAR_KIND) | DISK_BIT(DISK_BAR_HIDDEN) | DISK_BIT(DISK_BAR_EMMC_AREA) |
        DISK_BIT(DISK_BAR_OPTICAL) | DISK_BIT(DISK_BAR_USB) | DISK_BIT(DISK_BAR_SD) |
        DISK_BIT(DISK_BAR_EXTERNAL) | DISK_BIT(DISK_BAR_FABRIC) | DISK_BIT(DISK_BAR_UNPICKED);
    uint32_t bars = disk_bars(v, i, need);

    return !(bars & outside) && !is_empty_drive(bars) && !is_firmware_unit(&v->disk[i], bars);
}

/* ---- disks that were there ---- */

static const char *text_of(const struct disk_facts *f)
{
    return f->serial[0] ? f->serial : f->model;
}

unsigned disk_inside(const struct inventory *v, struct disk_known *to, unsigned max)
{
    const struct disk_need any = {0};
    unsigned n = 0;

    for (unsigned i = 0; i < v->n && n < max; i++)
        if (disk_counts(v, i, &any)) {
            to[n].bytes = v->disk[i].bytes;
            snprintf(to[n++].text, sizeof to->text, "%.*s", DISK_SERIAL_MAX, text_of(&v->disk[i]));
        }
    return n;
}

/* A rule that says where the disk sits, or which one it is, leaves one that is not there out of the
 * question. */
static bool leaves_out(const struct disk_pick *p, const struct disk_known *k)
{
    uint64_t off = p->size > k->bytes ? p->size - k->bytes : k->bytes - p->size;

    return p->path[0] || p->wwn[0] || (p->serial[0] && !same_text(p->serial, k->text)) ||
           (p->size && off > p->size / SIZE_PART);
}

/* Marks the disk that is meant in `taken`; false: there is none that is not taken yet. */
static bool take_known(const struct inventory *v, const struct disk_known *k,
                       bool taken[INVENTORY_MAX])
{
    for (unsigned i = 0; i < v->n; i++)
        if (!taken[i] && v->disk[i].bytes == k->bytes &&
            strncmp(text_of(&v->disk[i]), k->text, DISK_SERIAL_MAX) == 0)
            return taken[i] = true;
    return false;
}

/* The first known disk that is gone; NULL: there is none. */
static const struct disk_known *gone(const struct inventory *v, const struct disk_need *need)
{
    bool taken[INVENTORY_MAX] = {false};

    for (unsigned i = 0; i < need->n_known; i++)
        if (!take_known(v, &need->known[i], taken) && !leaves_out(&need->pick, &need->known[i]))
            return &need->known[i];
    return NULL;
}

static const char *bar_text(const struct disk_facts *f, uint32_t bars)
{
#define X(name, text) text,
    static const char *const texts[] = {DISK_BARS(X)};
#undef X
    enum disk_bar first = 0;

    while (!(bars & DISK_BIT(first)))
        first++;
    return f->note[0] && f->noted == first ? f->note : texts[first];
}

const char *disk_line(char *to, size_t room, const struct inventory *v, unsigned i,
                      const struct disk_need *need)
{
    const struct disk_facts *f = &v->disk[i];
    uint32_t bars = disk_bars(v, i, need);
    char size[UNITS_TEXT];

    snprintf(to, room, "%s %s (%s%s%s%s%s)", f->name, bars ? bar_text(f, bars) : "is a candidate",
             units_size_text(size, f->bytes), f->model[0] ? ", " : "", f->model,
             f->serial[0] ? ", serial " : "", f->serial);
    return to;
}

/* The same, short enough that several fit a sentence. */
static void add_disk(char *to, size_t room, const struct disk_facts *f, uint32_t bars)
{
    size_t n = strlen(to);

    snprintf(to + n, room - n, "; %s %s", f->name, bars ? bar_text(f, bars) : "is a candidate");
}

/* Devices that are never disks of a machine (loops, RAM) are of no interest to the person who
 * reads. */
static void add_disks(char *to, size_t room, const struct inventory *v,
                      const struct disk_need *need)
{
    for (unsigned i = 0; i < v->n; i++) {
        uint32_t bars = disk_bars(v, i, need);

        if (!(bars & DISK_BIT(DISK_BAR_KIND)))
            add_disk(to, room, &v->disk[i], bars);
    }
}

int disk_choose(const struct inventory *v, const struct disk_need *need, struct err *err)
{
    char text[sizeof err->text] = "", size[UNITS_TEXT];
    const struct disk_known *lost = gone(v, need);
    unsigned candidates = 0, counted = 0, which = 0;

    for (unsigned i = 0; i < v->n; i++) {
        counted += disk_counts(v, i, need);
        if (!disk_bars(v, i, need)) {
            which = i;
            candidates++;
        }
    }
    if (candidates == 1 && counted == 1 && !lost)
        return (int)which;
    if (candidates == 1 && counted == 1)
        return err_set(err, DISK_EGONE,
                       "expected the disk %s (%s) as at the last attempt, it is gone; %s is a "
                       "candidate: look at the cable, or arm this "
                       "machine by name",
                       lost->text, units_size_text(size, lost->bytes), v->disk[which].name);
    add_disks(text, sizeof text, v, need);
    if (candidates == 0)
        return err_set(err, DISK_ENONE, "no disk of this machine may be erased%s",
                       text[0] ? text : ": it has none");
    return err_set(err, DISK_ESEVERAL,
                   "expected one disk inside, or a rule that names one, found %u%s", counted, text);
}
