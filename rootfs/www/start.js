// Sessions: what runs, and a new one under one plain sentence.

import { html, useState, useEffect, useRef } from "/lib/preact.js";
import { get, post } from "./api.js";
import { useRoom, useAction, Say, Hold } from "./parts.js";
import { clean, rate, duration, plural, time, left } from "./text.js";
import { Graph } from "./graph.js";

const RULES = { now: "at once", ready: "when so many machines are ready", at: "at a time of day, by the clock of this computer", quiet: "when nobody has joined for some minutes" };
const KEEP = { running: ["suspend", "stop"], waiting: ["start", "stop"], suspended: ["resume", "stop"], stopped: [], done: [] };
const WORDS = { start: "Start now", suspend: "Suspend", resume: "Go on", stop: "Stop" };

// Seconds until a clock in this browser shows "22:00" the next time. The box's own clock may be wrong, and knows no time zone.
export function until(at, now = new Date()) {
  const [hours, minutes] = (at || "0:0").split(":").map(Number), then = new Date(now);
  then.setHours(hours, minutes, 0, 0);
  if (then <= now) then.setDate(then.getDate() + 1);
  return Math.max(1, Math.round((then - now) / 1000));
}

// What will happen, in one sentence, before anything does.
export function sentence({ image, targets, rule, n, at, minutes }, expected) {
  const who = targets === "expected" ? `each of the ${plural(expected, "expected machine")} that starts` : "every machine that starts";
  const when = { now: "It begins at once.", ready: `It begins when ${plural(n, "machine")} are ready.`, at: at ? `It begins at ${at} by your clock, in ${duration(until(at))}.` : "It begins at ….",
    quiet: `It begins ${plural(minutes, "minute")} after the last machine joined.` }[rule];
  return `This erases the internal disk of ${who} from the network on this switch, and writes ${image ? clean(image, 60) : "…"} to it. ${when}`;
}

function Session({ s }) {
  const { said, busy, run } = useAction();
  const send = (verb) => run(() => post(`/sessions/${s.id}/${verb}`));
  return html`<li class="session" data-state=${s.state}><h3>${clean(s.image)} <small>${clean(s.version)}</small> <span class="state">${s.state}</span></h3>
    <p>${clean(s.sentence, 300)}</p>
    <p class="figures">${plural(s.machines ?? 0, "machine")}: <b>${s.passed ?? 0} PASS</b>, <b>${s.failed ?? 0} FAIL</b>${s.state === "running" && html` · ${rate(s.rate_bits_s)}${s.rate_reason && html` (${clean(s.rate_reason, 160)})`} · repair ${((s.repair_ppm || 0) / 1e4).toFixed(1)} %${left(s.eta_s)}`}${s.armed_until && html` · armed until ${time(s.armed_until)}`}</p>
    <p class="buttons">${(s.planned ? KEEP[s.state] ?? [] : []).map((verb) => verb === "stop" ? html`<${Hold} label="Hold to stop" sentence="Stop this session?" disabled=${busy} onHeld=${() => send(verb)} />`
      : verb === "start" ? html`<${Hold} label="Hold to start now" sentence=${clean(s.sentence, 300)} disabled=${busy} onHeld=${() => send(verb)} />`
      : html`<button type="button" disabled=${busy} onClick=${() => send(verb)}>${WORDS[verb]}</button>`)}</p><${Say} ...${said} /></li>`;
}

