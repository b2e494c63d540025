# shellcheck shell=bash
# rig.sh - what the rows over real frames share: data, three senders of a file to N receivers, and how rows report.
# Source it; it builds on the prep room of tests/e2e/lib.sh.
#
# A row prints its findings on stdout, one a line: NAME <tab> GOAL <tab> MEASURED <tab> pass|FAIL|-   (report does).
# Everything else goes to stderr.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

RIG_MB=${RIG_MB:-1000}         # size of the file sent, 10^6 bytes; noise, so that every protocol sends as much
RIG_MBIT=${RIG_MBIT:-300}      # rate on the wire, preamble and gap counted
RIG_WIRE=1538                  # what one full frame takes of the wire, bytes
RIG_SENT=$RIG_MBIT             # rate really sent at, by the last of the senders below
RIG_DIR=                       # in RAM: a disk would be measured otherwise
RIG_BUILD=$LAB_ROOT/build/bench

# report NAME GOAL MEASURED VERDICT
report()
{
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4"
}

# verdict PYTHON-CONDITION: pass or FAIL.
verdict()
{
    calc "'pass' if ($1) else 'FAIL'"
}

# calc PYTHON-EXPRESSION
calc()
{
    python3 -c "print($1)"
}

# rig_up RECEIVERS PERCENT: the room, PERCENT lost on each line, and a file of noise in RAM.
rig_up()
{
    local i
    requires python3
    lab_up "$1"
    for ((i = 1; i <= $1; i++)); do
        [ "$2" = 0 ] || lab_loss "$i" "$2"
    done
    RIG_DIR=$(mktemp -d /dev/shm/rig.XXXXXX)
    lab_on_exit 'rm -rf "$RIG_DIR"'
    head -c "${RIG_MB}000000" /dev/urandom >"$RIG_DIR/noise"
    # A disk is whole sectors.
    truncate -s %4096 "$RIG_DIR/noise"
}

# rig_kernel_addresses: for peers that speak through the kernel's IP stack. No peer runs beside ringcast in one room.
rig_kernel_addresses()
{
    local i
    lab_address "$LAB_SERVER" 10.78.0.1/24
    for i in "${!LAB_RECEIVER[@]}"; do
        lab_address "${LAB_RECEIVER[i]}" "10.78.0.$((10 + i))/24"
    done
}

# rig_watch: from now on, what the sender puts on the wire is sampled. Protocols count their rate in different ways (with
# or without headers), so each is held to the rate it really sent at.
rig_watch()
{
    local at=/sys/class/net/p0/statistics
    # shellcheck disable=SC2016  # the inner shell's variables
    lab_start watch "$LAB_SWITCH" bash -c 'while read -r b <$1/rx_bytes && read -r p <$1/rx_packets; do
        echo "$EPOCHREALTIME $((b + 24 * p))"; sleep 0.5; done' - $at
}

