#include "imaging/send/encode.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "imaging/fec/fec.h"
#include "imaging/send/errors.h"
#include "net/wire/must.h"

#define STACK_BYTES (512 << 10)
#define COLUMNS 8 /* blocks whose rows are read together */
#define SLOTS 2   /* batches: one being sent, one being made */

_Static_assert((1 << FEC_LG_T_MIN) % ENCODE_BATCH == 0, "batches are whole");
_Static_assert(FEC_SYMBOL == IMG_SYMBOL_BYTES, "the code's symbols are the image's");

struct batch {
    bool ready;
    unsigned first; /* repair row */
    uint8_t *rows;
};

struct encode {
    const struct img_file *image;
    uint8_t *memory;
    size_t memory_bytes;
    uint8_t *acc;  /* D accumulators, one behind the other */
    uint8_t *rows; /* T rows of COLUMNS blocks, as they were read */
    struct fec_scratch *scratch;
    pthread_t thread;
    /* Below: shared, under the lock. It is taken once a batch and once a run of absorbed rows, so
     * the sender never waits long. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct img_window *window; /* of the visit; NULL: none yet */
    unsigned lg_t;
    unsigned visit; /* counts encode_visit */
    unsigned asked; /* the last batch asked for */
    bool stop, failed;
    struct err why; /* written before `failed` */
    struct batch batch[SLOTS];
};

/* What the thread works on: a copy, so that it can see that the visit is over. */
struct job {
    const struct img_window *w;
    unsigned lg_t, visit;
};

static unsigned widest(const struct img_file *image)
{
    unsigned d = 1;

    for (uint32_t i = 0; i < image->body.nwindows; i++)
        d = image->body.windows[i].d > d ? image->body.windows[i].d : d;
    return d;
}

static size_t batch_bytes(unsigned d)
{
    return (size_t)ENCODE_BATCH * d * FEC_SYMBOL;
}

static size_t rows_bytes(unsigned d, unsigned lg_t)
{
    return ((size_t)(d < COLUMNS ? d : COLUMNS) * FEC_SYMBOL) << lg_t;
}

static size_t total_bytes(unsigned d, unsigned lg_t)
{
    return d * fec_acc_bytes(lg_t) + SLOTS * batch_bytes(d) + sizeof(struct fec_scratch) +
           rows_bytes(d, lg_t);
}

unsigned encode_lg_t_max(const struct img_file *image, uint64_t memory)
{
    unsigned lg_t = FEC_LG_T_MAX, d = widest(image);

    while (lg_t > FEC_LG_T_MIN && total_bytes(d, lg_t) > memory)
        lg_t--;
    return lg_t;
}

static bool over(struct encode *e, const struct job *job)
{
    bool is;

    pthread_mutex_lock(&e->lock);
    is = e->stop || e->visit != job->visit;
    pthread_mutex_unlock(&e->lock);
    return is;
}

/* Rows first … first + n - 1 of `columns` blocks from `block` on, row by row into e->rows. */
static bool read_rows(struct encode *e, const struct job *job, unsigned first, unsigned n,
                      unsigned block, unsigned columns)
{
    size_t bytes = (size_t)columns * FEC_SYMBOL;
    bool good = true;

    for (unsigned i = 0; i < n && good; i++)
        good = img_file_read(e->image, img_row_at(job->w, first + i) + (uint64_t)block * FEC_SYMBOL,
                             e->rows + i * bytes, bytes, &e->why) == 0;
    return good;
}

/* Rows first … first + n - 1 of every block. Whole multiples of T are cheapest (fec.h). */
static bool absorb_rows(struct encode *e, const struct job *job, unsigned first, unsigned n)
{
    const uint8_t *sym[1 << FEC_LG_T_MAX];

    for (unsigned b = 0; b < job->w->d && !over(e, job); b++) {
        unsigned column = b % COLUMNS, left = job->w->d - (b - column);
        unsigned columns = left < COLUMNS ? left : COLUMNS;

        if (column == 0 && !read_rows(e, job, first, n, b, columns))
            return false;
        for (unsigned i = 0; i < n; i++)
            sym[i] = e->rows + ((size_t)i * columns + column) * FEC_SYMBOL;
        fec_absorb_source(e->acc + b * fec_acc_bytes(job->lg_t), job->lg_t, first, n, sym,
                          e->scratch);
    }
    return true;
}

static bool absorb_window(struct encode *e, const struct job *job)
{
    unsigned t = 1u << job->lg_t, k = job->w->k;

    for (unsigned b = 0; b < job->w->d; b++)
        fec_clear(e->acc + b * fec_acc_bytes(job->lg_t), job->lg_t);
    for (unsigned first = 0; first < k && !over(e, job); first += t)
        if (!absorb_rows(e, job, first, k - first < t ? k - first : t))
            return false;
    return true;
}

static void make_batch(struct encode *e, const struct job *job, struct batch *batch, unsigned first)
{
    uint8_t *out[ENCODE_BATCH];

    for (unsigned b = 0; b < job->w->d && !over(e, job); b++) {
        for (unsigned i = 0; i < ENCODE_BATCH; i++)
            out[i] = batch->rows + ((size_t)i * job->w->d + b) * FEC_SYMBOL;
        fec_repair(e->acc + b * fec_acc_bytes(job->lg_t), job->lg_t, first, ENCODE_BATCH, out,
                   e->scratch);
    }
}

