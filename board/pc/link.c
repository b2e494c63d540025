#include "board/pc/link.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/ring/ring.h"

/* A card, or its like: bridges, tunnels and what else the kernel makes up have no device; a
 * namespace's veth is the exception that tests live in. */
static bool is_wired(const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "/sys/class/net/%s/wireless", name);
    if (access(path, F_OK) == 0)
        return false;
    snprintf(path, sizeof path, "/sys/class/net/%s/bridge", name);
    return access(path, F_OK) != 0;
}

bool link_find(char name[LINK_NAME], bool *several)
{
    DIR *all = opendir("/sys/class/net");
    struct dirent *e;
    unsigned found = 0;

    while (all && (e = readdir(all))) {
        struct ring_if info;

        if (e->d_name[0] == '.' || strlen(e->d_name) >= LINK_NAME || !is_wired(e->d_name))
            continue;
        if (ring_if_info(e->d_name, &info, NULL) || !info.up)
            continue;
        if (found++ == 0 || strcmp(e->d_name, name) < 0)
            snprintf(name, LINK_NAME, "%.15s", e->d_name);
    }
    if (all)
        closedir(all);
    *several = found > 1;
    return found > 0;
}
