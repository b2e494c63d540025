// The room at a glance: totals, sessions, tiles or a table, one machine in detail.

import { html, useState, useRef, useEffect, useLayoutEffect } from "/lib/preact.js";
import { post, part } from "./api.js";
import { useRoom, useAction, Say, Hold } from "./parts.js";
import { Grid, FIGURES } from "./grid.js";
import { STATES, SEVERITY, stateOf, clean, nameOf, bits, bytes, rate, percent, loss, link, duration, left } from "./text.js";

const ACTIVE = new Set(["booting", "joined", "manifest", "receiving", "verifying", "lost"]);
// Slowest: of those that work, whoever will be last; then who failed; then who is done.
function lateness(m) { return ACTIVE.has(stateOf(m)) ? m.eta_s >= 0 && m.eta_s !== null ? m.eta_s : 1e9 - (m.percent || 0) : m.state === "fail" ? -1 : -2; }
const SORTS = {
  number: ["by number", (a, b) => a.number - b.number],
  slowest: ["slowest first", (a, b) => lateness(b) - lateness(a)],
  state: ["by state", (a, b) => SEVERITY.indexOf(stateOf(a)) - SEVERITY.indexOf(stateOf(b))],
  loss: ["most loss first", (a, b) => (b.loss_ppm || 0) - (a.loss_ppm || 0)],
  disk: ["slowest disk first", (a, b) => (a.disk_bytes_s || 0) - (b.disk_bytes_s || 0)],
  name: ["by name", (a, b) => nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true })],
};
const COLUMNS = [["number", "No."], ["state", "State"], ["name", "Name"], ["percent", "Done"], ["rate", "Rate"], ["loss", "Loss"], ["disk", "Disk"],
  ["link", "Link"], ["eta", "Time left"], ["cause", "Cause"], ["mac", "MAC"]];

function matches(m, text) {
  return [m.number, m.name, m.asset, m.position, m.mac, m.serial, m.address, m.disk, m.disk_serial, m.cause, STATES[stateOf(m)][1]].join("\n").toLowerCase().includes(text);
}
export function chosen(room, { text, states, sort }) {
  const wanted = text.trim().toLowerCase();
  return [...room.machines.values()]
    .filter((m) => (states.size === 0 || states.has(stateOf(m))) && (!wanted || matches(m, wanted)))
    .sort((a, b) => SORTS[sort][1](a, b) || a.number - b.number);
}
function countStates(room) {
  const counts = {};
  for (const m of room.machines.values()) counts[stateOf(m)] = (counts[stateOf(m)] ?? 0) + 1;
  return counts;
}

function Totals({ room, states, toggle }) {
  const counts = countStates(room), totals = room.totals;
  return html`<div class="totals" role="group" aria-label="Machines by state; press to show only these">
    <strong class="all">${room.machines.size}<small> ${room.machines.size === 1 ? "machine" : "machines"}</small></strong>
    ${Object.keys(STATES).filter((s) => counts[s] || states.has(s) || s === "pass" || s === "fail").map((s) => html`
      <button type="button" class="chip" data-state=${s} aria-pressed=${states.has(s)} onClick=${() => toggle(s)}>
        <span class="badge">${STATES[s][0]}</span><b>${counts[s] ?? 0}</b> ${STATES[s][1]}</button>`)}
    ${totals.expected > 0 && html`<span class="expected">${totals.expected} expected${totals.never_came > 0 && html`, <b>${totals.never_came} never came</b>`}</span>`}
  </div>`;
}

function Sessions({ room }) {
  const active = room.sessions.filter((s) => s.state !== "done" && s.state !== "stopped");
  if (active.length === 0) return html`<p class="sessions none">No session runs. <a href="#/start">Start one</a></p>`;
  return html`<div class="sessions">${active.map((s) => html`<p key=${s.id} data-session=${s.id}>
    <b>${clean(s.image)}</b> <span class="state">${s.state}</span> ${clean(s.sentence, 200)}
    ${s.state === "running" && html`<span class="figures">${rate(s.rate_bits_s)} · ${clean(s.rate_reason, 100)}${left(s.eta_s)}</span>`}</p>`)}</div>`;
}

