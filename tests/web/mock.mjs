// A box made of memory: the page's files as tools/www made them, the interface's JSON, two hundred machines that change. It can
// be cut, started anew and told what to say; what the page asked of it is in `asked`.
//
//   node tests/web/mock.mjs [PORT]   serves a busy room until Ctrl-C, password "correct horse", code ABCD2345

import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const TOP = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const FILES = path.join(TOP, "build/gen/www");
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml" };
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
export const CODE = "ABCD2345", PASSWORD = "correct horse";
const STATES = ["booting", "joined", "manifest", "receiving", "verifying", "pass", "fail", "left", "lost"];

export function machine(i, state = STATES[i % 9], more = {}) {
  const working = state === "receiving" || state === "verifying";
  return { number: i + 1, mac: `52:54:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`, name: `pc-${String(i + 1).padStart(3, "0")}`,
    asset: `A${1000 + i}`, position: `row ${1 + Math.floor(i / 20)} seat ${1 + i % 20}`, serial: `SN${7000 + i}`, address: `10.77.0.${50 + i % 200}`, session: 1, state,
    percent: state === "pass" ? 100 : working ? (i * 7) % 100 : 0, rate_bits_s: working ? 780e6 : 0, loss_ppm: working ? (i % 5) * 90 : 0, dropped_ppm: 0, disk_bytes_s: working ? 9e7 - i * 1e5 : 0,
    link_mbps: i % 50 === 3 ? 100 : 1000, eta_s: working ? 600 - (i * 7) % 100 * 6 : null,
    cause: state === "fail" ? "Chunk 17 of the disk read back otherwise than it was written" : i % 50 === 3 ? "The cable runs at 100 Mb/s" : "", disk: "LAB-DISK 512 GB", disk_serial: `D${9000 + i}`, identify: false, ...more };
}

export class Mock {
  constructor({ setUp = true, machines = 200 } = {}) {
    this.setUp = setUp;
    this.asked = [];
    this.streams = new Set();
    this.sockets = new Set();
    this.uploads = new Map();
    this.sticks = [];
    this.trees = [];        // those that are published
    this.treeFiles = new Map(); // what has come of an upload
    this.images = [{ name: "debian", version: "12.7", note: "office", bytes: 1.3e9, raw_bytes: 8e9, min_target_bytes: 8e9, used_bytes: 3e9, state: "ready", percent: 100, signer: "this box", root: "ab12cd34ef56", protected: false }];
    this.expected = "52:54:00:00:00:01,pc-002,A1001,row 1 seat 2,debian,pc-002\n";
    this.attempts = [0, 1].map((i) => ({ attempt: i + 1, mac: machine(i).mac, name: machine(i).name, asset: "A1", position: "", machine_serial: "S1", disk_model: "LAB", disk_serial: "D1", image: "debian", version: "12.7", root_hash: "ab12",
      start: "2026-11-22T20:00:00Z", end: "2026-11-22T20:09:00Z", bytes: 3e9, loss_ppm: 120, dropped_ppm: 30000, repair_symbols: 17, read_back: i === 0, result: i === 0 ? "PASS" : "FAIL", cause: i === 0 ? "" : "The disk stopped answering" }));
    this.deaf = false;      // lines stay, and nothing is said on them any more
    this.cutAt = null;      // the first upload piece that reaches this many bytes loses its line
    this.hold = "";        // why the box erases nothing
    this.verdict = {};      // what is said of an upload besides
    this.tokens = new Set();
    this.begin(machines);
  }
  // The core begins anew: its sequence with it. What is on its disk stays.
  begin(machines) {
    this.seq = 1;
    this.machines = Array.from({ length: machines }, (_, i) => machine(i));
    this.sessions = machines ? [{ id: 1, planned: true, image: "debian", version: "12.7", state: "running", start: { rule: "now" }, sentence: "It erases the internal disk of every machine that starts from the network, and writes debian to it.", rate_bits_s: 8e8, rate_fixed: false,
      rate_reason: "the slowest disk", repair_ppm: 15000, machines, passed: 22, failed: 22, eta_s: 600, started: "2026-11-22T11:50:00Z", armed_until: null }] : [];
  }
  status() {
    const of = (...states) => this.machines.filter((m) => states.includes(m.state)).length;
    return { seq: this.seq, box: { name: "ringcast", version: "1", address: "10.77.0.1", time: new Date().toISOString(), uptime_s: 1234, guard: "serving", guard_text: "the only DHCP server here", data_free_bytes: 4.2e10, fingerprint: "AB:CD:EF", hold: this.hold },
      totals: { machines: this.machines.length, waiting: of("booting", "joined", "manifest"), imaging: of("receiving"), verifying: of("verifying"), passed: of("pass"), failed: of("fail"), lost: of("lost"), expected: this.machines.length ? 201 : 0, never_came: this.machines.length ? 1 : 0 },
      sessions: this.sessions, machines: this.machines };
  }
  send(event, data) { if (!this.deaf) for (const s of this.streams) s.write(`event: ${event}\nid: ${data.seq}\ndata: ${JSON.stringify(data)}\n\n`); }
  change(machines, more = {}) {
    this.seq++;
    for (const m of machines) { const i = this.machines.findIndex((old) => old.mac === m.mac); if (i < 0) this.machines.push(m); else this.machines[i] = m; }
    this.send("change", { seq: this.seq, box: this.status().box, totals: this.status().totals, sessions: this.sessions, machines, gone: [], ...more });
  }
  // Everybody a little further.
  tick() { this.change(this.machines.map((m) => m.state !== "receiving" ? m : { ...m, percent: Math.min(99.9, m.percent + Math.random() * 3), rate_bits_s: 7.5e8 + Math.random() * 5e7, eta_s: Math.max(1, (m.eta_s ?? 100) - 3) })); }

