/* Memory for what is large and all used: rows, sums, write buffers, parked chunks. In huge pages
 * where the kernel has them: a GB in pages of 4 KiB is a quarter of a million faults, and as many
 * pages to give back. Freed with free(). */
#ifndef IMAGING_RECEIVE_PAGES_H
#define IMAGING_RECEIVE_PAGES_H

#include <stdlib.h>
#include <sys/mman.h>

#define PAGES_HUGE ((size_t)2 << 20)

/* n bytes, aligned for a huge page and for whatever else; untouched they cost nothing. NULL when
 * there is no memory. */
static inline void *pages_take(size_t n)
{
    void *p;

    n = (n + PAGES_HUGE - 1) & ~(PAGES_HUGE - 1);
    p = aligned_alloc(PAGES_HUGE, n);
    if (p)
        (void)madvise(p, n, MADV_HUGEPAGE); /* a kernel without them has small ones */
    return p;
}

#endif
