// Numbers and foreign words as a person reads them. Nothing here touches the document.

export const STATES = {
  booting: ["B", "starting"],
  joined: ["J", "joined"],
  manifest: ["M", "reads the list"],
  receiving: ["R", "receiving"],
  verifying: ["V", "reading back"],
  pass: ["✓", "PASS"],
  fail: ["✕", "FAIL"],
  left: ["L", "left"],
  lost: ["?", "lost"],
};
export const SEVERITY = ["fail", "lost", "left", "booting", "joined", "manifest", "receiving", "verifying", "pass"];

export function stateOf(machine) { return Object.hasOwn(STATES, machine.state) ? machine.state : "lost"; }

// Names, serials and causes come from machines. Control characters and those that turn the direction of text are shown
// as a mark; what is longer than a line can hold is cut.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
export function clean(foreign, most = 120) {
  const text = String(foreign ?? "").slice(0, 4 * most).toWellFormed?.() ?? String(foreign ?? "").slice(0, 4 * most);
  const points = Array.from(text.replace(UNSAFE, "\ufffd"));
  return points.length > most ? points.slice(0, most - 1).join("") + "…" : points.join("");
}

export function bytes(n) {
  if (!(n >= 0)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 999.5 && i < units.length - 1) { n /= 1000; i++; }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}
export function bits(n) {
  if (!(n >= 0)) return "–";
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"];
  let i = 0;
  while (n >= 999.5 && i < units.length - 1) { n /= 1000; i++; }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}
// A rate both ways, because half of the mistakes with rates are a factor of eight.
export function rate(bitsPerSecond) {
  return bitsPerSecond >= 0 ? `${bits(bitsPerSecond)} (${bytes(bitsPerSecond / 8)}/s)` : "–";
}
export function percent(n) { return n >= 0 ? `${Math.floor(n)} %` : "–"; }
export function loss(ppm) { return ppm !== null && ppm >= 0 ? `${(ppm / 1e4).toFixed(ppm >= 1e5 ? 0 : ppm >= 1e4 ? 1 : 2)} %` : "–"; }
export function link(mbps) { return mbps > 0 ? mbps >= 1000 ? `${mbps / 1000} Gb/s` : `${mbps} Mb/s` : "–"; }

export function duration(s) {
  if (s === null || !(s >= 0)) return "–"; // null says that nobody knows, and is >= 0
  s = Math.round(s);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 && s % 60 ? ` ${s % 60} s` : ""}`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}
export function left(s) { return s !== null && s >= 0 ? ` · ${duration(s)} left` : ""; }
export function time(iso) {
  const at = new Date(iso ?? NaN);
  return isNaN(at) ? "–" : at.toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
}
export function plural(n, one, many = one + "s") { return `${n} ${n === 1 ? one : many}`; }

export function nameOf(machine) { return clean(machine.name || machine.position || machine.asset || machine.mac, 40); }