  listen(port = 0) {
    this.server = http.createServer((q, a) => this.serve(q, a).catch((error) => { console.error("mock:", error); a.destroy(); }));
    this.server.on("connection", (s) => { this.sockets.add(s); s.on("close", () => this.sockets.delete(s)); });
    this.pulse = setInterval(() => this.change([]), 1000); // as the box does
    return new Promise((done) => this.server.listen(port, "127.0.0.1", () => { this.port = this.server.address().port; this.url = `http://127.0.0.1:${this.port}`; done(this); }));
  }
  close() {
    clearInterval(this.pulse);
    for (const s of this.sockets) s.destroy();
    this.streams.clear();
    return new Promise((done) => this.server.close(done));
  }

  async serve(q, a) {
    if (this.deaf) return;
    const url = new URL(q.url, "http://box");
    for (const [name, value] of Object.entries({ "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store" })) a.setHeader(name, value);
    if (url.pathname.startsWith("/api/v1/") || url.pathname === "/metrics") return this.api(q, a, url.pathname.slice(7));
    if (url.pathname === "/plain") return this.reply(a, 200, "<!doctype html><title>Ringcast</title><table><tr><td>plain</table>", "text/html");
    const name = url.pathname === "/" ? "/index.html" : url.pathname, file = path.join(FILES, path.normalize(name) + ".gz");
    if (!fs.existsSync(file)) return this.problem(a, 404, "There is nothing by that name.");
    a.setHeader("Content-Encoding", "gzip");
    this.reply(a, 200, fs.readFileSync(file), TYPES[path.extname(name)]);
  }
  reply(a, status, body, type = "application/json") {
    a.writeHead(status, { "Content-Type": type });
    a.end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  }
  problem(a, status, detail, more = {}) { this.reply(a, status, { type: "about:blank", title: http.STATUS_CODES[status], status, detail, ...more }, "application/problem+json"); }
  welcome(a) {
    const token = Math.random().toString(36).slice(2);
    this.tokens.add(token);
    a.setHeader("Set-Cookie", `ringcast=${token}; HttpOnly; SameSite=Strict; Path=/`);
    this.reply(a, 200, { csrf: "c5" });
  }
  inside(q) { return this.tokens.has(/(?:^|; )ringcast=([^;]+)/.exec(q.headers.cookie ?? "")?.[1]); }

