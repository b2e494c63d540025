#include "tests/unit/layout.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imaging/disk/disk.h"
#include "imaging/hash/crc.h"
#include "net/wire/units.h"

#define PARTS 16
#define ROOM 1024

struct entry {
    int number;
    uint8_t type[16], unique[16];
    bool mbr;
    uint64_t first, count;
};

/* The file being read, and the disk its lines are about. */
struct maker {
    struct layout *l;
    int line;
    bool control;
    char disk[64], dir[512];
    uint64_t sectors, block;
    unsigned n_disks;
    struct entry part[PARTS];
    int n_parts;
};

static void die(const struct maker *m, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", m->l->name, m->line, what);
    abort();
}

static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        mkdir(path, 0777);
        *at = '/';
    }
}

/* A file below the root, its folders made. */
static void put_file(const struct maker *m, bool append, const char *bytes, size_t n,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static void put_file(const struct maker *m, bool append, const char *bytes, size_t n,
                     const char *fmt, ...)
{
    char path[ROOM], all[ROOM + 80];
    va_list ap;
    FILE *f;

    va_start(ap, fmt);
    vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, "%s/%s", m->l->root, path);
    make_folders(all);
    f = fopen(all, append ? "a" : "w");
    if (!f)
        die(m, "a file cannot be made");
    fwrite(bytes, 1, n, f);
    fclose(f);
}

static void put_text(const struct maker *m, const char *path, const char *text)
{
    char line[ROOM];

    snprintf(line, sizeof line, "%s\n", text);
    put_file(m, false, line, strlen(line), "%s", path);
}

static void put_link(const struct maker *m, const char *to, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void put_link(const struct maker *m, const char *to, const char *fmt, ...)
{
    char path[ROOM], all[ROOM + 80], target[ROOM];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, "%s/%s", m->l->root, path);
    make_folders(all);
    snprintf(target, sizeof target, "%s/%s", m->l->root, to);
    if (symlink(target, all))
        die(m, "a link cannot be made");
}

static void attribute(const struct maker *m, const char *name, const char *value)
{
    char path[ROOM];

    snprintf(path, sizeof path, "%.*s/%s", (int)sizeof m->dir, m->dir, name);
    put_text(m, path, value);
}

/* ---- the bytes on a disk ---- */

static void write_at(const struct maker *m, uint64_t at, const void *bytes, size_t n)
{
    char path[ROOM];
    int fd;

    snprintf(path, sizeof path, "%s/dev/%s", m->l->root, m->disk);
    fd = open(path, O_WRONLY);
    if (fd < 0 || pwrite(fd, bytes, n, (off_t)at) != (ssize_t)n)
        die(m, "the disk has no such place");
    close(fd);
}

