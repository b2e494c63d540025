/* Any texts on a page, any bytes from a terminal: nothing is drawn beside the canvas, no line of
 * the text moves a cursor, no bytes end anything without a confirmation. */
#include "board/box/console/keys.h"
#include "board/screen/draw.h"
#include "board/screen/screen_text.h"
#include "board/target/receipt.h"
#include "net/wire/must.h"

#include <string.h>

#define PARTS 8

static uint8_t pixels[320 * 200 * 4];
static char out[6000];

/* Lines end in \r\n, and the only sequences are the code's two. */
static void check_lines(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\x1b') {
            MUST(!strncmp(c, "\x1b[97;40m", 8) || !strncmp(c, "\x1b[0m\r\n", 6));
            continue;
        }
        MUST((unsigned char)*c >= 0x20 || (*c == '\r' && c[1] == '\n') ||
             (*c == '\n' && c[-1] == '\r'));
        MUST(*c != 0x7f && !((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0));
    }
}

static void check_keys(const uint8_t *bytes, size_t n)
{
    struct keys_line line = {0};
    struct keys keys = {0};

    for (size_t i = 0; i < n; i++) {
        enum press asked = keys.asked;
        enum keys_order order =
            keys_step(&keys, keys_byte(&line, bytes[i]), (struct mono){(int64_t)i * MONO_S / 4});

        MUST(order == ORDER_NONE || order == ORDER_SHOW ||
             (asked != PRESS_NONE && (bytes[i] | 0x20) == 'y'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char text[4096], receipt[RECEIPT_BYTES];
    const char *part[PARTS];
    size_t at = 0;

    check_keys(bytes, n);
    n = n < sizeof text ? n : sizeof text - 1;
    memcpy(text, bytes, n);
    text[n] = 0;
    for (int i = 0; i < PARTS; i++) { /* parts end at a zero byte */
        part[i] = text + at;
        at += strlen(text + at);
        at += at < n;
    }
    const char *log[] = {part[6], part[7]};
    struct screen_page page = {.title = part[0],
                               .word = part[1],
                               .sentence = part[2],
                               .number = part[3],
                               .percent = n % 120,
                               .lines = {{part[4], part[5]}},
                               .footer = part[6],
                               .qr = part[7]};
    struct draw_canvas canvas = {pixels, 320 * 4, 320, 200, 32, {16, 8}, {8, 8}, {0, 8}};
    struct receipt r = {.passed = n % 2, .mac = part[0], .serial = part[1], .disk_serial = part[2]};

    for (int i = 0; i < 2; i++) {
        draw_page(&canvas, &page);
        MUST(screen_text(out, sizeof out, &page) < sizeof out);
        check_lines(out);
        page.text = log;
        page.n_text = 2;
    }
    receipt_text(receipt, &r);
    for (const char *c = receipt; *c; c++)
        MUST((unsigned char)*c >= 0x20 || *c == '\n');
    return 0;
}
