#include "board/screen/qr.h"

#include <string.h>

#include <qrcodegen/qrcodegen.h>

#define WHITE 0xffffff
#define BLACK 0x000000

void qr_make(struct qr *q, const char *text)
{
    uint8_t work[sizeof q->code];
    bool made;

    q->size = 0;
    if (!text || !*text)
        return;
    made = qrcodegen_encodeText(text, work, q->code, qrcodegen_Ecc_MEDIUM, qrcodegen_VERSION_MIN,
                                QR_VERSION_MAX, qrcodegen_Mask_AUTO, true);
    q->size = made ? qrcodegen_getSize(q->code) : 0;
}

bool qr_dark(const struct qr *q, int x, int y)
{
    return q->size > 0 && qrcodegen_getModule(q->code, x, y);
}

int qr_draw(const struct draw_canvas *c, struct draw_rect square, const struct qr *q)
{
    int modules = q->size + 2 * QR_QUIET, room = square.w < square.h ? square.w : square.h;
    int module = q->size ? room / modules : 0, side = module * modules;
    int left = square.x + square.w - side + QR_QUIET * module, top = square.y + QR_QUIET * module;

    if (module < 1)
        return 0;
    draw_fill(c, (struct draw_rect){square.x + square.w - side, square.y, side, side}, WHITE);
    for (int y = 0; y < q->size; y++)
        for (int x = 0; x < q->size; x++)
            if (qr_dark(q, x, y))
                draw_fill(c,
                          (struct draw_rect){left + x * module, top + y * module, module, module},
                          BLACK);
    return side;
}

struct lines {
    char *to;
    size_t used, room;
    bool full;
};

static void add(struct lines *l, const char *part)
{
    size_t n = strlen(part);

    l->full |= n >= l->room - l->used;
    if (l->full)
        return;
    memcpy(l->to + l->used, part, n);
    l->used += n;
}

size_t qr_lines(char *to, size_t n, const struct qr *q)
{
    /* light, dark below, above, both */
    static const char *const half[] = {"\xe2\x96\x88", "\xe2\x96\x80", "\xe2\x96\x84", " "};
    struct lines l = {.to = to, .room = n, .full = n == 0};
    int end = q->size + QR_QUIET;

    for (int y = -QR_QUIET; q->size && y < end; y += 2) {
        add(&l, "\x1b[97;40m");
        for (int x = -QR_QUIET; x < end; x++)
            add(&l,
                half[(qr_dark(q, x, y) ? 2 : 0) + (qr_dark(q, x, y + 1) || y + 1 == end ? 1 : 0)]);
        add(&l, "\x1b[0m\r\n");
    }
    if (l.full)
        l.used = 0;
    if (n)
        to[l.used] = 0;
    return l.used;
}
