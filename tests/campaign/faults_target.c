/* Restores onto a file whose calls fail or lie: none ends in PASS over damage. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "imaging/receive/receive.h"
#include "tests/campaign/faults.h"
#include "tests/unit/made_image.h"

#define MIB (UINT64_C(1) << 20)

static struct made_image image;
static int result;

void faults_target_begin(void)
{
    uint64_t seed = 5;

    do
        made_image(&image, MIB + 512, 1, 2, seed += 10);
    while (image.body.ndata < 3);
}

void faults_target_end(void)
{
    made_free(&image);
}

static int fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                 struct err *err)
{
    const struct made_image *m = ctx;

    (void)err;
    return sink(sink_ctx, from, m->stream + (from - IMG_STREAM_OFFSET), to - from);
}

static void path_of(const struct place *p, char to[128])
{
    snprintf(to, 128, "%s/target", p->data);
}

/* Rubbish, or this image with one byte wrong: a restore that goes on. */
static void disk_with_rubbish(struct place *p)
{
    uint8_t *bytes = malloc(image.raw_bytes);
    char path[128];

    MUST(bytes);
    path_of(p, path);
    memset(bytes, 0x77, image.raw_bytes);
    if (rng_below(&p->rng, 3) == 0)
        memcpy(bytes, image.raw, image.raw_bytes);
    bytes[rng_below(&p->rng, image.raw_bytes)] ^= 1;
    faults_put_file(path, bytes, image.raw_bytes);
    free(bytes);
}

static void no_disk(struct place *p)
{
    (void)p;
}

static int restore(const char *path, struct err *err)
{
    const struct disk_want want = {.min_bytes = image.raw_bytes,
                                   .make_bytes = image.raw_bytes,
                                   .create = true};
    struct receive_options options = {
        .memory = RECEIVE_MEMORY, .verify = true, .patient = true, .threads = 1, .park_bytes = MIB};
    struct err why = {0};
    struct receive *r;
    struct disk d;
    int rc = disk_target_open(&d, path, &want, err);

    if (rc)
        return rc;
    rc = receive_open(&r, &image.head, &image.body, &d, &options, err);
    if (rc == 0) {
        if (receive_rows(r, fetch, &image, &why))
            receive_stop(r, &why);
        rc = receive_finish(r, err);
        receive_close(r);
    }
    disk_close(&d);
    return rc;
}

static void restore_there(struct place *p)
{
    struct err err = {0};
    char path[128];

    path_of(p, path);
    result = restore(path, &err);
    if (result && !p->struck && err.text[0] == 0)
        fail_msg("a restore failed without a sentence: %d", result);
}

/* After PASS every byte that the image defines is there: also when the power went afterwards. */
static void compare(struct place *p)
{
    uint8_t *have;
    char path[128];

    if (place_is_fine(p))
        assert_int_equal(result, 0);
    if (result)
        return;
    have = malloc(image.raw_bytes);
    MUST(have);
    path_of(p, path);
    assert_int_equal(faults_get_file(path, have, image.raw_bytes), image.raw_bytes);
    for (uint32_t i = 0; i < image.body.nruns; i++) {
        const struct img_run *run = image.body.runs + i;
        uint64_t at = (uint64_t)run->first * IMG_CHUNK_BYTES,
                 end = at + (uint64_t)run->count * IMG_CHUNK_BYTES;

        end = end < image.raw_bytes ? end : image.raw_bytes;
        if (run->state != IMG_FREE && memcmp(have + at, image.raw + at, end - at))
            fail_msg("a false PASS: bytes from %llu on differ", (unsigned long long)at);
    }
    free(have);
}

const struct scenario faults_target[] = {
    {.name = "target-there",
     .part = "",
     .prepare = disk_with_rubbish,
     .act = restore_there,
     .judge = compare,
     .every = 3},
    {.name = "target-made",
     .part = "",
     .prepare = no_disk,
     .act = restore_there,
     .judge = compare,
     .every = 3},
    {0},
};
