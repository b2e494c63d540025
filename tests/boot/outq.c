#include "tests/boot/outq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

void outq_init(struct outq *q, size_t cap)
{
    memset(q, 0, sizeof *q);
    q->cap = cap;
    q->bytes = malloc(cap + FRAME_ROOM);
    MUST(q->bytes);
}

void outq_end(struct outq *q)
{
    free(q->bytes);
    q->bytes = NULL;
}

void outq_clear(struct outq *q)
{
    q->head = q->used = q->n_pieces = 0;
}

static void copy_in(struct outq *q, const uint8_t *from, size_t n)
{
    size_t size = q->cap + FRAME_ROOM, at = (q->head + q->used) % size,
           first = size - at < n ? size - at : n;

    MUST(n <= size - q->used);
    memcpy(q->bytes + at, from, first);
    memcpy(q->bytes, from + first, n - first);
    q->used += n;
}

static bool queue_frame(struct outq *q, const uint8_t *framed, size_t n)
{
    if (q->used > q->cap || n > q->cap - q->used) {
        q->dropped++;
        return false;
    }
    copy_in(q, framed, n);
    return true;
}

bool outq_put(struct outq *q, const uint8_t *framed, size_t n, bool *noted)
{
    struct iovec *last = q->n_pieces ? &q->pieces[q->n_pieces - 1] : NULL;

    *noted = false;
    if (outq_waiting(q))
        return queue_frame(q, framed, n);
    if (last && (uint8_t *)last->iov_base + last->iov_len == framed) {
        last->iov_len += n;
    } else {
        MUST(q->n_pieces < OUTQ_PIECES);
        q->pieces[q->n_pieces++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)framed, .iov_len = n};
    }
    *noted = true;
    return true;
}

/* Frames of one piece, of which the socket took the first `sent` bytes. */
static void keep_rest(struct outq *q, const struct iovec *piece, size_t sent)
{
    struct reader r = reader_on(piece->iov_base, piece->iov_len);

    while (r.left) {
        const uint8_t *framed = r.at;
        size_t n = 4 + (size_t)rd_u32(&r);

        rd_bytes(&r, n - 4);
        MUST(!r.bad);
        if (sent >= n) {
            sent -= n;
        } else if (sent) {
            copy_in(q, framed + sent, n - sent);
            sent = 0;
        } else {
            queue_frame(q, framed, n);
        }
    }
}

static ssize_t send_pieces(int fd, struct iovec *pieces, size_t n)
{
    struct msghdr m = {.msg_iov = pieces, .msg_iovlen = n};
    ssize_t sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

    return sent < 0 &&
                   (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS)
               ? 0
               : sent;
}

static bool send_noted(struct outq *q, int fd)
{
    ssize_t sent = send_pieces(fd, q->pieces, q->n_pieces);
    size_t left = sent < 0 ? 0 : (size_t)sent;

    for (size_t i = 0; sent >= 0 && i < q->n_pieces; i++) {
        size_t n = q->pieces[i].iov_len, of = left < n ? left : n;

        if (of < n)
            keep_rest(q, &q->pieces[i], of);
        left -= of;
    }
    q->n_pieces = 0;
    return sent >= 0;
}

static bool send_queued(struct outq *q, int fd)
{
    size_t size = q->cap + FRAME_ROOM, first = size - q->head < q->used ? size - q->head : q->used;
    struct iovec two[2] = {{q->bytes + q->head, first}, {q->bytes, q->used - first}};
    ssize_t sent = send_pieces(fd, two, q->used > first ? 2 : 1);

    if (sent < 0)
        return false;
    q->head = (q->head + (size_t)sent) % size;
    q->used -= (size_t)sent;
    return true;
}

bool outq_send(struct outq *q, int fd)
{
    if (q->n_pieces)
        return send_noted(q, fd);
    return !q->used || send_queued(q, fd);
}
