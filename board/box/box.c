#include "board/box/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/box/box_inside.h"
#include "board/box/confine.h"
#include "board/box/lost.h"
#include "board/box/web/plain_page.h"
#include "board/core/authorities.h"
#include "board/core/progress.h"
#include "board/core/serve_log.h"
#include "board/log/log.h"
#include "board/supervisor/pid1.h"
#include "net/mdns/bind.h"
#include "net/os/clock.h"
#include "net/os/serving.h"

#define SECOND_NS MONO_S
#define STATUS_NS (5 * MONO_S)
#define STEP_MS 50
#define COPY_MS 5 /* a stick wakes nobody: up to 1 MiB waits each time */
#define FAILURE_S 3

/* ---- what is remembered ---- */

static void remember(struct box *b, uint8_t kind, const void *key, size_t nkey, const void *value,
                     size_t nvalue)
{
    (void)memory_put(&b->memory, kind, key, nkey, value, nvalue);
}

static void store_machine(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    remember(ctx, JOURNAL_MACHINE, mac, 6, value, n);
}

static void store_disks(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    remember(ctx, JOURNAL_DISKS, mac, 6, value, n);
}

static enum told recall(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                        const uint8_t *value, size_t nvalue)
{
    struct box *b = ctx;

    switch (kind) {
    case JOURNAL_MACHINE:
        return machines_restore(&b->machines, key, nkey, value, nvalue);
    case JOURNAL_SESSION:
        return resume_restore(&b->resume, key, nkey, value, nvalue);
    case JOURNAL_PASSWORD:
    case JOURNAL_TOKEN:
        return portal_restore(b->portal, kind, key, nkey, value, nvalue);
    case JOURNAL_DISKS:
        return disks_restore(b->disks, key, nkey, value, nvalue) ? TOLD_KNOWN : TOLD_BROKEN;
    case JOURNAL_ATTEMPT:
        return diary_restore(b->diary, key, nkey, value, nvalue);
    case JOURNAL_LEASE:
    case JOURNAL_BINDING:
        services_restore(b->services, kind, key, nkey, value, nvalue);
        return TOLD_KNOWN;
    default:
        return room_restore(b->room, kind, key, nkey, value, nvalue);
    }
}

static void recall_all(struct box *b)
{
    memory_tell(&b->memory, recall, b);
    log_line("%u machines are done", b->machines.done);
}

/* A person has decided. */
static void lift_hold(void *ctx, const char *by)
{
    struct box *b = ctx;

    memory_lift(&b->memory, by);
}

/* ---- what machines boot ---- */

static bool wants_imaging(void *ctx, const uint8_t mac[6])
{
    struct box *b = ctx;

    return room_wants_imaging(b->room, mac);
}

/* Machines that were imaged here, that are expected, or that the configuration names. */
static bool is_known(void *ctx, const uint8_t mac[6])
{
    struct box *b = ctx;
    bool found = machine_known(&b->machines, mac) || expected_look(room_expected(b->room), mac);

    for (unsigned i = 0; i < b->config.boot.n_machine; i++)
        found |= memcmp(b->config.boot.machine[i].mac, mac, 6) == 0;
    return found;
}

static bool keep_value(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                       const uint8_t *value, size_t nvalue)
{
    struct box *b = ctx;

    return memory_put(&b->memory, kind, key, nkey, value, nvalue);
}

static void store_value(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                        const uint8_t *value, size_t nvalue)
{
    remember(ctx, kind, key, nkey, value, nvalue);
}

/* It has loaded the receiver from this box. */
static void on_loaded(void *ctx, const uint8_t mac[6])
{
    struct box *b = ctx;

    machine_prove(&b->machines, mac, (uint32_t)(ip_stack_now(b->stack).ns / MONO_S));
}

static void on_boot(void *ctx, const uint8_t mac[6])
{
    struct box *b = ctx;

    status_boots(b->watch, mac);
}

/* As the list of expected machines has it. */
static const char *machine_name(void *ctx, const uint8_t mac[6])
{
    struct box *b = ctx;
    const struct expected_row *row = expected_look(room_expected(b->room), mac);

    return row ? row->name : NULL;
}

