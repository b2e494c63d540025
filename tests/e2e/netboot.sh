#!/bin/bash
# What the box tells machines that netboot: in its own network with leases, and beside dnsmasq as a proxy. ROMs of all kinds, iPXE and
# Macs by a client of the test's own; udhcpc as one that is not; tshark reads every answer.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" tshark tcpdump dnsmasq udhcpc tftp python3 curl
TEST=$(dirname "$(readlink -f "$0")")
lab_up 3
small_ring
cd "$LAB_DIR"

# A payload that nobody starts: what counts is what is offered. Its place for the box's identity is there.
mkdir payload data images trees trees/esxi trees/debian
page() { printf 'RINGCAST-BOX-IDENTITY-1'; head -c 1001 /dev/zero | tr '\0' '\n'; }
for file in ringcast-x86_64.efi initrd; do { head -c 3000 /dev/urandom; page; head -c 500 /dev/urandom; } >payload/$file; done
head -c 5000 /dev/urandom >payload/kernel
head -c 4000 /dev/urandom >payload/undionly.kpxe
echo loader >trees/esxi/bootx64.efi
echo title=lab >trees/esxi/boot.cfg
mv small.ring images/
printf '#!ipxe\nshell\n' >trees/debian/go.ipxe

config() # MODE [LINE...]: of [boot]
{
    local mode=$1
    shift
    printf '[box]\naddress = 10.78.0.1/24\nname = ringcast\n[dhcp]\nmode = %s\n[session]\nstart = now\n[boot]\n' "$mode"
    printf '%s\n' "$@"
    printf '[entry ESXi]\nkind = tree\nfolder = trees/esxi\nloader-uefi = bootx64.efi\nloader-mac = bootx64.efi\n'
    printf '[entry Debian]\nkind = tree\nfolder = trees/debian\nscript = go.ipxe\n'
}

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --images images --payload payload
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start"
}

# ask WHAT OPTION...: the answers into ask.out; says how many there are.
ask()
{
    ip netns exec "${LAB_RECEIVER[1]}" python3 "$TEST/netboot_client.py" "$@" >ask.out 2>ask.err || fail "the client: $*"
    wc -l <ask.out
}

# holds EXPR...: each is true of the last answer, as o.
holds()
{
    local e
    for e; do
        [ "$(json ask.out "$e")" = true ] || fail "expected $e, got $(cut -c 1-700 ask.out)"
    done
}

one() { [ "$(ask "$@" --expect 1)" = 1 ] || fail "expected one answer to $*, got $(cut -c 1-500 ask.out)"; }
none() { [ "$(ask "$@" --expect 0)" = 0 ] || fail "expected no answer to $*, got $(cut -c 1-500 ask.out)"; }

lab_address "${LAB_RECEIVER[1]}" 10.78.0.99/24
lab_capture wire "${LAB_RECEIVER[1]}" -s 0 udp
EFI=payload/ringcast-x86_64.efi

# --- leases ----------------------------------------------------------------------------------------------------------
config server 'machine = 52:49:4e:47:00:77 ESXi' >ringcast.conf
box
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
one discover --arch 7
holds "o['file'] == '$EFI'" "o['bootfile'] == '$EFI' + chr(0)" "o['class'] is None" "o['order'][-1] == 67" "o['yiaddr'] != '0.0.0.0'" \
    "o['siaddr'] == '10.78.0.1'" "not o['vendor']"
