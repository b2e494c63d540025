#!/bin/bash
# Images pulled from HTTPS servers that are not ours: TLS 1.3 and 1.2, by an authority of the owner's own, by a name that is resolved and reached
# behind a router, by fingerprint; what is refused, and in which words; connections that break; redirects.
. "$(dirname "$0")/lib.sh"
requires curl python3 openssl dnsmasq
small_ring
lab_up 3
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
lab_address "${LAB_RECEIVER[2]}" 10.78.0.12/24
web=${LAB_RECEIVER[1]} router=${LAB_RECEIVER[2]} far=${LAB_RECEIVER[3]}
# The third is behind the second: its line goes there instead of to the switch.
ip -n "$far" link delete eth0
ip -n "$router" link add far type veth peer name eth0 netns "$far"
for ns in "$router far" "$far eth0"; do ip netns exec "${ns% *}" ethtool -K "${ns#* }" tx off tso off gso off gro off >/dev/null 2>&1; done
ip -n "$router" address add 10.79.0.1/24 dev far
ip -n "$router" link set far up
ip -n "$far" address add 10.79.0.2/24 dev eth0
ip -n "$far" link set eth0 up
ip -n "$far" route add default via 10.79.0.1
ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1
cd "$LAB_DIR"

# ---- authorities and certificates ----
key() { openssl req -new -newkey ${kind:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout "$1.pem" -subj "/CN=$1" -out "$1.csr" 2>/dev/null; }
authority() # NAME
{
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.pem" -subj "/CN=$1 authority" -days 3650 -out "$1.crt" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}
certificate() # NAME SAN AUTHORITY FROM TO: NAME.pem holds key and certificate
{
    key "$1"
    : >>index; echo 1000 >serial
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$2" >ext
    printf '[ca]\ndefault_ca=a\n[a]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\nrand_serial=yes\n[p]\nCN=supplied\n' >ca.conf
    openssl ca -batch -notext -config ca.conf -cert "$3.crt" -keyfile "$3.pem" -in "$1.csr" -out "$1.crt" -extfile ext -startdate "$4" -enddate "$5" 2>ca.log ||
        fail "no certificate: $(cat ca.log)"
    cat "$1.crt" >>"$1.pem"
}
always="20200101000000Z 20991231235959Z"
authority own
authority strange
certificate good DNS:images.example,IP:10.78.0.11,IP:10.79.0.2,DNS:far.example own $always
certificate other DNS:other.example own $always
certificate old DNS:images.example,IP:10.78.0.11 own 20200101000000Z 20210101000000Z
kind=rsa:2048 certificate rsa DNS:images.example own $always
certificate unknown DNS:images.example,IP:10.78.0.11 strange $always
print() { openssl x509 -in "$1.crt" -noout -fingerprint -sha256 | cut -d= -f2; }

# ---- servers ----
cat >serve.py <<'PYTHON'
import http.server, re, ssl, sys, threading, time
whole = open("small.ring", "rb").read()
class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *what):
        pass
    def redirect(self, to, status=302):
        self.send_response(status)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_GET(self):
        print(self.server.server_port, "GET", self.path, self.headers.get("Range"), file=sys.stderr, flush=True)
        hop = re.match(r"/hop(\d)/(\d+)", self.path)
        if hop:
            status, left = (301, 302, 303, 307, 308)[int(hop[1])], int(hop[2])
            return self.redirect(f"/hop{(int(hop[1]) + 1) % 5}/{left - 1}" if left > 1 else "https://images.example:8443/x", status)
        if self.path == "/down":
            return self.redirect("http://images.example:8080/x")
        if self.path == "/elsewhere":
            return self.redirect("https://other.example:8445/x")
        at = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {at}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(whole) - at))
        self.send_header("ETag", '"one"')
        self.end_headers()
        step = 400000 if self.path == "/slow" else len(whole)
        for piece in range(at, min(at + 9000000, len(whole)) if self.path == "/cut" else len(whole), step):
            self.wfile.write(whole[piece:min(piece + step, at + 9000000) if self.path == "/cut" else piece + step])
            time.sleep(0.03 * (self.path == "/slow"))
        self.close_connection = True
    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            pass