/* Waits until the memory of batch n is free: that is when batch n - 1 is asked for. False: the
 * visit is over. */
static bool batch_free(struct encode *e, const struct job *job, unsigned n)
{
    bool go;

    pthread_mutex_lock(&e->lock);
    while (!e->stop && e->visit == job->visit && n >= SLOTS && e->asked < n - 1)
        pthread_cond_wait(&e->changed, &e->lock);
    go = !e->stop && e->visit == job->visit;
    pthread_mutex_unlock(&e->lock);
    return go;
}

/* The batches of a visit, until all T rows are made or the visit is over. */
static void make_batches(struct encode *e, const struct job *job)
{
    for (unsigned n = 0; n * ENCODE_BATCH < 1u << job->lg_t && batch_free(e, job, n); n++) {
        struct batch *batch = &e->batch[n % SLOTS];

        make_batch(e, job, batch, n * ENCODE_BATCH);
        pthread_mutex_lock(&e->lock);
        if (e->visit == job->visit) {
            batch->first = n * ENCODE_BATCH;
            batch->ready = true;
        }
        pthread_mutex_unlock(&e->lock);
    }
}

/* What was summed up is of the image that was opened. */
static bool is_same(struct encode *e)
{
    if (img_file_same(e->image))
        return true;
    err_set(&e->why, SEND_ERR_READ, "the image's file was changed while it was given out");
    return false;
}

static bool next_job(struct encode *e, struct job *job)
{
    bool go;

    pthread_mutex_lock(&e->lock);
    while (!e->stop && (!e->window || e->visit == job->visit))
        pthread_cond_wait(&e->changed, &e->lock);
    *job = (struct job){e->window, e->lg_t, e->visit};
    go = !e->stop;
    pthread_mutex_unlock(&e->lock);
    return go;
}

static void *run(void *arg)
{
    struct encode *e = arg;
    struct job job = {.visit = 0};

    while (next_job(e, &job)) {
        if (absorb_window(e, &job) && is_same(e)) {
            make_batches(e, &job);
            continue;
        }
        pthread_mutex_lock(&e->lock);
        e->failed = true;
        pthread_mutex_unlock(&e->lock);
    }
    return NULL;
}

void encode_visit(struct encode *e, const struct img_window *w, unsigned lg_t)
{
    pthread_mutex_lock(&e->lock);
    e->window = w;
    e->lg_t = lg_t;
    e->visit++;
    e->asked = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        e->batch[i].ready = false;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

const uint8_t *encode_row(struct encode *e, unsigned row)
{
    unsigned n = row / ENCODE_BATCH;
    struct batch *batch = &e->batch[n % SLOTS], *other = &e->batch[(n + 1) % SLOTS];
    const uint8_t *at = NULL;

    pthread_mutex_lock(&e->lock);
    if (batch->ready && batch->first == n * ENCODE_BATCH)
        at = batch->rows + (size_t)(row % ENCODE_BATCH) * e->window->d * FEC_SYMBOL;
    if (n > e->asked) {
        e->asked = n;
        other->ready = false;
        pthread_cond_signal(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return at;
}

bool encode_failed(struct encode *e, struct err *err)
{
    bool failed;

    pthread_mutex_lock(&e->lock);
    failed = e->failed;
    if (failed && err)
        *err = e->why;
    pthread_mutex_unlock(&e->lock);
    return failed;
}

static int start_thread(struct encode *e, struct err *err)
{
    pthread_attr_t attr;
    int e_create;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    e_create = pthread_create(&e->thread, &attr, run, e);
    pthread_attr_destroy(&attr);
    return e_create ? err_set(err, SEND_ERR_THREAD, "the encoder's thread cannot be started") : 0;
}

int encode_open(struct encode **out, const struct img_file *image, unsigned lg_t_max,
                struct err *err)
{
    struct encode *e = calloc(1, sizeof *e);
    unsigned d = widest(image);
    pthread_mutexattr_t attr;
    uint8_t *p;

    *out = NULL;
    if (!e)
        return err_set(err, SEND_ERR_MEMORY, "there is no memory for an encoder");
    e->image = image;
    e->memory_bytes = total_bytes(d, lg_t_max);
    p = mmap(NULL, e->memory_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        free(e);
        return err_set(err, SEND_ERR_MEMORY, "there is no address space for an encoder");
    }
    e->memory = p;
    e->scratch = (struct fec_scratch *)(void *)p;
    e->acc = p + sizeof *e->scratch;
    for (unsigned i = 0; i < SLOTS; i++)
        e->batch[i].rows = e->acc + d * fec_acc_bytes(lg_t_max) + i * batch_bytes(d);
    e->rows = e->batch[SLOTS - 1].rows + batch_bytes(d);
    pthread_mutexattr_init(&attr);
    /* the sender has a fixed priority, the encoder has none */
    (void)pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&e->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_cond_init(&e->changed, NULL);
    if (start_thread(e, err)) {
        munmap(e->memory, e->memory_bytes);
        free(e);
        return SEND_ERR_THREAD;
    }
    *out = e;
    return 0;
}

void encode_close(struct encode *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    munmap(e->memory, e->memory_bytes);
    free(e);
}