one discover --arch 0
holds "o['file'] == 'payload/undionly.kpxe'" "o['class'] is None"
one discover --arch 0 --user-class iPXE
holds "o['file'] == 'http://10.78.0.1/boot.ipxe'" "175 in o['order']"
one discover --arch 0x10
holds "o['file'] == 'http://10.78.0.1/$EFI'" "o['class'] == 'HTTPClient'"
one discover --arch 7 --mac 52:49:4e:47:00:77
holds "o['file'] == 'trees/esxi/bootx64.efi'"
one discover --arch 0x0b --mac 52:49:4e:47:00:78
holds "o['file'] == ''" "o['bootfile'] is None"
grep -q '52:49:4e:47:00:78 (architecture 11) is given nothing to boot: the machine is 64-bit ARM' box.err || fail "no refusal in the log"
one discover
holds "o['file'] == ''"
one request --arch 7 --to 10.78.0.1:4011 --port 4011 --ciaddr 10.78.0.99
holds "o['file'] == '$EFI'" "o['class'] == 'PXEClient'" "o['from'][1] == 4011" "o['yiaddr'] == '0.0.0.0'"
one request --arch 0 --vendor-class PXEClient --to 10.78.0.1:4011 --ciaddr 10.78.0.99 --xid 0 # forgets what it is, and has no xid
holds "o['file'] == '$EFI'"
none request --arch 0x10 --to 10.78.0.1:4011 --ciaddr 10.78.0.99
pass "leases: every kind of ROM, a refusal, port 4011"

cat >udhcpc.sh <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] && echo "$ip $siaddr $boot_file" >>udhcpc.got
exit 0
SCRIPT
chmod +x udhcpc.sh
lab_exec "${LAB_RECEIVER[2]}" udhcpc -f -q -n -i eth0 -V PXEClient:Arch:00007:UNDI:003000 -x 0x5d:0007 -s ./udhcpc.sh >udhcpc.err 2>&1 ||
    fail "udhcpc"
read -r address siaddr file <udhcpc.got
[ "$siaddr $file" = "10.78.0.1 $EFI" ] || fail "udhcpc understands: $(cat udhcpc.got)"
ip -n "${LAB_RECEIVER[2]}" address add "$address/24" dev eth0
echo "get $file got.efi" | lab_exec "${LAB_RECEIVER[2]}" tftp -m binary 10.78.0.1 >tftp.out 2>&1
[ "$(head -c 3000 got.efi | sha256sum)" = "$(head -c 3000 payload/ringcast-x86_64.efi | sha256sum)" ] || fail "another file"
grep -aq '^address 10.78.0.1$' got.efi || fail "the file does not know its box"
echo "get boot.ipxe got.ipxe" | lab_exec "${LAB_RECEIVER[2]}" tftp -m binary 10.78.0.1 >tftp.out 2>&1
grep -q '^kernel ${box}/payload/kernel ' got.ipxe || fail "the script lacks the receiver"
grep -q 'trees/debian' got.ipxe && fail "the script has a tree that nobody chooses"
pass "udhcpc takes the lease, and loads what it was offered"

# A switch port that carries a tagged VLAN beside our network: its machines are not ours. VLAN 0 is a priority and no network.
one discover --arch 7 --mac 52:49:4e:47:00:79 --vlan 0
none discover --arch 7 --mac 52:49:4e:47:00:80 --vlan 20
none discover --arch 7 --mac 52:49:4e:47:00:80 --vlan 20 --serves # nor are its servers: we still give out addresses
one discover --arch 7 --mac 52:49:4e:47:00:79
pass "frames of a tagged VLAN are not ours"

# --- Macs ------------------------------------------------------------------------------------------------------------
mac=(--mac-model iMac14,3 --ciaddr 10.78.0.99 --mac 00:25:00:aa:bb:cc)
one inform "${mac[@]}" --list
holds "o['bsdp']['message'] == '01'" "o['bsdp']['default'] == '81000001'" "len(o['bsdp']['images']) == 2" "o['bytes'] <= 520" \
    "o['bsdp']['images'][0][1] == 'Image this machine'" "o['class'] == 'AAPLBSDPC'"
