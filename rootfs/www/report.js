// What happened, one row an attempt; to be taken away in three formats.

import { html, useState, useEffect } from "/lib/preact.js";
import { get } from "./api.js";
import { Say } from "./parts.js";
import { clean, bytes, loss, time } from "./text.js";

const COLUMNS = [["attempt", "No."], ["result", "Result"], ["cause", "Cause"], ["mac", "MAC"], ["name", "Name"], ["machine_serial", "Serial"], ["disk_model", "Disk"], ["disk_serial", "Disk serial"], ["image", "Image"], ["version", "Version"],
  ["start", "Start", time], ["end", "End", time], ["bytes", "Bytes", bytes], ["loss_ppm", "Loss", loss], ["dropped_ppm", "Dropped", loss], ["repair_symbols", "Repair"], ["read_back", "Read back", (v) => v === true || v === "yes" ? "yes" : "no"]];

// An attempt that still runs is no failure.
const look = (result) => /^pass$/i.test(result) ? "pass" : /^running$/i.test(result) ? "receiving" : "fail";

export function Report() {
  const [rows, setRows] = useState(null), [trouble, setTrouble] = useState(""), [failed, setFailed] = useState(false);
  useEffect(() => { get("/report.json").then((all) => setRows(all.attempts ?? all.rows ?? all)).catch((e) => setTrouble(e.message)); }, []);
  const shown = (rows ?? []).filter((r) => !failed || !/^pass$/i.test(r.result));
  return html`<main class="page wide"><h1>Report</h1>
    <p class="buttons"><a class="button" href="/api/v1/report.csv" download="ringcast-report.csv">CSV</a> <a class="button" href="/api/v1/report.json" download="ringcast-report.json">JSON</a>
      <a class="button" href="/api/v1/report.html" target="_blank" rel="noopener">To print</a> <a class="button" href="/api/v1/access.log" download>Requests</a> <a class="button" href="/api/v1/report.pub" download="ringcast-report.pub">Key to verify</a> <label><input type="checkbox" checked=${failed} onChange=${(e) => setFailed(e.target.checked)} /> only those that did not pass</label></p>
    <${Say} text=${trouble} bad=${true} />
    ${rows && (shown.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Attempts"><table><thead><tr>${COLUMNS.map(([, title]) => html`<th scope="col">${title}</th>`)}</tr></thead>
      <tbody>${shown.map((r) => html`<tr data-state=${look(r.result)}>${COLUMNS.map(([key, , show]) => html`<td class=${key === "cause" ? "why" : null}><bdi>${show ? show(r[key]) : clean(r[key])}</bdi></td>`)}</tr>`)}</tbody></table></div>` : html`<p>Nothing to show.</p>`)}</main>`;
}
