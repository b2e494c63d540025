// Small pieces that several pages use.

import { html, useState, useRef, useEffect } from "/lib/preact.js";
import { room, watch } from "./live.js";

const HOLD = 1500; // ms: longer than any click, short enough to wait for

// The room, drawn anew when it changes; at most once a frame.
export function useRoom() {
  const [, again] = useState(0);
  useEffect(() => {
    let frame = 0;
    const stop = watch(() => { frame ||= requestAnimationFrame(() => { frame = 0; again((n) => n + 1); }); });
    return () => { stop(); cancelAnimationFrame(frame); };
  }, []);
  return room;
}

// A sentence about what was just done or refused; read aloud by a screen reader.
export function Say({ text, bad }) {
  return html`<p class="say ${bad ? "bad" : ""}" role=${bad ? "alert" : "status"}>${text ?? ""}</p>`;
}

// Runs `action`; what came of it is a sentence.
export function useAction() {
  const [said, say] = useState({});
  const [busy, setBusy] = useState(false);
  async function run(action, done = "") {
    setBusy(true);
    say({});
    try {
      const word = await action();
      say({ text: typeof word === "string" ? word : done });
      return true;
    } catch (error) {
      say({ text: error.message, bad: true });
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { said, busy, run, say };
}

// A button that wants to be held: by finger, mouse, or the keys space and enter. The pointer is captured: the room changes while it is
// held, and a button that moved away from under a finger would have been let go by nobody. Who cannot hold (a screen reader's click
// comes without either) is asked instead.
export function Hold({ label, sentence, onHeld, disabled, danger = true, id }) {
  const [holding, setHolding] = useState(false);
  const [hint, setHint] = useState("");
  const timer = useRef(0), touched = useRef(0);
  function begin() {
    if (disabled || timer.current) return;
    touched.current = Date.now();
    setHint("");
    setHolding(true);
    timer.current = setTimeout(() => { timer.current = 0; setHolding(false); onHeld(); }, HOLD);
  }
  function end() {
    if (!timer.current) return;
    clearTimeout(timer.current);
    timer.current = 0;
    touched.current = Date.now();
    setHolding(false);
    setHint("Released too early: nothing was started. Keep it pressed until it is full.");
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  const isKey = (e) => e.key === " " || e.key === "Enter";
  return html`<span class="hold-row"><button type="button" id=${id} class="hold ${danger ? "danger" : ""} ${holding ? "holding" : ""}" disabled=${disabled}
      onPointerDown=${(e) => { if (e.button === 0) { e.currentTarget.setPointerCapture(e.pointerId); begin(); } }} onPointerUp=${end} onPointerCancel=${end}
      onContextMenu=${(e) => e.preventDefault()}
      onKeyDown=${(e) => { if (isKey(e)) { e.preventDefault(); if (!e.repeat) begin(); } }} onKeyUp=${(e) => { if (isKey(e)) { e.preventDefault(); end(); } }} onBlur=${end}
      onClick=${(e) => { if (e.detail === 0 && Date.now() - touched.current > 1000 && confirm(sentence ?? label)) onHeld(); }}>
      <span class="fill"></span><span class="word">${label}</span></button><span class="hint" role="status">${hint}</span></span>`;
}

// A dialog in front of everything, closed by Escape.
export function Dialog({ title, onClose, children }) {
  const ref = useRef(null);
  useEffect(() => { const d = ref.current; d.showModal(); return () => d.close(); }, []);
  return html`<dialog ref=${ref} onClose=${onClose} onCancel=${onClose} aria-label=${title}><h2>${title}</h2>${children}</dialog>`;
}
