/* `ringcast box --arm`: the order that names a machine, while no box runs. */
#include <stdio.h>
#include <stdlib.h>

#include "board/box/box.h"
#include "board/box/library/shelf.h"
#include "board/box/orders/disks.h"
#include "board/box/orders/machines.h"
#include "board/box/store/journal.h"
#include "board/errors/box.h"

struct arming {
    struct machines machines;
    struct disks disks;
    struct journal *journal;
    int failed;
};

static enum told recall_machine(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                                const uint8_t *value, size_t nvalue)
{
    struct arming *a = ctx;

    if (kind == JOURNAL_DISKS)
        /* of another machine it is the box's to judge */
        (void)disks_restore(&a->disks, key, nkey, value, nvalue);
    return kind == JOURNAL_MACHINE ? machines_restore(&a->machines, key, nkey, value, nvalue)
                                   : TOLD_KNOWN;
}

static void store_named(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    struct arming *a = ctx;
    int rc = journal_put(a->journal, JOURNAL_DISKS, mac, 6, value, n);

    a->failed = a->failed ? a->failed : rc;
}

static void store_armed(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    struct arming *a = ctx;

    a->failed = journal_put(a->journal, JOURNAL_MACHINE, mac, 6, value, n);
}

int box_arm(const char *data, const uint8_t mac[6], struct err *err)
{
    struct arming *a = calloc(1, sizeof *a);
    char path[SHELF_PATH_MAX];
    int rc;

    if (!a)
        return err_set(err, PC_EMEMORY, "out of memory");
    machines_init(&a->machines, false, store_armed, a);
    snprintf(path, sizeof path, "%s/journal", data);
    rc = journal_open(&a->journal, path, err);
    /* what is damaged or missing is the box's to judge, when it starts */
    if (rc == 0 && journal_found(a->journal).was == JOURNAL_INTACT) {
        journal_tell(a->journal, recall_machine, a);
        rc = journal_begin(a->journal, err);
    }
    if (rc == 0 && journal_found(a->journal).was == JOURNAL_INTACT) {
        (void)machine_arm(&a->machines, mac, 0);
        a->disks.store = store_named;
        a->disks.ctx = a;
        disks_named(&a->disks, mac);
        disks_flush(&a->disks);
        rc = a->failed ? err_set(err, a->failed, "the journal %s cannot be written", path) : 0;
    }
    journal_close(a->journal);
    free(a);
    return rc;
}
