/* Ring sessions that outlive the core. A session is its TSI, its group and its group key; when the
 * core dies and PID 1 starts it again, the same image gets the same three, and receivers in the
 * middle of it notice a pause, no more. A session that has been ended in good order is forgotten.
 */
#ifndef BOARD_BOX_RESUME_H
#define BOARD_BOX_RESUME_H

#include "board/box/store/journal.h"
#include "board/core/stream.h"

#define RESUME_MAX (2 * CONFIG_IMAGES_MAX)

struct resume {
    unsigned n;
    struct resume_session {
        uint8_t image[IMG_HASH_BYTES];
        uint16_t tsi;
        uint32_t group;
        uint8_t key[SESSION_KEY_BYTES];
        bool taken; /* by a stream of this run */
    } session[RESUME_MAX];
};

/* A record of JOURNAL_SESSION. */
enum told resume_restore(struct resume *, const uint8_t *key, size_t nkey, const uint8_t *value,
                         size_t nvalue);
/* The stream (its head is final) goes on with its session of the last run, or its new one is put
 * down. Groups and TSIs of the `n` streams there are stay different. `j` may be NULL. */
void resume_stream(struct resume *, struct journal *j, struct stream *, const struct stream *others,
                   unsigned n, uint32_t first_group);
/* The stream's image was removed: its session is over. */
void resume_drop(struct resume *, struct journal *j, const struct stream *);
/* The sessions have been ended in good order. */
void resume_forget(struct resume *, struct journal *j);

#endif
