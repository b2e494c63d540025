/* The words of the command line: `ringcast NAME ...` runs the command of that name. One row a
 * command, in commands.c; each command has its own file, parses its own arguments and prints its
 * own messages. */
#ifndef BOARD_CLI_COMMANDS_H
#define BOARD_CLI_COMMANDS_H

#include <getopt.h>

#include "board/core/exit.h"

struct command {
    const char *name;
    const char *summary; /* one line of `ringcast --help`; NULL: for developers, not listed */
    /* argv[0] is the command's name, argv[argc] is NULL. Returns an enum exit_code. */
    int (*run)(int argc, char **argv);
    /* what getopt_long is given; for completion and the check of the manual */
    const struct option *options;
    /* what may follow the name instead of a file, with blanks between; NULL: nothing */
    const char *words;
};

int cmd_pack(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_box(int argc, char **argv);
int cmd_target(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_errors(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_login(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_sessions(int argc, char **argv);
int cmd_images(int argc, char **argv);
int cmd_tree(int argc, char **argv);
int cmd_orders(int argc, char **argv);
int cmd_expected(int argc, char **argv);
int cmd_wake(int argc, char **argv);

extern const struct option cmd_pack_options[], cmd_info_options[], cmd_verify_options[],
    cmd_key_options[], cmd_serve_options[], cmd_restore_options[], cmd_box_options[],
    cmd_target_options[], cmd_login_options[], cmd_status_options[], cmd_sessions_options[],
    cmd_images_options[], cmd_tree_options[], cmd_orders_options[], cmd_expected_options[],
    cmd_wake_options[], cmd_report_options[];

/* Ends with a row whose name is NULL. */
extern const struct command commands[];

#endif
