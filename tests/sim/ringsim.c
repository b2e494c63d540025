/* ringsim --table | --quick | --row NAME [--quick] [--seed S]
 *
 * Thousands of receivers in one process: the product's schedule (imaging/carousel) and the
 * product's receiver logic (imaging/receive/track) around simulated channels. A row's outcome
 * depends on its name and the seed alone. --table is all rows with 1000 receivers each, --quick
 * some of them with fewer, for every test run; the exit code is 1 when a goal was missed. SEED in
 * the environment is --seed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/wire/must.h"
#include "tests/sim/rows.h"

#define SHARDS 8
#define TASKS_MAX 512

/* One process's share of a row, its outcome in memory shared with the parent. */
struct outcome {
    struct world_result result;
    bool done;
    struct world_end ends[];
};

struct task {
    struct world_plan plan;
    uint64_t seed;
    uint32_t first, step;
    struct outcome *outcome;
    pid_t pid;
};

struct run {
    const struct row *row;
    uint64_t seed;
    bool quick;
    unsigned first_task, tasks;
};

static struct task tasks[TASKS_MAX];
static unsigned n_tasks;

/* ---- work, on all processors ---- */

static uint32_t receivers_of(const struct world_plan *p)
{
    uint32_t n = 0;

    for (unsigned g = 0; g < WORLD_GROUPS; g++)
        n += p->group[g].receivers;
    return n;
}

static void add_task(const struct world_plan *plan, uint64_t seed, uint32_t first, uint32_t step)
{
    MUST(n_tasks < TASKS_MAX);
    struct task *t = &tasks[n_tasks++];
    size_t bytes = sizeof *t->outcome + receivers_of(plan) * sizeof(struct world_end);

    *t = (struct task){.plan = *plan, .seed = seed, .first = first, .step = step};
    t->outcome = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(t->outcome != MAP_FAILED);
}

static void work(struct task *t)
{
    struct world_result r;

    world_run(&t->plan, t->seed, t->first, t->step, &r);
    memcpy(t->outcome->ends, r.ends, r.receivers * sizeof *r.ends);
    free(r.ends);
    t->outcome->result = r;
    t->outcome->done = true;
}

static void start(struct task *t)
{
    t->pid = fork();
    MUST(t->pid >= 0);
    if (t->pid == 0) {
        work(t);
        _exit(0);
    }
}

/* Without feedback receivers do not meet: such a row is cut into shards. */
static void plan_run(struct run *run)
{
    struct world_plan plan = run->row->plan;

    for (unsigned g = 0; run->quick && g < WORLD_GROUPS; g++)
        if (plan.group[g].receivers > run->row->quick)
            plan.group[g].receivers = run->row->quick;
    run->first_task = n_tasks;
    uint32_t step = plan.steered ? 1 : SHARDS;
    for (uint32_t i = 0; i < step; i++)
        add_task(&plan, run->seed, i, step);
    if (run->row->kind != ROW_BOUND) {
        for (unsigned g = 1; g < WORLD_GROUPS; g++)
            plan.group[g].receivers = 0;
        add_task(&plan, run->seed, 0, 1);
    }
    run->tasks = n_tasks - run->first_task;
}

/* ---- figures ---- */

struct figures {
    double mean, p999, last, wait;
    uint32_t n, unfinished, died;
    uint32_t most_r, most_lg_t;
    uint64_t evicted;
    double body; /* share of the packets */
};