cp ask.out first
one inform "${mac[@]}" --list
cmp -s first ask.out || fail "a request sent again gets another answer"
one inform "${mac[@]}" --list --port 646
holds "o['bsdp']['default'] == '81000001'"
none inform "${mac[@]}" --list --filter 0300
none inform "${mac[@]}" --list --port 1646
none inform "${mac[@]}" --select 81000001 --server 10.78.0.9
one inform "${mac[@]}" --select 81000099 --server 10.78.0.1
holds "o['bsdp']['message'] == '03'" "o['file'] == ''"
one discover --mac-model iMac14,3 --mac 00:25:00:aa:bb:cc # not bound: the lease alone
holds "o['yiaddr'] != '0.0.0.0'" "o['class'] is None"
one inform "${mac[@]}" --select 81000001 --server 10.78.0.1
holds "o['bsdp']['message'] == '02'" "o['file'] == '$EFI'" "o['sname'] == 'ringcast'" "o['bsdp']['name'] == 'NetBoot001'"
lab_stop box KILL
box
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses after a restart"
[ "$(ask discover --mac-model iMac14,3 --mac 00:25:00:aa:bb:cc --expect 2)" = 2 ] || fail "a bound Mac gets no OFFER* beside its lease"
grep -q '"yiaddr": "0.0.0.0".*"bsdp": {.*"selected": "81000001"' ask.out || fail "no OFFER* after a restart"
grep -vq '"yiaddr": "0.0.0.0"' ask.out || fail "no lease beside the OFFER*"
none inform "${mac[@]}" --select 81000001 --server 10.78.0.9
one discover --mac-model iMac14,3 --mac 00:25:00:aa:bb:cc
pass "Macs: list, selection, failure, a binding over kill -9, and its end"

# --- menus -----------------------------------------------------------------------------------------------------------
lab_stop box
config server 'menu = 7' 'ring-except = Macmini7,1' >ringcast.conf
box
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
one discover --arch 7 --mac 52:49:4e:47:00:81
holds "o['class'] == 'PXEClient'" "o['file'] == ''" "bytes.fromhex(o['vendor'][0])[:6] == bytes([6, 1, 7, 8, 14, 128])" \
    "b'ESXi' in bytes.fromhex(o['vendor'][0])"
one request --arch 7 --mac 52:49:4e:47:00:81 --to 10.78.0.1:4011 --ciaddr 10.78.0.99 --vendor 470480020000ff
holds "o['file'] == 'trees/esxi/bootx64.efi'" "o['vendor'] == ['470480020000ff']"
one inform --mac-model Macmini7,1 --ciaddr 10.78.0.99 --list
holds "[i[1] for i in o['bsdp']['images']] == ['ESXi']"
echo "get boot.ipxe got.ipxe" | lab_exec "${LAB_RECEIVER[2]}" tftp -m binary 10.78.0.1 >tftp.out 2>&1
grep -q '^item e[0-9]* Debian$' got.ipxe || fail "iPXE's menu lacks the tree"
grep -q '^chain --replace ${box}/boot-3.ipxe ' got.ipxe || fail "the script lacks the tree"
grep -q '^choose --default disk ' got.ipxe || fail "a box that has just started images by a menu's default"
pass "a menu for UEFI, its choice on port 4011, and a model that is not to be imaged"

# --- what a person chose is what is booted ----------------------------------------------------------------------------
# The loader of what was chosen is iPXE, which asks the box again. The machine in receiver 1's place has its real station address.
self=$(ip netns exec "${LAB_RECEIVER[1]}" cat /sys/class/net/eth0/address)
script() { lab_exec "${LAB_RECEIVER[1]}" curl -s "http://10.78.0.1/$1" >got.ipxe; }
ipxe() { one discover --arch 7 --mac "$self" --user-class iPXE; holds "o['file'] == 'http://10.78.0.1/boot.ipxe'"; }
tree_alone() # PATH: the script boots this and can do nothing else
{
    script "${2:-boot.ipxe}"
    grep -q "^chain \${box}/$1 " got.ipxe || fail "the script does not boot $1: $(cat got.ipxe)"
    ! grep -Eq '^menu|payload/' got.ipxe || fail "$1 was chosen, and the script knows more: $(cat got.ipxe)"
}
one discover --arch 7 --mac "$self"
one request --arch 7 --mac "$self" --to 10.78.0.1:4011 --ciaddr 10.78.0.99 --vendor 470480020000ff
ipxe
tree_alone trees/esxi/bootx64.efi
tree_alone trees/esxi/bootx64.efi
for path in boot.cfg "01-${self//:/-}/boot.cfg"; do # as ESXi's loader asks for it, at the server's root
    script "$path"
    grep -q '^title=lab$' got.ipxe || fail "$path is not the chosen tree's"
