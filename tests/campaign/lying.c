/* Restores onto disks that lie: none may end in PASS over damage.
 *
 *   build/campaign/lying [CASES [SEED]]     CASES (2000) from SEED (1) on, on all CPUs
 *
 * Each case is made of its seed alone: image, disk, what was on it, lie, place and time. What ends
 * in PASS is compared with the image, byte by byte; an honest disk, and one whose lie never struck,
 * must end in PASS. A case that is wrong prints the line that runs it again. Threads take turns
 * differently each time: a case may need some runs. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imaging/receive/receive.h"
#include "tests/campaign/liar.h"
#include "tests/unit/made_image.h"

#define IMAGES 6
#define MIB (UINT64_C(1) << 20)
#define SLOW_S 600 /* no case takes so long, also beside much else */

struct tally {
    _Atomic uint32_t cases[LIE_COUNT], struck[LIE_COUNT], passed[LIE_COUNT], named, wrong;
};

static struct made_image images[IMAGES];
static struct tally *tally;

static void images_make(void)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        uint64_t seed = 100 + i;

        do {
            made_image(&images[i], (3 + i) * MIB + (i % 2) * 512, 1 + i % 2, 3, seed);
            seed += 100;
        } while (images[i].body.ndata < 4);
    }
}

static int fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                 struct err *err)
{
    const struct made_image *m = ctx;

    (void)err;
    return sink(sink_ctx, from, m->stream + (from - IMG_STREAM_OFFSET), to - from);
}

static bool is_restored(const struct made_image *m, struct liar *l)
{
    static uint8_t seen[16 * MIB];

    liar_see(l, seen, l->n, 0);
    for (uint32_t i = 0; i < m->body.nruns; i++) {
        const struct img_run *run = m->body.runs + i;
        uint64_t at = (uint64_t)run->first * IMG_CHUNK_BYTES,
                 end = at + (uint64_t)run->count * IMG_CHUNK_BYTES;

        end = end < m->raw_bytes ? end : m->raw_bytes;
        if (run->state != IMG_FREE && memcmp(seen + at, m->raw + at, end - at))
            return false;
    }
    return true;
}

/* What the disk holds before: rubbish, zeros, another image, this one, or this one in part. */
static uint8_t *content(struct rng *r, const struct made_image *m, const struct made_image *other,
                        uint64_t n)
{
    uint8_t *bytes = calloc(1, n);
    unsigned kind = (unsigned)rng_below(r, 6);
    uint64_t from = rng_below(r, m->raw_bytes), to = from + rng_below(r, m->raw_bytes - from);

    MUST(bytes);
    if (kind == 0 || kind == 4 || kind == 5)
        memset(bytes, 0x77, n);
    if (kind == 2)
        memcpy(bytes, other->raw, other->raw_bytes < n ? other->raw_bytes : n);
    if (kind == 3)
        memcpy(bytes, m->raw, m->raw_bytes);
    if (kind == 4)
        memcpy(bytes + from, m->raw + from, to - from);
    return bytes;
}

static int restore(struct made_image *m, struct disk *d, unsigned threads, struct err *err)
{
    struct receive_options options = {.memory = RECEIVE_MEMORY,
                                      .verify = true,
                                      .patient = true,
                                      .threads = threads,
                                      .park_bytes = MIB};
    struct err why = {0};
    struct receive *r;
    int rc = receive_open(&r, &m->head, &m->body, d, &options, err);

    if (rc)
        return rc;
    if (receive_rows(r, fetch, m, &why))
        receive_stop(r, &why);
    rc = receive_finish(r, err);
    receive_close(r);
    return rc;
}

static void wrong(uint64_t seed, const struct liar *l, const char *what, const char *text)
{
    printf("%s: '%s'%s%s; again: build/campaign/lying 1 %" PRIu64 "\n", what, lie_name(l->lie),
           text[0] ? ": " : "", text, seed);
    fflush(stdout);
    atomic_fetch_add(&tally->wrong, 1);
}

static void one_case(uint64_t seed)
{
    struct rng r = {seed * UINT64_C(0x9E3779B97F4A7C15)};
    struct made_image *m = images + rng_below(&r, IMAGES), *other = images + rng_below(&r, IMAGES);
    enum lie lie = (enum lie)rng_below(&r, LIE_COUNT);
    uint64_t n = m->raw_bytes + rng_below(&r, 2) * (rng_below(&r, 3 * MIB) & ~UINT64_C(511));
    uint8_t *before = content(&r, m, other, n),
            *second = content(&r, other, m, n < other->raw_bytes ? other->raw_bytes : n);
    struct err err = {0};
    struct liar l;
    struct disk d = liar_disk(&l, n, before, lie, rng_u64(&r));
    int rc;

    l.other = second;
    alarm(SLOW_S);
    rc = restore(m, &d, 1 + (unsigned)rng_below(&r, 2), &err);
    atomic_fetch_add(&tally->cases[lie], 1);
    atomic_fetch_add(&tally->struck[lie], l.struck);
    atomic_fetch_add(&tally->passed[lie], rc == 0);
    atomic_fetch_add(&tally->named, rc == RECEIVE_ECOUNTERFEIT && lie == LIE_WRAP);
    if (!rc && !is_restored(m, &l))
        wrong(seed, &l, "false PASS", "");
    else if (rc && !l.struck)
        wrong(seed, &l, "honest disk refused", err.text);
    liar_free(&l);
    free(before);
    free(second);
}

static bool work(uint64_t cases, uint64_t first, unsigned workers)
{
    bool fine = true;

    for (unsigned w = 0; w < workers; w++)
        if (fork() == 0) {
            for (uint64_t i = w; i < cases; i += workers)
                one_case(first + i);
            _exit(0);
        }
    for (unsigned w = 0; w < workers; w++) {
        int status = 0;

        if (wait(&status) < 0 || status) {
            printf("a worker ended by signal %d\n", WTERMSIG(status));
            fine = false;
        }
    }
    return fine;
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000,
             first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    bool fine;

    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(tally != MAP_FAILED);
    fec_init(NULL);
    images_make();
    fine = work(cases, first, cases < (uint64_t)cpus ? 1 : (unsigned)cpus);
    for (int i = 0; i < LIE_COUNT && cases > 1; i++)
        printf("%-48s %6u cases, %6u struck, %6u PASS\n", lie_name((enum lie)i), tally->cases[i],
               tally->struck[i], tally->passed[i]);
    printf("%" PRIu64 " cases from seed %" PRIu64
           ", %u wrong; %u of %u disks that wrap were called counterfeit\n",
           cases, first, tally->wrong, tally->named, tally->struck[LIE_WRAP]);
    for (int i = 0; i < IMAGES; i++)
        made_free(&images[i]);
    return !fine || tally->wrong > 0;
}
