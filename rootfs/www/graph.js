// What each session sends, in Mbit/s over the last hour. The library is loaded when there is something to draw.

import { html, useRef, useEffect } from "/lib/preact.js";
import { clean } from "./text.js";

let loading = null;
function library() {
  loading ??= new Promise((ready, failed) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/lib/uplot.css" });
    const script = Object.assign(document.createElement("script"), { src: "/lib/uplot.js", onload: () => ready(window.uPlot), onerror: failed });
    document.head.append(style, script);
  });
  return loading;
}
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LINES = ["--accent", "--pass", "--verifying", "--lost"];

const clock = (s) => new Date(s * 1000).toLocaleTimeString([], { hour12: false });

function data(room, ids) {
  return [room.rates.map((r) => r.second), ...ids.map((id) => room.rates.map((r) => (r.by.get(id) ?? 0) / 1e6))];
}

export function Graph({ room }) {
  const host = useRef(null), plot = useRef(null);
  const sessions = room.sessions.filter((s) => s.state === "running" || s.state === "suspended"), ids = sessions.map((s) => s.id);
  useEffect(() => {
    let gone = false;
    if (ids.length) library().then((Plot) => {
      if (gone || !host.current) return;
      const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
      plot.current = new Plot({ width: Math.max(280, host.current.clientWidth), height: 180, legend: { show: true }, cursor: { drag: { x: false, y: false } },
        axes: [{ ...axis, values: (_, all) => all.map(clock) }, { ...axis, label: "Mbit/s", labelSize: 20, size: 60 }], scales: { x: { range: (_, first, last) => [Math.min(first, last - 60), last] }, y: { range: (_, __, most) => [0, Math.max(10, most * 1.1)] } },
        series: [{ value: (_, s) => s ? clock(s) : "–" }, ...sessions.map((s, i) => ({ label: clean(s.image, 40), stroke: colour(LINES[i % LINES.length]), width: 2, dash: i >= LINES.length ? [6, 4] : undefined }))] }, data(room, ids), host.current);
    }).catch(() => {});
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(280, host.current.clientWidth), height: 180 }));
    sized.observe(host.current);
    return () => { gone = true; sized.disconnect(); plot.current?.destroy(); plot.current = null; };
  }, [ids.join()]);
  useEffect(() => { plot.current?.setData(data(room, ids)); });
  return html`<div class="graph" ref=${host} role="img" aria-label="Rate of each session over the last hour; the figures are in the list above"></div>`;
}
