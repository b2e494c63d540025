// One file on its way into the library: in pieces, from wherever the box has it. A cut line, a box that restarts and a page
// that is loaded anew cost the piece that was under way.

import { request, get, post, part, Problem } from "./api.js";

const PIECE = 8 << 20;                        // bytes a request
const AGAIN = [500, 1000, 2000, 4000, 8000];  // ms between tries; the last one for ever
const PATIENCE = 60000;                       // ms for a piece without an answer

const key = (file) => `ringcast.upload.${file.name}.${file.size}.${file.lastModified}`;
function recall(file) { try { return localStorage.getItem(key(file)); } catch { return null; } }
function remember(file, id) { try { id === null ? localStorage.removeItem(key(file)) : localStorage.setItem(key(file), id); } catch { /* a new page begins anew */ } }
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
// What will not be otherwise next time: a refusal with a reason. A wrong offset was put right where it was told.
const final = (error) => error instanceof Problem && (error.status >= 400 && error.status < 500 && ![408, 425, 429].includes(error.status) || error.status === 507);

export class Upload {
  constructor(file, { name, version, note }, changed) {
    Object.assign(this, { file, name, version, note, changed, id: null, offset: 0, state: "sending", word: "", began: 0, rate: 0 });
    this.abort = null;
  }
  set(part) { Object.assign(this, part); this.changed(); }

  async run() {
    try {
      await this.open();
      let tries = 0;
      while (this.offset < this.file.size && this.state !== "cancelled") {
        if (this.state === "paused") { await wait(200); continue; }
        try {
          await this.piece();
          tries = 0;
          if (this.state === "waiting") this.set({ state: "sending", word: "" });
        } catch (error) {
          if (this.state === "paused" || this.state === "cancelled") continue;
          if (final(error)) throw error;
          this.set({ state: "waiting", word: "The line was cut; it goes on by itself from where the box has it." });
          await wait(AGAIN[Math.min(tries++, AGAIN.length - 1)]);
          await this.ask().catch(() => {});
        }
      }
      if (this.state === "cancelled") return;
      remember(this.file, null);
      await this.verdict();
    } catch (error) {
      this.set({ state: "failed", word: error.message });
    }
  }

  // All of it is there: the row says how the box judges it.
  async verdict() {
    const over = { ready: "done", bad: "failed", failed: "failed" };
    for (;;) {
      const u = await get(`/uploads/${part(this.id)}`).catch((error) => { if (final(error)) throw error; return {}; });
      if (over[u.state]) return this.set({ state: over[u.state], word: u.cause || "It is ready." });
      this.set({ state: "checked", word: "It is on the box, which checks it now." });
      await wait(1000);
    }
  }

  // Begins, or goes on with what this browser began before.
  async open() {
    const old = recall(this.file);
    if (old) {
      try {
        this.id = old;
        await this.ask();
        return;
      } catch (error) { if (error.status !== 404 && error.status !== 410) throw error; }
    }
    const made = await post("/uploads", { name: this.name, bytes: this.file.size, version: this.version, note: this.note });
    this.id = made.id;
    remember(this.file, String(made.id));
    this.set({ offset: made.offset ?? 0 });
  }
  async ask() { this.set({ offset: (await get(`/uploads/${part(this.id)}`)).offset }); }

  async piece() {
    const from = this.offset, body = this.file.slice(from, from + PIECE), began = performance.now();
    this.abort = new AbortController();
    const limit = setTimeout(() => this.abort.abort(), PATIENCE);
    try {
      const answer = await request("PUT", `/uploads/${part(this.id)}`, { body, signal: this.abort.signal, headers: { "Upload-Offset": String(from), "Content-Type": "application/octet-stream" } });
      this.set({ offset: answer?.offset ?? from + body.size, rate: body.size / Math.max(0.001, (performance.now() - began) / 1000) });
    } catch (error) {
      if (error.status !== 409 || !Number.isInteger(error.body?.offset)) throw error;
      this.set({ offset: error.body.offset }); // the box knows better what it has
    } finally {
      clearTimeout(limit);
    }
  }
  pause() { this.set({ state: "paused" }); this.abort?.abort(); }
  resume() { this.set({ state: "sending", word: "" }); }
  async cancel() {
    this.set({ state: "cancelled" });
    this.abort?.abort();
    remember(this.file, null);
    if (this.id !== null) await request("DELETE", `/uploads/${part(this.id)}`).catch(() => {});
  }
}
