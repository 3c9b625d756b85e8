// SPDX-License-Identifier: Apache-2.0
// What is seldom: no devices, no answer, a stream that falls silent, a full disk, mistakes in the
// files.
import { after, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
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

test("no devices: the doors to the first one", async () => {
  mock.site.deviceCount = 0;
  for (const path of ["/", "/devices"]) {
    const page = await visit(browser, mock.url, path);
    await page.waitForSelector(".doors");
    assert.match(await page.textContent(".state"), /No devices yet.*busbar sim/s);
    await assertAccessible(page);
    await shot(page, "empty");
    await page.close();
  }
});

test("all is well: calm and grey", async () => {
  mock.site.answerAllGood = true;
  mock.site.links.clear();
  const page = await visit(browser, mock.url, "/");
  await page.waitForSelector(".calm");
  assert.equal(await page.locator(".abnormal").count(), 0);
  await page.close();
});

test("a device that was paused is said, but is no alarm", async () => {
  mock.site.answerAllGood = true;
  mock.site.links.delete(1);
  const page = await visit(browser, mock.url, "/");
  await page.waitForSelector(".calm:has-text('Paused: 25 points')");
  assert.equal(await page.locator(".abnormal").count(), 0);
  await page.close();
});

test("the worst comes first on the overview", async () => {
  mock.site.problems = [{ what: "disk full", why: "no space left", hint: "free some space" }];
  mock.site.logState = "full";
  const page = await visit(browser, mock.url, "/");
  await page.waitForSelector(".rows li:has-text('link down')");
  const rows = await page.locator(".rows li").allTextContents();
  assert.match(rows[0], /disk full.*no space left.*Hint: free some space/);
  assert.match(rows[1], /down.*meter-2.*connection refused by 10\.0\.0\.1 port 502.*14 min/);
  assert.match(await page.textContent(".banner"), /disk full/);
  assert.match(await page.textContent(".facts .abnormal:has-text('log')"), /full/);
  await page.close();
});

test("an unknown point and an unknown page say what to do", async () => {
  const page = await visit(browser, mock.url, "/points/meter-1/pwoer");
  await page.waitForSelector(".failed");
  assert.match(
    await page.textContent(".failed"),
    /no point 'meter-1\/pwoer'.*nearest is 'meter-1\/power'/,
  );
  await assertAccessible(page);
  await page.goto(`${mock.url}/nowhere`);
  await page.waitForSelector("h1:has-text('No such page')");
  await page.close();
});

test("the gateway refuses: words, a hint, and a second try that works", async () => {
  mock.failing = true;
  const page = await visit(browser, mock.url, "/devices");
  await page.waitForSelector(".failed");
  assert.match(await page.textContent(".failed"), /the gateway is stopping.*busbar run/);
  await assertAccessible(page);
  mock.failing = false;
  await page.click(".failed button");
  await page.waitForSelector(".grid-window a");
  await page.close();
});

test("the stream falls silent: banner with seconds, values hatched, and back", async () => {
  const page = await visit(browser, mock.url, "/points");
  await page.waitForSelector(".grid-window .value");
  mock.failing = true;
  mock.cut();
  await page.waitForSelector(".banner:has-text('Not live for')", { timeout: 8000 });
  const first = Number(/for (\d+) s/.exec(await page.textContent(".banner"))[1]);
  await page.waitForFunction(
    (before) =>
      Number(/for (\d+) s/.exec(document.querySelector(".banner").textContent)?.[1]) > before,
    first,
  );
  const hatched = await page
    .locator(".grid-window .value")
    .first()
    .evaluate((element) => getComputedStyle(element).backgroundImage);
  assert.match(hatched, /gradient/);
  assert.ok((await page.locator(".grid-window a").count()) > 5, "the rows stay");
  await assertAccessible(page);
  await shot(page, "silent");
  mock.failing = false;
  await page.waitForSelector(".banner:has-text('Not live for')", {
    state: "detached",
    timeout: 15_000,
  });
  const after = await page
    .locator(".grid-window .value:not(.old)")
    .first()
    .evaluate((element) => getComputedStyle(element).backgroundImage);
  assert.equal(after, "none");
  await page.close();
});

test("the gateway goes away altogether and comes back", async () => {
  const page = await visit(browser, mock.url, "/points/meter-1/power");
  await page.waitForSelector(".big .value");
  const port = Number(new URL(mock.url).port);
  await mock.close();
  await page.waitForSelector(".banner:has-text('Not live for')", { timeout: 8000 });
  mock = await startMock({ port });
  await page.waitForSelector(".banner:has-text('Not live for')", {
    state: "detached",
    timeout: 15_000,
  });
  mock.site.set.set("meter-1/power", 123.4);
  await page.waitForSelector(".big:has-text('123.4 kW')");
  await page.close();
});

test("a device that goes down moves to the top of the list", async () => {
  const page = await visit(browser, mock.url, "/devices");
  await page.waitForSelector(".grid-window a");
  mock.site.links.delete(1);
  mock.site.links.set(3, "down");
  await page.waitForFunction(() =>
    document.querySelector(".grid-window [role=row]")?.textContent.startsWith("meter-4"),
  );
  await page.close();
});

test("pause, resume and test from the list, by keys", async () => {
  const page = await visit(browser, mock.url, "/devices?q=meter-1");
  await page.waitForSelector(".grid-window a");
  await page.focus(".grid");
  await page.keyboard.press("u");
  await page.waitForSelector(".grid-window .link-paused");
  assert.match(await page.textContent(".toast"), /meter-1 is paused/);
  await page.keyboard.press("u");
  await page.waitForSelector(".grid-window .link-up");
  await page.keyboard.press("t");
  await page.waitForSelector(".findings");
  assert.match(
    await page.textContent("dialog"),
    /fault.*unit 3.*no answer in 2 s.*Hint: units 1 and 2 do answer/s,
  );
  await page.close();
});

test("frames that break the protocol are marked", async () => {
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.waitForSelector(".frame-bad");
  assert.match(await page.textContent(".frame-bad"), /length over the limit/);
  await page.close();
});

test("mistakes in the files: place, line, mark, hint; apply does not go on", async () => {
  mock.site.differs = true;
  const page = await visit(browser, mock.url, "/config");
  await page.waitForSelector(".changes");
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".problems li");
  assert.match(
    await page.textContent(".problems"),
    /site\.yaml:27:16.*unknown key 'regster'.*did you mean 'register'/s,
  );
  assert.equal(await page.textContent(".source mark"), "regster");
  assert.equal(await page.locator("dialog").count(), 0);
  await assertAccessible(page);
  await shot(page, "config-problems");
  await page.close();
});

test("an earlier version is brought back after a look at what changes", async () => {
  const page = await visit(browser, mock.url, "/config");
  await page.click("text=Bring back");
  await page.waitForSelector("dialog .changes");
  assert.match(
    await page.textContent("dialog"),
    /Bring back version 16\?.*ahu-1\/sat\.units.*Polling stops for: ahu-1/s,
  );
  await page.click("dialog .primary");
  await page.waitForSelector(".toast:has-text('Version 18 is running')");
  assertQuiet(page);
  await page.close();
});
