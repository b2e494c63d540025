/* A disk that lies or fails at chosen bytes, in front of a good one: for tests of everything that
 * must notice. */
#include <stdlib.h>

#include "imaging/disk/disk.h"

struct fault {
    struct disk below;
    struct disk_faults faults;
};

static bool covers(uint64_t at, uint64_t n, uint64_t byte)
{
    return byte >= at && byte - at < n;
}

static int fault_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct fault *f = ctx;
    int rc = f->below.ops->read(f->below.ctx, to, n, at, err);

    if (!rc && covers(at, n, f->faults.read_flips_at))
        to[f->faults.read_flips_at - at] ^= 1;
    return rc;
}

/* Whether writing or zeroing [at, at + n) goes wrong: 0 no, 1 silently, or an error. */
static int strike(const struct fault *f, uint64_t at, uint64_t n, struct err *err)
{
    if (covers(at, n, f->faults.write_fails_at))
        return err_set(err, DISK_EFAULT, "write at byte %llu fails as told",
                       (unsigned long long)at);
    return covers(at, n, f->faults.write_lost_at);
}

static int fault_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                       struct err *err)
{
    struct fault *f = ctx;
    uint64_t n = 0;
    int struck;

    for (int i = 0; i < n_parts; i++)
        n += parts[i].n;
    struck = strike(f, at, n, err);
    if (struck)
        return struck < 0 ? struck : 0;
    return f->below.ops->write(f->below.ctx, parts, n_parts, at, err);
}

static int fault_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct fault *f = ctx;
    int struck = strike(f, at, n, err);

    if (struck)
        return struck < 0 ? struck : 0;
    return f->below.ops->zero(f->below.ctx, at, n, err);
}

static void fault_discard(void *ctx, uint64_t at, uint64_t n)
{
    struct fault *f = ctx;

    f->below.ops->discard(f->below.ctx, at, n);
}

static int fault_flush(void *ctx, struct err *err)
{
    struct fault *f = ctx;

    return f->below.ops->flush(f->below.ctx, err);
}

static void fault_close(void *ctx)
{
    struct fault *f = ctx;

    disk_close(&f->below);
    free(f);
}

static const struct disk_ops fault_ops = {fault_read,  fault_write, fault_zero, fault_discard,
                                          fault_flush, fault_close, NULL};

int disk_fault(struct disk *disk, const struct disk_faults *faults, struct err *err)
{
    struct fault *f = calloc(1, sizeof *f);

    if (!f)
        return err_set(err, DISK_EOPEN, "out of memory");
    f->below = *disk;
    f->faults = *faults;
    disk->ops = &fault_ops;
    disk->ctx = f;
    return 0;
}
