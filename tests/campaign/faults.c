/* Every call to a file of everything that keeps state fails, lies or is the last before the power
 * goes.
 *
 *   build/campaign/faults [POINTS [SEED [WORD]]]   at least POINTS (10000), on all CPUs; those
 *                                                  scenarios whose name holds WORD
 *   build/campaign/faults POINT                    the one that a failure has printed
 *
 * First each trouble at each call of each scenario (faults.h), then two troubles at calls by
 * chance. Nothing crashes; what was said to be kept is there, or its loss is said and the box is on
 * hold; no key is made in another one's place; nothing is deleted for being unreadable; a restore
 * that ends in PASS has written every byte. Each process works on a small disk in memory of its
 * own, where it may mount one; elsewhere the trouble "room" is left out. Threads take turns
 * differently each time: a point may need some runs. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imaging/fec/fec.h"
#include "net/wire/must.h"
#include "tests/campaign/faults.h"

#define WORKERS_MAX 64
#define SCENARIOS_MAX 64
#define SLOW_S 120 /* no point takes so long, also beside much else */
#define POINT_TEXT 120
#define DISK_BYTES (96u << 20)
#define BLOCK 4096u
#define ROOMS 24 /* blocks that are free, at most */
#define LUCKS 3

struct point {
    unsigned scenario;
    uint64_t seed;
    struct trouble_at t[2];
};

static struct tally {
    _Atomic uint32_t points[SCENARIOS_MAX], struck[SCENARIOS_MAX], of[TROUBLE_COUNT], total;
    char now[WORKERS_MAX][POINT_TEXT], folder[WORKERS_MAX][40];
} * tally;

static const struct scenario *all[SCENARIOS_MAX];
static unsigned n_all, workers;
static char place_of_worker[40];
static bool small_disk;
static unsigned me;

/* The sanitizer keeps less of what was freed: the journal's memory is large. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

static const char *word_of(enum trouble what)
{
#define X(name, word) word,
    static const char *const words[] = {TROUBLES(X)};
#undef X

    return words[what];
}

/* ---- points as text ---- */

static void point_text(const struct point *p, char to[POINT_TEXT])
{
    int n = snprintf(to, POINT_TEXT, "%s:%" PRIu64, all[p->scenario]->name, p->seed);

    for (int i = 0; i < 2; i++)
        if (p->t[i].what)
            n += snprintf(to + n, POINT_TEXT - (size_t)n, ":%s:%u:%s", word_of(p->t[i].what),
                          p->t[i].at, p->t[i].sticky ? "on" : "once");
}

static bool point_parse(const char *text, struct point *p)
{
    char name[64], what[2][16], how[2][8];
    int n = sscanf(text, "%63[^:]:%" SCNu64 ":%15[^:]:%u:%7[^:]:%15[^:]:%u:%7[^:]", name, &p->seed,
                   what[0], &p->t[0].at, how[0], what[1], &p->t[1].at, how[1]);

    while (p->scenario < n_all && strcmp(all[p->scenario]->name, name) != 0)
        p->scenario++;
    for (int i = 0; i < (n - 2) / 3; i++) {
        while (p->t[i].what < TROUBLE_COUNT && strcmp(word_of(p->t[i].what), what[i]) != 0)
            p->t[i].what++;
        p->t[i].sticky = strcmp(how[i], "on") == 0;
    }
    return n >= 2 && p->scenario < n_all && p->t[0].what < TROUBLE_COUNT &&
           p->t[1].what < TROUBLE_COUNT;
}

/* ---- one point ---- */

static void wipe(const char *folder)
{
    char path[400];
    struct dirent *e;
    DIR *d = opendir(folder);

    while (d && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_type == DT_DIR)
            wipe(path);
        else
            (void)unlink(path);
    }
    if (d)
        closedir(d);
    (void)rmdir(folder);
}

/* Fills the disk but for so many blocks. */
static void leave_blocks(unsigned blocks)
{
    char path[64];
    int fd;
    long size = 1 << 20, at = 0;

    snprintf(path, sizeof path, "%s/ballast", place_of_worker);
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    MUST(fd >= 0);
    for (; size >= (long)BLOCK; size /= 2)
        while (syscall(SYS_fallocate, fd, 0, at, size) == 0)
            at += size;
    syscall(SYS_ftruncate, fd, at > (long)(blocks * BLOCK) ? at - (long)(blocks * BLOCK) : 0);
    close(fd);
}

