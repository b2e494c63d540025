// Where the page begins: who is there, which part is shown, the line along the top.

import { html, render, useState, useEffect, useRef } from "/lib/preact.js";
import { request, get, post, forget } from "./api.js";
import * as live from "./live.js";
import { useRoom, useAction, Say, Dialog, Hold } from "./parts.js";
import { clean } from "./text.js";
import { Watch } from "./watch.js";
import { Start } from "./start.js";
import { Library } from "./library.js";
import { Machines } from "./machines.js";
import { Report } from "./report.js";
import { Box } from "./box.js";

const PAGES = { watch: ["Watch", Watch], start: ["Sessions", Start], library: ["Library", Library], machines: ["Machines", Machines],
  report: ["Report", Report], box: ["Box", Box] };
const KEYS = [["1 … 6", "the parts of this page"], ["/", "filter"], ["s", "next order"], ["t", "tiles or table"], ["w", "wall mode"], ["arrows", "from tile to tile"],
  ["Enter", "one machine in detail"], ["f", "find me: its screen flashes"], ["Esc", "back"], ["?", "this list"]];

function pageOf(hash) { const name = hash.slice(2); return Object.hasOwn(PAGES, name) ? name : "watch"; }

function theme() {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme ?? (dark ? "dark" : "light"), next = now === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  try { localStorage.setItem("ringcast.theme", next); } catch { /* it lasts until the page is loaded anew */ }
}

function Top({ page, help, leave }) {
  const room = useRoom(), box = room.box;
  return html`<header class="top"><a class="skip" href="#/${page}" onClick=${(e) => { e.preventDefault(); document.querySelector("main [tabindex='0'], main input, main button")?.focus(); }}>Skip to the content</a>
    <span class="brand">${clean(box.name || "ringcast", 40)}</span>
    <nav aria-label="Parts">${Object.entries(PAGES).map(([name, [title]], i) => html`<a href="#/${name}" aria-current=${name === page ? "page" : null} aria-keyshortcuts=${i + 1}>${title}</a>`)}</nav>
    ${room.connected ? html`<span class="guard" data-guard=${box.guard}><bdi>${clean(box.guard_text || box.guard, 60)}</bdi></span>`
      : html`<span class="guard" data-guard="gone" role="alert">no answer from the box; trying again</span>`}
    <button type="button" onClick=${theme}>Dark/light</button><button type="button" aria-label="Keys" onClick=${help}>?</button><button type="button" onClick=${leave}>Log out</button></header>
    ${box.hold && html`<p class="hold" role="alert"><bdi>${clean(box.hold, 500)}</bdi> <${Hold} label="Hold to lift it" sentence="Lift the hold? Sessions erase machines again." onHeld=${() => post("/hold/lift").catch(alert)} /></p>`}`;
}

function Help({ close }) {
  return html`<${Dialog} title="Keys" onClose=${close}><dl class="keys">${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <p class="buttons"><button type="button" autofocus onClick=${close}>Close</button></p><//>`;
}

