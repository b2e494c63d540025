/* What every command of the program ends with, and the program's version. */
#ifndef BOARD_CORE_EXIT_H
#define BOARD_CORE_EXIT_H

#define RINGCAST_VERSION "0.1"

/* Exit codes, the same for every command. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,     /* it did not work; the cause is on stderr */
    EXIT_USAGE = 2,      /* the command line makes no sense */
    EXIT_SOME = 3,       /* some machines failed, others passed */
    EXIT_REFUSED = 4,    /* refused for safety; nothing was written */
    EXIT_UNTRUSTED = 5,  /* not signed by a trusted key */
    EXIT_UNVERIFIED = 6, /* written, and not read back because that was asked for */
};

#endif
