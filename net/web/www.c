#include "net/web/www.h"

#include <string.h>

#include "net/wire/must.h"

#define ROUTES_MAX 32

const struct www_file *www_find(const char *path)
{
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    for (size_t i = 0; i < www_n; i++)
        if (strcmp(www_files[i].path, path) == 0)
            return &www_files[i];
    return NULL;
}

static void give(void *ctx, struct web_call *c)
{
    const struct www_file *f = www_find(c->path);

    (void)ctx;
    web_static(c, 200, f->type, "gzip", f->gzip, f->n);
}

void www_routes(struct web_routes *r)
{
    static struct web_route table[ROUTES_MAX];

    MUST(www_n < ROUTES_MAX);
    for (size_t i = 0; i < www_n; i++)
        table[i] = (struct web_route){WEB_GET, www_files[i].path, WEB_ANYONE, give, NULL};
    table[www_n] = (struct web_route){WEB_GET, "/", WEB_ANYONE, give, NULL};
    web_routes_add(r, table, www_n + 1, NULL);
}
