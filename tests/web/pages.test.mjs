// SPDX-License-Identifier: Apache-2.0
// Every page in every theme: no serious finding of axe, no request to another host, no script
// error.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
import { startMock } from "./support/mock.mjs";
import { someSinks } from "./support/sinks.mjs";

const PAGES = {
  overview: "/",
  devices: "/devices",
  device: "/devices/meter-2",
  points: "/points",
  "points-bad": "/points?quality=bad",
  point: "/points/meter-1/power",
  "point-enum": "/points/meter-1/p-0004",
  "point-bad": "/points/meter-2/power",
  journal: "/journal",
  config: "/config",
  certificates: "/certificates",
  sinks: "/sinks",
  sink: "/sinks/plant",
  system: "/system",
};
const FIRST_LOAD_BYTES_MAX = 60 * 1024;

let mock;
let browser;
before(async () => {
  mock = await startMock();
  mock.site.sinks = someSinks();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.close();
});

for (const [name, path] of Object.entries(PAGES)) {
  test(`${name} is accessible and quiet in all themes`, async () => {
    const page = await visit(browser, mock.url, path);
    await page.waitForLoadState("load");
    await page.waitForFunction(() => !document.querySelector(".state.loading"));
    for (const theme of ["light", "dark", "room"]) {
      await page.selectOption(".theme select", theme);
      assert.equal(await page.getAttribute("html", "data-theme"), theme);
      await assertAccessible(page);
      await shot(page, `${name}-${theme}`);
    }
    assert.equal(await page.locator("h1").count(), 1);
    assertQuiet(page);
    await page.close();
  });
}

test("dialogs are accessible: keys, palette, test, confirmation", async () => {
  const page = await visit(browser, mock.url, "/points/meter-1/p-0004");
  await page.waitForSelector(".write");
  for (const open of [
    () => page.keyboard.press("?"),
    () => page.keyboard.press("Control+k"),
    () => page.click(".write button[type=submit]"),
  ]) {
    await open();
    await page.waitForSelector("dialog[open]");
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog[open]", { state: "detached" });
  }
  await page.goto(`${mock.url}/devices/meter-2`);
  await page.waitForSelector("main h1");
  await page.click("text=Test");
  await page.waitForSelector(".findings");
  await assertAccessible(page);
  assertQuiet(page);
  await page.close();
});

test("the first load stays within its budget", async () => {
  const page = await browser.context.newPage();
  const session = await browser.context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const own = new Set();
  let bytes = 0;
  session.on(
    "Network.requestWillBeSent",
    ({ requestId, request }) => !request.url.includes("/api/") && own.add(requestId),
  );
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes += own.has(requestId) ? encodedDataLength : 0;
  });
  await page.goto(mock.url);
  await page.waitForSelector("main h1");
  await page.waitForTimeout(500);
  assert.ok(bytes > 10_000 && bytes <= FIRST_LOAD_BYTES_MAX, `${bytes} bytes`);
  await page.close();
});

test("a narrow window loses nothing", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.setViewportSize({ width: 390, height: 800 });
  await page.waitForSelector(".cards");
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(wider <= 0, `the page is ${wider} px wider than the window`);
  await shot(page, "overview-narrow");
  await page.close();
});
