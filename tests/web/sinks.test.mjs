// SPDX-License-Identifier: Apache-2.0
// Sinks: the list, one with its lag, quota and ledger, what was set aside; test, pause, SQL; and nothing configured.
import { after, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
import { startMock } from "./support/mock.mjs";
import { someSinks } from "./support/sinks.mjs";

let mock;
let browser;
before(async () => {
  mock = await startMock();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.close();
});
beforeEach(() => {
  mock.site.sinks = someSinks();
});

const openOne = async (name) => {
  const page = await visit(browser, mock.url, `/sinks/${name}`);
  await page.waitForSelector(".cards");
  return page;
};

test("nothing is sent out: a sample of a configuration", async () => {
  mock.site.sinks.rows = [];
  const page = await visit(browser, mock.url, "/sinks");
  await page.waitForSelector("text=Nothing is sent out");
  assert.match(await page.textContent("pre"), /sinks:\n {2}plant:\n {4}postgres: /);
  await assertAccessible(page);
  await shot(page, "sinks-none");
  assertQuiet(page);
  await page.close();
});

test("the list says how far each is, by keys alone", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("u");
  await page.waitForSelector(".grid-window [role=row]");
  const rows = await page.locator(".grid-window [role=row]").allTextContents();
  assert.equal(rows.length, 2);
  assert.match(rows[0], /cloud.*remote write.*live/);
  assert.match(rows[1], /plant.*stuck.*next try in \d+ s.*48.211.*permission denied/);
  assert.match(await page.textContent(".page-head"), /1 of 2 publishing/);
  await page.focus(".grid");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("u");
  await page.waitForSelector(".toast:has-text('plant: paused')");
  assert.deepEqual(mock.site.sinks.did, [{ verb: "pause", sink: "plant" }]);
  await page.keyboard.press("Enter");
  await page.waitForSelector("h1:has-text('plant')");
  assertQuiet(page);
  await page.close();
});

test("one that is stuck says why, what to do, and what its quota leaves", async () => {
  const page = await openOne("plant");
  assert.match(await page.textContent(".state.failed"), /permission denied for table sample.*Hint: run at the database/s);
  const cards = await page.textContent(".cards");
  assert.match(cards, /waiting48.211 \(/);
  assert.match(cards, /disk left for what waits1\.5 GB of 10 GB/);
  assert.match(cards, /enough for36 h/);
  assert.match(cards, /balancebalances/);
  assert.match(cards, /serverPostgreSQL 15\.5/);
  assert.match(await page.getAttribute(".lag svg", "aria-label"), /Lag over 20 s: 76 s at most, 76 s now/);
  await page.click("button:has-text('Try now')");
  await page.waitForSelector(".toast:has-text('plant: on')");
  await shot(page, "sink-stuck");
  assertQuiet(page);
  await page.close();
});

test("what was refused is sent again or dropped, after a question", async () => {
  const page = await openOne("plant");
  await page.waitForSelector("td:has-text('violates check constraint')");
  await page.click("tr:has-text('meter-1/power') button:has-text('Retry')");
  await page.waitForSelector(".toast:has-text('plant: 1 sent')");
  await page.waitForSelector("td:has-text('violates check constraint')", { state: "detached" });
  await page.click("tr:has-text('meter-1/p-0001') button:has-text('Drop')");
  await page.waitForSelector("dialog[open]");
  assert.match(await page.textContent("dialog"), /meter-1\/p-0001 will not be published/);
  await assertAccessible(page);
  await page.click("dialog button.primary");
  await page.waitForSelector("text=Nothing is set aside");
  assert.deepEqual(mock.site.sinks.did, [
    { verb: "retry", sink: "plant", id: 2 },
    { verb: "drop", sink: "plant", id: 1 },
  ]);
  assertQuiet(page);
  await page.close();
});

test("a test names what is wrong; SQL is shown to be copied", async () => {
  const page = await openOne("plant");
  await page.keyboard.press("t");
  await page.waitForSelector(".findings");
  const found = await page.locator(".findings li").allTextContents();
  assert.match(found[1], /bad.*rights.*may not insert.*Hint: run at the database/);
  assert.match(found[2], /look.*clock/);
  await assertAccessible(page);
  await shot(page, "sink-test");
  await page.keyboard.press("Escape");
  await page.click("button:has-text('SQL')");
  await page.waitForSelector("dialog pre:has-text('create role busbar')");
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  assertQuiet(page);
  await page.close();
});

test("a sink that there is not is told with those there are", async () => {
  const page = await visit(browser, mock.url, "/sinks/plan");
  await page.waitForSelector("text=there is: cloud, plant");
  await page.close();
});
