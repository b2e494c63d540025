#!/usr/bin/env python3
"""asr's property lists, read by `ringcast serve --check` and by Python's plistlib: whatever we accept, plistlib accepts
and understands alike; whatever plistlib writes with legal values, we accept. SEED=n tries others."""
import json
import os
import plistlib
import random
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RINGCAST = os.environ.get("RINGCAST", f"{TOP}/build/ringcast")
SEED = int(os.environ.get("SEED", 1))
rng = random.Random(SEED)

# key: (a legal value, our name, plistlib's value -> ours)
KEYS = {
    "Data Rate": (lambda: rng.randrange(16000, 1 << 40), "rate", int),
    "Client Data Rate": (lambda: rng.randrange(16000, 1 << 40), "client-rate", int),
    "Multicast Address": (lambda: f"{rng.randrange(225, 240)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}",
                          "group", str),
    "DNS Service Discovery": (lambda: rng.random() < 0.5, "mdns", bool),
    "Loop Suspend": (lambda: rng.randrange(0, 1000), "loop-suspend", int),
    "Multicast TTL": (lambda: rng.randrange(1, 256), "ttl", int),
    "Port": (lambda: rng.randrange(1, 65536), "port", int),
}
REQUIRED = ("Data Rate", "Multicast Address")
DEFAULTS = {"client-rate": 0, "mdns": True, "loop-suspend": 0, "ttl": 3, "port": 7800}


def ours(data, folder):
    """What `serve --check` makes of it; None when it refuses."""
    path = f"{folder}/asr.plist"
    with open(path, "wb") as f:
        f.write(data)
    run = subprocess.run([RINGCAST, "serve", "--check", "--config", path, "--interface", "eth0", "x.ring"],
                         capture_output=True)
    assert run.returncode in (0, 2), (run.returncode, run.stderr)
    assert (run.returncode == 0) == bool(run.stdout), run
    return json.loads(run.stdout) if run.returncode == 0 else None


def theirs(data):
    try:
        return plistlib.loads(data)
    except Exception:
        return None


def agree(config, plist):
    assert isinstance(plist, dict), plist
    want = dict(DEFAULTS)
    for key, value in plist.items():
        _, name, convert = KEYS[key]
        want[name] = convert(value)
    assert {k: config[k] for k in want} == want, (config, want)


def written(keys):
    return plistlib.dumps({k: KEYS[k][0]() for k in keys}, fmt=plistlib.FMT_XML, sort_keys=rng.random() < 0.5)


def mutated(data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.choice(b"<>/&;! \n0123456789abcdefgtr-")
        elif kind == 1:
            del data[at:at + rng.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = rng.choice([b"<!-- x -->", b"&amp;", b"&#65;", b" ", b"<true/>", b"\xc3\xbc", b"\xff"])
        else:
            other = rng.randrange(len(data))
            data[at:at] = data[other:other + rng.randrange(1, 30)]
    return bytes(data)


def main():
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(60):
            keys = list(REQUIRED) + [k for k in KEYS if k not in REQUIRED and rng.random() < 0.6]
            data = written(keys)
            config = ours(data, folder)
            assert config, data
            agree(config, theirs(data))
        for missing in REQUIRED:
            assert ours(written([k for k in KEYS if k != missing]), folder) is None
        assert ours(plistlib.dumps({"Data Rate": 1 << 20}, fmt=plistlib.FMT_BINARY), folder) is None
        for _ in range(400):
            data = mutated(written(KEYS))
            config = ours(data, folder)
            if config is None:
                continue
            accepted += 1
            assert theirs(data) is not None, data
            agree(config, theirs(data))
    print(f"ok: {accepted} of 400 mutated lists accepted, all as plistlib reads them")


try:
    main()
except AssertionError:
    print(f"again: SEED={SEED} {sys.argv[0]}", file=sys.stderr)
    raise