function Tiles({ machines, figure, open, grid }) {
  const host = useRef(null);
  useLayoutEffect(() => { grid.current = new Grid(host.current, open); return () => { grid.current.close(); grid.current = null; }; }, []);
  useLayoutEffect(() => { grid.current.update(machines, figure); });
  return html`<div class="tiles" ref=${host} role="group" aria-label="Machines"></div>`;
}

function cell(m, key) {
  if (key in FIGURES) return FIGURES[key][1](m);
  if (key === "state") return html`<span class="badge" data-state=${stateOf(m)}>${STATES[stateOf(m)][0]}</span> ${STATES[stateOf(m)][1]}`;
  if (key === "name") return html`<bdi>${nameOf(m)}</bdi>`;
  return html`<bdi>${clean(m[key])}</bdi>`;
}
function Rows({ machines, sort, setSort, open }) {
  return html`<div class="rows" tabindex="0" role="region" aria-label="Machines as a table"><table><thead><tr>
    ${COLUMNS.map(([key, title]) => html`<th scope="col" aria-sort=${sort === key ? "descending" : "none"}>${key in SORTS ? html`<button type="button" onClick=${() => setSort(key)}>${title}</button>` : title}</th>`)}</tr></thead>
    <tbody>${machines.map((m) => html`<tr key=${m.mac} data-state=${stateOf(m)} onClick=${() => open(m.mac)}>${COLUMNS.map(([key], i) => i === 0
      ? html`<th scope="row"><button type="button" class="link">${m.number}</button></th>` : html`<td>${cell(m, key)}</td>`)}</tr>`)}</tbody></table></div>`;
}

function Machine({ m, close }) {
  const { said, busy, run } = useAction();
  const ref = useRef(null);
  useLayoutEffect(() => { ref.current?.focus(); }, [m.mac]); // with the panel, not after it: a key pressed meanwhile is the panel's
  const rows = [["State", STATES[stateOf(m)][1]], ["Done", percent(m.percent)], ["Time left", duration(m.eta_s)], ["Rate", rate(m.rate_bits_s)], ["Loss", loss(m.loss_ppm)], ["Dropped", loss(m.dropped_ppm)],
    ["Disk writes", `${bytes(m.disk_bytes_s)}/s`], ["Link", link(m.link_mbps)], ["Address", m.address], ["MAC", m.mac], ["Serial", m.serial], ["Asset tag", m.asset],
    ["Position", m.position], ["Disk", m.disk], ["Disk serial", m.disk_serial]];
  const path = `/machines/${part(m.mac)}`;
  return html`<aside class="machine" aria-label="Machine ${m.number}" onKeyDown=${(e) => { if (e.key === "Escape") { e.stopPropagation(); close(); } }}>
    <h2 tabindex="-1" ref=${ref}><span class="badge" data-state=${stateOf(m)}>${STATES[stateOf(m)][0]}</span> ${m.number} <bdi>${nameOf(m)}</bdi></h2>
    ${m.cause && html`<p class="cause" data-state=${stateOf(m)}><bdi>${clean(m.cause, 300)}</bdi></p>`}
    <dl>${rows.filter(([, v]) => v !== "" && v !== undefined).map(([k, v]) => html`<dt>${k}</dt><dd><bdi>${clean(v)}</bdi></dd>`)}</dl>
    <p class="buttons">
      <button type="button" class="find" aria-pressed=${!!m.identify} disabled=${busy} onClick=${() => run(() => post(`${path}/identify`, { on: !m.identify }), m.identify ? "Its screen is calm again." : "Its screen flashes now.")}>${m.identify ? "Stop flashing" : "Find me"}</button>
      ${(m.state === "pass" || m.state === "fail" || m.state === "lost" || m.state === "left") && html`<${Hold} label="Image again" sentence="Erase this machine when it next starts from the network?" disabled=${busy} onHeld=${() => run(async () => (await post(`${path}/arm`)).sentence)} />`}
      <button type="button" onClick=${close}>Close</button></p>
    <${Say} ...${said} /></aside>`;
}

