#include "board/box/library/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/pack/container.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define RECORD_MAGIC "ringcast image 1\n"
#define RECORD_END "end\n"
#define MARK_MAGIC "RCMARK01"

/* ---- texts ---- */

/* Invisible, or turning what follows around: two names could look alike. */
static bool deceives(uint32_t cp)
{
    return cp == 0x00AD || cp == 0x061C || cp == 0x180E || (cp >= 0x200B && cp <= 0x200F) ||
           (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF ||
           (cp >= 0xFFF9 && cp <= 0xFFFB) || (cp >= 0xE0000 && cp <= 0xE0FFF);
}

static bool is_plain(const char *text, size_t n)
{
    const uint8_t *s = (const uint8_t *)text;
    uint32_t cp = 0;

    while (n) {
        size_t len = utf8_read(s, n, &cp);

        if (len == 0 || utf8_is_control(cp) || deceives(cp))
            return false;
        s += len;
        n -= len;
    }
    return true;
}

int record_name_check(const char *name, struct err *err)
{
    size_t n = strlen(name);

    if (n == 0 || n > IMG_NAME_MAX)
        return err_set(err, LIBRARY_ENAME, "expected a name of 1 to %d bytes, got %zu",
                       IMG_NAME_MAX, n);
    if (!is_plain(name, n))
        return err_set(
            err, LIBRARY_ENAME,
            "expected a name in plain UTF-8, got one with bytes or characters that cannot be seen");
    if (name[strcspn(name, "/\\")] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(err, LIBRARY_ENAME, "expected a name without slashes, not \".\" or \"..\"");
    if (name[0] == ' ' || name[n - 1] == ' ')
        return err_set(err, LIBRARY_ENAME, "expected a name without a blank at either end");
    return 0;
}

int record_text_check(const char *what, const char *text, size_t most, struct err *err)
{
    size_t n = strlen(text);

    if (n > most || !is_plain(text, n))
        return err_set(err, LIBRARY_ETEXT,
                       "expected %s of at most %zu bytes in one line of plain UTF-8", what, most);
    return 0;
}

int record_check(const struct record *r, struct err *err)
{
    int rc = record_name_check(r->name, err);

    if (rc == 0)
        rc = record_text_check("a version", r->version, IMG_LABEL_MAX, err);
    if (rc == 0)
        rc = record_text_check("a note", r->note, RECORD_NOTE_MAX, err);
    if (rc == 0)
        rc = record_text_check("an address", r->url, RECORD_URL_MAX, err);
    if (rc == 0 && r->bytes > IMG_MAX_RAW)
        rc = err_set(err, LIBRARY_EREQUEST, "expected a file of at most 256 TiB");
    return rc;
}

/* ---- what a file is ---- */

int record_look(const uint8_t *head, size_t n, const uint8_t *tail, size_t m, uint64_t size,
                struct err *err)
{
    const struct container *is;

    if (n >= 8 && memcmp(head, "RINGCAST", 8) == 0)
        return RECORD_RING;
    is = container_find(head, n, tail, m);
    if (is)
        return container_refuse(is, "a .ring image or a raw disk", LIBRARY_EKIND, err);
    if (size == 0 || size % 512)
        return err_set(err, LIBRARY_EKIND,
                       "expected a .ring image or a raw disk of whole 512-byte sectors, got %llu "
                       "bytes of something else",
                       (unsigned long long)size);
    return RECORD_RAW;
}

/* ---- the record ---- */

static void hex_text(char *to, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

size_t record_encode(const struct record *r, char out[RECORD_TEXT_MAX])
{
    char hash[2 * IMG_HASH_BYTES + 1] = "", pin[2 * IMG_HASH_BYTES + 14] = "",
                                   came[2 * IMG_HASH_BYTES + 7] = "";
    int n;

    if (r->hashed)
        hex_text(hash, r->sha256, sizeof r->sha256);
    if (r->pinned) {
        memcpy(pin, "\nfingerprint=", 14);
        hex_text(pin + 13, r->pin, sizeof r->pin);
    }
    if (r->whole) {
        memcpy(came, "came=", 5);
        hex_text(came + 5, r->came, sizeof r->came);
        strcat(came, "\n");
    }
    n = snprintf(out, RECORD_TEXT_MAX,
                 RECORD_MAGIC "name=%s\nversion=%s\nnote=%s\nurl=%s%s\nbytes=%llu\ncreated=%"
                              "llu\nsha256=%s\nreplaces=%d\nprotected=%d\n%s" RECORD_END,
                 r->name, r->version, r->note, r->url, pin, (unsigned long long)r->bytes,
                 (unsigned long long)r->created, hash, r->replaces, r->protected, came);
    MUST(n > 0 && n < RECORD_TEXT_MAX);
    return (size_t)n;
}

/* The value of the line that has to come next, into `to` of cap bytes. */
static bool take_line(const char **at, const char *key, char *to, size_t cap)
{
    size_t k = strlen(key), n;

    to[0] = 0;
    if (strncmp(*at, key, k) != 0 || (*at)[k] != '=')
        return false;
    *at += k + 1;
    n = strcspn(*at, "\n");
    if ((*at)[n] != '\n' || n >= cap)
        return false;
    memcpy(to, *at, n);
    to[n] = 0;
    *at += n + 1;
    return true;
}

static bool take_number(const char **at, const char *key, uint64_t most, uint64_t *to)
{
    char text[24];

    *to = 0;
    if (!take_line(at, key, text, sizeof text) || !text[0])
        return false;
    for (const char *c = text; *c; c++) {
        uint64_t digit = (uint64_t)(*c - '0');

        if (*c < '0' || *c > '9' || digit > most || *to > (most - digit) / 10)
            return false;
        *to = *to * 10 + digit;
    }
    return text[0] != '0' || !text[1];
}

static bool take_flag(const char **at, const char *key, bool *to)
{
    uint64_t n;
    bool good = take_number(at, key, 1, &n);

    *to = n != 0;
    return good;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hash(const char **at, const char *key, bool *there, uint8_t hash[IMG_HASH_BYTES])
{
    char text[2 * IMG_HASH_BYTES + 1];

    if (!take_line(at, key, text, sizeof text))
        return false;
    *there = text[0] != 0;
    if (*there && strlen(text) != 2 * IMG_HASH_BYTES)
        return false;
    for (size_t i = 0; *there && i < IMG_HASH_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Lines that are there only when they say something: records of before have none of them. */
static bool take_pin(const char **at, struct record *r)
{
    return strncmp(*at, "fingerprint=", 12) != 0 ||
           (take_hash(at, "fingerprint", &r->pinned, r->pin) && r->pinned);
}

static bool take_came(const char **at, struct record *r)
{
    return strncmp(*at, "came=", 5) != 0 || (take_hash(at, "came", &r->whole, r->came) && r->whole);
}

int record_decode(const void *bytes, size_t n, struct record *r)
{
    char text[RECORD_TEXT_MAX];
    const char *at = text + strlen(RECORD_MAGIC);

    memset(r, 0, sizeof *r);
    if (n >= sizeof text || memchr(bytes, 0, n))
        return LIBRARY_ERECORD;
    memcpy(text, bytes, n);
    text[n] = 0;
    if (strncmp(text, RECORD_MAGIC, strlen(RECORD_MAGIC)) != 0)
        return LIBRARY_ERECORD;
    if (!take_line(&at, "name", r->name, sizeof r->name) ||
        !take_line(&at, "version", r->version, sizeof r->version) ||
        !take_line(&at, "note", r->note, sizeof r->note) ||
        !take_line(&at, "url", r->url, sizeof r->url) || !take_pin(&at, r) ||
        !take_number(&at, "bytes", IMG_MAX_RAW, &r->bytes) ||
        !take_number(&at, "created", UINT64_MAX, &r->created) ||
        !take_hash(&at, "sha256", &r->hashed, r->sha256) ||
        !take_flag(&at, "replaces", &r->replaces) || !take_flag(&at, "protected", &r->protected) ||
        !take_came(&at, r))
        return LIBRARY_ERECORD;
    return strcmp(at, RECORD_END) == 0 && record_check(r, NULL) == 0 ? 0 : LIBRARY_ERECORD;
}

/* ---- the mark ---- */

void mark_encode(const struct mark *m, uint8_t out[MARK_BYTES])
{
    struct writer w = writer_on(out, MARK_BYTES);

    wr_copy(&w, MARK_MAGIC, 8);
    wr_u64(&w, m->at);
    for (unsigned i = 0; i < 8; i++)
        wr_u32(&w, m->state[i]);
    wr_copy(&w, m->rest, sizeof m->rest);
    for (unsigned i = 0; i < 24; i++)
        wr_u8(&w, 0);
    wr_u32(&w, crc32_ieee(0, out, MARK_BYTES - 4));
    MUST(!w.bad && w.left == 0);
}

int mark_decode(const void *bytes, size_t n, struct mark *m)
{
    struct reader r = reader_on(bytes, n);
    const uint8_t *magic = rd_bytes(&r, 8);
    bool tidy = true;

    m->at = rd_u64(&r);
    for (unsigned i = 0; i < 8; i++)
        m->state[i] = rd_u32(&r);
    rd_copy(&r, m->rest, sizeof m->rest);
    for (unsigned i = 0; i < 24; i++)
        tidy &= rd_u8(&r) == 0;
    if (r.bad || rd_u32(&r) != crc32_ieee(0, bytes, MARK_BYTES - 4) || !rd_done(&r) ||
        memcmp(magic, MARK_MAGIC, 8) != 0)
        return LIBRARY_ERECORD;
    for (unsigned i = m->at % 64; i < 64; i++)
        tidy &= m->rest[i] == 0;
    return tidy && m->at <= IMG_MAX_RAW ? 0 : LIBRARY_ERECORD;
}
