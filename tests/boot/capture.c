#include "tests/boot/capture.h"

#include <time.h>

#include "net/wire/writer.h"

#define MAGIC_NS 0xa1b23c4d /* big-endian, like all that follows */
#define SNAP 262144
#define ETHERNET 1

bool capture_open(struct capture *c, const char *path, uint64_t limit)
{
    uint8_t head[24];
    struct writer w = writer_on(head, sizeof head);

    wr_u32(&w, MAGIC_NS);
    wr_u16(&w, 2);
    wr_u16(&w, 4);
    wr_u64(&w, 0);
    wr_u32(&w, SNAP);
    wr_u32(&w, ETHERNET);
    c->file = fopen(path, "we");
    if (!c->file)
        return false;
    c->left = limit;
    return fwrite(head, sizeof head, 1, c->file) == 1;
}

void capture_frame(struct capture *c, const uint8_t *frame, size_t n)
{
    uint8_t head[16];
    struct writer w = writer_on(head, sizeof head);
    struct timespec t;

    if (!c->file)
        return;
    if (sizeof head + n > c->left) {
        c->missed++;
        return;
    }
    clock_gettime(CLOCK_REALTIME, &t);
    wr_u32(&w, (uint64_t)t.tv_sec & 0xffffffff);
    wr_u32(&w, (uint64_t)t.tv_nsec);
    wr_u32(&w, n);
    wr_u32(&w, n);
    c->left -= sizeof head + n;
    if (fwrite(head, sizeof head, 1, c->file) != 1 || fwrite(frame, n, 1, c->file) != 1)
        c->left = 0; /* the disk is full: what there is can still be read */
}

void capture_flush(struct capture *c)
{
    if (c->file)
        fflush(c->file);
}

void capture_close(struct capture *c)
{
    if (c->file)
        fclose(c->file);
    c->file = NULL;
}
