#include "board/box/web/api_trees.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/log/log.h"
#include "net/wire/json_read.h"

struct api_trees {
    struct trees *trees;
    struct library *library;
    struct offer *offer;
    struct json_doc doc;
    /* by the errand's number; NULL: nobody waits for its end */
    struct web_call *waiter[TREES_ERRANDS];
};

/* ---- refusals ---- */

static unsigned status_of(int code)
{
    switch (code) {
    case LIBRARY_EUNKNOWN:
        return 404;
    case LIBRARY_EEXISTS:
    case LIBRARY_EUSED:
    case LIBRARY_EPARTIAL:
        return 409;
    case LIBRARY_EFULL:
    case LIBRARY_ESPACE:
        return 507;
    case LIBRARY_ETREE:
    case LIBRARY_EHASH:
    case LIBRARY_EREQUEST:
    case LIBRARY_ECONFIRM:
        return 422;
    case LIBRARY_EBUSY:
        return 503;
    default:
        return 500;
    }
}

static void refuse(struct web_call *c, const struct err *err)
{
    web_problem(c, status_of(err->code), err->code, "%s", err->text);
}

static void refuse_busy(struct web_call *c)
{
    web_problem(
        c, 503, LIBRARY_EBUSY,
        "the box is at work on %d files of trees already: expected the same again a little later",
        TREES_ERRANDS);
}

/* ---- waiting for the thread ---- */

/* The client has left before its answer. What is published has to reach the offer nevertheless. */
static void waiter_gone(void *ctx, struct web_call *c)
{
    struct api_trees *a = ctx;
    struct errand *e = c->state;

    c->state = NULL;
    if (!e)
        return;
    if (a->waiter[e->number] == c)
        a->waiter[e->number] = NULL;
    if (e->kind != ERRAND_PUBLISH)
        trees_let_go(a->trees, e);
}

static void await(struct api_trees *a, struct web_call *c, struct errand *e)
{
    a->waiter[e->number] = c;
    c->state = e;
    c->gone = waiter_gone;
}

/* ---- what is shown ---- */

static void put_tree(struct json *j, const struct api_trees *a, const struct tree_facts *f)
{
    json_open(j, NULL, '{');
    json_str(j, "name", f->name);
    json_str(j, "state", f->cause[0] ? "bad" : f->partial ? "partial" : "ready");
    json_u64(j, "files", f->size.files);
    json_u64(j, "bytes", f->size.bytes);
    json_str(j, "entry", f->partial ? "" : offer_of_tree(a->offer, f->name));
    json_str(j, "cause", f->cause);
    json_close(j);
}

static void list_trees(void *ctx, struct web_call *c)
{
    struct api_trees *a = ctx;
    const struct tree_list *l = trees_list(a->trees);
    struct json j = web_json(c);

    if (!l) {
        web_problem(c, 503, LIBRARY_EBUSY,
                    "the trees are still being looked at: expected the same again a little later");
        return;
    }
    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < l->n; i++)
        put_tree(&j, a, &l->at[i]);
    json_close(&j);
    web_json_send(c, 200, &j);
}

/* ---- a file ---- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "" or "sha256=" and 64 hexadecimal digits. */
static int read_query(const char *query, uint8_t hash[TREE_HASH_BYTES], struct err *err)
{
    static const char key[] = "sha256=";
    bool good = strncmp(query, key, sizeof key - 1) == 0 &&
                strlen(query) == sizeof key - 1 + 2 * TREE_HASH_BYTES;

    for (unsigned i = 0; good && i < TREE_HASH_BYTES; i++) {
        int high = hex_value(query[sizeof key - 1 + 2 * i]),
            low = hex_value(query[sizeof key + 2 * i]);

        good = high >= 0 && low >= 0;
        hash[i] = (uint8_t)((good ? high : 0) << 4 | (good ? low : 0));
    }
    return good || !*query
               ? 0
               : err_set(err, LIBRARY_EREQUEST,
                         "expected nothing behind '?', or sha256= and 64 hexadecimal digits");
}

static void put_file(void *ctx, struct web_call *c)
{
    struct api_trees *a = ctx;
    uint8_t hash[TREE_HASH_BYTES];
    struct err err = {0};
    struct errand *e;
    int rc = tree_name_check(c->param[0], &err);

    if (rc == 0)
        rc = tree_path_check(c->param[1], &err);
    if (rc == 0)
        rc = read_query(c->query, hash, &err);
    if (rc == 0 && c->length)
        rc = library_check_space(a->library, c->length, &err);
    if (rc) {
        refuse(c, &err);
        return;
    }
    e = trees_put_begin(a->trees, c->param[0], c->param[1], *c->query ? hash : NULL);
    if (!e) {
        refuse_busy(c);
        return;
    }
    c->state = e;
    c->gone = waiter_gone;
}

static size_t put_bytes(void *ctx, struct web_call *c, const uint8_t *bytes, size_t n)
{
    struct api_trees *a = ctx;
    struct errand *e = c->state;
    struct err err = {0};
    long took;

    if (n == 0) {
        await(a, c, e);
        trees_put_end(a->trees, e);
        return 0;
    }
    took = trees_put(a->trees, e, bytes, n, &err);
    if (took >= 0)
        return (size_t)took;
    refuse(c, &err);
    return n;
}

/* ---- a tree ---- */