def serve(port, certificate, version):
    server = http.server.ThreadingHTTPServer(("", port), Web)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate + ".pem")
        if version:
            context.minimum_version = context.maximum_version = version
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever).start()
v = ssl.TLSVersion
for row in ((8443, "good", None), (8444, "good", v.TLSv1_2), (8445, "other", None), (8446, "old", None), (8447, "unknown", None),
            (8448, "good", v.TLSv1_3), (8449, "rsa", v.TLSv1_2), (8450, "rsa", v.TLSv1_3), (8080, None, None)):
    serve(*row)
print("up", flush=True)
PYTHON
lab_start web "$web" python3 serve.py
lab_start far "$far" python3 serve.py
lab_start dns "$far" dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root --pid-file= --listen-address=10.79.0.2 --bind-interfaces \
    --host-record=images.example,10.78.0.11 --host-record=other.example,10.78.0.11 --host-record=far.example,10.79.0.2 --address=/gone.example/
for name in web far; do until_true 20 grep -q up $name.out || fail "$name does not start"; done

# ---- the box ----
mkdir data
cp own.crt own-authorities.pem
printf '[box]\naddress = 10.78.0.1/24\nrouter = 10.78.0.12\ndns = 10.79.0.2\ntrust = own-authorities.pem\n[dhcp]\nmode = off\n' >ringcast.conf
box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
    until_true 20 lab_exec "$web" curl -sSk --max-time 5 -o /dev/null https://10.78.0.1/api/v1/health || fail "the box does not answer"
}
box
page_token "$web"
api=https://10.78.0.1/api/v1
hash=$(sha256sum small.ring | cut -d' ' -f1)

