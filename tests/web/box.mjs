// A person's way through the page of a real box.
//
//   node tests/web/box.mjs URL CODE   a box without a password, whose screen shows CODE

import { launch, visit, login, runAll, equal, right } from "./browser.mjs";

const [url, code] = process.argv.slice(2), PASSWORD = "correct horse battery";
const browser = await launch();
let page;

const tests = {
  "a wrong code is told, the right one opens the box": async () => {
    page = await visit(browser, url);
    await page.getByLabel("Code from the box's screen").fill("22222222");
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("The same password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("this is not the code").waitFor();
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
    await page.getByText("the password is wrong").waitFor();
    await login(page, PASSWORD);
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
