// The images on the box: what is there, a file dropped here, one fetched from a web server, checks, and farewells.

import { html, useState, useEffect, useRef } from "/lib/preact.js";
import { request, get, post, part } from "./api.js";
import { useRoom, useAction, Say, Dialog, Hold } from "./parts.js";
import { clean, bytes, percent } from "./text.js";
import { Upload } from "./upload.js";

const uploads = []; // they go on while another part of the page is shown
const OVER = ["done", "failed", "cancelled", "checked"]; // nothing more is sent
const COMING = { asking: "asks the server for it", receiving: "waits for the rest", checking: "is checked", failed: "failed" };
const STATES = { ready: "ready", packing: "being packed", verifying: "being checked", bad: "bad" };
function nameFrom(file) { return file.name.replace(/\.(img|raw|bin|iso|ring|dd)$/i, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 48) || "image"; }

function Row({ image: i, changed }) {
  const { said, busy, run } = useAction();
  const [asks, setAsks] = useState(false);
  return html`<tr data-image=${i.name}><th scope="row"><bdi>${clean(i.name, 60)}</bdi> <small><bdi>${clean(i.version, 30)}</bdi></small>${i.note && html`<div class="note"><bdi>${clean(i.note, 200)}</bdi></div>`}</th>
    <td>${STATES[i.state] ?? i.state}${i.state === "bad" && i.cause && html`: <bdi>${clean(i.cause, 200)}</bdi>`}${(i.state === "packing" || i.state === "verifying") && html` <progress max="100" value=${i.percent ?? 0} aria-label="${i.state}"></progress> ${percent(i.percent)}`}${i.state !== "bad" && i.cause && html`<div class="note"><bdi>${clean(i.cause, 200)}</bdi></div>`}<${Say} ...${said} /></td>
    <td>${bytes(i.bytes)}</td><td>${bytes(i.raw_bytes)}</td><td>${bytes(i.used_bytes)}</td><td>${bytes(i.min_target_bytes)}</td><td><bdi>${clean(i.signer, 40) || "–"}</bdi></td>
    <td><code>${clean(i.root, 80).slice(0, 12) || "–"}</code></td>
    <td class="buttons"><button type="button" disabled=${busy || i.state !== "ready" && i.state !== "bad"} onClick=${() => run(() => post(`/images/${part(i.name)}/verify`).then(changed), "It is read and hashed now.")}>Verify</button>
      <button type="button" disabled=${busy || i.protected} onClick=${() => setAsks(true)}>Delete …</button>${asks && html`<${Delete} image=${i} close=${() => setAsks(false)} changed=${changed} />`}</td></tr>`;
}

function Delete({ image, close, changed }) {
  const { said, busy, run } = useAction();
  const [name, setName] = useState("");
  const sure = async (e) => {
    e.preventDefault();
    if (await run(() => request("DELETE", `/images/${part(image.name)}`, { json: { name } }))) { close(); changed(); }
  };
  return html`<${Dialog} title="Delete an image" onClose=${close}><form onSubmit=${sure}><p>This deletes <b><bdi>${clean(image.name, 60)}</bdi></b> from the box for good.</p>
    <label>Type its name <input name="name" autocomplete="off" spellcheck=${false} value=${name} onInput=${(e) => setName(e.target.value)} autofocus /></label>
    <p class="buttons"><button class="danger" disabled=${busy || name !== image.name}>Delete</button> <button type="button" onClick=${close}>Keep it</button></p><${Say} ...${said} /></form><//>`;
}

function Going({ u, drop }) {
  const part = u.file.size ? 100 * u.offset / u.file.size : 100, over = OVER.includes(u.state);
  return html`<li class="upload" data-state=${u.state}><b>${clean(u.name, 60)}</b> <progress max="100" value=${part} aria-label="Upload of ${u.name}"></progress> <span class="percent">${percent(part)}</span>
    of ${bytes(u.file.size)}${u.state === "sending" && u.rate > 0 && html` at ${bytes(u.rate)}/s`} <span role="status">${u.word}</span>
    ${!over && (u.state === "paused" ? html`<button type="button" onClick=${() => u.resume()}>Go on</button>` : html`<button type="button" onClick=${() => u.pause()}>Pause</button>`)}
    <button type="button" onClick=${drop}>${over ? "Away" : "Cancel"}</button></li>`;
}