ask() # METHOD PATH [JSON]: prints the status; the answer is in got
{
    lab_exec "$web" curl -sSk --max-time 30 -o got -w '%{http_code}' -X "$1" -H "Authorization: Bearer $PAGE_TOKEN" \
        ${3:+-H "Content-Type: application/json" -d "$3"} "$api/$2"
}
answer() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"o": json.load(open("got"))}))' "$1"; }
begin() # NAME URL [FINGERPRINT]: its number is in $id
{
    local status
    status=$(ask POST pulls "{\"name\":\"$1\",\"url\":\"$2\"${3:+,\"fingerprint\":\"$3\"}}")
    [ "$status" = 202 ] || fail "$status for $2: $(cat got)"
    id=$(answer 'o["id"]')
}
image_ready() { [ "$(ask GET images)" = 200 ] && [ "$(answer "[i['state'] for i in o if i['name'] == '$1']")" = "['ready']" ]; }
pulls() # NAME URL [FINGERPRINT]: becomes the image, byte for byte; then it goes
{
    begin "$@"
    until_true 60 image_ready "$1" || fail "$2: $(cat got; ask GET "uploads/$id"; cat got)"
    [ "$(answer "[i['sha256'] for i in o if i['name'] == '$1']")" = "['$hash']" ] || fail "$2 comes with another hash"
    [ "$(ask DELETE "images/$1" "{\"name\":\"$1\"}")" = 204 ] || fail "cannot delete $1: $(cat got)"
}
refused() # SENTENCE URL [FINGERPRINT]: is not fetched, and why
{
    begin refused "$2" "${3:-}"
    until_true 40 eval '[ "$(ask GET uploads/$id)" = 200 ] && [ "$(answer "o[\"state\"]")" = failed ]' || fail "$2 is not refused: $(cat got)"
    answer 'o["cause"]' >cause
    grep -qF "$1" cause || fail "$2: expected \"$1\", got \"$(cat cause)\""
}

pulls direct https://10.78.0.11:8443/x
pulls named https://images.example:8443/x
pulls older https://images.example:8444/x
pulls rsa https://images.example:8450/x
pulls older-rsa https://images.example:8449/x
pulls far https://far.example:8443/x
grep -q '8443 GET /x' far.err || fail "the far server was not asked: $(cat far.err)"
pass "by the owner's authority: TLS 1.3 and 1.2, of elliptic curves and RSA, by address, by name, behind a router"

pulls pinned https://10.78.0.11:8447/x "$(print unknown)"
pulls pinned2 https://images.example:8446/x "$(print old | tr -d : | tr A-F a-f)"
pulls pinned3 https://images.example:8445/x "$(print other)"
pass "by fingerprint, whatever name, date and authority are"

asked=$(grep -c 'GET /secret' web.err || true)
refused "no authority that is trusted here vouches for \"images.example\"; its certificate's fingerprint is $(print unknown)" https://images.example:8447/secret
refused 'expected a certificate for "images.example", got one for "other.example"' https://images.example:8445/secret
refused 'expected a certificate for "10.78.0.11", got one for "other.example"' https://10.78.0.11:8445/secret
refused "that is good on $(date -u +%Y-%m-%d), got one from 2020-01-01 to 2021-01-01" https://images.example:8446/secret
refused "expected the fingerprint $(print good), got $(print old)" https://images.example:8446/secret "$(print good)"
refused 'got something else: is this its HTTPS port?' https://images.example:8080/secret
refused 'nobody answers to the name "gone.example"' https://gone.example/secret
[ "$(grep -c 'GET /secret' web.err || true)" = "$asked" ] || fail "a server that is not trusted was asked: $(grep secret web.err)"
[ "$(ask POST pulls '{"name":"x","url":"http://images.example:8080/x","fingerprint":"'"$(print good)"'"}')" = 422 ] || fail "a fingerprint without https: $(cat got)"
[ "$(ask POST pulls '{"name":"x","url":"https://images.example/x","fingerprint":"12:34"}')" = 422 ] || fail "half a fingerprint: $(cat got)"
pass "refused in words, before a byte of ours went out: authority, name, date, fingerprint, no TLS, no such name"

# Restores know the same, with the public authorities of the system or by what they are told.
restore() # STATUS SENTENCE URL OPTION...: from the box's port; the box is away
{
    local status=$1 says=$2
    expect "$status" lab_exec "$LAB_SERVER" "$RINGCAST" restore --source "$3" --target disk --create --erase --noprompt --any-signer --noverify \
        --interface eth0 --address 10.78.0.3/24 --timeout 10 "${@:4}"
    grep -qF "$says" expect.err || fail "expected \"$says\", got $(cat expect.err)"
}
restore 1 'no authority that is trusted here vouches for "10.78.0.11"' https://10.78.0.11:8443/x
restore 1 "expected the fingerprint $(print good), got $(print old)" https://10.78.0.11:8446/x --fingerprint "$(print good)"
[ ! -e disk ] || fail "something was written"
restore 6 '' https://10.78.0.11:8443/x --trust own.crt
same_disk small.img disk
restore 6 '' https://10.78.0.11:8446/x --fingerprint "$(print old)"
same_disk small.img disk
pass "a restore by https"

pulls cut https://images.example:8448/cut
[ "$(grep -c '8448 GET /cut bytes=[1-9]' web.err)" -ge 1 ] || fail "it was not asked by range: $(grep cut web.err)"
begin slow https://images.example:8447/slow "$(print unknown)"
until_true 20 eval '[ "$(ask GET uploads/$id)" = 200 ] && [ "$(answer "o[\"offset\"]")" -gt 1000000 ]' || fail "the slow pull does not begin: $(cat got)"
lab_stop box KILL
box
until_true 60 image_ready slow || fail "the slow pull: $(cat got; ask GET uploads; cat got)"
[ "$(answer "[i['sha256'] for i in o if i['name'] == 'slow']")" = "['$hash']" ] || fail "slowly pulled, with another hash"
pass "a connection that breaks is gone on with; a box that breaks begins anew, and knows the fingerprint"

pulls chain http://images.example:8080/hop0/5
refused 'expected the file after at most 5 redirects, got one more, to "https://images.example:8443/x"' http://images.example:8080/hop0/6
refused 'expected https:// to stay https://, got a redirect to "http://images.example:8080/x"' https://images.example:8443/down
refused "expected the fingerprint $(print good), got $(print other)" https://images.example:8443/elsewhere "$(print good)"
pulls elsewhere https://images.example:8443/elsewhere
pass "redirects of five kinds, five of them, never back to http"
