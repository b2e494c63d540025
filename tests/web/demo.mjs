// A person at the box's page while the lab runs: does what a line of standard input says, and answers each with a line of JSON,
// {"ok":true} or {"ok":false,"why":".."}. Pictures go to FOLDER.
//
//   node tests/web/demo.mjs URL FOLDER
//     setup CODE | library IMAGE | start IMAGE | shot NAME | report NAME | quit

import readline from "node:readline";
import { launch, visit, hold, until, PATIENCE } from "./browser.mjs";

const [url, folder] = process.argv.slice(2), PASSWORD = "correct horse battery";
const LIMIT = 120000 * PATIENCE; // ms for one thing to happen: the box is a machine that is emulated

let browser, page;
const shot = (name, fullPage = false) => page.screenshot({ path: `${folder}/page-${name}.png`, fullPage });
async function part(name) {
  await page.evaluate((n) => { location.hash = `#/${n}`; }, name);
  await page.locator(`nav a[aria-current=page][href="#/${name}"]`).waitFor();
}

const does = {
  async setup(code) {
    browser = await launch();
    page = await visit(browser, url, { timeout: LIMIT });
    page.setDefaultTimeout(LIMIT);
    await page.getByLabel("Code from the box's screen").fill(code);
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("The same password again").fill(PASSWORD);
    await shot("1-setup");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.locator("nav a[aria-current]").waitFor();
  },
  async library(image) {
    await part("library");
    await page.locator(`tr[data-image="${image}"]`).getByText("ready").waitFor();
    await shot("2-library");
  },
  async start(image) {
    await part("start");
    await page.locator("select[name=image]").selectOption(image);
    await shot("3-start", true);
    await hold(page.locator("#arm"), () => page.locator(".watch").waitFor());
    await page.locator(".sessions").getByText(/running|waiting/).first().waitFor();
  },
  // A machine says PASS on its own screen a moment before the box has heard it.
  async shot(name, state) {
    const some = page.locator(state ? `.tile[data-state=${state}]` : ".tile");
    await part("watch");
    await until(async () => await some.count() > 0, `a tile ${state ?? ""}`, LIMIT / 1000 / PATIENCE);
    await shot(name);
  },
  async report(name) {
    await part("report");
    await page.locator("main tbody tr").first().waitFor();
    await shot(name);
  },
  async quit() { await browser?.close(); },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.trim().split(" ");
  let answer;
  try {
    await does[word](...rest);
    answer = page?.wrong.length ? { ok: false, why: page.wrong.splice(0).join("; ") } : { ok: true };
  } catch (error) {
    await page?.screenshot({ path: `${folder}/page-trouble.png` }).catch(() => {});
    answer = { ok: false, why: String(error.message).split("\n")[0] };
  }
  console.log(JSON.stringify({ word, ...answer }));
  if (word === "quit") process.exit(0);
}
await browser?.close();
