/* The box gives up what it does not need: after this its threads open nothing but what lies below a
 * few folders. Whoever took over a decoder could then not write to the box's own disk, nor to any
 * other. Sockets and open files stay (Landlock, Linux 5.13). */
#ifndef BOARD_BOX_CONFINE_H
#define BOARD_BOX_CONFINE_H

#include <stdbool.h>

struct confine_path {
    const char *folder; /* NULL or not there: left out */
    bool writes;        /* files and folders may be made and changed below it */
};

/* For the calling thread and those it starts from now on. False when the kernel cannot. */
bool confine(const struct confine_path *, unsigned n);

#endif