  async api(q, a, where) {
    const parts = where.split("/").filter(Boolean).map(decodeURIComponent), at = `${q.method} /${parts[0]}`;
    if (at === "GET /health") return this.reply(a, 200, { ok: true, version: "1", password_set: this.setUp });
    if (at === "PUT /uploads") return this.piece(q, a, parts[1]);
    if (at === "PUT /trees") return this.treeFile(q, a, parts);
    let body = "";
    for await (const chunk of q) body += chunk;
    const json = /json/.test(q.headers["content-type"] ?? "") && body ? JSON.parse(body) : {};
    this.asked.push({ method: q.method, path: where, json, body, csrf: q.headers["x-ringcast-csrf"] });
    if (at === "POST /setup") {
      if (this.setUp) return this.problem(a, 409, "This box has a password already.");
      if (json.code !== CODE) return this.problem(a, 403, "That is not the code on the box's screen.");
      this.setUp = true;
      this.password = json.password;
      return this.welcome(a);
    }
    if (at === "POST /login") {
      if (json.password !== (this.password ?? PASSWORD)) return this.problem(a, 403, "That is not the password.");
      return this.welcome(a);
    }
    if (!this.inside(q)) return this.problem(a, 401, "Log in first.");
    if (q.method !== "GET" && q.method !== "HEAD" && q.headers["x-ringcast-csrf"] !== "c5") return this.problem(a, 403, "The request did not come from the page.");
    return this.answer(q, a, at, parts, json, body);
  }