# rig_watched: RIG_SENT becomes the rate of the first passes, Mbit/s on the wire: the median of the busier half of samples.
rig_watched()
{
    lab_stop watch
    RIG_SENT=$(python3 - "$LAB_DIR/watch.out" <<'PYTHON'
import sys
at = [tuple(map(float, line.split())) for line in open(sys.argv[1])]
rates = sorted((b1 - b0) * 8e-6 / (t1 - t0) for (t0, b0), (t1, b1) in zip(at, at[1:]))
busy = [r for r in rates if r > rates[-1] / 2]
print(round(busy[len(busy) // 2], 1))
PYTHON
    )
}

# rig_bound PACKETS PERCENT: seconds in which a line at the set rate, or at the rate last watched if that was higher, brings
# PACKETS in spite of the loss. Nothing that sends each of them as a full frame can be faster.
rig_bound()
{
    calc "$1 * $RIG_WIRE * 8 / (max($RIG_SENT, $RIG_MBIT) * 1e6) / (1 - $2 / 100)"
}

# rig_cpu NAME: CPU seconds, user and system, of a process still there.
rig_cpu()
{
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/${LAB_PID[$1]}/stat"
}

# rig_cpu_of NAME: the same of one that was started under rig_timed and has ended.
rig_cpu_of()
{
    awk '{ print $1 + $2 }' "$LAB_DIR/$1.cpu"
}

# rig_timed NAME NS CMD...: lab_start under time(1).
rig_timed()
{
    local name=$1 ns=$2
    shift 2
    lab_start "$name" "$ns" /usr/bin/time -q -f '%U %S' -o "$LAB_DIR/$name.cpu" "$@"
}

# rig_stamped NAME NS CMD...: lab_start, and the moment it ends is kept for rig_wait.
rig_stamped()
{
    local name=$1 ns=$2
    shift 2
    # shellcheck disable=SC2016  # the inner shell's arguments
    lab_start "$name" "$ns" bash -c 'end=$1; shift; "$@"; status=$?; touch "$end"; exit $status' - "$LAB_DIR/$name.end" "$@"
}

# rig_wait SECONDS NAME...: waits for all; RIG_SECONDS is then, for each, the seconds from $RIG_BEGAN to its end, or "-"
# when it failed or was not done in time.
rig_wait()
{
    local limit=$(($1 + SECONDS)) name
    shift
    RIG_SECONDS=()
    for name; do
        if lab_wait "$name" $((limit - SECONDS)); then
            RIG_SECONDS+=("$(calc "round($(stat -c %.9Y "$LAB_DIR/$name.end") - $RIG_BEGAN, 2)")")
        else
            RIG_SECONDS+=(-)
        fi
    done
}

# rig_last: the last receiver's seconds, or "-" when one of them did not get the file.
rig_last()
{
    case "${RIG_SECONDS[*]}" in *-*) echo - ;; *) printf '%s\n' "${RIG_SECONDS[@]}" | sort -n | tail -1 ;; esac
}

#
# The three senders. Each sets RIG_SECONDS (one a receiver, "-" when it did not get the file) and RIG_CPU (CPU seconds
# the sender took), and checks what arrived.
#

# rig_outcome WHO: the seconds of receivers whose copy is not the file become "-"; the copies go.
rig_outcome()
{
    local i
    for i in "${!LAB_RECEIVER[@]}"; do
        cmp -s "$RIG_DIR/noise" "$RIG_DIR/copy$i" || RIG_SECONDS[i - 1]=-
        rm -f "$RIG_DIR/copy$i"
    done
    rig_watched
    say "$1: ready after ${RIG_SECONDS[*]} s at $RIG_SENT Mbit/s; sender's CPU $RIG_CPU s"
}

# rig_udpcast [OPTION...]: udpcast; OPTIONs go to the sender. One way (--async), it knows of no receivers to wait for.
rig_udpcast()
{
    local i names=() patience=() start=(--min-receivers ${#LAB_RECEIVER[@]})
    case "$*" in *--async*)
        start=(--autostart 2 --rexmit-hello-interval 500)
        patience=(--receive-timeout 10)
        ;;
    esac
    for i in "${!LAB_RECEIVER[@]}"; do
        names+=("udp$i")
        rig_stamped "udp$i" "${LAB_RECEIVER[i]}" \
            udp-receiver --file "$RIG_DIR/copy$i" --nokbd --no-progress --interface eth0 "${patience[@]}"
    done
    sleep 1
    rig_watch
    RIG_BEGAN=$(date +%s.%N)
    rig_timed udps "$LAB_SERVER" udp-sender --file "$RIG_DIR/noise" --nokbd --no-progress --interface eth0 \
        "${start[@]}" --max-bitrate "${RIG_MBIT}m" "$@"
    rig_wait $((RIG_MB * 8 * 4 / RIG_MBIT + 20)) "${names[@]}"
    lab_wait udps 30 || lab_stop udps INT
    RIG_CPU=$(rig_cpu_of udps)
    rig_outcome "udpcast $*"
}

# rig_uftp: UFTP, open group, no encryption.
rig_uftp()
{
    local i
    for i in "${!LAB_RECEIVER[@]}"; do
        mkdir -p "$RIG_DIR/uftp$i"
        lab_start "uftp$i" "${LAB_RECEIVER[i]}" uftpd -d -I eth0 -D "$RIG_DIR/uftp$i" -B 8388608
    done
    sleep 1
    rig_watch
    RIG_BEGAN=$(date +%s.%N)
    rig_timed uftps "$LAB_SERVER" uftp -R $((RIG_MBIT * 1000)) -I eth0 -B 8388608 -b 1440 "$RIG_DIR/noise"
    lab_wait uftps $((RIG_MB * 8 * 4 / RIG_MBIT + 20)) || lab_stop uftps INT
    RIG_CPU=$(rig_cpu_of uftps)
    RIG_SECONDS=()
    for i in "${!LAB_RECEIVER[@]}"; do
        lab_stop "uftp$i"
        RIG_SECONDS+=("$(calc "round($(stat -c %.9Z "$RIG_DIR/uftp$i/noise") - $RIG_BEGAN, 2)")")
        mv "$RIG_DIR/uftp$i/noise" "$RIG_DIR/copy$i"
    done
    rig_outcome uftp
}

# rig_image: the noise packed, once, as $RIG_DIR/noise.ring; RIG_PACKETS is then how many packets it takes.
rig_image()
{
    requires "$RINGCAST"
    [ -e "$RIG_DIR/noise.ring" ] || "$RINGCAST" pack "$RIG_DIR/noise" -o "$RIG_DIR/noise.ring" --level 1 --unsigned 2>"$LAB_DIR/pack.err" ||
        fail "pack"
    RIG_PACKETS=$(($(stat -c %s "$RIG_DIR/noise") / 1440)) # incompressible, stored as it is; repair is not part of the bound
}

# rig_serve: the ring, ready for receivers.
rig_serve()
{
    rig_image
    lab_start serve "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --address 10.78.0.1/24 --rate "${RIG_MBIT}Mbit" \
        "$RIG_DIR/noise.ring"
    until_true 20 test -s "$LAB_DIR/serve.err" || fail "the server says nothing"
}

# rig_target I...: disks for receivers I. A disk is there before it is written; a file in RAM has to have its pages found for it,
# which can take longer here (a virtual machine may ask its host for each) than all the rest.
rig_target()
{
    local i
    for i; do
        head -c "$(stat -c %s "$RIG_DIR/noise")" /dev/zero >"$RIG_DIR/copy$i"
    done
}

# rig_restore I [OPTION...]: receiver I starts; its result is in $LAB_DIR/ringI.out.
rig_restore()
{
    local i=$1
    shift
    [ -e "$RIG_DIR/copy$i" ] || rig_target "$i"
    rig_stamped "ring$i" "${LAB_RECEIVER[i]}" "$RINGCAST" restore --source ringcast://10.78.0.1 \
        --target "$RIG_DIR/copy$i" --create --erase --noprompt --any-signer --json --timeout 30 --interface eth0 --address "10.78.0.$((10 + i))/24" "$@"
}

# rig_ringcast [I...]: the ring, from the start, to receivers I (default: all).
rig_ringcast()
{
    local i names=()
    [ $# -gt 0 ] || set -- "${!LAB_RECEIVER[@]}"
    rig_target "$@"
    rig_serve
    rig_watch
    RIG_BEGAN=$(date +%s.%N)
    for i; do
        names+=("ring$i")
        rig_restore "$i"
    done
    rig_wait $((RIG_MB * 8 * 4 / RIG_MBIT + 30)) "${names[@]}"
    RIG_CPU=$(rig_cpu serve)
    lab_stop serve
    rig_outcome ringcast
}