static void remove_ballast(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/ballast", place_of_worker);
    (void)unlink(path);
}

static void run_point(const struct point *p)
{
    const struct scenario *s = all[p->scenario];
    struct place place = {.rng = {p->seed}};

    point_text(p, tally->now[me]);
    alarm(SLOW_S);
    snprintf(place.data, sizeof place.data, "%s/data", place_of_worker);
    wipe(place.data);
    MUST(mkdir(place.data, 0700) == 0);
    layer_begin(place.data, s->part);
    s->prepare(&place);
    layer_settle();
    if (p->t[0].what == TROUBLE_ROOM)
        leave_blocks(p->t[0].at);
    layer_arm(p->t, (unsigned)p->seed + p->t[0].at);
    s->act(&place);
    layer_disarm(&place);
    if (p->t[0].what == TROUBLE_ROOM) {
        place.struck = place.errors = 1;
        remove_ballast();
    }
    layer_end(5 + (unsigned)(p->seed + p->t[0].at * 7) % 1000); /* by chance: CUT_DICE and more */
    s->judge(&place);
    atomic_fetch_add(&tally->points[p->scenario], 1);
    atomic_fetch_add(&tally->struck[p->scenario], place.struck > 0);
    atomic_fetch_add(&tally->of[p->t[0].what], 1);
    atomic_fetch_add(&tally->total, 1);
}

/* ---- which ---- */

static bool mine(unsigned number)
{
    return number % workers == me;
}

static void try_call(struct point p, enum trouble what, unsigned call)
{
    bool lasts = what == TROUBLE_EIO || what == TROUBLE_FULL || what == TROUBLE_HANDLES ||
                 what == TROUBLE_SHORT;

    for (unsigned i = 0; i < (what == TROUBLE_POWER ? LUCKS : 1u + lasts); i++) {
        p.t[0] = (struct trouble_at){.what = what, .at = call, .sticky = lasts && i};
        p.seed += what == TROUBLE_POWER && i;
        if (mine(call + i))
            run_point(&p);
    }
}

/* The disk refuses to sync, and when all is done the power goes. */
static void try_unsynced(struct point p, unsigned call, unsigned calls)
{
    p.t[0] = (struct trouble_at){.what = TROUBLE_EIO, .at = call};
    p.t[1] = (struct trouble_at){.what = TROUBLE_POWER, .at = calls + 1000};
    if (mine(call))
        run_point(&p);
}

/* Each trouble at each call, and the power goes behind the last one. `sparse`: calls fail at every
 * n-th one only. */
static void each_call(unsigned scenario, uint64_t seed, bool sparse)
{
    static bool can[TROUBLE_COUNT][4096], syncs[4096];
    struct point p = {.scenario = scenario, .seed = seed};
    unsigned every = sparse && all[scenario]->every ? all[scenario]->every : 1, calls;

    run_point(&p);
    calls = layer_calls();
    for (unsigned call = 0; call < calls; call++) {
        syncs[call] = layer_syncs(call);
        for (unsigned what = TROUBLE_EIO; what <= TROUBLE_POWER; what++)
            can[what][call] = layer_can(what, call);
    }
    for (unsigned what = TROUBLE_EIO; what <= TROUBLE_POWER; what++)
        for (unsigned call = 0, n = what; call < calls; call++)
            if (can[what][call] && (what >= TROUBLE_LOST || n++ % every == 0))
                try_call(p, what, call);
    try_call(p, TROUBLE_POWER, calls + 1000);
    for (unsigned call = 0; call < calls; call++)
        if (syncs[call])
            try_unsynced(p, call, calls);
    for (unsigned blocks = 0; small_disk && !all[scenario]->no_room && blocks < ROOMS; blocks++) {
        p.t[0] = (struct trouble_at){.what = TROUBLE_ROOM, .at = blocks};
        if (blocks % every == 0 && mine(blocks / every))
            run_point(&p);
    }
}

