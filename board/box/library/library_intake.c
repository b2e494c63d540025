#include "board/box/library/library_inside.h"

#include <stdio.h>
#include <string.h>

#include "board/log/log.h"
#include "net/wire/must.h"

#define PULL_IDLE_MS 20000
#define PULL_STEP (1u << 20) /* of a pull in one go: others wait */

/* ---- uploads ---- */

/* What uploads under way have been promised and not yet had. */
static uint64_t promised(const struct library *l)
{
    uint64_t sum = LIBRARY_RESERVE;

    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->is.state == LIBRARY_RECEIVING)
            sum += i->is.record.bytes - i->written;
    return sum;
}

/* What packing may still take: at most as much as the raw disk is large, for it is kept until the
 * image is whole. Images are packed one after the other, but each of them has to find its room. */
static uint64_t unpacked(const struct library *l)
{
    uint64_t sum = 0;

    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        bool coming = i->is.state == LIBRARY_RECEIVING || i->is.state == LIBRARY_CHECKING;

        if (i->used && !i->leaving)
            sum += i->is.state == LIBRARY_PACKING ? i->is.facts.raw_bytes
                   : coming && i->raw             ? i->is.record.bytes
                                                  : 0;
    }
    return sum;
}

uint64_t library_free(const struct library *l)
{
    uint64_t taken = promised(l) + unpacked(l);

    return l->free > taken ? l->free - taken : 0;
}

/* May an image of that name come, one more? */
static int check_place(struct library *l, const struct record *r, struct err *err)
{
    const struct item *old = library_item_named(l, r->name, true);
    unsigned n = 0, free = 0;

    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        n += i->used && !i->leaving && i->is.state != LIBRARY_FAILED;
        free += !i->used;
    }
    if (library_item_named(l, r->name, false) || (old && !r->replaces))
        return err_set(err, LIBRARY_EEXISTS,
                       "expected a new name, got \"%s\": there is one of that name%s", r->name,
                       old ? "" : " on its way");
    if (old && (old->is.record.protected || old->is.origin == LIBRARY_FOLDER))
        return err_set(err, LIBRARY_EPROTECTED,
                       "the image \"%s\" is protected and cannot be replaced", r->name);
    if (free == 0 || n - (old != NULL) >= CONFIG_IMAGES_MAX)
        return err_set(err, LIBRARY_EFULL,
                       "the library holds %d images, and not one more: delete one first",
                       CONFIG_IMAGES_MAX);
    return 0;
}

int library_check_space(struct library *l, uint64_t bytes, struct err *err)
{
    l->free = shelf_free(&l->shelf);
    if (bytes == 0)
        return err_set(err, LIBRARY_EREQUEST, "expected a file with something in it");
    if (bytes > library_free(l) && unpacked(l))
        return err_set(err, LIBRARY_ESPACE,
                       "there is no room for %llu bytes: %llu are free, %llu are kept for raw "
                       "images that are still to be packed",
                       (unsigned long long)bytes, (unsigned long long)library_free(l),
                       (unsigned long long)unpacked(l));
    if (bytes > library_free(l))
        return err_set(err, LIBRARY_ESPACE, "there is no room for %llu bytes: %llu are free",
                       (unsigned long long)bytes, (unsigned long long)library_free(l));
    return 0;
}

/* An item of its own, numbered; nothing of it is on the disk yet. */
static struct item *number_item(struct library *l, const struct record *r, enum library_state state)
{
    struct item *i = library_new_item(l, LIBRARY_OWN, state, r);

    MUST(i);
    i->is.id = work_of(l, i)->id = l->next_id++;
    return i;
}

int library_check_newcomer(struct library *l, const struct record *r, struct err *err)
{
    int rc;

    library_collect(l);
    if (l->shut.code)
        return err_set(err, l->shut.code, "no images can be uploaded: %s", l->shut.text);
    rc = record_check(r, err);
    return rc ? rc : check_place(l, r, err);
}