static int make_services(struct box *b, struct err *err)
{
    const struct offer_needs needs = {.payload = b->paths.payload,
                                      .config = b->paths.config,
                                      .data = b->paths.data,
                                      .key = b->key.pub,
                                      .wants_imaging = wants_imaging,
                                      .ctx = b};
    const struct services_needs more = {.config = &b->config,
                                        .stack = b->stack,
                                        .offer = b->offer = malloc(sizeof *b->offer),
                                        .name = b->config.name,
                                        .store = store_value,
                                        .known = is_known,
                                        .boots = on_boot,
                                        .loaded = on_loaded,
                                        .access = b->access,
                                        .called = machine_name,
                                        .ctx = b};

    if (!b->offer)
        return err_set(err, PC_EMEMORY, "out of memory");
    offer_open(b->offer, &b->config, &needs);
    return services_make(&b->services, &more, err);
}

static const struct expected *expected_machines(void *ctx)
{
    struct box *b = ctx;

    return room_expected(b->room);
}

static uint32_t session_of_stream(void *ctx, const struct stream *st)
{
    struct box *b = ctx;

    return room_got(b->room, (unsigned)(st - b->serve.streams)).session;
}

static int make_diary(struct box *b, struct err *err)
{
    const struct diary_needs needs = {.config = &b->config,
                                      .key = &b->key,
                                      .stack = b->stack,
                                      .store = store_value,
                                      .expected = expected_machines,
                                      .session = session_of_stream,
                                      .ctx = b};

    return diary_make(&b->diary, &needs, err);
}

/* ---- the page ---- */

static int make_portal(struct box *b, struct err *err)
{
    const struct portal_needs needs = {.config = &b->config,
                                       .stack = b->stack,
                                       .data = b->paths.data,
                                       .store = store_value,
                                       .ctx = b};
    int rc = portal_make(&b->portal, &needs, err);

    if (rc == 0) {
        b->desk = (struct hold_desk){&b->memory.hold, lift_hold, b};
        api_hold_routes(&b->desk, portal_routes(b->portal));
        api_plan_routes(b->room, portal_routes(b->portal));
        api_report_routes(b->diary, portal_routes(b->portal));
        access_log_routes(b->access, portal_routes(b->portal));
    }
    return rc;
}

static int make_status(struct box *b, struct err *err)
{
    const struct status_needs needs = {.config = &b->config,
                                       .serve = &b->serve,
                                       .room = b->room,
                                       .diary = b->diary,
                                       .services = b->services,
                                       .portal = b->portal,
                                       .hold = &b->memory.hold,
                                       .steps = &b->steps,
                                       .data = b->paths.data};

    b->watch = status_make(&needs, ip_stack_now(b->stack));
    b->api = b->watch ? api_status_make(b->watch, portal_routes(b->portal)) : NULL;
    if (b->watch)
        plain_page_routes(status_room(b->watch), portal_routes(b->portal));
    return b->api ? 0 : err_set(err, PC_EMEMORY, "out of memory");
}

/* The box images machines without its page too. */
static void open_portal(struct box *b)
{
    struct err err = {0};

    if (portal_open(b->portal, &err))
        log_line("the box has no page: %s (%d)", err.text, err.code);
}

/* As NAME.local, by who does not stand before the box. What cannot be is a pity, no more. */
static void be_found(struct box *b)
{
    char instance[MDNS_TEXT_MAX + 1];
    struct err err = {0};

    if (!b->config.ring.mdns)
        return;
    snprintf(instance, sizeof instance, "Ringcast on %s", b->config.name);
    b->advertised = mdns_advertise(b->stack, instance, b->config.ring.port, NULL, 0, &err) == 0;
    if (!b->advertised)
        log_line("the box is not found as %s.local: %s (%d)", b->config.name, err.text, err.code);
}

/* ---- the ring ---- */

static const char *first_image(void *ctx)
{
    struct box *b = ctx;

    return b->library ? library_first(b->library) : "";
}

static int is_withheld(void *ctx, const char *image, char *to, size_t cap)
{
    struct box *b = ctx;

    return b->library ? library_withheld(b->library, image, to, cap) : 0;
}

/* Whoever asks for no image by name gets the configured one, else the first. One that is configured
 * and not there is better missed than replaced. */