static void le(uint8_t *to, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static void write_mbr(const struct maker *m, bool gpt)
{
    uint8_t sector[512] = {0};

    for (int i = 0; i < m->n_parts && !gpt; i++) {
        uint8_t *e = sector + 446 + 16 * (m->part[i].number - 1);

        e[4] = m->part[i].type[0];
        le(e + 8, m->part[i].first, 4);
        le(e + 12, m->part[i].count, 4);
    }
    if (gpt) {
        sector[446 + 4] = 0xEE;
        le(sector + 454, 1, 4);
        le(sector + 458, UINT32_MAX, 4);
    }
    sector[510] = 0x55;
    sector[511] = 0xAA;
    write_at(m, 0, sector, sizeof sector);
}

static void write_gpt(const struct maker *m)
{
    static uint8_t table[128 * 128];
    uint8_t header[92] = "EFI PART";
    uint64_t last = m->sectors * 512 / m->block - 1;

    memset(table, 0, sizeof table);
    for (int i = 0; i < m->n_parts; i++) {
        uint8_t *e = table + 128 * (m->part[i].number - 1);

        memcpy(e, m->part[i].type, 16);
        memcpy(e + 16, m->part[i].unique, 16);
        le(e + 32, m->part[i].first, 8);
        le(e + 40, m->part[i].first + m->part[i].count - 1, 8);
    }
    le(header + 8, 0x10000, 4);
    le(header + 12, 92, 4);
    le(header + 24, 1, 8);
    le(header + 32, last, 8);
    le(header + 40, 34, 8);
    le(header + 48, last - 33, 8);
    le(header + 72, 2, 8);
    le(header + 80, 128, 4);
    le(header + 84, 128, 4);
    le(header + 88, crc32_ieee(0, table, sizeof table), 4);
    le(header + 16, crc32_ieee(0, header, sizeof header), 4);
    write_at(m, m->block, header, sizeof header);
    write_at(m, 2 * m->block, table, sizeof table);
}

/* ---- lines ---- */

/* What was gathered about the last disk goes into its tree. */
static void end_disk(struct maker *m)
{
    if (m->n_parts && m->part[0].mbr)
        write_mbr(m, false);
    else if (m->n_parts) {
        write_mbr(m, true);
        write_gpt(m);
    }
    m->n_parts = 0;
    m->disk[0] = 0;
}

/* disk NAME PLACE: the folder is /sys/devices/PLACE, its device the folder above, or that above
 * "block". */
static void begin_disk(struct maker *m, const char *rest)
{
    char place[400], device[512], text[32], *block;

    end_disk(m);
    if (sscanf(rest, "%63s %399s", m->disk, place) != 2)
        die(m, "expected disk NAME PLACE");
    snprintf(m->dir, sizeof m->dir, "sys/devices/%s", place);
    snprintf(device, sizeof device, "%s", m->dir);
    block = strstr(device, "/block/");
    *(block ? block : strrchr(device, '/')) = 0;
    m->sectors = 0;
    m->block = 512;
    attribute(m, "removable", "0");
    attribute(m, "ro", "0");
    attribute(m, "hidden", "0");
    attribute(m, "queue/logical_block_size", "512");
    snprintf(text, sizeof text, "%u:0", 200 + m->n_disks);
    attribute(m, "dev", text);
    snprintf(text, sizeof text, "%u", ++m->n_disks);
    attribute(m, "diskseq", text);
    put_link(m, m->dir, "sys/block/%s", m->disk);
    if (strncmp(place, "virtual/block/", 14))
        put_link(m, device, "%s/device", m->dir);
}

static void set_size(struct maker *m, const char *value)
{
    char path[ROOM];
    int fd;

    m->sectors = strtoull(value, NULL, 10);
    attribute(m, "size", value);
    put_file(m, false, "", 0, "dev/%s", m->disk);
    snprintf(path, sizeof path, "%s/dev/%s", m->l->root, m->disk);
    fd = open(path, O_WRONLY);
    if (ftruncate(fd, (off_t)(m->sectors * 512)))
        die(m, "there is no room for such a disk");
    close(fd);
}

static void partition_path(const struct maker *m, char *to, size_t room, int number)
{
    size_t n = strlen(m->disk);

    if (number)
        snprintf(to, room, "%s/%s%s%d", m->dir, m->disk,
                 m->disk[n - 1] >= '0' && m->disk[n - 1] <= '9' ? "p" : "", number);
    else
        snprintf(to, room, "%s", m->dir);
}

static void guid(const struct maker *m, const char *text, uint8_t out[16])
{
    static const int place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned byte;

    for (int i = 0; i < 16; i++) {
        text += *text == '-';
        if (sscanf(text, "%2x", &byte) != 1)
            die(m, "expected a GUID");
        out[place[i]] = (uint8_t)byte;
        text += 2;
    }
}

/* part N TYPE FIRST COUNT [UNIQUE]: in blocks of the disk; TYPE is a GUID, or two hex digits for an
 * MBR. */
static void add_part(struct maker *m, const char *rest)
{
    struct entry *e = &m->part[m->n_parts++];
    unsigned long long first, count;
    char type[64], unique[64] = "", path[600], text[64];
    unsigned byte;

    memset(e, 0, sizeof *e);
    if (m->n_parts == PARTS ||
        sscanf(rest, "%d %63s %llu %llu %63s", &e->number, type, &first, &count, unique) < 4)
        die(m, "expected part N TYPE FIRST COUNT");
    e->first = first;
    e->count = count;
    e->mbr = strlen(type) == 2;
    if (e->mbr && sscanf(type, "%2x", &byte) == 1)
        e->type[0] = (uint8_t)byte;
    else
        guid(m, type, e->type);
    if (unique[0])
        guid(m, unique, e->unique);
    partition_path(m, path, sizeof path, e->number);
    snprintf(text, sizeof text, "%d\n", e->number);
    put_file(m, false, text, strlen(text), "%s/partition", path);
    snprintf(text, sizeof text, "%u:%d\n", 199 + m->n_disks, e->number);
    put_file(m, false, text, strlen(text), "%s/dev", path);
}

/* put OFFSET TEXT with \xNN; a negative offset counts from the end; pN+OFFSET from the start of
 * partition N. */
static void put_bytes(const struct maker *m, char *rest)
{
    char *text = strchr(rest, ' ');
    uint64_t base = 0;
    long long at;
    uint8_t bytes[256];
    size_t n = 0;
    unsigned byte;

    if (rest[0] == 'p')
        base = m->part[strtol(rest + 1, &rest, 10) - 1].first * m->block;
    at = strtoll(rest, NULL, 0);
    if (at < 0)
        base = m->sectors * 512;
    for (text++; *text; n++) {
        if (text[0] == '\\' && sscanf(text, "\\x%2x", &byte) == 1) {
            bytes[n] = (uint8_t)byte;
            text += 4;
        } else {
            bytes[n] = (uint8_t)*text++;
        }
    }
    write_at(m, base + (uint64_t)at, bytes, n);
}

static void use(const struct maker *m, const char *word, const char *rest)
{
    char path[600], text[800], what[64] = "";
    int number = 0;

    sscanf(rest, "%63s %d", what, &number);
    partition_path(m, path, sizeof path, number);
    if (!strcmp(word, "holder")) {
        put_file(m, false, "", 0, "%s/holders/%s", path, what);
    } else if (!strcmp(word, "mounted")) {
        snprintf(text, sizeof text, "30 1 %u:%d / %s rw,relatime shared:1 - ext4 /dev/x rw\n",
                 199 + m->n_disks, number, what);
        put_file(m, true, text, strlen(text), "proc/self/mountinfo");
    } else {
        snprintf(text, sizeof text, "/dev/%s                           partition\t8388604\t0\t-2\n",
                 strrchr(path, '/') + 1);
        put_file(m, true, text, strlen(text), "proc/swaps");
    }
}

static void page80(const struct maker *m, const char *serial)
{
    char bytes[128] = {0, (char)0x80, 0, (char)strlen(serial)};

    memcpy(bytes + 4, serial, strlen(serial));
    put_file(m, false, bytes, 4 + strlen(serial), "%s/device/vpd_pg80", m->dir);
}

static void unplug(const struct maker *m)
{
    char path[ROOM];

    snprintf(path, sizeof path, "%s/dev/%s", m->l->root, m->disk);
    unlink(path);
}

/* Lines about the machine as a whole; false when it is none. */
static bool machine_line(struct maker *m, const char *word, char *rest)
{
    struct layout *l = m->l;
    char from[512], to[512];

    if (!strcmp(word, "expect"))
        snprintf(l->expect, sizeof l->expect, "%s", rest);
    else if (!strcmp(word, "control"))
        snprintf(l->control, sizeof l->control, "%s", rest);
    else if (!strcmp(word, "says"))
        snprintf(l->says, sizeof l->says, "%s", rest);
    else if (!strcmp(word, "rule"))
        snprintf(l->rule, sizeof l->rule, "%s", rest);
    else if (!strcmp(word, "sector"))
        l->need.sector = (uint32_t)strtoul(rest, NULL, 10);
    else if (!strcmp(word, "need") && units_size(rest, &l->need.min_bytes) == 0)
        return true;
    else if (!strcmp(word, "link") && sscanf(rest, "%511s %511s", from, to) == 2)
        put_link(m, to, "%s", from);
    else if (!strcmp(word, "file") && sscanf(rest, "%511s %511[^\n]", from, to) == 2)
        put_text(m, from, to);
    else
        return false;
    return true;
}

static void disk_line_of(struct maker *m, const char *word, char *rest)
{
    if (!m->disk[0])
        die(m, "expected a disk first");
    if (!strcmp(word, "size"))
        set_size(m, rest);
    else if (!strcmp(word, "part"))
        add_part(m, rest);
    else if (!strcmp(word, "put"))
        put_bytes(m, rest);
    else if (!strcmp(word, "holder") || !strcmp(word, "mounted") || !strcmp(word, "swap"))
        use(m, word, rest);
    else if (!strcmp(word, "page80"))
        page80(m, rest);
    else if (!strcmp(word, "unreadable"))
        unplug(m);
    else
        attribute(m, word, rest);
    if (!strcmp(word, "queue/logical_block_size"))
        m->block = strtoull(rest, NULL, 10);
}

/* "!" lines are the cause, absent from the control; "?" lines are in the control alone. */
static void take_line(struct maker *m, char *line)
{
    char *word, *rest;

    line[strcspn(line, "\n")] = 0;
    if (line[0] == '#' || (line[0] == '!' && m->control) || (line[0] == '?' && !m->control))
        return;
    word = line + (line[0] == '!' || line[0] == '?');
    word += strspn(word, " ");
    if (!*word)
        return;
    rest = word + strcspn(word, " ");
    if (*rest)
        *rest++ = 0;
    rest += strspn(rest, " ");
    if (!strcmp(word, "disk"))
        begin_disk(m, rest);
    else if (!machine_line(m, word, rest))
        disk_line_of(m, word, rest);
}

void layout_make(struct layout *l, const char *path, bool control)
{
    struct maker m = {.l = l, .control = control};
    struct err err = {0};
    char line[600];
    FILE *f = fopen(path, "r");

    memset(l, 0, sizeof *l);
    snprintf(l->name, sizeof l->name, "%s%s", path, control ? " (control)" : "");
    strcpy(l->root, "/tmp/layout_XXXXXX");
    strcpy(l->rule, "auto");
    l->need.min_bytes = UINT64_C(20) * 1000 * 1000 * 1000;
    if (!f || !mkdtemp(l->root))
        die(&m, "cannot be opened");
    put_file(&m, false, "", 0, "proc/self/mountinfo");
    put_file(&m, false, "", 0, "sys/block/.keep");
    while (fgets(line, sizeof line, f)) {
        m.line++;
        take_line(&m, line);
    }
    fclose(f);
    end_disk(&m);
    if (disk_rule_parse(&l->need.pick, l->rule, &err))
        die(&m, err.text);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void layout_free(struct layout *l)
{
    nftw(l->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *layout_outcome(const struct inventory *v, const struct disk_need *need, struct err *err)
{
    int rc = disk_choose(v, need, err);

    return rc >= 0 ? v->disk[rc].name : rc == DISK_ENONE ? "none" : "several";
}