static bool read_body(struct api_trees *a, struct web_call *c)
{
    struct err err = {0};

    if (strcmp(c->type, "application/json") != 0 || json_read(&a->doc, c->body, c->n_body) ||
        json_kind(&a->doc, JSON_ROOT) != JSON_OBJECT)
        err_set(&err, LIBRARY_EREQUEST, "expected an object of JSON (application/json)");
    else
        (void)tree_name_check(c->param[0], &err);
    if (err.code)
        refuse(c, &err);
    return err.code == 0;
}

/* False when it is not there. */
static bool flag(const struct api_trees *a, const char *key)
{
    bool is = false;
    int value = json_get(&a->doc, JSON_ROOT, key);

    return value != JSON_NONE && json_bool_of(&a->doc, value, &is) && is;
}

static void begin_order(struct api_trees *a, struct web_call *c, struct errand *e)
{
    if (!e) {
        refuse_busy(c);
        return;
    }
    await(a, c, e);
    trees_post(a->trees, e);
}

static void publish(void *ctx, struct web_call *c)
{
    struct api_trees *a = ctx;
    struct tree_size announced;
    struct errand *e;

    if (!read_body(a, c))
        return;
    if (!json_get_u64(&a->doc, JSON_ROOT, "files", UINT64_MAX, &announced.files) ||
        !json_get_u64(&a->doc, JSON_ROOT, "bytes", UINT64_MAX, &announced.bytes)) {
        web_problem(c, 422, LIBRARY_EREQUEST,
                    "expected \"files\" and \"bytes\": how many files have been uploaded, and "
                    "their bytes in all");
        return;
    }
    e = trees_order(a->trees, ERRAND_PUBLISH, c->param[0]);
    if (e) {
        e->announced = announced;
        e->replaces = flag(a, "replace");
        e->indexed = true;
    }
    begin_order(a, c, e);
}

static void delete_tree(void *ctx, struct web_call *c)
{
    struct api_trees *a = ctx;
    char name[TREE_NAME_MAX + 2] = "";
    const char *entry;
    struct errand *e;

    if (!read_body(a, c))
        return;
    (void)json_get_str(&a->doc, JSON_ROOT, "name", name, sizeof name);
    entry = flag(a, "partial") ? "" : offer_of_tree(a->offer, c->param[0]);
    if (strcmp(name, c->param[0]) != 0) {
        web_problem(c, 422, LIBRARY_ECONFIRM,
                    "expected the tree's name once more, as \"name\", before it is deleted");
        return;
    }
    if (*entry) {
        web_problem(c, 409, LIBRARY_EUSED,
                    "the entry \"%s\" offers this tree: it can be replaced, or deleted when "
                    "ringcast.conf does not name it",
                    entry);
        return;
    }
    e = trees_order(a->trees, ERRAND_REMOVE, c->param[0]);
    if (e)
        e->partial = flag(a, "partial");
    begin_order(a, c, e);
}

/* ---- answers ---- */

static void answer_published(struct api_trees *a, struct web_call *c, const struct errand *e)
{
    const char *entry = offer_of_tree(a->offer, e->name);
    struct json j = web_json(c);

    json_open(&j, NULL, '{');
    json_str(&j, "name", e->name);
    json_str(&j, "entry", entry);
    json_str(&j, "text",
             *entry ? "it is given out from now on"
                    : "it is given out when an entry of ringcast.conf names it and the box has "
                      "started again");
    json_close(&j);
    web_json_send(c, 200, &j);
}

/* The errand is over. */
static void end(struct api_trees *a, struct errand *e)
{
    struct web_call *c = a->waiter[e->number];

    if (e->tree)
        offer_take_tree(a->offer, e->name, e->tree);
    e->tree = NULL;
    a->waiter[e->number] = NULL;
    if (c)
        c->state = NULL;
    if (c && e->err.code)
        refuse(c, &e->err);
    else if (c && e->kind == ERRAND_PUBLISH)
        answer_published(a, c, e);
    else if (c)
        web_empty(c, 204);
    trees_let_go(a->trees, e);
}

void api_trees_tick(struct api_trees *a)
{
    if (!a)
        return;
    trees_tick(a->trees);
    for (unsigned i = 0; i < TREES_ERRANDS; i++) {
        struct errand *e = trees_errand(a->trees, i);

        if (e->state == ERRAND_DONE)
            end(a, e);
    }
}

/* ---- all of it ---- */

struct api_trees *api_trees_open(const char *data, struct library *library, struct offer *offer,
                                 struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/trees", WEB_USER, list_trees, NULL},
        {WEB_PUT, "/api/v1/trees/:name/+path", WEB_USER, put_file, put_bytes},
        {WEB_POST, "/api/v1/trees/:name", WEB_USER, publish, NULL},
        {WEB_DELETE, "/api/v1/trees/:name", WEB_USER, delete_tree, NULL},
    };
    struct api_trees *a = calloc(1, sizeof *a);
    struct err err = {0};

    if (!a || trees_open(&a->trees, data, LIBRARY_RESERVE, &err)) {
        log_line("no trees can be uploaded: %s (%d)", a ? err.text : "out of memory", err.code);
        free(a);
        return NULL;
    }
    a->library = library;
    a->offer = offer;
    web_routes_add(routes, table, sizeof table / sizeof *table, a);
    return a;
}

void api_trees_close(struct api_trees *a)
{
    if (a)
        trees_close(a->trees);
    free(a);
}