static void prefer_image(struct box *b)
{
    unsigned i = 0;

    while (b->config.boot.image[0] && i < b->serve.n_streams &&
           strcmp(b->serve.streams[i].session.name, b->config.boot.image) != 0)
        i++;
    b->serve.server.preferred = i < b->serve.n_streams ? i + 1 : 0;
}

/* Without them images come by all other ways. */
static void open_sticks(struct box *b)
{
    struct err err = {0};

    if (b->paths.sticks && sticks_open(&b->sticks, b->paths.sticks, &err))
        log_line("no USB sticks are looked at: %s (%d)", err.text, err.code);
}

/* ---- running ---- */

static struct page page_of(struct box *b)
{
    room_sentence(b->room, b->plan);
    hold_sentence(&b->memory.hold, b->held);
    return (struct page){.config = &b->config,
                         .serve = &b->serve,
                         .library = b->library,
                         .machines = &b->machines,
                         .services = b->services,
                         .keys = &b->keys,
                         .room = b->watch ? status_room(b->watch) : NULL,
                         .hold = b->held,
                         .plan = b->plan,
                         .data = b->paths.data,
                         .url = portal_fingerprint(b->portal)[0] ? b->url : NULL,
                         .fingerprint = portal_fingerprint(b->portal),
                         .setup_code = portal_setup_code(b->portal)};
}

static void show(struct box *b)
{
    const struct page page = page_of(b);

    page_show(b->screen, &page, &b->page);
}

static void each_second(struct box *b, struct mono now)
{
    pid1_alive();
    memory_look(&b->memory);
    prefer_image(b);
    keyboard_look(b->keyboard);
    keys_tick(&b->keys, now);
    show(b);
}

/* ---- who stands before the box ---- */

static void leave(struct box *b, const char *wish)
{
    log_line("%s, as somebody at the box wants",
             strcmp(wish, "reboot") ? "switching off" : "starting again");
    pid1_wish(wish);
    b->leaves = true;
}

/* For all machines, at once, with the image for which none is named. */
static void arm_session(struct box *b)
{
    struct room_order o = {.kind = ROOM_CREATE};
    struct room_answer a;

    snprintf(o.wish.image, sizeof o.wish.image, "%s", room_image(b->room));
    room_order(b->room, &o, &a);
    log_line(a.code ? "no session is armed at the box: %s" : "a session is armed at the box: %s",
             a.text);
}

static void obey(struct box *b, enum keys_order order)
{
    const struct page page = page_of(b);

    switch (order) {
    case ORDER_SHOW:
        page_print(b->keyboard, &page, &b->page);
        break;
    case ORDER_PASSWORD:
        portal_reset_password(b->portal);
        log_line("the page's password is forgotten, as somebody at the box wants: the set-up code "
                 "is on the screen");
        break;
    case ORDER_RESTART:
        leave(b, "reboot");
        break;
    case ORDER_OFF:
        leave(b, "poweroff");
        break;
    case ORDER_LIFT:
        lift_hold(b, "screen");
        break;
    case ORDER_ARM:
        arm_session(b);
        break;
    case ORDER_DATA_AGAIN: /* only where the data cannot be read */
    case ORDER_DATA_ANEW:
    case ORDER_NONE:
        break;
    }
}

static void hear_keys(struct box *b, struct mono now)
{
    bool pressed = false;
    enum press key;

    keyboard_flush(b->keyboard);
    while ((key = keyboard_next(b->keyboard)) != PRESS_NONE) {
        const char *asked = keys_question(&b->keys), *asks;

        obey(b, keys_step(&b->keys, key, now));
        asks = keys_question(&b->keys);
        if (asks && asks != asked)
            log_line("%s", asks); /* the terminal's answer to the key */
        pressed = true;
    }
    if (pressed)
        show(b);
}

static int longest_pause(const struct box *b)
{
    int services = services_pause(b->services), portal = portal_pause(b->portal);
    int pause = services < portal ? services : portal,
        most = library_copies(b->library) ? COPY_MS : STEP_MS;

    return pause < most ? pause : most;
}

