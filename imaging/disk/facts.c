#include "imaging/disk/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/wire/reader.h"

void facts_bar(struct disk_facts *f, enum disk_bar bar, const char *note, ...)
{
    va_list ap;

    f->bars |= DISK_BIT(bar);
    if (f->note[0] || !note[0])
        return;
    f->noted = bar;
    va_start(ap, note);
    vsnprintf(f->note, sizeof f->note, note, ap);
    va_end(ap);
}

bool facts_same(const struct disk_facts *a, const struct disk_facts *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->place, b->place) &&
           !strcmp(a->model, b->model) && !strcmp(a->serial, b->serial) &&
           !strcmp(a->wwn, b->wwn) && a->bytes == b->bytes && a->sequence == b->sequence &&
           a->sector == b->sector && a->major == b->major && a->minor == b->minor;
}

/* ---- values ---- */

void facts_text(char *to, size_t room, const uint8_t *bytes, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n && bytes[i] && bytes[i] != '\n' && used + 1 < room; i++) {
        if (used == 0 && bytes[i] == ' ')
            continue;
        to[used++] = bytes[i] >= 0x20 && bytes[i] < 0x7F ? (char)bytes[i] : '?';
    }
    while (used > 0 && to[used - 1] == ' ')
        used--;
    to[used] = 0;
}

void facts_page80(char *to, size_t room, const uint8_t *bytes, size_t n)
{
    struct reader r = reader_on(bytes, n), serial;
    uint8_t page;

    rd_u8(&r);
    page = rd_u8(&r);
    serial = rd_sub(&r, rd_u16(&r));
    if (page != 0x80 || serial.bad)
        serial.left = 0;
    facts_text(to, room, serial.at, serial.left);
}

/* The digits at the start of bytes; how many, 0 when there are none or too many. */
static size_t digits(uint64_t *out, const uint8_t *bytes, size_t n)
{
    uint64_t v = 0;
    size_t i = 0;

    for (; i < n && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
        if (v > (UINT64_MAX - 9) / 10)
            return 0;
        v = v * 10 + (uint64_t)(bytes[i] - '0');
    }
    *out = v;
    return i;
}

static bool at_end(const uint8_t *bytes, size_t n)
{
    return n == 0 || (n == 1 && bytes[0] == '\n');
}

bool facts_number(uint64_t *out, const uint8_t *bytes, size_t n)
{
    uint64_t v;
    size_t used = digits(&v, bytes, n);

    if (used == 0 || !at_end(bytes + used, n - used))
        return false;
    *out = v;
    return true;
}

bool facts_device(unsigned *major, unsigned *minor, const uint8_t *bytes, size_t n)
{
    uint64_t a, b;
    size_t used = digits(&a, bytes, n), more;

    if (used == 0 || used == n || bytes[used] != ':' || a > UINT32_MAX)
        return false;
    used++;
    more = digits(&b, bytes + used, n - used);
    if (more == 0 || b > UINT32_MAX || !at_end(bytes + used + more, n - used - more))
        return false;
    *major = (unsigned)a;
    *minor = (unsigned)b;
    return true;
}

/* ---- names and places ---- */

static size_t count_in(const char *text, const char *set)
{
    return strspn(text, set);
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"

/* PREFIX and letters, nothing else: sda, vdb, xvdaa. */
static bool lettered(const char *name, const char *prefix)
{
    size_t n = strlen(prefix), letters;

    if (strncmp(name, prefix, n) != 0)
        return false;
    letters = count_in(name + n, LETTERS);
    return letters > 0 && name[n + letters] == 0;
}

/* nvme0n1 is a namespace, nvme0c1n1 one path to it. */
static bool nvme_name(struct disk_facts *f)
{
    const char *at = f->name + 4;
    size_t n;

    if (strncmp(f->name, "nvme", 4) != 0 || (n = count_in(at, DIGITS)) == 0)
        return false;
    at += n;
    if (*at == 'c' && (n = count_in(at + 1, DIGITS)) > 0) {
        facts_bar(f, DISK_BAR_HIDDEN, "%s", "");
        at += n + 1;
    }
    return *at == 'n' && (n = count_in(at + 1, DIGITS)) > 0 && at[n + 1] == 0;
}

static bool mmc_name(struct disk_facts *f)
{
    size_t n = strncmp(f->name, "mmcblk", 6) == 0 ? count_in(f->name + 6, DIGITS) : 0;

    if (n && f->name[6 + n])
        facts_bar(f, DISK_BAR_EMMC_AREA, "%s", "");
    return n > 0;
}

void facts_name(struct disk_facts *f)
{
    if (!strncmp(f->name, "sr", 2) && count_in(f->name + 2, DIGITS) == strlen(f->name) - 2)
        facts_bar(f, DISK_BAR_OPTICAL, "%s", "");
    else if (!lettered(f->name, "sd") && !lettered(f->name, "hd") && !lettered(f->name, "vd") &&
             !lettered(f->name, "xvd") && !nvme_name(f) && !mmc_name(f))
        facts_bar(f, DISK_BAR_KIND, "%s", "");
}

/* A path component that is PREFIX and then a digit: usb1, rport-3:0-2, session2, fw0. */
static bool passes(const char *place, const char *prefix)
{
    size_t n = strlen(prefix);

    for (const char *at = place; (at = strstr(at, prefix)) != NULL; at += n)
        if (count_in(at + n, DIGITS) > 0)
            return true;
    return false;
}

void facts_place(struct disk_facts *f, const char *place)
{
    snprintf(f->place, sizeof f->place, "%s", place);
    if (!strncmp(place, "/devices/virtual/nvme-fabrics/", 30) || passes(place, "/rport-") ||
        passes(place, "/session") || passes(place, "/vport-"))
        facts_bar(f, DISK_BAR_FABRIC, "%s", "");
    else if (!strncmp(place, "/devices/virtual/", 17) &&
             strncmp(place, "/devices/virtual/nvme-subsystem/", 32) != 0)
        facts_bar(f, DISK_BAR_KIND, "%s", "");
    if (passes(place, "/usb"))
        facts_bar(f, DISK_BAR_USB, "%s", "");
    if (passes(place, "/fw"))
        facts_bar(f, DISK_BAR_EXTERNAL, "is plugged in from outside by FireWire");
}

/* ---- mounts ---- */

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime ...": the third word is the device, the fifth where it is
 * mounted. */
bool facts_mount(const char *line, unsigned major, unsigned minor, char *where, size_t room)
{
    const char *word[5];
    size_t len[5];
    unsigned a, b;

    for (int i = 0; i < 5; i++) {
        word[i] = line;
        len[i] = strcspn(line, " \n");
        if (len[i] == 0)
            return false;
        line += len[i] + (line[len[i]] == ' ');
    }
    if (!facts_device(&a, &b, (const uint8_t *)word[2], len[2]) || a != major || b != minor)
        return false;
    facts_text(where, room, (const uint8_t *)word[4], len[4]);
    return true;
}
