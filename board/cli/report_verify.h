/* ringcast report verify: a file, a key, no box. */
#ifndef BOARD_CLI_REPORT_VERIFY_H
#define BOARD_CLI_REPORT_VERIFY_H

/* argv[0] is "report", argv[1] "verify". Returns the exit code. */
int report_verify(int argc, char **argv);

#endif
