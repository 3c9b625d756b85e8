// SPDX-License-Identifier: Apache-2.0
// The Journal page: one list of events and of what people did, filters in the address, following,
// details, acknowledging.
import { after, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import {
  address,
  assertAccessible,
  assertQuiet,
  openBrowser,
  shot,
  visit,
} from "./support/browser.mjs";
import { startMock } from "./support/mock.mjs";

let mock;
let browser;
before(async () => {
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.close();
});
beforeEach(async () => {
  await mock?.close();
  mock = await startMock();
});

const rows = ".grid-window .grid-row";

async function open(query = "") {
  const page = await visit(browser, mock.url, `/journal${query}`);
  await page.waitForSelector(`${rows}, .state.empty`);
  return page;
}

function texts(page) {
  return page.locator(`${rows} .c-text`).allTextContents();
}

test("events and what was done stand in one list, the newest first, in all themes", async () => {
  const page = await open();
  const all = await page.locator(rows).allTextContents();
  assert.equal(all.length, 9);
  assert.match(all[0], /low.*notification.*Filter: 200 hours left/);
  assert.match(all[1], /write.*ahu-1\/sp.*21 → 22\.5.*local: written/s);
  assert.match(all.at(-1), /high.*alarm.*Supply air too warm.*unacknowledged.*Ack/s);
  for (const theme of ["light", "dark", "room"]) {
    await page.selectOption(".theme select", theme);
    await assertAccessible(page);
    await shot(page, `journal-${theme}`);
  }
  assertQuiet(page);
  await page.close();
});

test("g j comes here, and filters stand in the address", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await page.waitForSelector(rows);
  assert.match((await address(page)).href, /\/journal$/);
  await page.selectOption("label:has-text('Severity') select", "high");
  await page.waitForFunction(() => document.querySelectorAll(".grid-window .grid-row").length === 4);
  assert.match((await address(page)).search, /severity=high/);
  await page.selectOption("label:has-text('Kind') select", "fault");
  await page.waitForFunction(() => document.querySelectorAll(".grid-window .grid-row").length === 2);
  await page.keyboard.press("Escape");
  await page.close();
  const again = await open("?show=done");
  assert.deepEqual(await texts(again), ["21 → 22.5"]);
  await again.close();
  const words = await open("?q=BROKEN");
  assert.equal((await texts(words)).filter((text) => text === "Sensor is broken").length, 2);
  await words.close();
});

test("what comes is followed; held still it is counted", async () => {
  const page = await open();
  await page.waitForFunction(() => document.querySelector(".live")?.textContent === "live");
  await page.waitForTimeout(300); // the stream with events is open
  mock.events.add({ text: "Smoke in the hall", severity: "critical" });
  await page.waitForSelector(`${rows}:has-text('Smoke in the hall')`);
  await page.click("h1");
  await page.keyboard.press("f");
  assert.equal(await page.getAttribute("button:has-text('Follow')", "aria-pressed"), "false");
  mock.events.add({ text: "Fire in the hall", severity: "critical" });
  await page.waitForSelector("[role=status]:has-text('held still, 1 came since')");
  assert.ok(!(await texts(page)).includes("Fire in the hall"));
  await page.keyboard.press("f");
  await page.waitForSelector(`${rows}:has-text('Fire in the hall')`);
  assertQuiet(page);
  await page.close();
});

test("one key acknowledges; a newer event of the same condition takes the place", async () => {
  const page = await open("?show=unacked");
  assert.equal((await texts(page)).length, 2);
  await page.focus("[role=grid]");
  await page.keyboard.press("a");
  await page.waitForSelector(".toast:has-text('the device took it')");
  await page.waitForFunction(() => document.querySelectorAll(".grid-window .grid-row").length === 1);
  await page.click(`${rows} button:has-text('Ack')`);
  await page.waitForSelector(".state:has-text('Nothing waits for an acknowledgement')");
  await page.close();
  const whole = await open("?show=events");
  await whole.waitForTimeout(300);
  const alarm = { source: "meter-1/power", key: "ai:9", ack: "unacked", text: "First" };
  mock.events.add(alarm);
  await whole.waitForSelector(`${rows}:has-text('First') button`);
  mock.events.add({ ...alarm, text: "Second" });
  await whole.waitForSelector(`${rows}:has-text('Second') button`);
  await whole.close();
});

test("what was acknowledged leaves the list though the stream says nothing", async () => {
  mock.events.tell = () => {};
  const page = await open("?show=unacked");
  await page.focus("[role=grid]");
  await page.keyboard.press("a");
  await page.waitForFunction(() => document.querySelectorAll(".grid-window .grid-row").length === 1);
  await page.close();
});

test("a device that refuses is said, and it can be tried again with a note", async () => {
  mock.events.refuse = "the device refused: not authorized";
  const page = await open("?show=unacked");
  await page.focus("[role=grid]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] .event-text:has-text('Supply air too warm')");
  assert.match(await page.textContent("dialog[open]"), /from-state.*normal.*value.*31\.5/s);
  await assertAccessible(page);
  await shot(page, "journal-details");
  await page.fill("dialog[open] input", "on my way");
  await page.click("dialog[open] button:has-text('Acknowledge')");
  await page.waitForSelector(".toast.bad:has-text('not authorized. Hint: it can be tried again')");
  mock.events.refuse = undefined;
  await page.locator(rows).first().dblclick();
  await page.waitForSelector("dialog[open]:has-text('on my way')");
  await page.click("dialog[open] button:has-text('Acknowledge')");
  await page.waitForSelector(".toast:has-text('the device took it')");
  assertQuiet(page);
  await page.close();
});

test("older rows come when the end is near", async () => {
  for (let i = 0; i < 700; i++) {
    mock.events.add({ text: `number ${i}` }, Date.now() - (700 - i) * 1000);
  }
  const page = await open("?show=events");
  await page.focus("[role=grid]");
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("Control+End");
    await page.waitForTimeout(250);
  }
  await page.waitForSelector("[role=status]:has-text('708')");
  await page.keyboard.press("Control+End");
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".grid-window .c-text")].at(-1)?.textContent === "number 0",
  );
  await page.close();
});

test("nothing found, and no answer", async () => {
  const page = await open("?show=events&q=nothing-like-this");
  assert.match(await page.textContent(".state"), /Nothing in the journal matches/);
  await assertAccessible(page);
  await page.click("button:has-text('Show all')");
  await page.waitForSelector(rows);
  mock.failing = true;
  await page.selectOption("label:has-text('Kind') select", "alarm");
  await page.waitForSelector(".failed:has-text('the gateway is stopping')");
  mock.failing = false;
  await page.click("button:has-text('Try again')");
  await page.waitForSelector(rows);
  await page.close();
});
