#include "board/screen/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/kd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/screen/draw.h"
#include "net/os/file.h"
#include "net/wire/must.h"

#define LINES_MAX 4096 /* bytes of one page in lines */
#define PERCENT_STEP 5

struct screen {
    struct draw_canvas canvas; /* drawn beforehand; pixels NULL: no picture */
    /* what the framebuffer holds, and the framebuffer: mapped until the program ends */
    uint8_t *shown, *device;
    int lines_fd;
    char said[LINES_MAX]; /* title, word and sentence as last said */
    int said_percent;
};

/* ---- the framebuffer ---- */

static struct draw_channel channel_of(const struct fb_bitfield *f)
{
    unsigned bits = f->length > 8 ? 8 : f->length;
    return (struct draw_channel){(uint8_t)(f->offset + f->length - bits), (uint8_t)bits};
}

static bool drawable(const struct fb_var_screeninfo *v, const struct fb_fix_screeninfo *f)
{
    return (v->bits_per_pixel == 16 || v->bits_per_pixel == 32) && v->red.length &&
           v->green.length && v->blue.length && f->type == FB_TYPE_PACKED_PIXELS &&
           v->xres >= 320 && v->yres >= 200 && v->xres <= 16384 && v->yres <= 16384 &&
           f->line_length >= v->xres * v->bits_per_pixel / 8 &&
           f->smem_len / f->line_length >= v->yres + v->yoffset;
}

static int map_device(struct screen *s, int fd, const struct fb_var_screeninfo *v,
                      const struct fb_fix_screeninfo *f)
{
    size_t bytes = (size_t)f->line_length * v->yres;
    void *device = mmap(NULL, f->smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *memory = calloc(2, bytes);
    if (device == MAP_FAILED || !memory) {
        free(memory);
        return -1;
    }
    s->device = (uint8_t *)device + (size_t)v->yoffset * f->line_length;
    s->shown = memory + bytes;
    s->canvas = (struct draw_canvas){memory,
                                     f->line_length,
                                     (int)v->xres,
                                     (int)v->yres,
                                     (int)v->bits_per_pixel,
                                     channel_of(&v->red),
                                     channel_of(&v->green),
                                     channel_of(&v->blue)};
    memset(s->device, 0, bytes); /* as `shown` says */
    return 0;
}

static int open_picture(struct screen *s, const char *path, struct err *err)
{
    struct fb_var_screeninfo v;
    struct fb_fix_screeninfo f;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, SCREEN_EOPEN, "%s: %s", path, strerror(errno));
    int rc = 0;
    if (ioctl(fd, FBIOGET_VSCREENINFO, &v) < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &f) < 0)
        rc =
            err_set(err, SCREEN_EOPEN, "%s: expected a framebuffer, got %s", path, strerror(errno));
    else if (!drawable(&v, &f))
        rc = err_set(err, SCREEN_EFORMAT, "%s: expected 16 or 32 bits a pixel, got %u (%ux%u)",
                     path, v.bits_per_pixel, v.xres, v.yres);
    else if (map_device(s, fd, &v, &f) < 0)
        rc = err_set(err, SCREEN_EOPEN, "%s: cannot be mapped: %s", path, strerror(errno));
    close(fd);
    return rc;
}

/* The kernel's console draws into the same framebuffer, unless it is told that graphics are on. */
static void quiet_console(void)
{
    int fd = open("/dev/tty0", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return;
    ioctl(fd, KDSETMODE, KD_GRAPHICS);
    close(fd);
}

struct screen *screen_open(const char *path, int lines_fd, struct err *err)
{
    struct screen *s = calloc(1, sizeof *s);
    MUST(s);
    s->lines_fd = lines_fd;
    if (path && open_picture(s, path, err) == 0)
        quiet_console();
    return s;
}

bool screen_has_picture(const struct screen *s)
{
    return s->canvas.pixels != NULL;
}

/* The framebuffer is slow to read and slow to write: only rows that changed. */
static void show_picture(struct screen *s, const struct screen_page *p)
{
    draw_page(&s->canvas, p);
    for (int y = 0; y < s->canvas.height; y++) {
        size_t at = (size_t)y * s->canvas.stride;
        if (!memcmp(s->shown + at, s->canvas.pixels + at, s->canvas.stride))
            continue;
        memcpy(s->shown + at, s->canvas.pixels + at, s->canvas.stride);
        memcpy(s->device + at, s->canvas.pixels + at, s->canvas.stride);
    }
}

/* ---- the lines ---- */

struct text {
    char bytes[LINES_MAX];
    size_t used;
};

static void add(struct text *t, const char *part)
{
    if (sizeof t->bytes - t->used > 1)
        t->used += draw_plain(t->bytes + t->used, sizeof t->bytes - t->used, part);
}

static void add_newline(struct text *t)
{
    if (sizeof t->bytes - t->used > 1)
        t->bytes[t->used++] = '\n';
    t->bytes[t->used] = 0;
}

static void add_headline(struct text *t, const struct screen_page *p)
{
    const char *word = p->huge ? p->huge : p->word;
    add(t, p->title);
    add(t, p->number ? " " : "");
    add(t, p->number);
    if (word && *word) {
        add_newline(t);
        add(t, "*** ");
        add(t, word);
        add(t, " ***");
    }
    if (p->sentence) {
        add_newline(t);
        add(t, p->sentence);
    }
    add_newline(t);
}

static void add_values(struct text *t, const struct screen_page *p)
{
    char percent[16];
    if (p->percent >= 0) {
        snprintf(percent, sizeof percent, "%3d %%  ", p->percent);
        add(t, percent);
    }
    for (int i = 0, n = 0; i < SCREEN_LINES; i++) {
        if (!p->lines[i].value)
            continue;
        add(t, n++ ? " | " : "");
        add(t, p->lines[i].name);
        add(t, p->lines[i].name ? " " : "");
        add(t, p->lines[i].value);
    }
    add_newline(t);
}

static void show_lines(struct screen *s, const struct screen_page *p)
{
    struct text t = {.used = 0};
    add_headline(&t, p);
    bool fresh = strcmp(t.bytes, s->said) != 0;
    int step = p->percent < 0 ? -1 : p->percent / PERCENT_STEP;
    if (!fresh && step == s->said_percent)
        return;
    if (fresh)
        memcpy(s->said, t.bytes, sizeof s->said);
    else
        t.used = 0;
    s->said_percent = step;
    add_values(&t, p);
    (void)file_write(s->lines_fd, t.bytes, t.used);
}

void screen_show(struct screen *s, const struct screen_page *p)
{
    if (s->lines_fd >= 0)
        show_lines(s, p);
    if (s->canvas.pixels)
        show_picture(s, p);
}

void screen_close(struct screen *s)
{
    free(s->canvas.pixels);
    free(s);
}