int library_begin(struct library *l, const struct record *r, uint32_t *id, struct err *err)
{
    struct item *i;
    int rc = library_check_newcomer(l, r, err);

    if (rc == 0)
        rc = library_check_space(l, r->bytes, err);
    if (rc)
        return rc;
    i = number_item(l, r, LIBRARY_RECEIVING);
    library_post(l, i, TASK_BEGIN, 0);
    *id = i->is.id;
    return 0;
}

static uint32_t free_block(const struct library *l, const struct item *i)
{
    for (uint32_t b = 0; i->blocks < LIBRARY_BLOCKS_EACH && b < LIBRARY_BLOCKS; b++)
        if (!l->block_used[b])
            return b;
    return NO_BLOCK;
}

void library_flush(struct library *l, struct item *i)
{
    struct task t = {.kind = TASK_WRITE,
                     .image = (unsigned)(i - l->item),
                     .block = i->block,
                     .at = i->is.offset - i->filled,
                     .n = i->filled};

    if (i->block == NO_BLOCK)
        return;
    threads_post(&l->threads, &t);
    i->writing++;
    i->blocks++;
    i->block = NO_BLOCK;
    i->filled = 0;
}

/* As many of the n bytes as there are blocks for. */
static size_t take(struct library *l, struct item *i, const uint8_t *bytes, size_t n)
{
    size_t taken = 0;

    if (i->is.offset == 0)
        i->raw = n < 8 || memcmp(bytes, "RINGCAST", 8) != 0;
    while (taken < n) {
        size_t now = n - taken;

        if (i->block == NO_BLOCK) {
            i->block = free_block(l, i);
            if (i->block == NO_BLOCK)
                break;
            l->block_used[i->block] = true;
        }
        if (now > LIBRARY_BLOCK - i->filled)
            now = LIBRARY_BLOCK - i->filled;
        memcpy(l->threads.blocks + (size_t)i->block * LIBRARY_BLOCK + i->filled, bytes + taken,
               now);
        i->filled += now;
        i->is.offset += now;
        taken += now;
        if (i->filled == LIBRARY_BLOCK)
            library_flush(l, i);
    }
    if (i->is.offset == i->is.record.bytes) {
        library_flush(l, i);
        i->is.state = LIBRARY_CHECKING;
        i->finishing = true;
        library_post(l, i, TASK_FINISH, i->is.offset);
    }
    return taken;
}

static int check_piece(struct library *l, struct item *i, uint64_t at, const uint8_t *bytes,
                       size_t n, struct err *err)
{
    struct err why = {0};
    int rc;

    if (i->stall) {
        rc = i->stall;
        i->stall = 0;
        return err_set(err, rc, "%s", i->is.cause);
    }
    if (i->is.state != LIBRARY_RECEIVING || i->from.kind)
        return err_set(err, LIBRARY_EBUSY, "no more bytes are expected of this upload%s%s",
                       i->is.cause[0] ? ": " : "", i->is.cause);
    if (at != i->is.offset)
        return err_set(err, LIBRARY_EOFFSET, "expected bytes from %llu on, got them from %llu on",
                       (unsigned long long)i->is.offset, (unsigned long long)at);
    if (n > i->is.record.bytes - at)
        return err_set(err, LIBRARY_EOFFSET, "expected at most %llu bytes more",
                       (unsigned long long)(i->is.record.bytes - at));
    if (at || (n < RECORD_LOOK && n < i->is.record.bytes))
        return 0;
    rc = record_look(bytes, n, NULL, 0, i->is.record.bytes, &why);
    if (rc >= 0)
        return 0;
    library_fail(l, i, &why);
    return err_set(err, rc, "%s", why.text);
}

long library_put(struct library *l, uint32_t id, uint64_t at, const void *bytes, size_t n,
                 struct err *err)
{
    struct item *i;
    int rc;