export function Watch() {
  const room = useRoom();
  const [text, setText] = useState(""), [states, setStates] = useState(new Set()), [sort, setSort] = useState("number");
  const [figure, setFigure] = useState("percent"), [table, setTable] = useState(false), [wall, setWall] = useState(false), [open, setOpen] = useState(null);
  const grid = useRef(null), filter = useRef(null);
  const machines = chosen(room, { text, states, sort });
  const toggle = (s) => setStates((old) => { const now = new Set(old); now.delete(s) || now.add(s); return now; });
  function close() { setOpen(null); grid.current?.focus(open); }
  function mural(on) {
    setWall(on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  }
  useEffect(() => { document.documentElement.dataset.wall = wall ? "yes" : "no"; return () => { delete document.documentElement.dataset.wall; }; }, [wall]);
  useEffect(() => {
    const changed = () => { if (!document.fullscreenElement) setWall(false); };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  useEffect(() => {
    function key(e) {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "Escape") { if (open) close(); else if (wall) mural(false); else if (document.activeElement === filter.current) { setText(""); grid.current?.focus(grid.current.focused); } return; }
      if (/^(input|select|textarea)$/i.test(e.target.tagName)) return;
      const sorts = Object.keys(SORTS);
      const does = {
        "/": () => filter.current?.focus(), w: () => mural(!wall), t: () => setTable((was) => !was),
        s: () => setSort((was) => sorts[(sorts.indexOf(was) + 1) % sorts.length]),
        f: () => { const m = room.machines.get(open ?? grid.current?.focused); if (m) post(`/machines/${part(m.mac)}/identify`, { on: !m.identify }).catch(() => {}); },
      }[e.key];
      if (does) { e.preventDefault(); does(); }
    }
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  const machine = open && room.machines.get(open);
  return html`<main class="watch"><h1 class="away">Watch</h1>
    <${Totals} room=${room} states=${states} toggle=${toggle} />
    <${Sessions} room=${room} />
    <div class="tools" role="search">
      <input type="search" ref=${filter} placeholder="Filter ( / )" aria-label="Filter by name, MAC, serial, place, cause" value=${text} onInput=${(e) => setText(e.target.value)} />
      <label>Order <select value=${sort} onChange=${(e) => setSort(e.target.value)}>${Object.entries(SORTS).map(([key, [title]]) => html`<option value=${key}>${title}</option>`)}</select></label>
      <label>Show <select value=${figure} onChange=${(e) => setFigure(e.target.value)}>${Object.entries(FIGURES).map(([key, [title]]) => html`<option value=${key}>${title}</option>`)}</select></label>
      <button type="button" aria-pressed=${table} onClick=${() => setTable(!table)}>Table (t)</button>
      <button type="button" aria-pressed=${wall} onClick=${() => mural(!wall)}>Wall (w)</button>
      ${machines.length !== room.machines.size && html`<span role="status">${machines.length} of ${room.machines.size} shown</span>`}
    </div>
    ${machines.length === 0 && html`<p class="empty">${room.machines.size === 0 ? "No machine has started from this box yet. Switch one on with network start." : "No machine fits the filter."}</p>`}
    ${table ? html`<${Rows} machines=${machines} sort=${sort} setSort=${setSort} open=${setOpen} />` : html`<${Tiles} machines=${machines} figure=${figure} open=${setOpen} grid=${grid} />`}
    ${machine && html`<${Machine} m=${machine} close=${close} />`}
  </main>`;
}
