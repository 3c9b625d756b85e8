// SPDX-License-Identifier: Apache-2.0
// What is held by hand: the Overrides page, and priorities on a point's own page.
import { after, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
import { someHolds } from "./support/look.mjs";
import { startMock } from "./support/mock.mjs";

let mock;
let browser;
before(async () => {
  mock = await startMock({ objects: 10 });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.close();
});
beforeEach(() => {
  mock.site.holds = someHolds();
  mock.site.writes = [];
});

async function openList() {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("v");
  await page.waitForSelector(".grid-window [role=row]");
  return page;
}

test("who holds what, since, until, at which priority; in all themes", async () => {
  const page = await openList();
  assert.match(await page.textContent("h1"), /Overrides/);
  const rows = await page.locator(".grid-window [role=row]").allTextContents();
  assert.equal(rows.length, 4);
  assert.match(rows[0], /meter-1\/p-0001.*22\.5 degC.*8.*novak.*3 h.*released/);
  assert.match(rows[2], /own.*write-access-denied/);
  assert.match(rows[3], /not configured any more/);
  for (const theme of ["light", "dark", "room"]) {
    await page.selectOption(".theme select", theme);
    await assertAccessible(page);
    await shot(page, `overrides-${theme}`);
  }
  assertQuiet(page);
  await page.close();
});

test("one is released by keys, after a question that names the effect", async () => {
  const page = await openList();
  await page.focus(".grid");
  await page.keyboard.press("r");
  await page.waitForSelector("dialog[open]");
  assert.match(
    await page.textContent("dialog"),
    /meter-1\/p-0001: the device gives up 22\.5 at priority 8/,
  );
  await assertAccessible(page);
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('released, it reads 19 degC now')");
  await page.waitForFunction(
    () => document.querySelector(".grid")?.getAttribute("aria-rowcount") === "4",
  );
  await page.close();
});

test("a refusal stays on the list, with the device's words", async () => {
  const page = await openList();
  await page.click(".grid-window [role=row]:has-text('meter-2/p-0001') button:has-text('Release')");
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast.bad:has-text('write-access-denied')");
  assert.equal(mock.site.holds.length, 4);
  await page.close();
});

test("all are released one after the other; what was refused is named", async () => {
  const page = await openList();
  await page.click("button:has-text('Release all')");
  assert.match(await page.textContent("dialog"), /3 held values/);
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast.bad:has-text('2 released, 1 not. meter-2/p-0001')");
  assert.deepEqual(
    mock.site.holds.map(({ path }) => path),
    ["meter-2/p-0001", "old-ahu/sp"],
  );
  await page.close();
});

test("another end, and one that is gone is forgotten", async () => {
  const page = await openList();
  await page.focus(".grid");
  await page.keyboard.press("x");
  await page.waitForSelector("dialog[open] select");
  await assertAccessible(page);
  await page.selectOption("dialog select", "8h");
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('is held for 8 hours')");
  assert.ok(mock.site.holds[0].until);
  await page.click(".grid-window [role=row]:has-text('old-ahu/sp') button:has-text('Forget')");
  assert.match(await page.textContent("dialog"), /The device is told nothing/);
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('old-ahu/sp is off the list')");
  assert.equal(mock.site.holds.length, 3);
  await page.close();
});

test("nothing is held: it says so; the gateway is gone: it says that", async () => {
  mock.site.holds = [];
  const page = await visit(browser, mock.url, "/overrides");
  await page.waitForSelector(".empty:has-text('Nothing is held by hand')");
  await assertAccessible(page);
  mock.failing = true;
  await page.reload();
  await page.waitForSelector(".failed:has-text('the gateway is stopping')");
  mock.failing = false;
  await page.click(".failed button");
  await page.waitForSelector(".empty:has-text('Nothing is held by hand')");
  await page.close();
});

test("a value is written at a priority for some time, seen as held, released", async () => {
  const page = await visit(browser, mock.url, "/points/meter-1/p-0001");
  await page.waitForSelector(".held:has-text('22.5 degC is held at priority 8 by novak')");
  assert.match(await page.textContent("main"), /told by the device\s*as it changes, checked every 5 min/);
  await page.fill(".write input", "21");
  await page.selectOption(".write select >> nth=0", "5");
  await page.selectOption(".write select >> nth=1", "2h");
  await assertAccessible(page);
  await shot(page, "point-priority");
  await page.click(".write button[type=submit]");
  await page.waitForSelector(".said:has-text('read back 21')");
  assert.equal(mock.site.writes.length, 1);
  const { value, priority, for: lasting } = mock.site.writes[0];
  assert.deepEqual({ value, priority, lasting }, { value: 21, priority: 5, lasting: "2h" });
  await page.click(".held button");
  await page.waitForSelector(".toast:has-text('released')");
  await page.waitForSelector(".held", { state: "detached" });
  await page.close();
});

test("a point without priorities is written as before", async () => {
  mock.site.objects = 0;
  const page = await visit(browser, mock.url, "/points/meter-1/p-0001");
  await page.waitForSelector(".write input");
  assert.equal(await page.locator(".write select").count(), 0);
  mock.site.objects = 10;
  await page.close();
});

test("the Overview counts what is held and leads there; System tells of networks", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.click(".facts a[href='/overrides']:has-text('4')");
  await page.waitForSelector("h1:has-text('Overrides')");
  await page.goto(`${mock.url}/system`);
  await page.waitForSelector("td:has-text('bacnet roof')");
  assert.match(await page.textContent("main"), /foreign device.*is it a BBMD\?/s);
  await assertAccessible(page);
  await page.close();
});