function Inside({ leave }) {
  const [page, setPage] = useState(pageOf(location.hash)), [help, setHelp] = useState(false);
  const first = useRef(true);
  useEffect(() => {
    const changed = () => setPage(pageOf(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  useEffect(() => {
    document.title = `${PAGES[page][0]} – Ringcast`;
    if (!first.current) { const h = document.querySelector("main h1"); if (h) { h.tabIndex = -1; h.focus(); } }
    first.current = false;
  }, [page]);
  useEffect(() => {
    function key(e) {
      if (e.ctrlKey || e.metaKey || e.altKey || /^(input|select|textarea)$/i.test(e.target.tagName)) return;
      if (e.key === "?") setHelp(true);
      const name = Object.keys(PAGES)[Number(e.key) - 1];
      if (name) location.hash = `#/${name}`;
    }
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  const Part = PAGES[page][1];
  return html`<${Top} page=${page} help=${() => setHelp(true)} leave=${leave} /><${Part} key=${page} />${help && html`<${Help} close=${() => setHelp(false)} />`}`;
}

// One field or two, and a way in.
function Door({ title, lead, fields, verb, enter, other }) {
  const { said, busy, run } = useAction();
  const [values, setValues] = useState({});
  function submit(e) {
    e.preventDefault();
    run(() => enter(values));
  }
  return html`<main class="door"><h1>${title}</h1><p>${lead}</p><form onSubmit=${submit}>${fields.map((f, i) => html`<label>${f.label}
      <input name=${f.name} type=${f.type} autocomplete=${f.auto} minlength=${f.least} maxlength="200" required spellcheck=${false} autocapitalize=${f.name === "code" ? "characters" : "off"}
        autofocus=${i === 0} value=${values[f.name] ?? ""} onInput=${(e) => setValues({ ...values, [f.name]: e.target.value })} /></label>`)}
    <p class="buttons"><button class="primary" disabled=${busy}>${verb}</button></p><${Say} ...${said} /></form>${other}</main>`;
}

function Setup({ done, login }) {
  return html`<${Door} title="Set up this box" verb="Set the password" lead="The code is on the box's own screen, or on its serial port. It is good once, and only until a password is set."
    fields=${[{ name: "code", label: "Code from the box's screen", type: "text", auto: "one-time-code", least: 8 },
      { name: "password", label: "New password, at least 8 characters", type: "password", auto: "new-password", least: 8 },
      { name: "again", label: "The same password again", type: "password", auto: "new-password", least: 8 }]}
    enter=${async ({ code, password, again }) => {
      if (password !== again) throw new Error("The two passwords differ.");
      await post("/setup", { code: code.replace(/[\s-]/g, "").toUpperCase(), password });
      done();
    }} other=${html`<p><a href="#/login" onClick=${(e) => { e.preventDefault(); login(); }}>It has a password already: log in</a></p>`} />`;
}
function Login({ done, setup }) {
  return html`<${Door} title="Log in" verb="Log in" lead="The password that was chosen when this box was set up." fields=${[{ name: "password", label: "Password", type: "password", auto: "current-password" }]}
    enter=${async ({ password }) => { await post("/login", { password }); done(); }}
    other=${html`<p><a href="#/setup" onClick=${(e) => { e.preventDefault(); setup(); }}>A new box without a password: set it up</a></p>`} />`;
}

// Who is there? The box's state of health says whether it has a password; `session`, whether we are logged in.
async function whoIsThere() {
  const health = await get("/health").catch(() => ({}));
  if (health.password_set === false) return "setup";
  try { await get("/session"); return "inside"; } catch (error) { return error.status === 401 ? "login" : "away"; }
}

function App() {
  const [where, setWhere] = useState("");
  async function look() {
    const found = await whoIsThere();
    setWhere(found);
    if (found === "away") setTimeout(look, 2000);
  }
  useEffect(() => {
    look();
    const out = () => { live.stop(); setWhere((was) => was === "setup" ? was : "login"); };
    addEventListener("ringcast-login", out);
    return () => removeEventListener("ringcast-login", out);
  }, []);
  useEffect(() => { if (where === "inside") live.start(); else document.title = "Ringcast"; }, [where]);
  async function leave() {
    await request("POST", "/logout", { json: {} }).catch(() => {});
    forget();
    live.stop();
    setWhere("login");
  }
  const enter = () => setWhere("inside");
  switch (where) {
    case "inside": return html`<${Inside} leave=${leave} />`;
    case "setup": return html`<${Setup} key="setup" done=${enter} login=${() => setWhere("login")} />`;
    case "login": return html`<${Login} key="login" done=${enter} setup=${() => setWhere("setup")} />`;
    case "away": return html`<main class="door"><h1>The box does not answer</h1><p role="status">Trying again every two seconds.</p></main>`;
    default: return null;
  }
}

render(html`<${App} />`, document.getElementById("app"));
