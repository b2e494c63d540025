#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board/box/orders/room_inside.h"
#include "board/box/store/journal.h"
#include "board/log/log.h"
#include "imaging/hash/crc.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

static void slot_key(uint8_t key[3], unsigned half, unsigned i)
{
    key[0] = (uint8_t)half;
    key[1] = (uint8_t)(i >> 8);
    key[2] = (uint8_t)i;
}

/* Removes a half's places from `first` on; what it has then are those before. */
static bool forget_rows(struct room *r, unsigned half, unsigned first)
{
    uint8_t key[3];
    bool done = true;

    for (unsigned i = first; i < r->kept[half]; i++) {
        slot_key(key, half, i);
        done &= room_keep(r, JOURNAL_EXPECTED, key, sizeof key, NULL, 0);
    }
    if (done)
        r->kept[half] = first;
    return done;
}

/* Beside the old list, then the record that says which counts, then the old one goes. Where the
 * disk does not take all of the new one, the next run has the old one. */
static void keep_list(struct room *r)
{
    uint8_t key[3], value[EXPECTED_VALUE_MAX];
    unsigned half = !r->counts;
    struct writer w = writer_on(value, sizeof value);
    bool kept = true;

    for (unsigned i = 0; i < r->list->n; i++) {
        slot_key(key, half, i);
        kept &= room_keep(r, JOURNAL_EXPECTED, key, sizeof key, value,
                          expected_encode(&r->list->row[i], value));
    }
    kept &= forget_rows(r, half, r->list->n);
    wr_u8(&w, half);
    wr_u16(&w, r->list->n);
    wr_u32(&w, r->file_crc);
    if (!kept || !room_keep(r, JOURNAL_LIST, "", 1, value, w.done)) {
        log_line(
            "the list of %u expected machines cannot be kept: the next start has the one before",
            r->list->n);
        return;
    }
    (void)forget_rows(r, !half, 0);
    r->counts = half;
}

/* What is known of a machine does not depend on where it stands in a list. */
static void carry_over(struct room *r, struct expected *to)
{
    for (unsigned i = 0; i < to->n; i++) {
        struct expected_row *row = &to->row[i];
        const struct expected_row *was = expected_look(r->list, row->mac);

        row->came = (was && was->came) || !machine_wants_imaging(r->needs.machines, row->mac);
        row->passed = was && was->passed;
        row->came |= room_in_hand(r, row->mac) < r->needs.serve->n_streams;
    }
}

int room_take_list(struct room *r, const char *text, size_t n, struct err *err)
{
    struct expected *old = r->list;
    int rc = expected_parse(r->other, text, n, err);

    if (!rc)
        rc = room_list_clash(r, r->other, err);
    if (rc)
        return rc;
    carry_over(r, r->other);
    r->list = r->other;
    r->other = old;
    keep_list(r);
    return 0;
}

/* key: half (1), place (2) */
enum told room_restore_row(struct room *r, const uint8_t *key, size_t nkey, const uint8_t *value,
                           size_t n)
{
    struct reader in = reader_on(key, nkey);
    unsigned half = rd_u8(&in), at = rd_u16(&in);
    struct expected_row row;

    if (!rd_done(&in) || half > 1 || !expected_decode(&row, value, n))
        return TOLD_BROKEN;
    (void)expected_add(&r->half[half], &row);
    r->kept[half] = at >= r->kept[half] ? at + 1 : r->kept[half];
    return TOLD_KNOWN;
}

/* value: half (1), machines (2), CRC of the file (4). A list of which a part is missing is not the
 * list that somebody gave: machines.csv is read anew, and somebody has to decide. */
enum told room_restore_list(struct room *r, const uint8_t *value, size_t n)
{
    struct reader in = reader_on(value, n);
    unsigned half = rd_u8(&in), machines = rd_u16(&in);
    uint32_t crc = rd_u32(&in);
    bool whole;

    if (!rd_done(&in) || half > 1)
        return TOLD_BROKEN;
    whole = machines == r->half[half].n;
    if (!whole)
        log_line("of %u expected machines %u are remembered", machines, r->half[half].n);
    r->counts = half;
    r->file_crc = whole ? crc : 0;
    r->list = &r->half[half];
    r->other = &r->half[!half];
    return whole ? TOLD_KNOWN : TOLD_BROKEN;
}

void room_beside(const struct room *r, const char *name, char *path, size_t cap)
{
    const char *config = r->needs.config_path, *slash = config ? strrchr(config, '/') : NULL;

    snprintf(path, cap, "%.*s%s", slash ? (int)(slash - config) + 1 : 0, config ? config : "",
             name);
}

/* All of the file; 0: there is none, or it is empty; -1 with errno. */
static ssize_t read_csv(struct room *r, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), why;
    ssize_t n = fd < 0 ? -1 : 1;
    size_t have = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1; /* a file that was taken away means no list */
    while (n > 0 && have < sizeof r->csv && (n = read(fd, r->csv + have, sizeof r->csv - have)) > 0)
        have += (size_t)n;
    why = errno;
    close(fd);
    errno = why;
    return n < 0 ? -1 : (ssize_t)have;
}

/* machines.csv, when it is another one than last time. */
void room_read_list(struct room *r)
{
    struct err err = {0};
    char path[512];
    ssize_t n;
    uint32_t crc;

    if (!r->needs.config_path)
        return;
    room_beside(r, "machines.csv", path, sizeof path);
    n = read_csv(r, path);
    if (n < 0)
        log_line("%s cannot be read: %s; the list of the last time goes on", path, strerror(errno));
    crc = n > 0 ? crc32_ieee(0, r->csv, (size_t)n) : 0;
    if (n < 0 || crc == r->file_crc)
        return;
    r->file_crc = crc;
    if (room_take_list(r, r->csv, (size_t)n, &err))
        log_line("%s is not taken: %s (%d)", path, err.text, err.code);
    else
        log_line("%s: %u machines are expected", path, r->list->n);
}
