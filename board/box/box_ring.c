/* The ring of the box: what serving asks of the other parts of the box, and to whom it reports. */
#include <stdio.h>
#include <string.h>

#include "board/box/box_inside.h"
#include "board/log/log.h"

static void prepare_stream(void *ctx, struct stream *s)
{
    struct box *b = ctx;

    room_prepare(b->room, &s->session);
    resume_stream(&b->resume, b->memory.journal, s, b->serve.streams, b->serve.n_streams,
                  b->config.ring.group);
}

static void lose_stream(void *ctx, const struct stream *s, const struct err *why)
{
    struct box *b = ctx;

    library_lost(b->library, s->session.name, why);
}

static void forget_stream(void *ctx, const struct stream *s)
{
    struct box *b = ctx;

    resume_drop(&b->resume, b->memory.journal, s);
}

static uint32_t up_s(const struct box *b)
{
    return (uint32_t)(ip_stack_now(b->stack).ns / MONO_S);
}

/* A machine that finds no row is not remembered; it says so again, because its PASS is not
 * confirmed. */
static void remember_pass(struct box *b, unsigned image, const struct session_receiver *r)
{
    const struct machine_got got = room_got(b->room, image);
    uint32_t refused = b->machines.refused;

    if (machine_may_claim(&b->machines, r->mac, r->address, up_s(b)) &&
        machine_done(&b->machines, r->mac, &got, up_s(b)))
        log_line("a machine is done: from now on it boots its own disk");
    if (refused != b->machines.refused && refused % 1000 == 0)
        log_line("%u machines that passed are not remembered: the table has no row for them",
                 refused + 1);
}

static void on_session_event(void *ctx, const struct session_event *e)
{
    struct box *b = ctx;

    room_event(b->room, e);
    status_event(b->watch, e);
    diary_event(b->diary, e, &b->serve.streams[e->image]);
    disks_event(b->disks, e, &b->serve.streams[e->image].file.head);
    if (e->what == SESSION_STATE)
        /* it holds the session's key: no invented machine */
        services_vouch(b->services, e->receiver->mac);
    if (e->what == SESSION_STATE && e->receiver->facts.state == SESSION_PASS)
        remember_pass(b, e->image, e->receiver);
}

static struct session_label label_machine(void *ctx, const uint8_t mac[6])
{
    const struct box *b = ctx;

    return status_label(b->watch, mac);
}

/* A machine that was armed again meanwhile is to be forgotten. What a full disk did not take when
 * the machine passed it may take now. */
static bool has_kept(void *ctx, unsigned image, const struct session_receiver *r)
{
    struct box *b = ctx;

    if (!machine_known(&b->machines, r->mac))
        remember_pass(b, image, r);
    if (!diary_kept(b->diary, r->id, &b->memory))
        return false;
    if (machine_wants_imaging(&b->machines, r->mac))
        return machine_known(&b->machines, r->mac) || b->machines.rearm;
    machine_again(&b->machines, r->mac);
    return memory_kept(&b->memory, JOURNAL_MACHINE, r->mac, 6);
}

static int choose_image(void *ctx, const struct session_hello *h, unsigned *image, char *why)
{
    struct box *b = ctx;

    return room_choose(b->room, h, image, why);
}

static int tell_own(void *ctx, const struct session_ask *a, struct session_own *own, char *why)
{
    struct box *b = ctx;

    return room_own(b->room, a, own, why);
}

static int is_used(void *ctx, const char *image, struct err *err)
{
    struct box *b = ctx;
    struct err why = {0};

    return room_uses(b->room, image, &why) ? err_set(err, LIBRARY_EUSED, "%s", why.text) : 0;
}

int box_open_ring(struct box *b, struct err *err)
{
    const struct serve_hooks hooks = {.ctx = b,
                                      .prepare = prepare_stream,
                                      .event = on_session_event,
                                      .failed = lose_stream,
                                      .removed = forget_stream,
                                      .choose = choose_image,
                                      .label = label_machine,
                                      .kept = has_kept,
                                      .own = tell_own};
    const struct library_needs library = {.data = b->paths.data,
                                          .folder = b->paths.images,
                                          .key = &b->key,
                                          .serve = &b->serve,
                                          .stack = b->stack,
                                          .used = is_used,
                                          .ctx = b,
                                          .sticks = b->sticks,
                                          .take_sticks = b->config.library.take_sticks,
                                          .trust = &b->trust};
    int rc;

    room_open(b->room, b->stack, b->jobs);
    rc = serve_begin(&b->serve, &b->config.ring, &hooks, b->stack, err);
    b->serving = true;
    if (rc)
        return rc;
    rc = library_open(&b->library, &library, err);
    if (rc)
        return rc;
    b->api_library = api_library_open(b->library, portal_routes(b->portal));
    b->api_trees = api_trees_open(b->paths.data, b->library, b->offer, portal_routes(b->portal));
    return b->api_library ? 0 : err_set(err, PC_EMEMORY, "out of memory");
}
