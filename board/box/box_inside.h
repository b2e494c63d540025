/* The box's own view of itself, for its two files: box.c (opening, running, closing) and box_ring.c
 * (the ring: the questions and reports of serving, and the library that it serves from). */
#ifndef BOARD_BOX_BOX_INSIDE_H
#define BOARD_BOX_BOX_INSIDE_H

#include "board/box/box.h"
#include "board/box/console/page.h"
#include "board/box/library/library.h"
#include "board/box/orders/machines.h"
#include "board/box/orders/room.h"
#include "board/box/report/diary.h"
#include "board/box/resume.h"
#include "board/box/station.h"
#include "board/box/store/memory.h"
#include "board/box/web/api_hold.h"
#include "board/box/web/api_library.h"
#include "board/box/web/api_plan.h"
#include "board/box/web/api_status.h"
#include "board/box/web/api_trees.h"
#include "board/box/web/portal.h"
#include "board/core/job.h"
#include "board/core/serve.h"
#include "net/tls/trust.h"

struct box {
    struct box_config config;
    struct box_paths paths;
    struct sign_key key;
    struct memory memory;
    struct hold_desk desk;
    char held[HOLD_SENTENCE]; /* as the screen says it */
    struct machines machines;
    struct resume resume;
    struct jobs *jobs;
    struct room *room;
    char plan[PLAN_SENTENCE]; /* as the screen says it */
    struct ip_stack *stack;
    struct offer *offer;
    struct services *services;
    struct access_log *access;
    struct diary *diary;
    struct portal *portal;
    struct status *watch; /* what is shown of the room */
    struct api_status *api;
    struct screen *screen;
    struct keyboard *keyboard;
    struct keys keys;
    struct page_memory page;
    char url[IP_TEXT + 10]; /* of the page, as a telephone takes it over */
    bool advertised;        /* by mDNS */
    struct steps steps;     /* of the control thread */
    bool leaves;            /* somebody at the box wants it to start again or to go off */
    struct serve serve;
    bool serving;
    struct disks *disks;
    struct sticks *sticks; /* NULL: none are looked at */
    struct library *library;
    struct api_library *api_library;
    struct api_trees *api_trees; /* NULL: no trees can be uploaded */
    struct tls_trust trust;
    struct mono second, status;
};

/* Serving and library; what is open when it fails is closed by the caller. */
int box_open_ring(struct box *, struct err *);

#endif