static int rising(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* The ratio of one receiver. base: the same receiver in the run without the others; slowed: what
 * --rate auto would have left of the rate. */
static double ratio_of(const struct row *row, const struct world_end *e,
                       const struct world_end *base, double slowed)
{
    double took = (double)(e->finished - e->joined);

    if (row->kind == ROW_LATER)
        return took / (double)(base->finished - base->joined) / slowed;
    if (row->kind == ROW_SCALE)
        return (double)e->finished / (double)base->finished;
    return took / (double)(e->bound - e->joined);
}

static void add_task_figures(struct figures *f, const struct task *t)
{
    const struct world_result *r = &t->outcome->result;

    f->most_r = r->most_r > f->most_r ? r->most_r : f->most_r;
    f->most_lg_t = r->most_lg_t > f->most_lg_t ? r->most_lg_t : f->most_lg_t;
    f->evicted += r->evicted;
    f->body = (double)r->body / (double)r->sent;
}

static void add_ends(struct figures *f, const struct row *row, const struct task *t,
                     const struct task *base, double *ratios)
{
    for (uint32_t i = 0; i < t->outcome->result.receivers; i++) {
        const struct world_end *e = &t->outcome->ends[i];
        const struct world_end *b =
            base ? &base->outcome->ends[row->kind == ROW_LATER ? i : 0] : NULL;

        if (e->group >= row->plan.wait_for)
            continue;
        f->died += e->died;
        if (!e->finished) {
            f->unfinished += !e->died;
            continue;
        }
        f->wait += ((double)e->ready - (double)e->joined) / WORLD_RATE;
        ratios[f->n] = ratio_of(row, e, b, t->outcome->result.least_rate);
        f->mean += ratios[f->n++];
    }
}

static struct figures figures_of(const struct run *run)
{
    struct figures f = {0};
    bool compared = run->row->kind != ROW_BOUND;
    unsigned end = run->first_task + run->tasks - compared;
    const struct task *base = compared ? &tasks[end] : NULL;
    double *ratios = calloc(receivers_of(&run->row->plan) + 1, sizeof *ratios);

    MUST(ratios);
    for (unsigned i = run->first_task; i < end; i++) {
        add_task_figures(&f, &tasks[i]);
        add_ends(&f, run->row, &tasks[i], base, ratios);
    }
    qsort(ratios, f.n, sizeof *ratios, rising);
    if (f.n) {
        f.mean /= f.n;
        f.wait /= f.n;
        f.p999 = ratios[(f.n * 999 + 999) / 1000 - 1];
        f.last = ratios[f.n - 1];
    }
    free(ratios);
    return f;
}

/* ---- the table ---- */

static void print_head(uint64_t seed)
{
    printf("Seed %llu. Ratio: completion / erasure bound, or with others / without them.\n\n",
           (unsigned long long)seed);
    printf("| row | what | GB | n | mean | p99.9 | last | goal | | most r, T | body s |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|---|\n");
}

static double gigabytes(const struct row *row)
{
    const struct world_shape *s = &row->plan.shape;
    double blocks = s->windows * s->blocks - (s->last_blocks ? s->blocks - s->last_blocks : 0);

    return blocks * s->k * 1440 / 1e9;
}

/* Prints the row; false when it missed its goal. */
static bool print_run(const struct run *run)
{
    struct figures f = figures_of(run);
    const struct row *row = run->row;
    bool met = f.n > 0 && f.unfinished == 0 && f.last <= row->goal;
    char goal[32] = "-";

    if (row->goal > 0)
        snprintf(goal, sizeof goal, "%.4g", row->goal);
    printf("| %s | %s | %.3g | %u | %.4f | %.4f | %.4f | %s | %s | %u, %u | %.2f", row->name,
           row->what, gigabytes(row), f.n, f.mean, f.p999, f.last, goal,
           row->goal <= 0 ? ""
           : met          ? "ok"
                          : "MISSED",
           f.most_r, 1u << f.most_lg_t, f.wait);
    if (f.unfinished)
        printf("; %u never finished", f.unfinished);
    if (f.evicted)
        printf("; %llu blocks given up", (unsigned long long)f.evicted);
    printf(" |\n");
    fflush(stdout);
    return met || row->goal <= 0;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (unsigned)n : 1;
}

/* Waits for any child; one that failed ends it all. */
static void reap(void)
{
    int status;
    pid_t pid = wait(&status);

    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "ringsim: a worker failed: %s\n", pid < 0 ? strerror(errno) : "see above");
        exit(1);
    }
}

static bool ready(const struct run *run)
{
    for (unsigned i = 0; i < run->tasks; i++)
        if (!tasks[run->first_task + i].outcome->done)
            return false;
    return true;
}

/* Runs everything, printing each row as soon as it and all before it are there. Returns the rows
 * that missed. */
static unsigned run_all(struct run *runs, unsigned n)
{
    unsigned started = 0, reaped = 0, printed = 0, missed = 0;

    while (printed < n) {
        while (started < n_tasks && started - reaped < processors())
            start(&tasks[started++]);
        reap();
        reaped++;
        for (; printed < n && ready(&runs[printed]); printed++) {
            if (print_run(&runs[printed]))
                continue;
            missed++;
            printf("again: build/sim/ringsim --row %s%s --seed %llu\n", runs[printed].row->name,
                   runs[printed].quick ? " --quick" : "", (unsigned long long)runs[printed].seed);
        }
    }
    return missed;
}

/* ---- arguments ---- */

struct options {
    bool table, quick;
    const char *row;
    uint64_t seed;
};

static int usage(void)
{
    fprintf(stderr,
            "usage: ringsim --table | --quick | --row NAME [--quick], each with [--seed S]\nrows:");
    for (unsigned i = 0; i < n_rows; i++)
        fprintf(stderr, " %s", rows[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
    const char *seed = getenv("SEED");

    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;

        if (!strcmp(argv[i], "--table"))
            o->table = true;
        else if (!strcmp(argv[i], "--quick"))
            o->quick = true;
        else if (!strcmp(argv[i], "--row") && next)
            o->row = argv[++i];
        else if (!strcmp(argv[i], "--seed") && next)
            seed = argv[++i];
        else
            return false;
    }
    o->seed = seed && *seed ? strtoull(seed, NULL, 0) : 1;
    return o->table || o->quick || o->row;
}

static bool wanted(const struct options *o, const struct row *row)
{
    if (o->row)
        return !strcmp(o->row, row->name);
    return o->table || row->quick;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct run *runs = calloc(n_rows, sizeof *runs);
    unsigned n = 0;

    MUST(runs);
    if (!parse(argc, argv, &o))
        return usage();
    for (unsigned i = 0; i < n_rows; i++) {
        if (!wanted(&o, &rows[i]))
            continue;
        runs[n] = (struct run){.row = &rows[i],
                               .seed = o.seed,
                               .quick = o.quick && !o.table && rows[i].quick};
        plan_run(&runs[n++]);
    }
    if (n == 0)
        return usage();
    print_head(o.seed);
    unsigned missed = run_all(runs, n);
    free(runs);
    if (missed)
        printf("%u of %u rows missed their goal\n", missed, n);
    return missed != 0;
}
