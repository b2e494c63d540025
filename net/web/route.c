#include "net/web/route.h"

#include <string.h>

#include "net/wire/must.h"

void web_routes_add(struct web_routes *r, const struct web_route *route, size_t n, void *ctx)
{
    MUST(r->n < WEB_TABLES_MAX);
    for (size_t i = 0; i < n; i++)
        MUST(route[i].pattern[0] == '/' && route[i].handle);
    r->table[r->n++] = (struct web_table){.route = route, .n = n, .ctx = ctx};
}

static size_t segment(const char *at)
{
    return strcspn(at, "/");
}

/* Both begin behind a '/'. Where the parameters begin goes to param, how many to *n. A last one
 * that begins with '+' has the rest of the path. */
static bool fits(const char *pattern, char *path, char *param[WEB_PARAMS_MAX], unsigned *n)
{
    *n = 0;
    for (;;) {
        size_t want = segment(pattern), have = segment(path);

        if (pattern[0] == ':' || pattern[0] == '+') {
            MUST(*n < WEB_PARAMS_MAX);
            if (have == 0)
                return false;
            param[(*n)++] = path;
            if (pattern[0] == '+')
                return true;
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        if (!pattern[want] || !path[have])
            return !pattern[want] && !path[have];
        pattern += want + 1;
        path += have + 1;
    }
}

struct web_match web_routes_find(const struct web_routes *r, enum web_method method, char *path)
{
    struct web_match m = {0};
    char *param[WEB_PARAMS_MAX];
    unsigned n;

    for (unsigned t = 0; path[0] == '/' && t < r->n; t++)
        for (size_t i = 0; i < r->table[t].n; i++) {
            const struct web_route *route = &r->table[t].route[i];

            if (!fits(route->pattern + 1, path + 1, param, &n))
                continue;
            m.other_method |= route->method != method;
            if (route->method != method)
                continue;
            m.route = route;
            m.ctx = r->table[t].ctx;
            for (unsigned k = 0; k < n; k++) {
                m.param[k] = param[k];
                if (k + 1 < n || !strchr(route->pattern, '+'))
                    param[k][segment(param[k])] = 0;
            }
            return m;
        }
    return m;
}
