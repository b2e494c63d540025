#!/bin/bash
# `ringcast errors` must hold every room's table, each code once, each in the range its room was given (HACKING.md).
set -euo pipefail
cd "${TOP:-$PWD}"
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"${RINGCAST:-build/ringcast}" errors > "$table"

wrong=0
say() { echo "$*"; wrong=1; }

while read -r macro; do
    grep -q "\b$macro(X)" board/cli/cmd_errors.c || say "expected $macro in board/cli/cmd_errors.c"
done < <(grep -rhoE --include='*.h' '^#define [A-Z]+_ERRORS\(X\)' imaging net board | sed 's/^#define //; s/(X)//')

twice=$(awk '{ print $1 }' "$table" | sort | uniq -d)
[ -z "$twice" ] || say "expected each code once, got twice: $twice"

declare -A range=([FEC]=2 [PACKET]=3 [IMG]=4 [CAROUSEL]=5 [PACE]=6 [SEND]=7 [RECEIVE]=8 [DISK]=9 [RING]=10 [IP]=11
    [SCREEN]=23 [SESSION]=12 [HTTP]=13 [MDNS]=14 [HOST]=15 [CONFIG]=15 [PC]=22 [TARGET]=22 [UNITS]=1 [JSON]=1
    [DHCP]=16 [BSDP]=17 [PXE]=18 [TFTP]=19 [IGMP]=20 [CONTENT]=21
    [TLS]=24 [WEB]=25 [STATUS]=26 [PLAN]=27 [REPORT]=28 [LIBRARY]=29 [SYSLOG]=30 [WOL]=31 [WEBHOOK]=32 [CLI]=33)
while read -r code name sentence; do
    hundreds=${range[${name%%_*}]:-none}
    [ "$hundreds" = $((-code / 100)) ] || say "$name: expected a code from -${hundreds}00 on, got $code"
    [ -n "$sentence" ] || say "$name: expected a sentence"
done < "$table"
exit $wrong
