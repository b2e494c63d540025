/* The box's page on the screen: who it is, what it does, and what a person must do. */
#ifndef BOARD_PC_PAGE_H
#define BOARD_PC_PAGE_H

#include "board/host/serve.h"
#include "board/pc/images.h"
#include "board/pc/machines.h"
#include "board/pc/screen.h"
#include "board/pc/services.h"

struct page {
    const struct box_config *config;
    const struct serve *serve;
    struct images *images; /* its thread writes to it */
    const struct machines *machines;
    const struct services *services;
};

/* The page as it is now. */
void page_show(struct screen *, const struct page *);
/* A page of one word and one sentence, before there is more to say, or when there never will be. `warns`: a person is needed. */
void page_say(struct screen *, const char *name, const char *sentence, bool warns);

#endif
