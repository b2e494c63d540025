#!/bin/bash
# A plan by ringcast.conf and machines.csv alone: machines are woken, those that boot wait, the ring begins when enough are there, each machine
# gets the image of its line, who is not on the list is refused, and a core that is killed keeps to the plan.
. "$(dirname "$0")/lib.sh"
requires tcpdump tshark
small_ring
lab_up 4
cd "$LAB_DIR"
mkdir images data
cp small.ring images/small.ring
"$RINGCAST" pack small.img -o images/other.ring --key small.key --name other --level 1 2>pack.err || fail "pack"
cat >ringcast.conf <<CONF
[box]
address = 10.78.0.1/24
[dhcp]
mode = off
[boot]
image = small
[session]
start = ready 2
targets = expected
arm = 1h
wake = yes
[ring]
rate = 60Mbit
CONF
cat >machines.csv <<CSV
MAC;name;asset;position;image;host name
52:49:4e:47:00:01;Desk 1;A-1;"left; at the window"
52-49-4E-47-00-02;Desk 2
5249.4e47.0003;Desk 3;;;other
52:49:4e:47:00:09;Desk 9
CSV

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}

# take I: receiver I takes what the box has for it, in the background, as "takeI". It is told to be patient for 4 s without a packet.
take()
{
    lab_start "take$1" "${LAB_RECEIVER[$1]}" "$RINGCAST" restore --source ringcast://10.78.0.1 --target "disk$1" --create --erase --noprompt \
        --json --timeout 4 --key data/identity.pub --interface eth0 --address "10.78.0.$((10 + $1))/24"
}

runs() { [ -e "/proc/${LAB_PID[$1]}" ] && ! grep -qs '^State:.Z' "/proc/${LAB_PID[$1]}/status"; }

lab_capture wake "${LAB_RECEIVER[1]}" ether proto 0x0842
box
grep -q 'machines.csv: 4 machines are expected' box.err || fail "the list is not read: $(cat box.err)"
until_true 10 grep -q 'session . is waiting: small: starts when 2 machines are ready, 0 are there; then it erases the disks of the 3 machines' box.err || fail "no session waits: $(cat box.err)"
until_true 10 grep -q '1 machines are woken for other' box.err || fail "nobody is woken: $(cat box.err)"
until_true 10 grep -q '3 machines are woken for small' box.err || fail "nobody is woken: $(cat box.err)"
until_true 20 eval '[ "$(tcpdump -r wake.pcap 2>/dev/null | wc -l)" -ge 12 ]' || true
sleep 2 # the subject: nobody is called a fourth time
lab_stop wake
woken=$(tshark -r wake.pcap -T fields -E occurrence=f -e wol.mac 2>/dev/null | sort | uniq -c | awk '{ print $2 "x" $1 }' | paste -sd ' ')
[ "$woken" = '52:49:4e:47:00:01x3 52:49:4e:47:00:02x3 52:49:4e:47:00:03x3 52:49:4e:47:00:09x3' ] || fail "woken: $woken"
pass "the machines of the list are woken"

lab_capture stream "${LAB_RECEIVER[4]}" udp and multicast
take 1
take 3
until_true 20 grep -q 'small: 52:49:4e:47:00:01.* joins' box.err || fail "receiver 1 does not join: $(cat take1.err)"
until_true 20 grep -q 'other: 52:49:4e:47:00:03.* joins' box.err || fail "receiver 3 does not get its image: $(cat take3.err)"
sleep 7 # the subject: longer than a receiver waits without a packet
runs take1 || fail "receiver 1 does not wait: $(cat take1.err take1.out)"
runs take3 || fail "receiver 3 does not wait: $(cat take3.err take3.out)"
! grep -q 'Starting stream' box.err || fail "the ring begins before two are there"
lab_stop stream
[ "$(tshark -r stream.pcap -Y 'udp.dstport == 7800' 2>/dev/null | wc -l)" = 0 ] || fail "packets of a stream that has not begun"
pass "who joins before the start waits, longer than he would without a packet"

lab_address "${LAB_RECEIVER[4]}" 10.78.0.14/24
[ "$(hello "${LAB_RECEIVER[4]}" 10.78.0.1)" = 'this machine is not on the list of expected machines' ] || fail "a stranger is let in"
pass "who is not on the list is refused in words"

kill -KILL "${LAB_PID[box]}"
lab_stop box KILL
box
! grep -q 'is waiting: ' box.err || fail "the plan is made anew: $(cat box.err)"
take 2
until_true 20 grep -q 'session . is running: small: erases the disks of the 3 machines of the list' box.err || fail "no start: $(cat box.err)"
for i in 1 2; do
    lab_wait "take$i" 90 || fail "receiver $i: $(cat "take$i.err")"
    same_disk small.img "disk$i"
done
runs take3 || fail "receiver 3 does not wait any more: $(cat take3.err take3.out)"
! grep -q 'other: Starting stream' box.err || fail "the other image has begun for one machine"
pass "kill -9, and the ring begins with the second machine, of the one image alone"

lab_stop box
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[session]\nstart = sometime\n' >ringcast.conf
expect 1 lab_exec "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --check
expect_says 'ringcast.conf:6: start: expected now, ready N, at HH:MM or quiet MINUTES, got "sometime"'
pass "a start that nobody understands is refused"