function Arm({ room }) {
  const { said, busy, run } = useAction();
  const [images, setImages] = useState(null);
  const [plan, setPlan] = useState({ image: "", targets: "all", rule: "now", n: 10, at: "22:00", minutes: 5, rate: "", arm: 480, include: false });
  const set = (part) => setPlan((old) => ({ ...old, ...part }));
  useEffect(() => { get("/images").then((all) => {
    const ready = all.filter((i) => i.state === "ready");
    setImages(ready);
    if (ready.length) set({ image: ready[0].name });
  }).catch(() => setImages([])); }, []);
  const number = (name, label, least, most) => html`<label>${label} <input type="number" min=${least} max=${most} value=${plan[name]} onInput=${(e) => set({ [name]: Number(e.target.value) })} /></label>`;
  const expected = room.totals.expected ?? 0, text = sentence(plan, expected);
  async function arm() {
    const start = { rule: plan.rule };
    if (plan.rule === "ready") start.n = plan.n;
    if (plan.rule === "at") Object.assign(start, { at: plan.at, in_s: until(plan.at) });
    if (plan.rule === "quiet") start.minutes = plan.minutes;
    await post("/sessions", { image: plan.image, start, rate: plan.rate ? Math.round(plan.rate * 1e6) : "auto", targets: plan.targets, include: plan.include, arm_minutes: plan.arm + Math.ceil((start.in_s ?? 0) / 60) });
    location.hash = "#/watch";
  }
  if (images === null) return html`<p>Reading the library …</p>`;
  if (images.length === 0) return html`<p>There is no image yet. <a href="#/library">Put one into the library</a> first.</p>`;
  return html`<form class="arm" onSubmit=${(e) => e.preventDefault()}>
    <label>Image <select name="image" value=${plan.image} onChange=${(e) => set({ image: e.target.value })}>${images.map((i) => html`<option value=${i.name}>${clean(i.name, 60)} ${clean(i.version, 30)}</option>`)}</select></label>
    <fieldset><legend>Which machines</legend>
      <label><input type="radio" name="targets" checked=${plan.targets === "all"} onChange=${() => set({ targets: "all" })} /> every machine that starts from the network</label>
      <label><input type="radio" name="targets" disabled=${expected === 0} checked=${plan.targets === "expected"} onChange=${() => set({ targets: "expected" })} /> only those on the list of expected machines (${expected})</label>
      <label><input type="checkbox" name="include" checked=${plan.include} onChange=${() => set({ include: !plan.include })} /> also those that have this image already</label></fieldset>
    <fieldset><legend>When it begins</legend>${Object.entries(RULES).map(([rule, words]) => html`<label><input type="radio" name="rule" value=${rule} checked=${plan.rule === rule} onChange=${() => set({ rule })} /> ${words}</label>`)}
      ${plan.rule === "ready" && number("n", "Machines", 1, 1000)}${plan.rule === "quiet" && number("minutes", "Minutes", 1, 240)}
      ${plan.rule === "at" && html`<label>Time <input type="time" value=${plan.at} onInput=${(e) => set({ at: e.target.value })} /></label>`}</fieldset>
    <details><summary>More</summary><label>Rate in Mbit/s; empty: as fast as all can <input type="number" min="1" max="10000" value=${plan.rate} onInput=${(e) => set({ rate: e.target.value })} /></label>
      ${number("arm", "Armed for so many minutes; then new machines are refused", 1, 10080)}</details>
    <p class="sentence" id="sentence">${text}</p>
    <p><${Hold} id="arm" label="Hold to arm" sentence=${text} disabled=${busy || !plan.image} onHeld=${() => run(arm)} /></p><${Say} ...${said} /></form>`;
}

export function Start() {
  const room = useRoom();
  const open = room.sessions.filter((s) => s.state !== "done" && s.state !== "stopped"), over = room.sessions.filter((s) => !open.includes(s));
  return html`<main class="page"><h1>Sessions</h1>
    <section><h2>Now</h2>${open.length ? html`<ul class="list">${open.map((s) => html`<${Session} key=${s.id} s=${s} />`)}</ul><${Graph} room=${room} />` : html`<p>No session runs or waits.</p>`}</section>
    <section><h2>A new session</h2><${Arm} room=${room} /></section>
    ${over.length > 0 && html`<section><h2>Over</h2><ul class="list">${over.map((s) => html`<${Session} key=${s.id} s=${s} />`)}</ul></section>`}</main>`;
}