  answer(q, a, at, parts, json, body) {
    const row = this.machines.find((m) => m.mac === parts[1]), s = this.sessions.find((one) => one.id === Number(parts[1]));
    switch (parts[2] ? `${at}/${parts[2]}` : at) {
      case "POST /logout": this.tokens.clear(); return this.reply(a, 204, "");
      case "GET /session": return this.reply(a, 200, { csrf: "c5" });
      case "POST /tokens": return this.reply(a, 200, { token: "rc_secret" });
      case "GET /status": return this.reply(a, 200, this.status());
      case "GET /events": {
        a.writeHead(200, { "Content-Type": "text/event-stream" });
        a.write(`event: status\nid: ${this.seq}\ndata: ${JSON.stringify(this.status())}\n\n`);
        this.streams.add(a);
        return a.on("close", () => this.streams.delete(a));
      }
      case "POST /hold": this.hold = ""; this.change([]); return this.reply(a, 200, {});
      case "GET /images": return this.reply(a, 200, this.images);
      case "POST /images/verify": return this.reply(a, 202, {});
      case "DELETE /images":
        if (json.name !== parts[1]) return this.problem(a, 409, "The name typed is not the image's.");
        this.images = this.images.filter((i) => i.name !== parts[1]);
        return this.reply(a, 204, "");
      case "POST /pulls": return this.reply(a, 202, {});
      case "GET /trees": return this.reply(a, 200, this.trees);
      case "POST /trees": {
        const all = [...this.treeFiles.values()], sum = all.reduce((n, f) => n + f.length, 0);
        if (json.files !== all.length || json.bytes !== sum) return this.problem(a, 409, "It is not what was announced.");
        this.trees = [{ name: parts[1], state: "ready", files: json.files, bytes: json.bytes, entry: "ESXi", cause: "" }];
        return this.reply(a, 200, { name: parts[1], entry: "ESXi", text: "it is given out from now on" });
      }
      case "DELETE /trees": this.trees = this.trees.filter((t) => t.name !== json.name); return this.reply(a, 204, "");
      case "GET /sticks": return this.reply(a, 200, this.sticks);
      case "POST /imports": this.uploads.set("9", { name: json.name, bytes: 4e9, offset: 1e9, chunks: [] }); return this.reply(a, 202, { id: "9" });
      case "POST /uploads": {
        const id = String(this.uploads.size + 1);
        this.uploads.set(id, { ...json, offset: 0, chunks: [] });
        return this.reply(a, 201, { id, offset: 0 });
      }
      case "GET /uploads": if (!parts[1]) return this.reply(a, 200, [...this.uploads].filter(([, u]) => u.offset < u.bytes || u.cause).map(([id, u]) => ({ id: Number(id), name: u.name, offset: u.offset, bytes: u.bytes, state: u.cause ? "failed" : "receiving", percent: 0, sha256: "", cause: u.cause ?? "" })));
        return this.uploads.has(parts[1]) ? this.reply(a, 200, { offset: this.uploads.get(parts[1]).offset, ...this.verdict }) : this.problem(a, 404, "There is no such upload.");
      case "DELETE /uploads": this.uploads.delete(parts[1]); return this.reply(a, 204, "");
      case "GET /sessions": return this.reply(a, 200, this.sessions);
      case "POST /sessions": {
        const made = { id: this.sessions.length + 1, planned: true, image: json.image, version: "12.7", state: json.start.rule === "now" ? "running" : "waiting", start: json.start, sentence: `It writes ${json.image}.`, rate_bits_s: 8e8, rate_fixed: json.rate > 0,
          rate_reason: "auto", repair_ppm: 15000, machines: 0, passed: 0, failed: 0, eta_s: null, started: null, armed_until: null };
        this.sessions.push(made);
        this.change([]);
        return this.reply(a, 201, made);
      }
      case "POST /sessions/start": case "POST /sessions/stop": case "POST /sessions/suspend": case "POST /sessions/resume":
        s.state = { start: "running", stop: "stopped", suspend: "suspended", resume: "running" }[parts[2]];
        this.change([]);
        return this.reply(a, 200, s);
      case "GET /expected": return this.reply(a, 200, this.expected, "text/csv");
      case "PUT /expected": this.expected = body; return this.reply(a, 200, {});
      case "POST /machines/identify": this.change([{ ...row, identify: json.on }]); return this.reply(a, 200, {});
      case "POST /machines/arm": case "POST /wake": return this.reply(a, 200, {});
      case "GET /report.json": return this.reply(a, 200, this.attempts);
      case "GET /report.pub": return this.reply(a, 200, "ringcast public key\n", "text/plain");
      case "GET /report.csv": return this.reply(a, 200, "attempt,mac\r\n1,52:54:00:00:00:00\r\n", "text/csv");
      case "GET /report.html": return this.reply(a, 200, "<!doctype html><title>Report</title><table></table>", "text/html");
      default: return this.problem(a, 404, "There is nothing by that name.");
    }
  }

  async treeFile(q, a, [, name, ...path]) {
    const chunks = [];
    for await (const chunk of q) chunks.push(chunk);
    if (!this.inside(q)) return this.problem(a, 401, "No.");
    if (this.treeFull) return this.problem(a, 507, "there is no room");
    this.treeFiles.set(`${name}/${path.join("/")}`, Buffer.concat(chunks));
    this.reply(a, 204, "");
  }

  async piece(q, a, id) {
    const u = this.uploads.get(id), from = Number(q.headers["upload-offset"]);
    if (!this.inside(q) || !u) { q.resume(); return this.problem(a, this.inside(q) ? 404 : 401, "No."); }
    this.asked.push({ method: "PUT", path: `/uploads/${id}`, offset: from });
    if (from !== u.offset) { q.resume(); return this.problem(a, 409, "It is elsewhere.", { offset: u.offset }); }
    for await (const chunk of q) {
      u.chunks.push(chunk);
      u.offset += chunk.length;
      if (this.cutAt !== null && u.offset >= this.cutAt) { this.cutAt = null; return q.socket.destroy(); }
    }
    if (u.offset === u.bytes) this.images.push({ ...this.images[0], name: u.name, version: u.version, note: u.note, bytes: u.bytes, state: "packing", percent: 10, root: "" });
    this.reply(a, 200, { offset: u.offset });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await new Mock().listen(Number(process.argv[2] ?? 8080));
  setInterval(() => mock.tick(), 1000);
  console.log(mock.url);
}
