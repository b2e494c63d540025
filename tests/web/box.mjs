// A person's way through the page of a real box.
//
//   node tests/web/box.mjs URL CODE DISK   a box without a password, whose screen shows CODE; DISK: a raw disk image to upload

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { launch, visit, login, hold, runAll, equal, right } from "./browser.mjs";

const [url, code, disk] = process.argv.slice(2), PASSWORD = "correct horse battery";
const browser = await launch();
let page;

const tests = {
  "a wrong code is told, the right one opens the box": async () => {
    page = await visit(browser, url);
    await page.getByLabel("Code from the box's screen").fill("22222222");
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("The same password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("this is not the code").first().waitFor();
    await page.getByLabel("Code from the box's screen").fill(code);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.locator("nav a[aria-current]").waitFor();
  },
  "a reload stays inside, and what it sends is believed": async () => {
    await page.reload();
    await page.locator("nav a[aria-current]").waitFor();
    await page.evaluate(() => { location.hash = "#/box"; });
    await page.getByLabel("What it is for").fill("script");
    await page.getByRole("button", { name: "Make" }).click();
    right((await page.locator(".token").textContent()).length >= 32, "a token");
  },
  "logging out ends it; a wrong password is told, the right one opens": async () => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password").fill("wrong horse");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("the password is wrong").first().waitFor();
    await login(page, PASSWORD);
  },
  "a disk is uploaded, its line cut on the way, and packed by the box": async () => {
    await page.goto(`${url}/#/library`);
    let cut = false; // the first piece is lost half way: the browser's connection ends under it
    await page.route("**/api/v1/uploads/*", async (route) => {
      if (route.request().method() !== "PUT" || cut) return route.continue();
      cut = true;
      return route.abort("connectionreset");
    });
    await page.locator(".drop input").setInputFiles(disk);
    await page.getByLabel("Name", { exact: true }).first().fill("small");
    await page.getByLabel("Note").fill("</td><script>alert(1)</script>");
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByText("It is on the box").first().waitFor({ timeout: 120000 });
    right(cut, "no line was cut");
    await page.locator("tr[data-image=small]").getByText("ready").waitFor({ timeout: 180000 });
  },
  "a folder is uploaded as a boot tree, and deleted": async () => {
    const top = fs.mkdtempSync(path.join(os.tmpdir(), "tree-"));
    fs.mkdirSync(path.join(top, "efi"));
    fs.writeFileSync(path.join(top, "efi", "a b.efi"), Buffer.alloc(3000000));
    fs.writeFileSync(path.join(top, "empty"), "");
    await page.locator("input[webkitdirectory]").setInputFiles(top);
    await page.getByText("it is given out when an entry").waitFor();
    const row = page.locator(`li[data-tree=${path.basename(top)}]`);
    await row.getByText("ready: 2 files").waitFor();
    await hold(row.locator(".hold"), () => row.waitFor({ state: "detached" }));
    fs.rmSync(top, { recursive: true });
  },
  "a session is armed by holding, and stopped": async () => {
    await page.goto(`${url}/#/start`);
    await page.locator("select[name=image]").selectOption("small");
    await hold(page.locator("#arm"), () => page.locator(".watch").waitFor());
    await page.locator(".sessions").getByText(/running|waiting/).first().waitFor();
    await page.goto(`${url}/#/start`);
    await page.locator("li.session[data-state=running]").waitFor();
    await hold(page.getByRole("button", { name: "Hold to stop" }), () => page.locator("li.session[data-state=stopped]").waitFor());
  },
  "the image is deleted by typing its name": async () => {
    await page.goto(`${url}/#/library`);
    await page.locator("tr[data-image=small]").getByRole("button", { name: "Delete …" }).click();
    await page.getByLabel("Type its name").fill("small");
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("The library is empty.").first().waitFor({ timeout: 60000 });
  },
  "without scripts: the password in a form, then the plain table": async () => {
    const plain = await visit(browser, `${url}/`, { javaScriptEnabled: false });
    await plain.waitForURL("**/plain");
    await plain.getByLabel("Password").fill("wrong horse");
    await plain.getByRole("button", { name: "Log in" }).click();
    await plain.getByText("the password is wrong").first().waitFor();
    await plain.goto(`${url}/plain`);
    await plain.getByLabel("Password").fill(PASSWORD);
    await plain.getByRole("button", { name: "Log in" }).click();
    await plain.locator("table").waitFor();
    await plain.getByText("0 machines: 0 waiting").first().waitFor();
    equal(plain.wrong, [], "what should never be seen in the console");
    await plain.context().close();
  },
  "the box's policy refused nothing of its own page": async () => {
    for (const name of ["start", "library", "machines", "report", "box", "watch"]) {
      await page.evaluate((n) => { location.hash = `#/${n}`; }, name);
      await page.locator(`nav a[aria-current=page][href="#/${name}"]`).waitFor();
    }
    equal(page.wrong, [], "what should never be seen in the console");
  },
};

let failed = 1;
try { failed = await runAll(tests, ""); } finally { await browser.close(); }
process.exit(failed ? 1 : 0);
