// What a person does with the page, from the first code to the morning's report, against a box made of memory.
//
//   tests/web/page.sh [WORD]   the tests whose name holds WORD

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Mock, machine, CODE, PASSWORD } from "./mock.mjs";
import { launch, visit, login, hold, until, runAll, equal, right } from "./browser.mjs";
import { poorContrast } from "./contrast.mjs";

const PARTS = ["watch", "start", "library", "machines", "report", "box"];
const browser = await launch();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ringcast-page."));
let mock, page;

// A box with a room, somebody who looks at it, and what must hold of every visit: nothing refused, nothing thrown.
function given(options, told) {
  return async () => {
    mock = await new Mock(options).listen();
    try {
      page = await visit(browser, mock.url, options?.visitor);
      if (options?.setUp !== false) {
        await login(page, PASSWORD);
        if (options?.machines !== 0) await tiles().first().waitFor();
      }
      await told();
      equal(page.wrong, options?.wrong ?? [], "what should never be seen in the console");
    } catch (error) {
      await page?.screenshot({ path: path.join(process.env.TMPDIR ?? folder, "failed.png") }).catch(() => {});
      throw error;
    } finally {
      await page?.context().close();
      await mock.close();
    }
  };
}
const part = async (name) => { await page.evaluate((n) => { location.hash = `#/${n}`; }, name); await page.locator("main h1").waitFor({ state: "attached" }); };
const tiles = () => page.locator(".tile");
const numbers = () => page.locator(".tile .number").allTextContents();
const asked = (method, start) => mock.asked.filter((r) => r.method === method && r.path.startsWith(start));
function someFile(name, bytes) {
  const file = path.join(folder, name), data = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i += 4096) data.writeUInt32LE(i / 4096, i);
  fs.writeFileSync(file, data);
  return { file, data };
}
async function choose(file) {
  await page.locator(".drop input").setInputFiles(file);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
}