// What the box itself says of files on their way: fetched ones, and those whose browser has left.
function Coming({ all, changed }) {
  const { said, busy, run } = useAction();
  const others = all.filter((u) => !uploads.some((mine) => String(mine.id) === String(u.id) && ["sending", "waiting", "paused"].includes(mine.state)));
  return html`<ul class="list" aria-label="On their way">${others.map((u) => html`<li key=${u.id} data-upload=${u.id}><b><bdi>${clean(u.name, 60)}</bdi></b> ${COMING[u.state] ?? clean(u.state)}
    ${u.state !== "failed" && html` <progress max="100" value=${u.state === "receiving" && u.bytes ? 100 * u.offset / u.bytes : u.percent} aria-label=${`Progress of ${clean(u.name, 60)}`}></progress>`} ${bytes(u.offset)} of ${bytes(u.bytes)} <bdi>${clean(u.cause, 200)}</bdi>
    <button type="button" disabled=${busy} onClick=${() => run(() => request("DELETE", `/uploads/${part(u.id)}`).then(changed))}>Away</button></li>`)}</ul><${Say} ...${said} />`;
}

function Add({ changed }) {
  const [, again] = useState(0), [file, setFile] = useState(null), [over, setOver] = useState(false), [words, setWords] = useState({ name: "", version: "", note: "" });
  const alive = useRef(true);
  useEffect(() => { alive.current = true; for (const u of uploads) u.changed = draw; return () => { alive.current = false; }; }, []);
  function draw() { if (alive.current) again((n) => n + 1); }
  function pick(f) { if (f) { setFile(f); setWords({ name: nameFrom(f), version: "", note: "" }); } }
  function send(e) {
    e.preventDefault();
    const u = new Upload(file, words, draw);
    uploads.push(u);
    u.run().then(() => { if (u.state === "done") changed(); draw(); });
    setFile(null);
  }
  const drop = (u) => async () => { if (!OVER.includes(u.state)) await u.cancel(); uploads.splice(uploads.indexOf(u), 1); draw(); };
  const field = (name, label, more) => html`<label>${label} <input name=${name} value=${words[name]} onInput=${(e) => setWords({ ...words, [name]: e.target.value })} ...${more} /></label>`;
  return html`<section><h2>Add an image</h2>
    <div class="drop ${over ? "over" : ""}" onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${(e) => { e.preventDefault(); setOver(false); pick(e.dataTransfer.files[0]); }}>
      <label>Drop a disk image here, or choose one: <input type="file" onChange=${(e) => pick(e.target.files[0])} /></label><p class="note">A raw disk (.img), or one packed before (.ring). Or plug a USB stick with images into the box. Files in the folder images beside ringcast.conf are found when the box starts.</p></div>
    ${file && html`<form class="name" onSubmit=${send}><p><bdi>${clean(file.name, 80)}</bdi>, ${bytes(file.size)}</p>${field("name", "Name", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", maxlength: 48, title: "letters, digits, . _ -" })}
      ${field("version", "Version", { maxlength: 31 })}${field("note", "Note", { maxlength: 120 })}<p class="buttons"><button class="primary">Upload</button> <button type="button" onClick=${() => setFile(null)}>Not this one</button></p></form>`}
    <ul class="list" aria-label="Uploads">${uploads.map((u) => html`<${Going} key=${u} u=${u} drop=${drop(u)} />`)}</ul></section>`;
}

// What somebody has plugged into the box. A name that is there or on its way already is not copied again.
function Sticks({ sticks, taken, changed }) {
  const { said, busy, run } = useAction();
  return html`<section><h2>On the USB stick</h2>${sticks.map((s) => html`<h3><bdi>${clean(s.label, 60)}</bdi> <small><bdi>${clean(s.device, 30)}</bdi></small></h3>
    ${s.cause ? html`<p><bdi>${clean(s.cause, 200)}</bdi></p>` : s.looking ? html`<p>It is being looked at.</p>` : !s.files.length && html`<p>No .ring and no raw disk in it, nor in its folder images.</p>`}
    <ul class="list" aria-label="Images on ${clean(s.label || s.device, 60)}">${s.files.map((f) => html`<li key=${f.path} data-path=${f.path}><b><bdi>${clean(f.path, 80)}</bdi></b> ${bytes(f.bytes)}
      <button type="button" disabled=${busy || taken.has(f.name)} onClick=${() => run(() => post("/imports", { stick: s.stick, path: f.path, name: f.name }).then(changed), "It is being copied; leave the stick in.")}>${taken.has(f.name) ? "On the box" : "Copy to the box"}</button></li>`)}</ul>`)}<${Say} ...${said} /></section>`;
}

function Pull({ changed }) {
  const { said, busy, run } = useAction();
  const [url, setUrl] = useState(""), [name, setName] = useState(""), [fingerprint, setPrint] = useState("");
  const go = (e) => { e.preventDefault(); run(() => post("/pulls", fingerprint ? { url, name, fingerprint } : { url, name }).then(changed), "The box fetches it."); };
  return html`<section><h2>Fetch from a web server</h2><form class="line" onSubmit=${go}><label>Address <input type="url" name="url" required placeholder="https://" value=${url} onInput=${(e) => setUrl(e.target.value)} /></label>
    <label>Name <input name="pull" required maxlength="48" value=${name} onInput=${(e) => setName(e.target.value)} /></label>
    <label>Fingerprint <input name="fingerprint" maxlength="95" placeholder="of the server, if no authority vouches" value=${fingerprint} onInput=${(e) => setPrint(e.target.value)} /></label><button disabled=${busy}>Fetch</button></form><${Say} ...${said} /></section>`;
}

// Folders that other systems boot from: one comes file by file, and is published when the box has all of it.
function Trees() {
  const { said, busy, run, say } = useAction(), [trees, setTrees] = useState([]), [replace, setReplace] = useState(false);
  const load = () => get("/trees").then(setTrees).catch(() => {});
  useEffect(() => { load(); }, []);
  const send = (files) => files.length && run(async () => {
    const name = part(files[0].webkitRelativePath.split("/")[0]);
    let n = 0, sum = 0;
    for (const file of files) {
      const path = file.webkitRelativePath.split("/").slice(1);
      say({ text: `${++n} of ${files.length}: ${path.join("/")}` });
      await request("PUT", `/trees/${name}/${path.map(part).join("/")}`, { body: file }).catch((e) => { e.message = `${path.join("/")}: ${e.message}`; throw e; });
      sum += file.size;
    }
    return (await post(`/trees/${name}`, { files: n, bytes: sum, replace })).text;
  }).then(load);
  const drop = (t) => run(() => request("DELETE", `/trees/${part(t.name)}`, { json: { name: t.name, partial: t.state === "partial" } })).then(load);
  return html`<section><h2>Boot trees</h2><p class="note">A folder NAME with another system's boot loader is /data/trees/NAME for an entry of ringcast.conf.</p>
    <p><label>Folder <input type="file" webkitdirectory disabled=${busy} onChange=${(e) => { send([...e.target.files]); e.target.value = ""; }} /></label> <label><input type="checkbox" checked=${replace} onChange=${(e) => setReplace(e.target.checked)} /> Replace one of that name</label></p><${Say} ...${said} />
    <ul class="list" aria-label="Boot trees">${trees.map((t) => html`<li key=${t.name + t.state} data-tree=${t.name}><b>${clean(t.name, 40)}</b> ${t.state === "partial" ? "not whole" : t.state}: ${t.files} files, ${bytes(t.bytes)} <bdi>${clean(t.entry || t.cause, 200)}</bdi>
      <${Hold} label="Hold to delete" sentence="Delete this tree?" disabled=${busy} onHeld=${() => drop(t)} /></li>`)}</ul></section>`;
}

export function Library() {
  const room = useRoom();
  const [images, setImages] = useState(null), [coming, setComing] = useState([]), [sticks, setSticks] = useState([]), [trouble, setTrouble] = useState("");
  const load = () => Promise.all([get("/images"), get("/uploads"), get("/sticks")]).then(([all, on, plugged]) => { setImages(all); setComing(on); setSticks(plugged); setTrouble(""); }).catch((e) => setTrouble(e.message));
  useEffect(() => { load(); const timer = setInterval(load, 3000); return () => clearInterval(timer); }, []);
  return html`<main class="page"><h1>Library</h1>${room.box.data_free_bytes >= 0 && html`<p>${bytes(room.box.data_free_bytes)} free on the box.</p>`}<${Say} text=${trouble} bad=${true} />
    ${images && (images.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Images"><table class="images"><thead><tr>${["Image", "State", "Size", "Disk", "Used", "Least target", "Signed by", "Root", ""].map((t) => html`<th scope="col">${t}</th>`)}</tr></thead>
      <tbody>${images.map((i) => html`<${Row} key=${i.name} image=${i} changed=${load} />`)}</tbody></table></div>` : html`<p>The library is empty.</p>`)}
    <${Coming} all=${coming} changed=${load} />${sticks.length > 0 && html`<${Sticks} sticks=${sticks} changed=${load} taken=${new Set([...images ?? [], ...coming.filter((u) => u.state !== "failed")].map((i) => i.name))} />`}<${Add} changed=${load} /><${Pull} changed=${load} /><${Trees} /></main>`;
}
