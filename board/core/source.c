#include "board/core/source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/errors/command.h"

#define STEP ((size_t)1 << 20)

_Atomic int source_interrupted;

bool source_stopped(void)
{
    return atomic_load(&source_interrupted);
}

const struct source_ops *source_for(const char *where)
{
    if (!strncmp(where, "ringcast://", 11))
        return &source_ring;
    if (!strncmp(where, "http://", 7) || !strncmp(where, "https://", 8))
        return &source_http;
    return &source_file;
}

int source_interface(char name[16], const char *wanted, struct err *err)
{
    DIR *dir;
    struct dirent *e;
    int found = 0;

    if (wanted) {
        snprintf(name, 16, "%s", wanted);
        return 0;
    }
    dir = opendir("/sys/class/net");
    while (dir && (e = readdir(dir)))
        if (e->d_name[0] != '.' && strcmp(e->d_name, "lo")) {
            snprintf(name, 16, "%.15s", e->d_name);
            found++;
        }
    if (dir)
        closedir(dir);
    if (found == 1)
        return 0;
    return err_set(err, HOST_EINTERFACE,
                   "expected --interface: this machine has %d of them besides loopback", found);
}

int source_fetch(source_reader *read, void *ctx, uint64_t from, uint64_t to, receive_sink *sink,
                 void *sink_ctx, struct err *err)
{
    uint8_t *buf = malloc(STEP);
    int rc = buf ? 0 : err_set(err, RECEIVE_EMEMORY, "out of memory");

    while (from < to && !rc) {
        size_t n = to - from < STEP ? (size_t)(to - from) : STEP;

        rc = read(ctx, from, buf, n, err);
        if (!rc)
            rc = sink(sink_ctx, from, buf, n);
        if (!rc && atomic_load(&source_interrupted))
            rc = err_set(err, RECEIVE_EINTR, "interrupted");
        from += n;
    }
    free(buf);
    return rc;
}
