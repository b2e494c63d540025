// A person's evening with a full room, at the page of a real box: set-up, library, a session, two hundred machines in every state there
// is, a culprit, the report. Pictures of it all go to FOLDER.
//
//   node tests/web/room.mjs URL CODE IMAGE CAST FOLDER   CAST: the file in which tests/e2e/room_tool says who is in the room
//
// "The session is armed." on its output is when machines may come.

import fs from "node:fs";
import { launch, visit, hold, until, runAll, equal, right } from "./browser.mjs";

const [url, code, image, castFile, folder] = process.argv.slice(2), PASSWORD = "correct horse battery";
const NEVER = 3; // on the list of expected machines, and in nobody's room
const browser = await launch();
let page, cast;

async function part(name) {
  await page.evaluate((n) => { location.hash = `#/${n}`; }, name);
  await page.locator(`nav a[aria-current=page][href="#/${name}"]`).waitFor();
}
const shot = (name, more) => page.screenshot({ path: `${folder}/${name}.png`, ...more });
const labels = (which) => page.locator(`.tile${which}`).evaluateAll((all) => all.map((tile) => tile.getAttribute("aria-label")));
const states = () => page.locator(".tile").evaluateAll((all) => all.reduce((n, { dataset: { state } }) => ({ ...n, [state]: (n[state] ?? 0) + 1 }), {}));
const sorted = (counts) => Object.entries(counts).filter(([, n]) => n > 0).sort();

// Everything that is known of the first machine in that state whose tile says so.
async function machine(name, state, words, left = /\d (s|min)/) {
  const all = await labels(`[data-state=${state}]`), panel = page.locator(".machine");
  await page.locator(`.tile[data-state=${state}]`).nth(all.findIndex((l) => words.test(l))).click();
  await panel.locator(".cause").waitFor();
  right(words.test(await panel.locator(".cause").textContent()), `its culprit: ${words}`);
  right((await panel.locator("dt:text-is('Time left') + dd").textContent()).match(left), `its time left: ${left}`);
  const { x, y, width } = await panel.boundingBox();
  await shot(name, { clip: { x, y, width, height: 500 } });
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
}

// What is wrong with machines that are at it, in the page's words.
const CULPRITS = { cable: /The cable runs at 100 Mbit\/s; the stream goes at \d+ Mbit\/s/, disk: /The disk writes [\d.]+ MB\/s, the stream needs [\d.]+ MB\/s/,
  losses: /[\d.]+ % of the packets are lost on the way: look at the cable and the switch port/, machine: /The machine is slower than the stream: it drops [\d.]+ % of the packets/ };
const FAILURES = [/Failed: the target does not return what was written to it \(error -802\)/, /Failed: the target cannot be written \(error -906\)/, /Failed: nothing arrived for too long \(error -804\)/];

const tests = {
  "a box is set up, its library looked at, a session armed": async () => {
    page = await visit(browser, url);
    await page.getByLabel("Code from the box's screen").fill(code);
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("The same password again").fill(PASSWORD);
    await shot("setup");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.locator("nav a[aria-current]").waitFor();
    await part("library");
    await page.locator(`tr[data-image="${image}"]`).getByText("ready").waitFor();
    await shot("library");
    await part("start");
    await page.locator("select[name=image]").selectOption(image);
    await shot("session", { fullPage: true });
    await hold(page.locator("#arm"), () => page.locator(".watch").waitFor());
    await page.locator(".sessions").getByText(/running|waiting/).first().waitFor();
    console.log("# The session is armed.");
  },
  "every machine is there, in the state it is in": async () => {
    cast = await until(() => fs.existsSync(castFile) && fs.readFileSync(castFile, "utf8").endsWith("\n") && JSON.parse(fs.readFileSync(castFile, "utf8")), "the cast");
    await part("watch");
    equal(Object.keys(cast).length, 9, "states in the cast");
    await until(async () => JSON.stringify(sorted(await states())) === JSON.stringify(sorted(cast)), "every state as often as it is played", 120)
      .catch(async (error) => { throw new Error(`${error.message}: expected ${JSON.stringify(cast)}, got ${JSON.stringify(await states())}`); });
    for (const [state, n] of Object.entries(cast)) equal(await page.locator(`.chip[data-state=${state}] b`).textContent(), String(n), `the total of ${state}`);
  },
  "who is slow or has failed has a culprit in words": async () => {
    for (const [name, words] of Object.entries(CULPRITS))
      await until(async () => (await labels("[data-state=receiving][data-culprit=yes]")).some((l) => words.test(l)), `a culprit: ${name}`);
    const failed = await labels("[data-state=fail]");
    for (const words of FAILURES) right(failed.some((l) => words.test(l)), `nobody says ${words}: ${failed}`);
    for (const l of await labels("[data-state=lost]")) right(/fell silent/.test(l), `lost: ${l}`);
    for (const l of await labels("[data-state=left]")) right(/Stopped by somebody at the machine/.test(l), `left: ${l}`);
    await page.getByText(`${cast.booting + NEVER} never came`).waitFor(); // who only starts has not come
  },
  "the room, the wall, a machine that is slow and one that failed": async () => {
    await shot("room");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.keyboard.press("w");
    await page.locator(".top").waitFor({ state: "hidden" });
    right(await page.locator(".tile").last().isVisible(), "the last tile is on the wall");
    await shot("wall");
    await page.keyboard.press("w");
    await page.locator(".top").waitFor();
    await page.emulateMedia({ colorScheme: "light" });
    await machine("machine", "receiving", CULPRITS.cable);
    await machine("failed", "fail", FAILURES[0], "–");
  },
  "the report has who passed and who did not, and why": async () => {
    await part("report");
    await page.locator("main tbody tr").first().waitFor();
    equal(await page.locator("main tbody tr[data-state=pass]").count(), cast.pass, "rows of those that passed");
    await page.getByLabel("only those that did not pass").check();
    for (const words of ["the target cannot be written", "the target does not return what was written to it"])
      await page.locator("main tbody").getByText(words).first().waitFor();
    await page.getByLabel("only those that did not pass").uncheck();
    await page.setViewportSize({ width: 1600, height: 700 });
    await shot("report");
    equal(page.wrong, [], "what should never be seen in the console");
  },
};

let failed = 1;
try { failed = await runAll(tests, ""); } finally { await browser.close(); }
process.exit(failed ? 1 : 0);
