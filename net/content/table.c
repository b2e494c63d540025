/* Fixed tables of names, and sources below prefixes. */
#include "net/content/content.h"

#include <string.h>

/* ---- texts made for one client ---- */

static void text_close(void *ctx)
{
    ((struct content_text *)ctx)->used = false;
}

static struct content_text *text_place(struct content_texts *texts)
{
    for (size_t i = 0; texts && i < CONTENT_TEXTS_MAX; i++)
        if (!texts->text[i].used)
            return &texts->text[i];
    return NULL;
}

static int make_text(struct content_texts *texts, const struct content_entry *e, const uint8_t *mac,
                     struct content *out)
{
    struct content_text *t = text_place(texts);
    int n;

    if (!t)
        return CONTENT_EBUSY;
    n = e->make(e->ctx, mac, t->bytes, sizeof t->bytes);
    if (n < 0 || (size_t)n > sizeof t->bytes)
        return n < 0 ? n : CONTENT_EMAKE;
    t->used = true;
    t->n = (size_t)n;
    content_memory(out, t->bytes, t->n, e->content.type);
    out->ctx = t;
    out->close = text_close;
    return 0;
}

/* ---- the table ---- */

static int table_open(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    const struct content_table *t = ctx;

    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->entries[i].name, name) != 0)
            continue;
        if (t->entries[i].make)
            return make_text(t->texts, &t->entries[i], mac, out);
        *out = t->entries[i].content;
        out->close = NULL; /* shared by all who open it */
        return 0;
    }
    return CONTENT_ENAME;
}

struct content_source content_table_source(struct content_table *t)
{
    return (struct content_source){.ctx = t, .open = table_open};
}

/* ---- mounts ---- */

static int mounts_open(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    const struct content_mounts *m = ctx;

    for (size_t i = 0; i < m->n; i++) {
        size_t n = strlen(m->mounts[i].prefix);
        int rc;

        if (strncmp(name, m->mounts[i].prefix, n) != 0 || !name[n])
            continue;
        rc = m->mounts[i].source.open(m->mounts[i].source.ctx, name + n, mac, out);
        if (rc != CONTENT_ENAME)
            return rc;
    }
    return CONTENT_ENAME;
}

struct content_source content_mounts_source(struct content_mounts *m)
{
    return (struct content_source){.ctx = m, .open = mounts_open};
}
