// A person's browser: Debian's Chromium, driven by playwright-core. And what every test of the page wants to know.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { TOP } from "./mock.mjs";

const SKIP = 77;
export const PATIENCE = Number(process.env.PATIENCE ?? 1);
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function skip(why) { console.log(`skip: ${why}`); process.exit(SKIP); }

function playwright() {
  const home = execFileSync(path.join(TOP, "tools/deps"), ["path", "browser"], { encoding: "utf8" }).trim();
  if (!fs.existsSync(`${home}/.done`)) skip("playwright-core is not there: make e2e-programs fetches it");
  return createRequire(import.meta.url)(`${home}/playwright-core`);
}

export async function launch() {
  const executablePath = CHROMIUM.find((p) => fs.existsSync(p)) ?? skip("no chromium on this machine");
  return playwright().chromium.launch({ executablePath, timeout: 120000 * PATIENCE, args: ["--disable-dev-shm-usage", "--disable-gpu", "--no-sandbox", "--disable-component-update", "--no-pings"] });
}

// A fresh visitor. `wrong` collects whatever should never be: errors of scripts, refusals by the page's own policy.
export async function visit(browser, url, { timeout = 60000 * PATIENCE, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ignoreHTTPSErrors: true, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60000 * PATIENCE);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(`error: ${error.message}`));
  page.on("console", (m) => { if (/Content Security Policy|integrity/i.test(m.text())) page.wrong.push(m.text()); });
  page.on("dialog", (d) => { page.wrong.push(`dialog: ${d.message()}`); d.dismiss().catch(() => {}); });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error(`Content Security Policy: ${e.violatedDirective} ${e.blockedURI}`)));
  await page.goto(url, { waitUntil: "load", timeout });
  return page;
}

export async function login(page, password) {
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("nav a[aria-current]").waitFor();
}

// Keeps a button pressed until `seen`, as a person does who waits for it to be full.
export async function hold(button, seen) {
  await button.hover();
  await button.page().mouse.down();
  await seen();
  await button.page().mouse.up();
}

export async function until(what, words, seconds = 60) {
  const end = Date.now() + seconds * 1000 * PATIENCE;
  for (;;) {
    const found = await what();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${words}: not within ${seconds * PATIENCE} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// Runs `tests` ({name: function}) one after the other, told as TAP.
export async function runAll(tests, only = process.argv[2] ?? "") {
  let n = 0, failed = 0;
  const chosen = Object.entries(tests).filter(([name]) => name.includes(only));
  console.log(`1..${chosen.length}`);
  for (const [name, test] of chosen) {
    try {
      await test();
      console.log(`ok ${++n} - ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${++n} - ${name}\n${String(error.stack).replace(/^/gm, "# ")}`);
    }
  }
  return failed;
}

export function equal(got, expected, words) {
  if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`${words}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}
export function right(so, words) { if (!so) throw new Error(words); }