/* Two troubles, in any scenario, at calls that are more often early ones. */
static void by_chance(struct rng *r)
{
    struct point p = {.scenario = (unsigned)rng_below(r, n_all), .seed = rng_below(r, UINT32_MAX)};
    unsigned cheap = 0;

    while (all[p.scenario]->every && cheap++ < 2)
        p.scenario = (unsigned)rng_below(r, n_all);
    for (int i = 0; i < 2; i++)
        p.t[i] = (struct trouble_at){.what = TROUBLE_EIO + rng_below(r, TROUBLE_POWER),
                                     .at = (unsigned)rng_below(r, 1 + rng_below(r, 120)),
                                     .sticky = rng_below(r, 2)};
    p.t[0].sticky &= p.t[0].what <= TROUBLE_SHORT;
    p.t[1].sticky &= p.t[1].what <= TROUBLE_SHORT;
    run_point(&p);
}

/* ---- processes ---- */

/* A disk of its own in memory, which can really be full. */
static void mount_disk(void)
{
    char options[40];

    snprintf(options, sizeof options, "size=%u,mode=700", DISK_BYTES);
    small_disk = unshare(CLONE_NEWNS) == 0 &&
                 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                 mount("tmpfs", place_of_worker, "tmpfs", 0, options) == 0;
}

static void make_folder(unsigned number)
{
    strcpy(tally->folder[number], "/dev/shm/rcfaults.XXXXXX");
    MUST(mkdtemp(tally->folder[number]));
}

static void begin_worker(unsigned number)
{
    me = number;
    memcpy(place_of_worker, tally->folder[number], sizeof place_of_worker);
    mount_disk();
    faults_library_begin();
    faults_target_begin();
}

static void end_worker(void)
{
    faults_target_end();
    wipe(place_of_worker); /* a disk of its own ends with the process */
}

static void work(unsigned number, uint32_t points, uint64_t seed)
{
    struct rng r = {seed * UINT64_C(0x9E3779B97F4A7C15) + number};

    begin_worker(number);
    for (unsigned s = 0; s < n_all; s++)
        each_call(s, seed, points < 100000);
    while (atomic_load(&tally->total) < points)
        by_chance(&r);
    end_worker();
}

static bool work_all(uint32_t points, uint64_t seed)
{
    pid_t pid[WORKERS_MAX];
    bool fine = true;

    fflush(stdout);
    for (unsigned w = 0; w < workers; w++) {
        make_folder(w);
        pid[w] = fork();
        if (pid[w] == 0) {
            work(w, points, seed);
            exit(0);
        }
    }
    for (unsigned w = 0; w < workers; w++) {
        int status = 0;

        if (waitpid(pid[w], &status, 0) < 0 || status) {
            printf("ended by %s %d; again: build/campaign/faults '%s'\n",
                   WIFSIGNALED(status) ? "signal" : "code",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), tally->now[w]);
            fine = false;
        }
        wipe(tally->folder[w]);
    }
    return fine;
}

static void add(const struct scenario *table, const char *word)
{
    for (; table->name; table++) {
        MUST(n_all < SCENARIOS_MAX);
        if (strstr(table->name, word))
            all[n_all++] = table;
    }
}

static void print_tally(uint64_t seed)
{
    for (unsigned s = 0; s < n_all; s++)
        printf("%-20s %7u points, %7u struck\n", all[s]->name, tally->points[s], tally->struck[s]);
    for (unsigned what = 0; what < TROUBLE_COUNT; what++)
        printf("%s%s %u", what ? ", " : "", word_of(what), tally->of[what]);
    printf("\n%u points from seed %" PRIu64 "\n", tally->total, seed);
}

int main(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t points = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const char *word = argc > 3 ? argv[3] : "";
    struct point one = {0};
    bool fine;

    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(tally != MAP_FAILED);
    fec_init(NULL);
    add(faults_memory, word);
    add(faults_files, word);
    add(faults_library, word);
    add(faults_target, word);
    workers = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (unsigned)cpus;
    if (argc == 2 && strchr(argv[1], ':')) {
        MUST(point_parse(argv[1], &one));
        make_folder(0);
        begin_worker(0);
        run_point(&one);
        end_worker();
        (void)umount2(place_of_worker, MNT_DETACH);
        (void)rmdir(place_of_worker);
        return 0;
    }
    fine = work_all(points, seed);
    print_tally(seed);
    return !fine;
}
