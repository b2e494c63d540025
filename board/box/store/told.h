/* What an owner makes of a value that was kept in an earlier run. One that is not known stays where
 * it is kept, and the box is on hold (hold.h): a record that cannot be understood does not mean
 * that there is none. */
#ifndef BOARD_BOX_STORE_TOLD_H
#define BOARD_BOX_STORE_TOLD_H

enum told {
    TOLD_KNOWN,
    TOLD_NEWER,  /* of a newer version of the program */
    TOLD_BROKEN, /* makes no sense */
};

#endif
