// The list of expected machines, and waking them.

import { html, useState, useEffect } from "/lib/preact.js";
import { request, get, post } from "./api.js";
import { useRoom, useAction, Say } from "./parts.js";
import { plural } from "./text.js";

export function Machines() {
  const room = useRoom(), { said, busy, run } = useAction(), [text, setText] = useState(null);
  useEffect(() => { get("/expected").then((csv) => setText(typeof csv === "string" ? csv : "")).catch(() => setText("")); }, []);
  const save = () => run(() => request("PUT", "/expected", { body: text, headers: { "Content-Type": "text/csv" } }), "The list is kept.");
  const read = async (file) => { if (file) setText(await file.text()); };
  return html`<main class="page"><h1>Expected machines</h1>
    <p>A list is not needed. With one, the box knows who never came, what each machine is called, and which image it gets.</p>
    ${room.totals.expected > 0 && html`<p>${plural(room.totals.expected, "machine")} expected, <b>${room.totals.never_came ?? 0} never came</b>.</p>`}
    <label>One machine a line: MAC,name,asset,position,image,host name <textarea rows="14" spellcheck=${false} disabled=${text === null} value=${text ?? ""} onInput=${(e) => setText(e.target.value)}></textarea></label>
    <p><label>From a file <input type="file" accept=".csv,text/csv,text/plain" onChange=${(e) => read(e.target.files[0])} /></label></p>
    <p class="buttons"><button type="button" class="primary" disabled=${busy || text === null} onClick=${save}>Keep this list</button>
      <button type="button" disabled=${busy || !(room.totals.expected > 0)} onClick=${() => run(() => post("/wake", { macs: "expected" }), "Each was sent a packet that wakes it.")}>Wake them all</button></p>
    <${Say} ...${said} /></main>`;
}
