/* ringcast completion: what a shell needs to complete this program's words, from the commands' own
 * tables. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "board/cli/commands.h"

/* ---- bash ---- */

static void bash_options(const struct command *c, bool valued)
{
    for (const struct option *o = c->options; o && o->name; o++)
        if (!valued || o->has_arg)
            printf("%s--%s", o == c->options ? "" : " ", o->name);
}

static void print_bash(void)
{
    puts("_ringcast()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - "
         "1]} words= valued=\n"
         "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" = 1 ]; then");
    fputs("        words='--help --version", stdout);
    for (const struct command *c = commands; c->name; c++)
        if (c->summary)
            printf(" %s", c->name);
    puts("'\n    fi\n    case ${COMP_WORDS[1]} in");
    for (const struct command *c = commands; c->name; c++) {
        if (!c->summary)
            continue;
        printf("    %s) [ \"$COMP_CWORD\" = 1 ] || { words='", c->name);
        bash_options(c, false);
        printf("%s%s' valued=' ", c->words && c->options ? " " : "", c->words ? c->words : "");
        bash_options(c, true);
        puts(" '; } ;;");
    }
    puts("    esac\n    case $valued in *\" $prev \"*) return ;; esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
         "complete -o default -F _ringcast ringcast");
}

/* ---- zsh ---- */

static void print_zsh(void)
{
    puts("#compdef ringcast\nlocal -a commands\ncommands=(");
    for (const struct command *c = commands; c->name; c++)
        if (c->summary)
            printf("    '%s:%s'\n", c->name, c->summary);
    puts(")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    _arguments '--help' "
         "'--version'\n    return\nfi\n"
         "shift words\n(( CURRENT-- ))\ncase $words[1] in");
    for (const struct command *c = commands; c->name; c++) {
        if (!c->summary)
            continue;
        printf("%s) _arguments", c->name);
        for (const struct option *o = c->options; o && o->name; o++)
            printf(o->has_arg ? " '*--%s=:value:_files'" : " '--%s'", o->name);
        if (c->words)
            printf(" '1:what:(%s)'", c->words);
        puts(" '*:file:_files' ;;");
    }
    puts("esac");
}

/* ---- fish ---- */

static void print_fish(void)
{
    for (const struct command *c = commands; c->name; c++) {
        if (!c->summary)
            continue;
        printf("complete -c ringcast -n __fish_use_subcommand -f -a %s -d '%s'\n", c->name,
               c->summary);
        for (const struct option *o = c->options; o && o->name; o++)
            printf("complete -c ringcast -n '__fish_seen_subcommand_from %s' -l %s%s\n", c->name,
                   o->name, o->has_arg ? " -r" : "");
        if (c->words)
            printf("complete -c ringcast -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", c->name,
                   c->words);
    }
    puts("complete -c ringcast -n __fish_use_subcommand -l help\ncomplete -c ringcast -n "
         "__fish_use_subcommand -l version");
}

int cmd_completion(int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

    for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++)
        if (strcmp(argv[1], shells[i].shell) == 0) {
            shells[i].print();
            return EXIT_DONE;
        }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("usage: ringcast completion bash|zsh|fish\n\nPrints what the shell reads to complete "
             "the words of ringcast.");
        return EXIT_DONE;
    }
    fputs("ringcast completion: expected bash, zsh or fish\n", stderr);
    return EXIT_USAGE;
}