static int run(struct box *b, const atomic_int *stop, struct err *err)
{
    serving_begin();
    while (!*stop && !b->leaves) {
        struct err why = {0};
        struct mono now;
        int rc = ip_stack_wait(b->stack, longest_pause(b), jobs_fd(b->jobs));

        if (rc)
            return err_set(err, rc, "the network interface %s failed", b->config.ring.interface);
        now = ip_stack_now(b->stack);
        jobs_take(b->jobs);
        room_step(b->room, now);
        serve_step(&b->serve, now, &why);
        services_tick(b->services, now);
        library_tick(b->library, now);
        api_library_tick(b->api_library);
        api_trees_tick(b->api_trees);
        status_step(b->watch, now);
        portal_tick(b->portal, now);
        diary_tick(b->diary, now);
        disks_tick(b->disks, now);
        hear_keys(b, now);
        if (mono_sub(now, b->second) >= SECOND_NS) {
            b->second = now;
            each_second(b, now);
        }
        if (mono_sub(now, b->status) >= STATUS_NS) {
            b->status = now;
            serve_log_status(&b->serve);
            for (unsigned i = 0; i < b->serve.n_streams; i++)
                diary_refresh(b->diary, &b->serve.streams[i]);
        }
        steps_turn(&b->steps, clock_of_thread()); /* sleeping costs none */
    }
    return 0;
}

/* The configuration's folder: trees are there, and authorities. */
static void beside_config(const struct box *b, char beside[SHELF_PATH_MAX])
{
    const char *slash = b->paths.config ? strrchr(b->paths.config, '/') : NULL;

    if (slash)
        snprintf(beside, SHELF_PATH_MAX, "%.*s",
                 slash == b->paths.config ? 1 : (int)(slash - b->paths.config), b->paths.config);
    else
        memcpy(beside, ".", 2);
}

/* Whom the box believes when it fetches by https. What cannot be read is said and done without. */
static void open_trust(struct box *b)
{
    char beside[SHELF_PATH_MAX], path[SHELF_PATH_MAX + BOOT_PATH_MAX + 2];
    struct err own = {0}, public = {0};

    beside_config(b, beside);
    snprintf(path, sizeof path, "%s/%s", beside, b->config.trust);
    if (b->config.trust[0] && tls_trust_load(&b->trust, path, true, &own))
        log_line("authorities are left out: %s (%d)", own.text, own.code);
    if (authorities_public(&b->trust, &public))
        log_line("authorities are left out: %s (%d)", public.text, public.code);
}

/* Before there is a thread, and before the first byte of a stranger. */
static void give_up_the_rest(const struct box *b)
{
    char beside[SHELF_PATH_MAX];

    beside_config(b, beside);
    const struct confine_path paths[] = {
        {b->paths.data, true},      {b->paths.images, false}, {b->paths.payload, false},
        {b->paths.sticks, false},   {beside, false},          {"/sys", false},
        {STATION_KEYBOARDS, false},
    };
    if (!confine(paths, sizeof paths / sizeof *paths))
        log_line("this kernel lets the box reach every file: it has no Landlock");
}

static bool make_room(struct box *b)
{
    const struct room_needs needs = {.config = &b->config,
                                     .config_path = b->paths.config,
                                     .key = &b->key,
                                     .machines = &b->machines,
                                     .hold = &b->memory.hold,
                                     .disks = b->disks,
                                     .serve = &b->serve,
                                     .store = keep_value,
                                     .first = first_image,
                                     .withheld = is_withheld,
                                     .ctx = b};

    b->room = room_make(&needs);
    return b->room != NULL;
}

