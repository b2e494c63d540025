// What the box says of the room, kept up to date by server-sent events. One store, told to whoever watches.
//
// `status` is everything and replaces everything, also when the box was started anew and its numbers begin again. `change`
// is what differs from what was said before. The box says something every second, in a room of 4000 machines every 8 s. When it
// is silent for longer, the page says so and makes the line anew.

import { get, Problem } from "./api.js";

const SILENCE = 9000;   // ms without a word before the page says that the box is silent
const PATIENCE = 5000;  // ms for an answer
const AGAIN = [500, 1000, 2000, 4000, 5000]; // ms between tries

export const room = { seq: -1, box: {}, totals: {}, sessions: [], machines: new Map(), at: 0, connected: false, rates: [] };
const watchers = new Set();
let source = null, tries = 0, timer = 0, wanted = false, heard = 0;

export function watch(told) { watchers.add(told); return () => watchers.delete(told); }
function tell() { for (const told of watchers) told(room); }

function take(all) {
  room.seq = all.seq;
  room.box = all.box ?? {};
  room.totals = all.totals ?? {};
  room.sessions = all.sessions ?? [];
  room.machines = new Map((all.machines ?? []).map((m) => [m.mac, m]));
  arrived();
}

function change(some) {
  if (some.box) room.box = { ...room.box, ...some.box };
  if (some.totals) room.totals = some.totals;
  for (const s of some.sessions ?? []) {
    const i = room.sessions.findIndex((old) => old.id === s.id);
    room.sessions = i < 0 ? [...room.sessions, s] : room.sessions.map((old) => old.id === s.id ? { ...old, ...s } : old);
  }
  for (const m of some.machines ?? []) room.machines.set(m.mac, { ...room.machines.get(m.mac), ...m });
  for (const mac of some.gone ?? []) room.machines.delete(mac);
  room.seq = some.seq;
  arrived();
}

// One point a second of what every session sends, for the graph: the last hour.
function arrived() {
  room.at = heard = Date.now();
  const second = Math.floor(room.at / 1000), last = room.rates.at(-1);
  const now = { second, by: new Map(room.sessions.map((s) => [s.id, s.state === "running" ? s.rate_bits_s ?? 0 : 0])) };
  if (last?.second === second) room.rates[room.rates.length - 1] = now;
  else room.rates.push(now);
  if (room.rates.length > 3600) room.rates.splice(0, room.rates.length - 3600);
  if (!room.connected) { room.connected = true; tries = 0; }
  tell();
}

export async function refresh() { take(await get("/status", { signal: AbortSignal.timeout(PATIENCE) })); }

export function start() {
  if (wanted) return;
  wanted = true;
  connect();
}
export function stop() {
  wanted = false;
  clearTimeout(timer);
  source?.close();
  source = null;
  room.connected = false;
  room.machines = new Map(); // another person may log in next
  room.sessions = [];
  room.rates = [];
}

function connect() {
  clearTimeout(timer);
  source?.close();
  source = new EventSource("/api/v1/events");
  heard = Date.now();
  source.addEventListener("status", (e) => safely(() => take(JSON.parse(e.data))));
  source.addEventListener("change", (e) => safely(() => change(JSON.parse(e.data))));
  source.addEventListener("open", () => { heard = Date.now(); });
  source.onerror = lost;
  watchdog();
}
function safely(step) {
  try { step(); } catch (error) { console.error("an event that cannot be used", error); refresh().catch(() => {}); }
}
function watchdog() {
  clearTimeout(timer);
  timer = setTimeout(() => Date.now() - heard > SILENCE ? lost() : watchdog(), 500);
}

// The line is gone: the box was started anew, the cable is out, or nobody is logged in any more.
function lost() {
  if (!wanted) return;
  source?.close();
  source = null;
  if (room.connected) { room.connected = false; tell(); }
  clearTimeout(timer);
  timer = setTimeout(async () => {
    try {
      await refresh();
      if (wanted) connect();
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) lost();
    }
  }, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
}
