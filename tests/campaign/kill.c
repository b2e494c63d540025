/* Receivers that are killed at any moment: the disk looks empty, is as it was, or is whole, and the
 * next receiver goes on to PASS.
 *
 *   build/campaign/kill [KILLS [SEED]]     KILLS (200) from SEED (1) on
 *
 * A receiver is a process that restores an image onto a file. It is killed (SIGKILL) up to three
 * times in a row, then left alone. A case that is wrong prints the line that runs it again; as the
 * moment is of the clock, a case may need some runs. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "imaging/receive/receive.h"
#include "tests/unit/made_image.h"

#define IMAGES 4
#define MIB (UINT64_C(1) << 20)
#define SECTOR 512u
#define OLD 0x77
#define SLOW_S 300 /* no receiver takes so long */

enum look { LOOK_EMPTY, LOOK_OLD, LOOK_WHOLE, LOOK_WRONG };

struct scene {
    const struct made_image *image;
    char path[64];
    uint64_t bytes;
    uint8_t *now; /* what the file holds */
    unsigned looks[LOOK_WRONG + 1], early;
};

static struct made_image images[IMAGES];

/* With a first sector that says something. */
static void images_make(void)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        uint64_t seed = 500 + i;

        made_image(&images[i], (6 + 3 * i) * MIB + (i % 2) * SECTOR, 1 + i % 2, 3, seed);
        while (images[i].body.ndata < 12 || images[i].body.data[0].number != 0) {
            made_free(&images[i]);
            seed += 100;
            made_image(&images[i], (6 + 3 * i) * MIB + (i % 2) * SECTOR, 1 + i % 2, 3, seed);
        }
    }
}

static int fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                 struct err *err)
{
    const struct made_image *m = ctx;

    (void)err;
    return sink(sink_ctx, from, m->stream + (from - IMG_STREAM_OFFSET), to - from);
}