    library_collect(l);
    i = library_item(l, id);
    if (!i)
        return err_set(err, LIBRARY_EUNKNOWN, "there is no upload %u", id);
    rc = check_piece(l, i, at, bytes, n, err);
    return rc ? rc : (long)take(l, i, bytes, n);
}

void library_pause(struct library *l, uint32_t id)
{
    struct item *i = library_item(l, id);

    if (!i)
        return;
    i->stall = 0;
    if (i->is.state == LIBRARY_RECEIVING)
        library_flush(l, i);
}

int library_abandon(struct library *l, uint32_t id, struct err *err)
{
    struct item *i;

    library_collect(l);
    i = library_item(l, id);
    if (!i)
        return err_set(err, LIBRARY_EUNKNOWN, "there is no upload %u", id);
    if (library_listed(&i->is))
        return err_set(err, LIBRARY_EBUSY,
                       "the upload is an image by now: it is deleted by its name");
    library_drop(l, i, true);
    return 0;
}

/* ---- pulls ---- */

struct item *library_fetch(struct library *l, const struct record *r, struct fetch from)
{
    struct item *i = number_item(l, r, LIBRARY_ASKING);

    i->from = from;
    return i;
}

int library_pull(struct library *l, const struct record *r, uint32_t *id, struct err *err)
{
    struct http_trust trust = {.authorities = l->needs.trust, .pinned = r->pinned};
    struct http_file *p = NULL;
    struct http_url url;
    int rc = library_check_newcomer(l, r, err);

    memcpy(trust.pin, r->pin, sizeof trust.pin);
    if (rc == 0)
        rc = http_url_parse(r->url, &url, err);
    if (rc == 0)
        rc = http_begin(&p, l->needs.stack, &url, &trust, PULL_IDLE_MS, err);
    if (rc)
        return rc;
    *id = library_fetch(l, r, fetch_http(p))->is.id;
    return 0;
}

/* The server has said how much it is. */
static int begin_pull(struct library *l, struct item *i, uint64_t bytes, struct err *err)
{
    struct work *w = work_of(l, i);
    int rc = library_check_space(l, bytes, err);

    if (rc)
        return rc;
    i->is.record.bytes = w->record.bytes = bytes;
    i->is.state = LIBRARY_RECEIVING;
    library_post(l, i, TASK_BEGIN, 0);
    return 0;
}

/* What is no disk is refused before all of it comes; the end is looked at when it is there. */
static int look_first(const uint8_t *bytes, size_t n, uint64_t size, struct err *err)
{
    int rc = record_look(bytes, n, NULL, 0, size, err);

    return rc < 0 ? rc : 0;
}

void library_step_pull(struct library *l, struct item *i)
{
    const uint8_t *bytes = NULL;
    struct err err = {0};
    long n = fetch_look(&i->from, &bytes, &err);
    int rc = n < 0 ? (int)n : 0;
    size_t taken = 1;

    if (rc == 0 && fetch_size(&i->from) && i->is.state == LIBRARY_ASKING)
        rc = begin_pull(l, i, fetch_size(&i->from), &err);
    if (rc == 0 && n >= RECORD_LOOK && i->is.state == LIBRARY_RECEIVING && i->is.offset == 0)
        rc = look_first(bytes, (size_t)n, i->is.record.bytes, &err);
    for (size_t sum = 0;
         rc == 0 && n > 0 && taken && sum < PULL_STEP && i->is.state == LIBRARY_RECEIVING;
         sum += taken) {
        taken = take(l, i, bytes, (size_t)n);
        fetch_took(&i->from, taken);
        n = i->is.state == LIBRARY_RECEIVING ? fetch_look(&i->from, &bytes, &err) : 0;
        rc = n < 0 ? (int)n : 0;
    }
    if (rc)
        library_fail(l, i, &err);
    if (i->is.state == LIBRARY_CHECKING) {
        fetch_close(&i->from);
        library_copied(l, i);
    }
}
