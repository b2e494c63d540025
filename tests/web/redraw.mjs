// Two hundred machines change at once, again and again: from the event's arrival to the layout that shows it, in the page itself.
// One line for tests/bench/run; in between as many frames as the browser likes.

import { Mock, PASSWORD } from "./mock.mjs";
import { launch, visit, login, until } from "./browser.mjs";

const ROUNDS = 120, WARM = 20, GOAL = 50; // ms at the 95th percentile

// In the page: each event is taken, and the frame that draws it is timed: scripts, style and layout of all tiles.
function measure() {
  window.redraws = [];
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => frame((at) => {
    const began = performance.now();
    draw(at);
    // Preact draws behind the frame's callback: its turn is the next task, and ours the one behind it.
    setTimeout(() => setTimeout(() => {
      for (const tile of document.querySelectorAll(".tile")) tile.getBoundingClientRect();
      window.redraws.push(performance.now() - began);
    }));
  });
}

const mock = await new Mock().listen(), browser = await launch();
let status = 1;
try {
  const page = await visit(browser, mock.url);
  await login(page, PASSWORD);
  await until(async () => await page.locator(".tile").count() === 200, "all tiles", 60);
  await page.evaluate(measure);
  for (let i = 0; i < ROUNDS; i++) {
    const before = await page.evaluate(() => window.redraws.length);
    const state = ["receiving", "verifying", "pass", "fail"][i % 4];
    mock.change(mock.machines.map((m, j) => ({ ...m, state: j % 3 ? state : "receiving", percent: (i * 7 + j) % 100, rate_bits_s: 5e8 + i * 1e6 + j, loss_ppm: i * j, eta_s: 900 - i, cause: (i + j) % 5 ? "" : `The disk writes ${i} MB/s` })));
    await until(async () => await page.evaluate((n) => window.redraws.length > n, before), "a redraw");
  }
  const times = (await page.evaluate(() => window.redraws)).slice(WARM).sort((a, b) => a - b);
  const p95 = times[Math.floor(times.length * 0.95)], median = times[times.length >> 1];
  status = 0;
  console.log(`page, 200 tiles redrawn, p95 of ${times.length}\t<= ${GOAL} ms\t${p95.toFixed(1)} ms (median ${median.toFixed(1)} ms)\t${p95 <= GOAL ? "pass" : "FAIL"}`);
} finally {
  await browser.close();
  await mock.close();
}
process.exit(status);