/* The receiver's process, to its end. */
static int receiver(const struct scene *s)
{
    struct disk_want want = {.min_bytes = s->image->raw_bytes, .make_bytes = s->image->raw_bytes};
    struct receive_options options = {
        .memory = RECEIVE_MEMORY, .verify = true, .patient = true, .threads = 2, .park_bytes = MIB};
    struct err err = {0}, why = {0};
    struct receive *r;
    struct disk d;
    struct made_image m = *s->image;
    int rc = disk_target_open(&d, s->path, &want, &err);

    if (!rc)
        rc = receive_open(&r, &m.head, &m.body, &d, &options, &err);
    if (!rc && receive_rows(r, fetch, &m, &why))
        receive_stop(r, &why);
    if (!rc)
        rc = receive_finish(r, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    return rc ? 1 : 0;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One receiver, killed after so many seconds (negative: not). Its wait status. */
static int run(const struct scene *s, double seconds)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        alarm(SLOW_S);
        _exit(receiver(s));
    }
    if (pid < 0)
        return -1;
    if (seconds >= 0) {
        struct timespec t = {.tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void read_all(struct scene *s)
{
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);

    MUST(fd >= 0);
    MUST(pread(fd, s->now, s->bytes, 0) == (ssize_t)s->bytes);
    close(fd);
}

static bool is_restored(const struct scene *s)
{
    const struct made_image *m = s->image;

    for (uint32_t i = 0; i < m->body.nruns; i++) {
        const struct img_run *run = m->body.runs + i;
        uint64_t at = (uint64_t)run->first * IMG_CHUNK_BYTES,
                 end = at + (uint64_t)run->count * IMG_CHUNK_BYTES;

        end = end < m->raw_bytes ? end : m->raw_bytes;
        if (run->state != IMG_FREE && memcmp(s->now + at, m->raw + at, end - at))
            return false;
    }
    return true;
}

static bool all(const uint8_t *bytes, uint64_t n, uint8_t value)
{
    return bytes[0] == value && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* By its first sector, which is the last to be written, and what must go with it. */
static enum look look(struct scene *s)
{
    read_all(s);
    if (all(s->now, SECTOR, 0))
        return LOOK_EMPTY;
    if (all(s->now, SECTOR, OLD))
        return all(s->now + MIB, s->bytes - 2 * MIB, OLD) ? LOOK_OLD : LOOK_WRONG;
    return is_restored(s) ? LOOK_WHOLE : LOOK_WRONG;
}

static void scene_begin(struct scene *s, const struct made_image *m)
{
    uint8_t junk[65536];
    int fd;

    s->image = m;
    s->bytes = m->raw_bytes;
    strcpy(s->path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ringcast_kill_XXXXXX"
                                                  : "/tmp/ringcast_kill_XXXXXX");
    fd = mkstemp(s->path);
    MUST(fd >= 0);
    memset(junk, OLD, sizeof junk);
    for (uint64_t at = 0; at < s->bytes; at += sizeof junk) {
        size_t n = s->bytes - at < sizeof junk ? (size_t)(s->bytes - at) : sizeof junk;

        MUST(pwrite(fd, junk, n, (off_t)at) == (ssize_t)n);
    }
    close(fd);
}

static bool wrong(uint64_t seed, const char *what)
{
    printf("%s; again: build/campaign/kill 1 %" PRIu64 "\n", what, seed);
    fflush(stdout);
    return false;
}

/* `takes`: seconds of a receiver that nobody kills. *kills counts those that were. */
static bool one_case(struct scene *s, uint64_t seed, double takes, uint64_t *kills)
{
    struct rng r = {seed * UINT64_C(0x9E3779B97F4A7C15)};
    unsigned times = 1 + (unsigned)rng_below(&r, 3);
    bool fine = true;
    int status;

    scene_begin(s, images + rng_below(&r, IMAGES));
    for (unsigned i = 0; i < times && fine; i++) {
        enum look is;

        status = run(s, takes * 1.1 * rng_unit(&r));
        is = look(s);
        s->looks[is]++;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            ++*kills;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && is == LOOK_WHOLE)
            s->early++;
        else
            fine = wrong(seed, "a receiver ended in another way than by a kill or PASS");
        if (is == LOOK_WRONG)
            fine = wrong(seed, "after a kill the disk looks good and is not");
    }
    status = fine ? run(s, -1) : 0;
    if (fine && (!WIFEXITED(status) || WEXITSTATUS(status)))
        fine = wrong(seed, "the receiver after a kill does not pass");
    if (fine && look(s) != LOOK_WHOLE)
        fine = wrong(seed, "false PASS after a kill");
    unlink(s->path);
    return fine;
}

/* How long a receiver takes here and now. */
static double measure(struct scene *s)
{
    double start, took;

    scene_begin(s, images + 1);
    start = now_s();
    MUST(run(s, -1) == 0);
    took = now_s() - start;
    unlink(s->path);
    return took;
}

int main(int argc, char **argv)
{
    uint64_t want = argc > 1 ? strtoull(argv[1], NULL, 10) : 200,
             seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, kills = 0;
    struct scene s = {0};
    unsigned bad = 0;
    double takes;

    fec_init(NULL);
    images_make();
    s.now = malloc(32 * MIB);
    MUST(s.now);
    takes = measure(&s);
    for (uint64_t n = 0; n < 4 * want && (want == 1 ? n < 1 : kills < want); n++)
        bad += !one_case(&s, seed + n, takes, &kills);
    printf("%" PRIu64 " kills: %u disks looked empty, %u as before, %u whole; %u receivers were "
           "faster; %u wrong\n",
           kills, s.looks[LOOK_EMPTY], s.looks[LOOK_OLD], s.looks[LOOK_WHOLE] - s.early, s.early,
           bad);
    for (int i = 0; i < IMAGES; i++)
        made_free(&images[i]);
    free(s.now);
    return bad > 0 || (want > 1 && kills < want);
}