done
ipxe # its loader was iPXE once more
script boot.ipxe
grep -q '^choose --default disk ' got.ipxe || fail "asked again, the default is no disk: $(cat got.ipxe)"
tree_alone trees/debian/go.ipxe boot-3.ipxe # chosen in iPXE's menu
tree_alone trees/debian/go.ipxe
one discover --arch 7 --mac "$self" # a new start, where nobody has chosen
ipxe
script boot.ipxe
grep -q '^choose --default e1 ' got.ipxe || fail "the choice outlives its start: $(cat got.ipxe)"
lab_stop box
config server >ringcast.conf
box
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
one inform --mac-model iMac14,3 --ciaddr 10.78.0.99 --mac "$self" --select 81000002 --server 10.78.0.1
ipxe
tree_alone trees/esxi/bootx64.efi
lab_stop box KILL
box # between the Mac's firmware and its loader
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses after a restart"
ipxe
tree_alone trees/esxi/bootx64.efi
pass "an entry chosen in firmware's menu, in iPXE's or on a Mac is booted, and the receiver is not"

# --- what entries say of Macs; trees on the data partition -----------------------------------------------------------
lab_stop box
mkdir -p data/trees/osx/i386 && echo booter >data/trees/osx/i386/booter
{
    config server
    printf '[entry Lab macOS]\nfolder = /data/trees/osx\nloader-mac = i386/booter\nid = 4096\nmac-kind = macos\nmac-root = http://10.78.0.1/data/trees/osx/a.dmg\nany-mac = yes\n'
    printf '[entry Tests]\nfolder = /data/trees/osx\nloader-mac = i386/booter\nid = 9\nmac-kind = diagnostics\nhidden = yes\n'
} >ringcast.conf
box
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
imac=(--mac-model iMac14,3 --ciaddr 10.78.0.99 --mac 00:25:00:aa:bb:ce)
one inform "${imac[@]}" --list
holds "[i[0] for i in o['bsdp']['images']] == ['81000001', '81000002', '01001000']"
one inform "${imac[@]}" --select 01001000 --server 10.78.0.1
holds "o['file'] == 'data/trees/osx/i386/booter'" "o['root'] == 'http://10.78.0.1/data/trees/osx/a.dmg'" "o['bsdp']['selected'] == '01001000'"
one inform "${imac[@]}" --select 03000009 --server 10.78.0.1
holds "o['bsdp']['selected'] == '03000009'" "o['root'] is None"
one inform --mac-model PowerMac3,1 --mac-arch ppc --ciaddr 10.78.0.99 --mac 00:25:00:aa:bb:cd --select 01001000 --server 10.78.0.1
holds "o['bsdp']['message'] == '02'"
one inform --mac-model PowerMac3,1 --mac-arch ppc --ciaddr 10.78.0.99 --mac 00:25:00:aa:bb:cd --select 81000002 --server 10.78.0.1
holds "o['bsdp']['message'] == '03'" # this one is for Intel Macs
[ "$(lab_exec "${LAB_RECEIVER[1]}" curl -s http://10.78.0.1/data/trees/osx/i386/booter)" = booter ] || fail "a tree on the data partition is not given out"
for path in data/journal data/identity.key journal data/trees/../journal; do
    ! lab_exec "${LAB_RECEIVER[1]}" curl -sf --path-as-is "http://10.78.0.1/$path" >/dev/null || fail "$path is given out"
done
pass "kind, root path and Macs of an entry; a tree on the data partition, and nothing else of it"

