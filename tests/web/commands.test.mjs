// SPDX-License-Identifier: Apache-2.0
// Commands of a device: what they take, asked for in a dialog, run once, and what came of it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
import { startMock } from "./support/mock.mjs";

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

test("a command asks for its arguments, runs once and shows what it gave back", async () => {
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.waitForSelector("h2:has-text('Commands')");
  const row = page.locator("tr", { hasText: "Start the press" });
  assert.match(await row.textContent(), /speed \(Double\), slow \(Boolean\)/);
  assert.match(await page.locator("tr", { hasText: "boost" }).textContent(), /sp = 23/);
  await assertAccessible(page);
  await page.click("button[aria-label='Run start']");
  await page.waitForSelector("dialog:has-text('This changes the plant')");
  await assertAccessible(page);
  await page.getByLabel("speed").fill("5.5");
  await page.getByLabel("slow").selectOption("true");
  await page.click("dialog button:has-text('Run')");
  await page.waitForSelector("dialog dd:has-text('17')");
  await shot(page, "command");
  assert.deepEqual(mock.site.commands, [
    { device: "meter-1", name: "start", arguments: ["5.5", "true"], confirmed: true },
  ]);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  await assertQuiet(page);
  await page.close();
});

test("what does not fit is said with the argument", async () => {
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.click("button[aria-label='Run start']");
  await page.getByLabel("speed").fill("0");
  await page.click("dialog button:has-text('Run')");
  await page.waitForSelector("dialog .failed:has-text(\"argument 1 'speed' (Double)\")");
  await page.close();
});

test("presets say what they write; a device without commands has no such part", async () => {
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.click("button[aria-label='Run boost']");
  await page.waitForSelector("dialog:has-text('Writes meter-1/sp = 23.')");
  await page.keyboard.press("Escape");
  await page.goto(`${mock.url}/devices/meter-2`);
  await page.waitForSelector("h2:has-text('Last frames')");
  assert.equal(await page.locator("h2:has-text('Commands')").count(), 0);
  await page.close();
});