const tests = {
  "a new box is set up with the code on its screen": given({ setUp: false, machines: 0 }, async () => {
    await page.getByLabel("Code from the box's screen").fill("WRONG234");
    await page.getByLabel("New password").fill("a long password");
    await page.getByLabel("The same password again").fill("another password");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("The two passwords differ.").first().waitFor();
    equal(asked("POST", "/setup").length, 0, "requests before the passwords agree");
    await page.getByLabel("The same password again").fill("a long password");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("That is not the code").first().waitFor();
    await page.getByLabel("Code from the box's screen").fill("abcd-2345");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("No machine has started").first().waitFor();
    equal(asked("POST", "/setup").at(-1).json, { code: CODE, password: "a long password" }, "the order");
  }),

  "login: a wrong password is told, a reload stays inside, logging out ends it": given({ setUp: false }, async () => {
    mock.setUp = true;
    await page.reload();
    await page.getByLabel("Password").fill("no");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("That is not the password.").first().waitFor();
    await login(page, PASSWORD);
    await page.reload();
    await page.locator(".totals").waitFor();
    await part("box");
    await page.getByLabel("What it is for").fill("script");
    await page.getByRole("button", { name: "Make" }).click();
    await page.getByText("rc_secret").first().waitFor(); // the token against forged requests outlived the reload
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password").waitFor();
    equal(await tiles().count(), 0, "tiles after logging out");
  }),

  "an image is uploaded, cut in the middle, and goes on where the box has it": given({}, async () => {
    const { file, data } = someFile("win 11.img", 20 << 20);
    mock.cutAt = 11 << 20;
    await part("library");
    await choose(file);
    await page.getByText("It is on the box").first().waitFor();
    const u = mock.uploads.get("1");
    equal([u.name, u.bytes], ["win-11", data.length], "what was announced");
    right(Buffer.concat(u.chunks).equals(data), "the bytes on the box are not those of the file");
    const offsets = mock.asked.filter((r) => r.method === "PUT").map((r) => r.offset);
    right(offsets.some((o) => o % (8 << 20) !== 0), `a piece went on from where the line was cut, got offsets ${offsets}`);
    await page.locator("tr[data-image=win-11]").getByText("being packed").waitFor();
  }),

  "an upload goes on after the page was loaded anew": given({}, async () => {
    const { file, data } = someFile("big.img", 20 << 20);
    await part("library");
    await page.route("**/api/v1/uploads/1", (route) => route.request().method() === "PUT" && Number(route.request().headers()["upload-offset"]) > 0 ? route.abort() : route.continue());
    await choose(file);
    await page.getByText("The line was cut").first().waitFor();
    await page.reload();
    await page.unroute("**/api/v1/uploads/1");
    await page.locator(".drop input").waitFor();
    await choose(file);
    await page.getByText("It is on the box").first().waitFor();
    equal(asked("POST", "/uploads").length, 1, "uploads announced");
    right(Buffer.concat(mock.uploads.get("1").chunks).equals(data), "the bytes on the box are not those of the file");
  }),

  "a folder is uploaded as a tree, file by file, and a refusal is told; a tree is deleted": given({}, async () => {
    const top = path.join(folder, "esxi");
    fs.mkdirSync(path.join(top, "efi boot"), { recursive: true });
    fs.writeFileSync(path.join(top, "boot.cfg"), "kernel");
    fs.writeFileSync(path.join(top, "efi boot", "a.efi"), "loader");
    await part("library");
    mock.treeFull = true;
    await page.locator("input[webkitdirectory]").setInputFiles(top);
    await page.getByText("there is no room").waitFor();
    equal(asked("POST", "/trees").length, 0, "published after a refusal");
    mock.treeFull = false;
    await page.locator("input[webkitdirectory]").setInputFiles(top);
    await page.getByText("it is given out from now on").waitFor();
    equal([...mock.treeFiles.keys()].sort(), ["esxi/boot.cfg", "esxi/efi boot/a.efi"], "the files");
    equal(asked("POST", "/trees").at(-1).json, { files: 2, bytes: 12, replace: false }, "what was announced");
    await hold(page.locator("li[data-tree=esxi] .hold"), () => until(() => mock.trees.length === 0, "the tree is gone"));
    await page.locator("li[data-tree=esxi]").waitFor({ state: "detached" });
    equal(asked("DELETE", "/trees").at(-1).json, { name: "esxi", partial: false }, "the order");
  }),

  "an upload whose browser has left is shown with what the box says of it, and taken away": given({}, async () => {
    mock.uploads.set("7", { name: "half", bytes: 4e9, offset: 1e9, chunks: [] });
    mock.uploads.set("8", { name: "wrong", bytes: 4096, offset: 4096, chunks: [], cause: "expected a disk image, got text" });
    await part("library");
    await page.locator("[data-upload='7']").getByText("waits for the rest").waitFor();
    await page.locator("[data-upload='8']").getByText("expected a disk image, got text").waitFor();
    await page.locator("[data-upload='8']").getByRole("button", { name: "Away" }).click();
    await page.locator("[data-upload='8']").waitFor({ state: "detached" });
  }),

  "a stick that is plugged in shows what is on it, and an image is copied": given({}, async () => {
    await part("library");
    await page.getByText("Drop a disk image here").first().waitFor();
    equal(await page.getByText("On the USB stick").count(), 0, "sections about sticks while there is none");
    mock.sticks = [{ stick: 0, device: "sdb1", label: "Maker <b>Stick</b>", looking: false, left_out: 0, cause: "", files: [{ path: "debian.ring", name: "debian", bytes: 1.3e9 }, { path: "images/win\u202e 11.img", name: "win 11", bytes: 4e9 }] },
      { stick: 1, device: "sdc", label: "", looking: false, left_out: 0, cause: "expected FAT32, exFAT or ext4", files: [] }];
    await page.getByText("Maker <b>Stick</b>").waitFor();
    await page.getByText("expected FAT32, exFAT or ext4").waitFor();
    right(await page.locator("[data-path='debian.ring'] button").isDisabled(), "an image of that name is there already and can be copied again");
    await page.getByRole("button", { name: "Copy to the box" }).click();
    await page.locator("[data-upload='9']").getByText("waits for the rest").waitFor();
    equal(asked("POST", "/imports").map((r) => r.json), [{ stick: 0, path: "images/win\u202e 11.img", name: "win 11" }], "the order");
    await until(async () => await page.getByRole("button", { name: "Copy to the box" }).count() === 0, "what is on its way is not copied again");
  }),

  "an image is fetched from a web server, by its certificate's fingerprint if one is given": given({}, async () => {
    await part("library");
    const form = page.locator("form", { has: page.getByRole("button", { name: "Fetch" }) });
    await form.getByLabel("Address").fill("https://images.example/win.ring");
    await form.getByLabel("Name").fill("win");
    await form.getByRole("button", { name: "Fetch" }).click();
    await until(() => asked("POST", "/pulls").length === 1, "the first order");
    await form.getByLabel("Fingerprint").fill("AB:CD");
    await form.getByRole("button", { name: "Fetch" }).click();
    await until(() => asked("POST", "/pulls").length === 2, "the second order");
    const order = { url: "https://images.example/win.ring", name: "win" };
    equal(asked("POST", "/pulls").map((r) => r.json), [order, { ...order, fingerprint: "AB:CD" }], "the orders");
  }),

  "a full box says so and nothing is tried again": given({}, async () => {
    await part("library");
    await page.route("**/api/v1/uploads", (route) => route.fulfill({ status: 507, contentType: "application/problem+json", body: '{"detail":"The disk of the box is full."}' }));
    await choose(someFile("a.img", 1 << 20).file);
    await page.getByRole("alert").getByText("The disk of the box is full.").waitFor();
  }),

  "an image is deleted by typing its name": given({}, async () => {
    await part("library");
    await page.getByRole("button", { name: "Delete …" }).click();
    const sure = page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true });
    await page.getByLabel("Type its name").fill("debia");
    right(await sure.isDisabled(), "Delete can be pressed with half of the name");
    await page.getByLabel("Type its name").fill("debian");
    await sure.click();
    await page.getByText("The library is empty.").first().waitFor();
    equal(asked("DELETE", "/images/debian").map((r) => r.json), [{ name: "debian" }], "the order");
  }),

  "a session is armed by holding, under one plain sentence": given({ machines: 0 }, async () => {
    await part("start");
    const arm = page.locator("#arm");
    await arm.waitFor();
    equal(await page.locator("#sentence").textContent(), "This erases the internal disk of every machine that starts from the network on this switch, and writes debian to it. It begins at once.", "the sentence");
    await arm.click({ delay: 700 });
    await page.getByText("Released too early").first().waitFor();
    equal(asked("POST", "/sessions").length, 0, "sessions after a mere click");
    await page.getByLabel("when so many machines are ready").check();
    await page.getByLabel("Machines", { exact: true }).fill("12");
    await page.getByText("It begins when 12 machines are ready.").first().waitFor();
    await hold(arm, () => until(() => asked("POST", "/sessions").length === 1, "the order to arm"));
    const { image, start, targets } = asked("POST", "/sessions")[0].json;
    equal({ image, start, targets }, { image: "debian", start: { rule: "ready", n: 12 }, targets: "all" }, "the order");
    await page.locator(".sessions").getByText("waiting").waitFor();
  }),

  "a hold is seen, and lifted by holding": given({}, async () => {
    const banner = page.locator("p.hold");
    equal(await banner.count(), 0, "banners without a hold");
    mock.hold = "The memory of the box was lost: it erases nothing until a person decides.";
    mock.change([]);
    await banner.getByText("it erases nothing until a person decides").waitFor();
    const lift = banner.getByRole("button", { name: "Hold to lift it" });
    await lift.click({ delay: 700 });
    await banner.getByText("Released too early").waitFor();
    equal(asked("POST", "/hold/lift").length, 0, "decisions after a mere click");
    await hold(lift, () => until(() => asked("POST", "/hold/lift").length === 1, "the hold is lifted"));
    await banner.waitFor({ state: "detached" });
  }),

  "a bad image says its cause first": given({}, async () => {
    mock.images[0] = { ...mock.images[0], state: "bad", cause: "the disk does not give chunk 7: Input/output error" };
    await part("library");
    equal(await page.locator("tr[data-image=debian] td").first().textContent(), "bad: the disk does not give chunk 7: Input/output error", "the state of the image");
  }),

  "a session is suspended, resumed and stopped": given({}, async () => {
    await part("start");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Suspend" }).waitFor();
    await page.locator(".graph canvas").waitFor();
    await hold(page.getByRole("button", { name: "Hold to stop" }), () => until(() => mock.sessions[0].state === "stopped", "the session has stopped"));
  }),

  "a button that moves while it is held is held all the same": given({}, async () => {
    mock.sessions[0].state = "waiting";
    mock.change([]);
    await part("start");
    await hold(page.getByRole("button", { name: "Hold to stop" }), async () => {
      mock.sessions[0].state = "running"; // other buttons stand beside it now, and more lines above
      mock.sessions[0].sentence = "It goes on. ".repeat(20);
      mock.change([]);
      await page.getByRole("button", { name: "Suspend" }).waitFor();
      await until(() => mock.sessions[0].state === "stopped", "the session has stopped", 15);
    });
  }),

  "two hundred tiles stand on one screen, whole and without scrolling": given({}, async () => {
    await until(async () => await tiles().count() === 200, "all tiles");
    for (const [width, height] of [[1280, 800], [1920, 1080], [1024, 768]]) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      const out = await page.evaluate(() => [...document.querySelectorAll(".tile")].filter((t) => {
        const r = t.getBoundingClientRect(), host = t.parentElement.getBoundingClientRect();
        return r.width < 40 || r.height < 28 || r.right > host.right + 1 || r.bottom > Math.min(host.bottom, innerHeight) + 1 || t.querySelector(".figure").scrollWidth > t.clientWidth;
      }).map((t) => t.getAttribute("aria-label")));
      equal(out, [], `tiles that are cut or too small at ${width}x${height}`);
      equal(await page.evaluate(() => document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth), false, "the page scrolls");
    }
  }),

  "a state has a letter and a shape besides its colour": given({}, async () => {
    const seen = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".tile")].map((t) => {
      const badge = t.querySelector(".badge"), style = getComputedStyle(badge);
      return [t.dataset.state, `${badge.textContent} ${style.clipPath} ${style.borderRadius}`];
    })));
    equal(Object.keys(seen).length, 9, "states in the room");
    const letters = Object.values(seen).map((s) => s[0]), shapes = Object.values(seen).map((s) => s.slice(2));
    equal(new Set(letters).size, 9, "letters that differ");
    right(new Set(shapes).size >= 7, `shapes that differ: ${[...new Set(shapes)]}`);
  }),

  "events change tiles, and machines come and go": given({}, async () => {
    mock.change([machine(4, "fail", { cause: "The disk writes 41 MB/s, the stream needs 110 MB/s" }), machine(200, "joined")]);
    await page.locator(".tile[data-mac='52:54:00:00:00:04'][data-state=fail]").waitFor();
    await until(async () => await tiles().count() === 201, "the new machine's tile");
    mock.machines.pop();
    mock.change([], { gone: [machine(200).mac] });
    await until(async () => await tiles().count() === 200, "the tile that is gone");
    await page.locator(".tile[data-mac='52:54:00:00:00:04']").click();
    await page.locator(".machine .cause").getByText("41 MB/s").waitFor();
  }),

  "the box starts anew: the page says so, comes back by itself, and shows no old state": given({}, async () => {
    await until(async () => await tiles().count() === 200, "all tiles");
    const { port } = mock;
    await mock.close();
    await page.getByText("no answer from the box").first().waitFor();
    mock.begin(3);
    mock.machines = [machine(0, "joined"), machine(1, "receiving"), machine(2, "receiving")];
    await mock.listen(port);
    await until(async () => await tiles().count() === 3, "the tiles of the new start", 40);
    equal(await page.locator(".tile[data-state=fail]").count(), 0, "old failures");
    await until(async () => await page.locator(".guard[data-guard=serving]").count() === 1, "the line along the top is calm again");
    mock.change([machine(0, "pass")]);
    await page.locator(".tile[data-state=pass]").waitFor();
  }),

  "a box that falls silent is told of within ten seconds, though its line stays": given({}, async () => {
    await page.locator(".guard[data-guard=serving]").waitFor();
    mock.deaf = true;
    const since = Date.now();
    await page.getByText("no answer from the box").first().waitFor({ timeout: 20000 });
    right(Date.now() - since < 10500, `the page knows after ${Date.now() - since} ms`);
    mock.deaf = false;
    await until(async () => await page.locator(".guard[data-guard=serving]").count() === 1, "the line is made anew", 40);
  }),

  "an upload's row ends with the box's verdict": given({}, async () => {
    await part("library");
    await choose(someFile("one.img", 1 << 20).file);
    const row = page.getByRole("list", { name: "Uploads" }).locator(".upload").first();
    await row.getByText("which checks it now").waitFor();
    mock.verdict = { state: "failed", cause: "expected a disk image, got a web page" };
    await row.getByText("got a web page").waitFor();
    equal(await row.getAttribute("data-state"), "failed", "the row's state");
    mock.verdict = { state: "ready", cause: "" };
    await choose(someFile("two.img", 1 << 20).file);
    await page.getByRole("list", { name: "Uploads" }).locator(".upload[data-state=done]").getByText("It is ready").waitFor();
  }),

  "sorted by slowest, whoever is last stands first": given({}, async () => {
    mock.machines = [machine(0, "pass"), machine(1, "receiving", { eta_s: 60 }), machine(2, "receiving", { eta_s: 900 }), machine(3, "fail"), machine(4, "receiving", { eta_s: 300 }), machine(5, "joined", { eta_s: null, percent: 0 })];
    mock.send("status", mock.status());
    await until(async () => await tiles().count() === 6, "six tiles");
    await page.getByLabel("Order").selectOption("slowest");
    await until(async () => (await numbers()).join() === "6,3,5,2,4,1", `the order (${await numbers()})`);
  }),

  "filters: by text, by state, together": given({}, async () => {
    await until(async () => await tiles().count() === 200, "all tiles");
    await page.getByRole("searchbox").fill("row 3");
    await until(async () => await tiles().count() === 20, "one row of seats");
    await page.locator(".chip[data-state=fail]").click();
    await until(async () => (await page.locator(".tile").count()) === (await page.locator(".tile[data-state=fail]").count()), "only failures");
    await page.getByRole("searchbox").fill("nothing like that");
    await page.getByText("No machine fits the filter.").first().waitFor();
  }),

  "the table shows what the tiles show": given({}, async () => {
    await page.getByRole("button", { name: "Table (t)" }).click();
    await until(async () => await page.locator(".rows tbody tr").count() === 200, "all rows");
    await page.locator(".rows thead").getByRole("button", { name: "Loss" }).click();
    equal(await page.locator("th[aria-sort=descending]").textContent(), "Loss", "the column it is sorted by");
  }),

  "wall mode shows totals and tiles alone": given({}, async () => {
    await page.keyboard.press("w");
    await page.locator(".top").waitFor({ state: "hidden" });
    right(await page.locator(".totals").isVisible() && await tiles().nth(199).isVisible(), "totals and tiles are there");
    await page.keyboard.press("w");
    await page.locator(".top").waitFor();
  }),

  "everything by the keyboard alone": given({}, async () => {
    await until(async () => await tiles().count() === 200, "all tiles");
    await page.keyboard.press("/");
    equal(await page.evaluate(() => document.activeElement.type), "search", "what has the focus after /");
    await page.keyboard.type("pc-00");
    await until(async () => await tiles().count() === 9, "nine machines");
    await page.keyboard.press("Escape");
    await until(async () => await tiles().count() === 200, "all of them again");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowLeft");
    const columns = await page.evaluate(() => Number(document.querySelector(".tiles").style.getPropertyValue("--columns")));
    equal(await page.evaluate(() => document.activeElement.querySelector(".number").textContent), String(columns + 1), "the tile below the first");
    await page.keyboard.press("Enter");
    await page.locator(".machine").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".machine").waitFor({ state: "detached" });
    equal(await page.evaluate(() => document.activeElement.className), "tile", "where the focus went back to");
    await page.keyboard.press("f");
    await until(() => asked("POST", "/machines/").length === 1, "find me");
    await page.keyboard.press("s");
    equal(await page.getByLabel("Order").inputValue(), "slowest", "the next order");
    await page.keyboard.press("2");
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    await page.locator("#arm").focus();
    await page.keyboard.down("Enter");
    await page.waitForTimeout(2200);
    await page.keyboard.up("Enter");
    await until(() => asked("POST", "/sessions").length === 1, "armed by holding a key");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    // Whatever can be pressed can be reached: Tab goes round without a trap.
    await page.keyboard.press("3");
    await page.locator("tr[data-image]").waitFor();
    const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button:not(:disabled), input:not(:disabled), select")].filter((e) => e.checkVisibility()).length);
    const met = new Set();
    for (let i = 0; i < 3 * wanted && met.size < wanted; i++) {
      await page.keyboard.press("Tab");
      met.add(await page.evaluate(() => { const all = [...document.querySelectorAll("a[href], button, input, select")]; return all.indexOf(document.activeElement); }));
      met.delete(-1);
    }
    right(met.size >= wanted, `Tab reaches ${met.size} of ${wanted} things`);
  }),

  "find me makes one machine's screen flash, and stops it": given({}, async () => {
    await page.locator(".tile[data-mac='52:54:00:00:00:0c']").click();
    await page.getByRole("button", { name: "Find me" }).click();
    await page.locator(".tile[data-mac='52:54:00:00:00:0c'][data-identify=yes]").waitFor();
    await page.getByRole("button", { name: "Stop flashing" }).click();
    await page.locator(".tile[data-mac='52:54:00:00:00:0c'][data-identify=no]").waitFor();
    equal(asked("POST", "/machines/").map((r) => [r.path, r.json]), [["/machines/52%3A54%3A00%3A00%3A00%3A0c/identify", { on: true }], ["/machines/52%3A54%3A00%3A00%3A00%3A0c/identify", { on: false }]], "the orders");
  }),

  "expected machines: the list is shown, changed and kept; all are woken": given({}, async () => {
    await part("machines");
    const list = page.locator("textarea");
    await until(async () => (await list.inputValue()).includes("pc-002"), "the list of the box");
    await list.fill("52:54:00:00:00:09,<b>nine</b>,A9,row 9,debian,nine\n");
    await page.getByRole("button", { name: "Keep this list" }).click();
    await page.getByText("The list is kept.").first().waitFor();
    equal(mock.expected, "52:54:00:00:00:09,<b>nine</b>,A9,row 9,debian,nine\n", "the list on the box");
    await page.getByRole("button", { name: "Wake them all" }).click();
    await until(() => asked("POST", "/wake").length === 1, "the order to wake");
  }),

  "the report is read here and taken away": given({}, async () => {
    await part("report");
    await page.getByText("The disk stopped answering").first().waitFor();
    await page.getByLabel("only those that did not pass").check();
    equal(await page.locator("main tbody tr").count(), 1, "rows that did not pass");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
    equal(download.suggestedFilename(), "ringcast-report.csv", "the file's name");
    right(fs.readFileSync(await download.path(), "utf8").startsWith("attempt,mac"), "the file is the report");
    const [key] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Key to verify" }).click()]);
    equal(key.suggestedFilename(), "ringcast-report.pub", "the name of the key's file");
    equal(await page.getByRole("link", { name: "To print" }).getAttribute("href"), "/api/v1/report.html", "the page to print");
  }),

  "hostile names are words and nothing else": given({}, async () => {
    const evil = ["</script><script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "x".repeat(5000), "\u202egnp.exe\u202c", "a\u0000b\u001b[31mc\r\nd", "\u2066\u2069\u200b", "${7*7}{{7*7}}", "javascript:alert(1)", "__proto__", "🛑".repeat(300), "\ud800"];
    const where = ["name", "asset", "position", "serial", "cause", "disk", "disk_serial", "mac", "address"];
    mock.machines = evil.map((text, i) => machine(i, i % 2 ? "fail" : "receiving", Object.fromEntries(where.map((k) => [k, k === "mac" ? `${machine(i).mac}` : text]))));
    mock.machines[3].state = "constructor";
    mock.sessions[0] = { ...mock.sessions[0], image: evil[0], sentence: evil[1], rate_reason: evil[3], version: evil[0] };
    mock.images[0] = { ...mock.images[0], version: evil[0], note: evil[1], signer: evil[3], root: evil[0] };
    mock.attempts[0] = { ...mock.attempts[0], name: evil[0], cause: evil[1], machine_serial: evil[2], disk_serial: evil[3], disk_model: evil[4] };
    mock.send("status", mock.status());
    await until(async () => await tiles().count() === evil.length, "the tiles");
    for (let i = 0; i < evil.length; i++) { await tiles().nth(i).click(); await page.locator(".machine").waitFor(); await page.keyboard.press("Escape"); }
    await page.keyboard.press("t");
    await page.locator(".rows").waitFor();
    for (const name of PARTS) {
      await part(name);
      await page.waitForTimeout(150);
      right(!(await page.title()).includes("owned"), `a script ran in ${name}`);
      equal(await page.evaluate(() => document.querySelectorAll("main img, main script, main b b, main iframe").length), 0, `elements made of names in ${name}`);
      const text = await page.evaluate(() => document.body.innerText);
      right(!/[\u202a-\u202e\u2066-\u2069\u0000\u001b]/.test(text), `characters that turn or move text in ${name}`);
      equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `a long name makes ${name} wide`);
    }
  }),

  "text has the contrast of WCAG AA, in the light and in the dark": given({}, async () => {
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      for (const name of [...PARTS, "detail", "table"]) {
        await part(PARTS.includes(name) ? name : "watch");
        if (name === "detail") await tiles().nth(6).click();
        if (name === "table") await page.keyboard.press("t");
        await page.waitForTimeout(400);
        const { checked, poor } = await page.evaluate(poorContrast);
        right(checked > 8, `text in ${name}: ${checked} pieces`);
        equal([...new Set(poor)].slice(0, 5), [], `too little contrast in ${name}, ${theme}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.getByRole("button", { name: "Dark/light" }).click();
    equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark", "the choice against the system's");
    await page.reload();
    equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark", "the choice after a reload");
  }),

  "a phone sees it all without scrolling sideways": given({ visitor: { viewport: { width: 390, height: 844 } } }, async () => {
    for (const name of PARTS) {
      await part(name);
      await page.waitForTimeout(150);
      equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${name} is wider than the phone`);
    }
  }),

  "without JavaScript there is the plain table": async () => {
    mock = await new Mock().listen();
    const visitor = await visit(browser, mock.url, { javaScriptEnabled: false });
    await until(() => visitor.url().endsWith("/plain"), "the plain table");
    await visitor.context().close();
    await mock.close();
  },

  "a time of day is that of the browser's clock": given({ machines: 0 }, async () => {
    await part("start");
    await page.getByLabel("at a time of day").check();
    await page.getByLabel("Time", { exact: true }).fill("03:30");
    await page.getByText("It begins at 03:30 by your clock, in ").first().waitFor();
    await hold(page.locator("#arm"), () => until(() => asked("POST", "/sessions").length === 1, "the order to arm"));
    const { start, arm_minutes } = asked("POST", "/sessions")[0].json;
    const shows = await page.evaluate((s) => new Date(Date.now() + s * 1000 + 20000).toTimeString().slice(0, 5), start.in_s);
    equal({ rule: start.rule, at: start.at, shows }, { rule: "at", at: "03:30", shows: "03:30" }, "the order");
    equal(arm_minutes, 480 + Math.ceil(start.in_s / 60), "armed from the start on");
  }),

  "what the page loads is no heavier than 60 KB and comes from the box alone": async () => {
    mock = await new Mock().listen();
    const context = await browser.newContext(), seen = new Map(), visitor = await context.newPage();
    visitor.on("response", async (r) => { if (!r.url().includes("/api/")) seen.set(r.url(), Number((await r.request().sizes()).responseBodySize)); });
    await visitor.goto(mock.url);
    await login(visitor, PASSWORD);
    await visitor.evaluate(() => { location.hash = "#/start"; });
    await visitor.locator(".graph canvas").waitFor();
    right([...seen.keys()].every((u) => u.startsWith(mock.url)), `somewhere else: ${[...seen.keys()]}`);
    const sum = [...seen.values()].reduce((a, b) => a + b, 0);
    right(sum > 20000 && sum <= 60000, `${sum} bytes`);
    await context.close();
    await mock.close();
  },
};

let failed = 1;
try { failed = await runAll(tests); } finally { await browser.close(); fs.rmSync(folder, { recursive: true, force: true }); }
process.exit(failed ? 1 : 0);