# --- beside somebody else's server -----------------------------------------------------------------------------------
lab_stop box
config proxy >ringcast.conf
box
lab_address "${LAB_RECEIVER[3]}" 10.78.0.3/24
lab_start dhcp "${LAB_RECEIVER[3]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --no-ping --port=0 --user=root \
    --dhcp-range=10.78.0.150,10.78.0.160 --dhcp-leasefile="$LAB_DIR/leases" --log-dhcp --pid-file="$LAB_DIR/dnsmasq.pid"
until_true 10 grep -q 'DHCP, IP range' dhcp.err || skip "dnsmasq does not start here"
# both WHAT...: the proxy's answer and the other server's; leaves the proxy's in ask.out
both()
{
    [ "$(ask "$@" --expect 2)" = 2 ] || fail "expected two answers to $*, got $(cut -c 1-400 ask.out)"
    grep -q '"from": \["10.78.0.3"' ask.out || fail "dnsmasq is silent"
    sed -i '/"from": \["10.78.0.3"/d' ask.out
    holds "o['from'] == ['10.78.0.1', 67]" "o['yiaddr'] == '0.0.0.0'" "o['siaddr'] == '10.78.0.1'"
}
both discover --arch 7
holds "o['class'] == 'PXEClient'" "o['file'] == ''" "not o['vendor']" "97 in o['order']"
one request --arch 7 --to 10.78.0.1:4011 --port 4011 --ciaddr 10.78.0.99
holds "o['file'] == '$EFI'"
both discover --arch 0
holds "o['class'] == 'PXEClient'" "o['file'] == 'payload/undionly.kpxe'" "o['vendor'] == ['060108ff']"
both discover --arch 0 --user-class iPXE
holds "o['class'] == 'PXEClient'" "o['file'] == 'http://10.78.0.1/boot.ipxe'"
both discover --arch 0x10
holds "o['class'] == 'HTTPClient'" "o['file'] == 'http://10.78.0.1/$EFI'"
one discover
holds "o['from'][0] == '10.78.0.3'"
both inform "${mac[@]}" --list
holds "len(o['bsdp']['images']) == 2"
pass "beside dnsmasq: offers without an address, the file on 4011, Macs"

# --- the judge -------------------------------------------------------------------------------------------------------
lab_stop wire INT
# mDNS is asked and told more than once by its own rules (RFC 6762 sections 8.1 and 8.3), which tshark takes for retransmissions.
tshark -r wire.pcap -Y '_ws.malformed || (_ws.expert.severity >= 0x00600000 && !mdns)' -T fields -e frame.number -e _ws.expert.message >malformed 2>/dev/null
[ ! -s malformed ] || fail "tshark finds fault: $(head -3 malformed)"
field() { tshark -r wire.pcap -Y "ip.src == 10.78.0.1 && dhcp && $1" -T fields -e "$2" 2>/dev/null | sort -u; }
[ "$(field 'dhcp.hw.mac_addr == 00:25:00:aa:bb:cc && dhcp.option.vendor.bsdp.message_type == 1' dhcp.option.vendor.bsdp.boot_image.name)" = 'Image this machine,ESXi' ] ||
    fail "tshark reads other images"
[ "$(field 'dhcp.option.vendor.bsdp.message_type == 2' dhcp.option.vendor.bsdp.selected_boot_image_id)" != '' ] || fail "no selection"
[ "$(field dhcp.option.vendor.pxeclient.menu_prompt dhcp.option.vendor.pxeclient.boot_menu.desc)" = 'Image this machine,ESXi,Start from the disk' ] ||
    fail "tshark reads another menu"
[ "$(field dhcp.option.vendor.pxeclient.menu_prompt dhcp.option.vendor.pxeclient.menu_prompt.timeout)" = 7 ] || fail "another prompt"
[ "$(field dhcp.option.vendor.pxeclient.discovery_control dhcp.option.vendor.pxeclient.discovery_control | tr '\n' ' ')" = '0x07 0x08 ' ] ||
    fail "other discovery control"
pass "tshark: nothing malformed in $(tshark -r wire.pcap -Y 'ip.src == 10.78.0.1 && dhcp' 2>/dev/null | wc -l) answers"
