// The box itself: what it is called, how it is known, and tokens for programs.

import { html, useState } from "/lib/preact.js";
import { post } from "./api.js";
import { useRoom, useAction, Say } from "./parts.js";
import { clean, bytes, duration, time } from "./text.js";

export function Box() {
  const { box } = useRoom(), { said, busy, run } = useAction(), [name, setName] = useState(""), [token, setToken] = useState("");
  const rows = [["Name", box.name], ["Address", box.address], ["Version", box.version], ["Its clock", time(box.time)], ["Running for", duration(box.uptime_s)], ["Watch on other DHCP servers", box.guard_text || box.guard],
    ["Free for images", bytes(box.data_free_bytes)], ["Fingerprint of its certificate", box.fingerprint]];
  const make = (e) => { e.preventDefault(); setToken(""); run(async () => { setToken((await post("/tokens", { name })).token); }, "This is shown once. Who has it can do all that you can."); };
  return html`<main class="page"><h1>The box</h1><dl class="facts">${rows.map(([k, v]) => html`<dt>${k}</dt><dd><bdi>${clean(v, 200) || "–"}</bdi></dd>`)}</dl>
    <section><h2>A token for a program</h2><form class="line" onSubmit=${make}><label>What it is for <input required maxlength="40" value=${name} onInput=${(e) => setName(e.target.value)} /></label><button disabled=${busy}>Make</button></form>
      ${token && html`<p><code class="token">${token}</code></p>`}<${Say} ...${said} /></section>
    <section><h2>For programs</h2><p><a href="/api/v1/openapi.json">The interface</a>, <a href="/metrics">metrics</a>, <a href="/plain">a plain table of the room</a>.</p></section></main>`;
}