static int open_box(struct box *b, const atomic_int *stop, struct err *err)
{
    char address[IP_TEXT];
    int rc;

    b->disks = calloc(1, sizeof *b->disks);
    if (!b->disks)
        return err_set(err, PC_EMEMORY, "out of memory");
    b->disks->store = store_disks;
    b->disks->ctx = b;
    machines_init(&b->machines, b->config.boot.rearm, store_machine, b);
    if (!make_room(b))
        return err_set(err, PC_EMEMORY, "out of memory");
    b->screen = station_screen();
    b->keyboard = station_keyboard();
    page_say(b->screen, b->config.name, "Starting.", false);
    open_trust(b);
    give_up_the_rest(b);
    log_threaded(); /* no terminal holds up the thread that hands out addresses */
    rc = jobs_open(&b->jobs, err);
    if (rc == 0)
        rc = station_network(&b->stack, &b->config, b->paths.interface, b->screen, stop, err);
    if (rc == 0)
        rc = access_log_open(&b->access, b->paths.data, err);
    if (rc == 0)
        rc = make_services(b, err);
    if (rc == 0)
        rc = make_diary(b, err);
    if (rc == 0)
        rc = make_portal(b, err);
    if (rc == 0)
        rc = make_status(b, err);
    if (rc)
        return rc;
    recall_all(b);
    diary_open(b->diary);
    open_sticks(b);
    rc = box_open_ring(b, err);
    /* loading took its time, and the guard listens from now on */
    ip_stack_step(b->stack, clock_now());
    if (rc == 0)
        rc = services_open(b->services, err);
    if (rc == 0)
        open_portal(b);
    if (rc == 0)
        be_found(b);
    snprintf(b->url, sizeof b->url, "https://%s/", ip_address_text(address, b->config.address));
    if (rc == 0)
        log_line("%s is up on %s as %s", b->config.name, b->config.ring.interface,
                 ip_address_text(address, b->config.address));
    if (rc == 0 && b->memory.journal)
        pid1_wish("kept"); /* from now on data without a memory is a loss */
    return rc;
}

/* PID 1 starts the box again at once; a person wants to read why. */
static void say_failure(struct box *b, const struct err *err)
{
    char text[400];

    snprintf(text, sizeof text, "%s (%d). The box tries again.", err->text, err->code);
    page_say(b->screen, b->config.name, text, true);
    sleep(FAILURE_S);
}

static void close_box(struct box *b, bool in_good_order)
{
    portal_close(b->portal); /* what it has begun with the others it still ends with them */
    api_library_close(b->api_library);
    api_trees_close(b->api_trees);
    library_close(b->library);
    sticks_close(b->sticks);
    if (b->serving && in_good_order) {
        serve_finish(&b->serve);
        resume_forget(&b->resume, b->memory.journal);
    }
    if (b->serving)
        serve_close(&b->serve);
    api_status_close(b->api);
    status_close(b->watch);
    diary_close(b->diary);
    services_close(b->services);
    access_log_close(b->access);
    if (b->offer)
        offer_close(b->offer);
    free(b->offer);
    jobs_close(b->jobs);
    room_close(b->room);
    if (b->disks)
        disks_flush(b->disks);
    free(b->disks);
    if (b->advertised)
        mdns_withdraw(b->stack);
    ip_stack_close(b->stack);
    tls_trust_close(&b->trust);
    memory_close(&b->memory);
    keyboard_close(b->keyboard);
    screen_close(b->screen);
}

/* The folder is made for the first start on somebody's Linux; under PID 1 it is there. */
static int open_identity(struct box *b, struct err *err)
{
    int rc;

    mkdir(b->paths.data, 0700);
    /* a first boot, if there is no memory either: that one is made before the key */
    if (!memory_had_key(b->paths.data)) {
        memory_open(&b->memory, b->paths.data, false, b->paths.data_grown_before);
        return identity_open(&b->key, b->paths.data, err);
    }
    rc = identity_open(&b->key, b->paths.data, err);
    if (rc == 0) /* else nothing there is touched */
        memory_open(&b->memory, b->paths.data, true, b->paths.data_grown_before);
    return rc;
}

int box_run(const struct box_config *config, const struct box_paths *paths, const atomic_int *stop,
            struct err *err)
{
    struct box *b = calloc(1, sizeof *b);
    struct err lost = {0};
    int rc;

    if (!b)
        return err_set(err, PC_EMEMORY, "out of memory");
    b->config = *config;
    b->paths = *paths;
    if (paths->data_lost || open_identity(b, &lost)) {
        memory_close(&b->memory);
        free(b);
        return lost_run(config, paths, paths->data_lost ? paths->data_lost : lost.text, stop, err);
    }
    rc = open_box(b, stop, err);
    rc = rc ? rc : run(b, stop, err);
    serving_end();
    if (rc && pid1_there())
        say_failure(b, err);
    close_box(b, rc == 0);
    free(b);
    log_drain();
    return rc;
}
