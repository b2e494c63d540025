/* Troubles of the file layer (tests/unit/fault_files.h and cut_files.h, which are included before):
 * for one source file of the campaign. */
#ifndef TESTS_CAMPAIGN_FAULTS_LAYER_H
#define TESTS_CAMPAIGN_FAULTS_LAYER_H

#include "tests/campaign/faults.h"

#define CALLS_MAX 4096

static struct {
    char data[64], torn[128];
    pthread_mutex_t lock;
    bool armed, power;
    unsigned calls, struck, lies, errors, cut_at;
    struct trouble_at t[2];
    bool met[2];
    uint8_t kind[CALLS_MAX];
} layer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool layer_changes(enum fault_call call)
{
    return call == FAULT_WRITE || call == FAULT_TRUNCATE || call == FAULT_RESERVE ||
           call == FAULT_RENAME || call == FAULT_LINK || call == FAULT_MKDIR || call == FAULT_FSYNC;
}

static bool layer_has(enum trouble what, enum fault_call call)
{
    switch (what) {
    case TROUBLE_EIO:
        return true;
    case TROUBLE_FULL:
        return layer_changes(call) || call == FAULT_OPEN;
    case TROUBLE_HANDLES:
        return call == FAULT_OPEN || call == FAULT_DUP;
    case TROUBLE_SHORT:
        return call == FAULT_READ || call == FAULT_WRITE;
    case TROUBLE_LOST:
    case TROUBLE_TORN:
    case TROUBLE_ASTRAY:
        return call == FAULT_WRITE;
    case TROUBLE_POWER:
        return layer_changes(call) || call == FAULT_UNLINK || call == FAULT_OPEN;
    default:
        return false;
    }
}

static int layer_does(enum trouble what)
{
    static const int does[TROUBLE_COUNT] = {[TROUBLE_EIO] = EIO,
                                            [TROUBLE_FULL] = ENOSPC,
                                            [TROUBLE_HANDLES] = EMFILE,
                                            [TROUBLE_SHORT] = FAULT_SHORT,
                                            [TROUBLE_LOST] = FAULT_LOST,
                                            [TROUBLE_TORN] = FAULT_TORN,
                                            [TROUBLE_ASTRAY] = FAULT_ASTRAY,
                                            [TROUBLE_POWER] = EIO};

    return does[what];
}

/* With the lock. */
static int layer_decide(enum fault_call call)
{
    unsigned n = layer.calls++;
    int does = 0;

    if (n < CALLS_MAX)
        layer.kind[n] = (uint8_t)call;
    for (int i = 0; i < 2 && !layer.power && !does; i++) {
        const struct trouble_at *t = &layer.t[i];

        if (!layer_has(t->what, call) || n < t->at || (layer.met[i] && !t->sticky))
            continue;
        layer.struck += !layer.met[i];
        layer.met[i] = true;
        does = layer_does(t->what);
        layer.lies += does < FAULT_SHORT;
        layer.errors += does > 0;
        layer.power = t->what == TROUBLE_POWER;
        layer.cut_at = cut.n;
    }
    return layer.power ? EIO : does;
}

static int layer_strike(enum fault_call call, const char *path)
{
    int does = 0;

    if (strncmp(path, layer.data, strlen(layer.data)) != 0)
        return 0;
    pthread_mutex_lock(&layer.lock);
    if (layer.armed)
        does = layer_decide(call);
    pthread_mutex_unlock(&layer.lock);
    return does;
}

void layer_begin(const char *root, const char *torn)
{
    snprintf(layer.data, sizeof layer.data, "%s", root);
    snprintf(layer.torn, sizeof layer.torn, "%s%s%s", root, torn[0] ? "/" : "", torn);
    cut_begin(layer.torn);
    fault.strike = layer_strike;
    fault_watch.reserves = false;
}

void layer_settle(void)
{
    for (int i = 0; i < cut.files; i++)
        cut_note(CUT_FSYNC, i, "");
    cut_note(CUT_SYNC_FOLDER, -1, "");
}

void layer_arm(const struct trouble_at *t, unsigned astray)
{
    pthread_mutex_lock(&layer.lock);
    memcpy(layer.t, t, sizeof layer.t);
    layer.met[0] = layer.met[1] = layer.power = false;
    layer.calls = layer.struck = layer.lies = layer.errors = 0;
    layer.armed = true;
    fault.astray = astray;
    fault_watch.reserves = t[0].what == TROUBLE_ROOM;
    pthread_mutex_unlock(&layer.lock);
}

void layer_disarm(struct place *p)
{
    pthread_mutex_lock(&layer.lock);
    layer.armed = false;
    for (int i = 0; i < 2; i++)
        if (layer.t[i].what == TROUBLE_POWER && !layer.power) { /* it goes when all is done */
            layer.power = true;
            layer.struck++;
            layer.cut_at = cut.n;
        }
    fault_watch.reserves = false;
    p->struck = layer.struck;
    p->lies = layer.lies;
    p->errors = layer.errors;
    p->power = layer.power;
    pthread_mutex_unlock(&layer.lock);
}

/* Files of the folder alone; its folders stay. */
static void layer_clear(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    while (d && (e = readdir(d)))
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

void layer_end(unsigned luck)
{
    fault.strike = NULL;
    if (layer.power && syscall(SYS_access, layer.torn, F_OK) == 0) {
        layer_clear(layer.torn);
        cut_lay_out(layer.cut_at, luck, layer.torn);
    }
    cut_end();
}

unsigned layer_calls(void)
{
    return layer.calls < CALLS_MAX ? layer.calls : CALLS_MAX;
}

bool layer_syncs(unsigned call)
{
    return layer.kind[call] == FAULT_FSYNC;
}

bool layer_can(enum trouble what, unsigned call)
{
    return layer_has(what, layer.kind[call]);
}

#endif
