#include "board/box/lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/box/boot/services.h"
#include "board/box/confine.h"
#include "board/box/station.h"
#include "board/box/web/portal.h"
#include "board/log/log.h"
#include "board/pc/link.h"
#include "board/screen/screen_text.h"
#include "board/supervisor/pid1.h"
#include "net/os/clock.h"

#define STEP_MS 50
#define SENTENCE 500
#define DHCP_TEXT 320

struct lost {
    struct box_config config;
    struct ip_stack *stack;
    struct offer *offer;
    struct services *services;
    struct portal *portal;
    struct screen *screen;
    struct keyboard *keyboard;
    struct keys keys;
    struct mono second;
    char sentence[SENTENCE], url[16 + IP_TEXT];
    bool decided;
};

/* ---- what the services want to know ---- */

static void store_nothing(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                          const uint8_t *value, size_t nvalue)
{
    (void)ctx, (void)kind, (void)key, (void)nkey, (void)value, (void)nvalue;
}

static bool knows_nobody(void *ctx, const uint8_t mac[6])
{
    (void)ctx, (void)mac;
    return false;
}

/* Addresses, and nothing to boot: a machine that asks goes on to its own disk. */
static int open_services(struct lost *l, struct err *err)
{
    static const uint8_t no_key[IMG_PUBKEY_BYTES];
    const struct offer_needs nothing = {.key = no_key, .wants_imaging = knows_nobody, .ctx = l};
    const struct services_needs needs = {.config = &l->config,
                                         .stack = l->stack,
                                         .offer = l->offer = malloc(sizeof *l->offer),
                                         .name = l->config.name,
                                         .store = store_nothing,
                                         .known = knows_nobody,
                                         .ctx = l};
    int rc;

    if (!l->offer)
        return err_set(err, PC_EMEMORY, "out of memory");
    l->config.n_entries = l->config.boot.n_machine = 0;
    offer_open(l->offer, &l->config, &nothing);
    rc = services_make(&l->services, &needs, err);
    return rc ? rc : services_open(l->services, err);
}

/* Without the page the screen says all the same what there is to say. */
static int open_page(struct lost *l, struct err *err)
{
    const struct portal_needs needs = {.config = &l->config,
                                       .stack = l->stack,
                                       .closed = l->sentence,
                                       .store = store_nothing,
                                       .ctx = l};
    struct err why = {0};
    char address[IP_TEXT];
    int rc = portal_make(&l->portal, &needs, err);

    if (rc)
        return rc;
    if (portal_open(l->portal, &why))
        log_line("there is no page: %s (%d)", why.text, why.code);
    snprintf(l->url, sizeof l->url, "https://%s/", ip_address_text(address, l->config.address));
    return 0;
}

/* ---- the person before the box ---- */

static void build(const struct lost *l, struct screen_page *page, char dhcp[DHCP_TEXT])
{
    const char *question = keys_question(&l->keys);
    char files[DHCP_TEXT];
    bool warns;

    *page = (struct screen_page){.title = l->config.name,
                                 .word = "STOP",
                                 .shape = SCREEN_BAR,
                                 .sentence = l->sentence,
                                 .percent = -1,
                                 .qr = l->url[0] ? l->url : NULL,
                                 .footer = question ? question : KEYS_LOST,
                                 .asks = question};
    snprintf(dhcp, DHCP_TEXT, "no network interface has a link");
    if (l->services)
        services_text(l->services, dhcp, DHCP_TEXT, &warns, files, sizeof files);
    page->lines[0] = (struct screen_line){"page", l->url[0] ? l->url : NULL};
    page->lines[1] = (struct screen_line){"dhcp", dhcp};
    page->lines[2] = (struct screen_line){"keys", KEYS_LOST};
}

static void show(struct lost *l, bool on_terminal)
{
    static char text[4000];
    struct screen_page page;
    char dhcp[DHCP_TEXT];

    build(l, &page, dhcp);
    screen_show(l->screen, &page);
    if (on_terminal)
        keyboard_say(l->keyboard, text, screen_text(text, sizeof text, &page));
}

static void decide(struct lost *l, const char *wish, const char *said)
{
    log_line("%s, as somebody at the box wants", said);
    pid1_wish(wish);
    l->decided = true;
}

