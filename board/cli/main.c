#include "board/cli/commands.h"

#include <stdio.h>
#include <string.h>

static void print_help(FILE *to)
{
    fputs("usage: ringcast COMMAND [ARGUMENT...]\n\n", to);
    for (const struct command *c = commands; c->name; c++)
        if (c->summary)
            fprintf(to, "  %-10s %s\n", c->name, c->summary);
    fputs("\n'ringcast COMMAND --help' says more. Exit codes: 0 done, 1 failed, 2 usage,\n"
          "3 some machines failed, 4 refused for safety, 5 not signed by a trusted key.\n",
          to);
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("ringcast " RINGCAST_VERSION);
        return EXIT_DONE;
    }
    c = find_command(argv[1]);
    if (!c) {
        fprintf(stderr, "ringcast: no command '%s'; 'ringcast --help' lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    return c->run(argc - 1, argv + 1);
}
