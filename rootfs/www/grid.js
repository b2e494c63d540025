// The tiles: one button a machine, all of them on the screen at once. Plain DOM, changed only where something differs, so
// that two hundred are redrawn within a frame or two.

import { STATES, stateOf, clean, nameOf, bits, bytes, percent, loss, link, duration } from "./text.js";

const GAP = 4;
// What the figure of a tile may be, by the name it has in the choice above the tiles.
export const FIGURES = {
  percent: ["Done", (m) => m.percent > 0 || m.state === "receiving" ? percent(m.percent) : "–"],
  rate: ["Rate", (m) => bits(m.rate_bits_s)],
  loss: ["Loss", (m) => loss(m.loss_ppm)],
  disk: ["Disk", (m) => `${bytes(m.disk_bytes_s)}/s`],
  link: ["Link", (m) => link(m.link_mbps)],
  eta: ["Time left", (m) => duration(m.eta_s)],
};
const OVER = { pass: "PASS", fail: "FAIL" };

// The size at which n tiles fill width x height best: as large as they go, wider than high.
export function layout(n, width, height) {
  let best = { columns: 1, w: 0, h: 0, score: -1 };
  for (let columns = 1; columns <= Math.max(1, n); columns++) {
    const rows = Math.ceil(Math.max(1, n) / columns);
    const w = Math.min(240, (width - GAP * (columns - 1)) / columns), h = Math.min(150, (height - GAP * (rows - 1)) / rows);
    const score = Math.min(w, h * 1.35);
    if (score > best.score) best = { columns, w: Math.floor(w), h: Math.floor(h), score };
  }
  return best;
}
function density({ w, h }) { return w >= 150 && h >= 104 ? "large" : w >= 92 && h >= 60 ? "middle" : "small"; }

export function describe(m) {
  const words = [`${m.number}`, nameOf(m), STATES[stateOf(m)][1]];
  if (!OVER[m.state]) words.push(percent(m.percent));
  if (m.cause) words.push(clean(m.cause));
  return words.join(", ");
}

function put(node, text) { if (node.data !== text) node.data = text; }
function element(kind, name, parent) {
  const made = document.createElement(kind);
  made.className = name;
  parent.append(made);
  return made;
}
function words(name, parent) { return element("span", name, parent).appendChild(document.createTextNode("")); }

class Tile {
  constructor(mac) {
    this.mac = mac;
    this.node = document.createElement("button");
    this.node.type = "button";
    this.node.className = "tile";
    this.node.tabIndex = -1;
    this.node.dataset.mac = mac;
    this.badge = words("badge", this.node);
    this.number = words("number", this.node);
    this.figure = words("figure", this.node);
    this.name = words("name", this.node);
    this.more = words("more", this.node);
    this.bar = element("i", "bar", this.node);
    this.last = null;
  }
  show(m, figure, full) {
    if (this.last === m && this.shown === figure && this.full === full) return;
    const state = stateOf(m), node = this.node;
    if (node.dataset.state !== state) node.dataset.state = state;
    const culprit = m.cause && state !== "fail" && state !== "pass" ? "yes" : "no";
    if (node.dataset.culprit !== culprit) node.dataset.culprit = culprit;
    const found = m.identify ? "yes" : "no";
    if (node.dataset.identify !== found) node.dataset.identify = found;
    put(this.badge, STATES[state][0]);
    put(this.number, String(m.number));
    put(this.figure, OVER[state] ?? FIGURES[figure][1](m));
    put(this.name, nameOf(m));
    if (full) put(this.more, state === "fail" || culprit === "yes" ? clean(m.cause)
      : state === "pass" ? clean(m.disk, 40) : `${bits(m.rate_bits_s)} · loss ${loss(m.loss_ppm)} · disk ${bytes(m.disk_bytes_s)}/s · ${link(m.link_mbps)} · ${duration(m.eta_s)}`);
    const part = state === "pass" || state === "fail" ? 100 : Math.max(0, Math.min(100, m.percent || 0));
    if (part !== this.part) this.bar.style.transform = `scaleX(${(this.part = part) / 100})`;
    const label = describe(m);
    if (label !== this.label) node.setAttribute("aria-label", this.label = label);
    this.last = m;
    this.shown = figure;
    this.full = full;
  }
}

export class Grid {
  // `opened(mac)` when a tile is pressed.
  constructor(host, opened) {
    this.host = host;
    this.tiles = new Map();
    this.order = [];
    this.full = false; // tiles are large enough for all figures
    this.focused = null;
    host.addEventListener("click", (e) => { const t = e.target.closest(".tile"); if (t) { this.focus(t.dataset.mac, false); opened(t.dataset.mac); } });
    host.addEventListener("keydown", (e) => this.key(e));
    host.addEventListener("focusin", (e) => { const t = e.target.closest(".tile"); if (t) this.focus(t.dataset.mac, false); });
    this.sized = new ResizeObserver(() => this.fit());
    this.sized.observe(host);
  }
  close() { this.sized.disconnect(); }

  // The machines in the order they are to stand in.
  update(machines, figure) {
    const there = new Set();
    const order = machines.map((m) => {
      there.add(m.mac);
      let tile = this.tiles.get(m.mac);
      if (!tile) this.tiles.set(m.mac, tile = new Tile(m.mac));
      tile.show(m, figure, this.full);
      return tile;
    });
    for (const [mac, tile] of this.tiles) if (!there.has(mac)) { tile.node.remove(); this.tiles.delete(mac); }
    this.arrange(order);
    if (!this.tiles.has(this.focused)) this.focus(order[0]?.mac ?? null, false);
  }
  // Moves only what does not stand where it should; whoever had the focus keeps it.
  arrange(order) {
    const had = this.host.contains(document.activeElement) ? document.activeElement : null;
    const same = order.length === this.order.length && order.every((t, i) => t === this.order[i]);
    if (!same) {
      order.forEach((tile, i) => {
        if (this.host.children[i] !== tile.node) this.host.insertBefore(tile.node, this.host.children[i] ?? null);
      });
      if (had?.isConnected) had.focus({ preventScroll: true });
    }
    const count = order.length !== this.order.length;
    this.order = order;
    if (count) this.fit();
  }
  fit() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height) return;
    const best = layout(this.order.length, width, height);
    this.columns = best.columns;
    this.host.style.setProperty("--columns", best.columns);
    this.host.style.setProperty("--w", `${best.w}px`);
    this.host.style.setProperty("--h", `${best.h}px`);
    this.host.dataset.density = density(best);
    this.full = density(best) === "large";
    if (this.full) for (const tile of this.order) tile.show(tile.last, tile.shown, true);
  }
  focus(mac, move = true) {
    if (this.focused !== mac) {
      const old = this.tiles.get(this.focused);
      if (old) old.node.tabIndex = -1;
      this.focused = mac;
      const now = this.tiles.get(mac);
      if (now) now.node.tabIndex = 0;
    }
    if (move) this.tiles.get(mac)?.node.focus();
  }
  key(e) {
    const at = this.order.findIndex((t) => t.mac === this.focused);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + this.columns, ArrowUp: at - this.columns, Home: 0, End: this.order.length - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    if (this.order[to]) this.focus(this.order[to].mac);
  }
}