static void obey(struct lost *l, enum keys_order order)
{
    switch (order) {
    case ORDER_SHOW:
        show(l, true);
        break;
    case ORDER_DATA_AGAIN:
        decide(l, "data-again", "the data partition is tried again");
        break;
    case ORDER_DATA_ANEW:
        decide(l, "data-anew", "the data partition gets a new file system");
        break;
    case ORDER_RESTART:
        decide(l, "reboot", "starting again");
        break;
    case ORDER_OFF:
        decide(l, "poweroff", "switching off");
        break;
    case ORDER_PASSWORD: /* there is neither */
    case ORDER_ARM:
    case ORDER_LIFT:
    case ORDER_NONE:
        break;
    }
}

static void hear_keys(struct lost *l, struct mono now)
{
    enum press key;

    keyboard_flush(l->keyboard);
    while ((key = keyboard_next(l->keyboard)) != PRESS_NONE) {
        const char *asked = keys_question(&l->keys), *asks;

        obey(l, keys_step(&l->keys, key, now));
        asks = keys_question(&l->keys);
        if (asks && asks != asked)
            log_line("%s", asks); /* the terminal's answer to the key */
        show(l, false);
    }
}

/* ---- running ---- */

static void each_second(struct lost *l, struct mono now)
{
    if (mono_sub(now, l->second) < MONO_S)
        return;
    l->second = now;
    pid1_alive();
    keyboard_look(l->keyboard);
    keys_tick(&l->keys, now);
    show(l, false);
}

/* A person may decide before there is a cable. */
static void wait_for_link(struct lost *l, const char *told, const atomic_int *stop)
{
    bool several;

    told = told ? told : l->config.ring.interface;
    if (told[0] && strcmp(told, "auto") != 0)
        return;
    while (!*stop && !l->decided && !link_find(l->config.ring.interface, &several)) {
        hear_keys(l, clock_now());
        each_second(l, clock_now());
        usleep(STEP_MS * 1000);
    }
}

static int run(struct lost *l, const atomic_int *stop, struct err *err)
{
    while (!*stop && !l->decided) {
        int services = services_pause(l->services), portal = portal_pause(l->portal),
            pause = services < portal ? services : portal;
        int rc = ip_stack_wait(l->stack, pause < STEP_MS ? pause : STEP_MS, -1);
        struct mono now = ip_stack_now(l->stack);

        if (rc)
            return err_set(err, rc, "the network interface %s failed", l->config.ring.interface);
        services_tick(l->services, now);
        portal_tick(l->portal, now);
        hear_keys(l, now);
        each_second(l, now);
    }
    return 0;
}

/* It opens no file of the box's any more. */
static void give_up_the_rest(void)
{
    const struct confine_path paths[] = {{"/sys", false}, {STATION_KEYBOARDS, false}};

    if (!confine(paths, sizeof paths / sizeof *paths))
        log_line("this kernel lets the box reach every file: it has no Landlock");
}

static int open_lost(struct lost *l, const struct box_paths *paths, const atomic_int *stop,
                     struct err *err)
{
    int rc;

    l->keys.lost = true;
    l->screen = station_screen();
    l->keyboard = station_keyboard();
    give_up_the_rest();
    log_threaded();
    log_line("%s", l->sentence);
    wait_for_link(l, paths->interface, stop);
    if (l->decided)
        return 0;
    rc = station_network(&l->stack, &l->config, paths->interface, l->screen, stop, err);
    if (rc == 0)
        rc = open_services(l, err);
    return rc ? rc : open_page(l, err);
}

static void close_lost(struct lost *l)
{
    portal_close(l->portal);
    services_close(l->services);
    if (l->offer)
        offer_close(l->offer);
    free(l->offer);
    ip_stack_close(l->stack);
    keyboard_close(l->keyboard);
    screen_close(l->screen);
}

int lost_run(const struct box_config *config, const struct box_paths *paths, const char *reason,
             const atomic_int *stop, struct err *err)
{
    struct lost *l = calloc(1, sizeof *l);
    int rc;

    if (!l)
        return err_set(err, PC_EMEMORY, "out of memory");
    l->config = *config;
    snprintf(l->sentence, sizeof l->sentence,
             "The data of this box cannot be read: %.200s. It does not know which machines are "
             "done, so it hands out addresses and nothing else, "
             "until a person decides at its keys.",
             reason);
    rc = open_lost(l, paths, stop, err);
    if (rc == 0 && !l->decided)
        rc = run(l, stop, err);
    close_lost(l);
    free(l);
    log_drain();
    return rc;
}
