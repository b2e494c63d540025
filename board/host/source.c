#include "board/host/source.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "board/host/errors.h"

_Atomic int source_interrupted;

const struct source_ops *source_for(const char *where)
{
    if (!strncmp(where, "ringcast://", 11))
        return &source_ring;
    if (!strncmp(where, "http://", 7))
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
    return err_set(err, HOST_EINTERFACE, "expected --interface: this machine has %d of them besides loopback", found);
}
