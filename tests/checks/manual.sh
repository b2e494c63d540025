#!/bin/bash
# The manual and the completion say what the commands do: a page for every command, every option of a command in its page, in its
# --help and in the completion of three shells, and none that the command does not have; every key of the configuration; pages without
# a fault in mandoc's eyes, completion that its shell can read.
set -euo pipefail
cd "${TOP:-$PWD}"
program=${RINGCAST:-build/ringcast}
man=board/cli/man
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0
say() { echo "$*"; wrong=1; }
command -v mandoc >/dev/null || { echo "mandoc is not installed"; exit 77; }

for shell in bash zsh fish; do
    "$program" completion $shell >"$work/$shell"
done
commands=$("$program" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
[ "$(wc -w <<<"$commands")" -gt 10 ] || say "expected --help to list the commands"

for c in $commands; do
    page=$man/ringcast-$c.1
    [ -e $page ] || { say "expected $page"; continue; }
    grep -qx ".It Xr ringcast-$c 1" $man/ringcast.1 || say "$man/ringcast.1: expected $c in the list"
    "$program" "$c" --help >"$work/help"
    # fish has a line an option; the table that made it is what getopt_long reads.
    sed -n "s/^complete -c ringcast -n '__fish_seen_subcommand_from $c' -l \([a-z0-9-]*\).*/\1/p" "$work/fish" | sort >"$work/options"
    sed -n 's/^\.It Fl Fl \([a-z0-9-]*\).*/\1/p' $page | sort >"$work/paged"
    for option in $(cat "$work/options"); do
        grep -qx -- "$option" "$work/paged" || say "$page: expected --$option"
        [ "$option" = help ] || grep -q -- "--$option\b" "$work/help" || say "ringcast $c --help: expected --$option"
        grep -q "^    $c) .*--$option[ ']" "$work/bash" || say "bash completion of $c: expected --$option"
        grep -q "^$c) .*--$option['=]" "$work/zsh" || say "zsh completion of $c: expected --$option"
    done
    while read -r option; do
        [ "$option" = help ] || grep -qx -- "$option" "$work/options" || say "$page: there is no --$option"
    done <"$work/paged"
done

# The tables of keys, as the sources have them: {"section", "key", ...} of a box, {"key", key_...} of serve.
keys=$(grep -ohE '\{"(box|dhcp|boot|session|library|report|entry)", "[a-z-]+"' board/box/config/box_config.c | cut -d'"' -f4
    grep -ohE '\{"[a-z-]+", key_' board/core/config.c | cut -d'"' -f2)
[ "$(wc -w <<<"$keys")" -gt 30 ] || say "expected the tables of keys in board/box/config/box_config.c and board/core/config.c"
for key in $keys; do
    grep -qE "^\.It Ic $key( |$)" $man/ringcast.conf.5 || say "$man/ringcast.conf.5: expected $key"
done
while read -r key; do
    grep -qx -- "$key" <<<"$keys" || say "$man/ringcast.conf.5: there is no $key"
done < <(sed -n 's/^\.It Ic \([a-z-]*\).*/\1/p' $man/ringcast.conf.5)

# What lacks a database of pages elsewhere on the machine is no fault of ours.
mandoc -Tlint -W style $man/*.[15] 2>&1 | grep -v 'mandoc.db\|referenced manual not found' >"$work/lint" || true
[ ! -s "$work/lint" ] || { cat "$work/lint"; wrong=1; }

bash -n "$work/bash" || wrong=1
for shell in zsh fish; do
    if command -v $shell >/dev/null; then $shell -n "$work/$shell" || say "$shell cannot read its completion"; fi
done
complete_bash() # WORD...: what is offered for the last one
{
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringcast; echo "${COMPREPLY[*]:-}"' "$work/bash" "$@"
}
[ "$(complete_bash ringcast rest)" = restore ] || say "bash: expected restore"
[ "$(complete_bash ringcast pack --lev)" = --level ] || say "bash: expected --level"
[ "$(complete_bash ringcast orders sus)" = suspend ] || say "bash: expected suspend"
[ -z "$(complete_bash ringcast pack --key '')" ] || say "bash: expected files after --key"
exit $wrong
