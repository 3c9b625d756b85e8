// SPDX-License-Identifier: Apache-2.0
// The whole way by keys alone: pages, palette, filter, grid, write; and letters that can be
// switched off.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { address, openBrowser, pressAtOnce, visit } from "./support/browser.mjs";
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

test("g and a letter goes to each page, with title and focus", async () => {
  const page = await visit(browser, mock.url, "/");
  for (const [letter, title] of [
    ["d", "Devices"],
    ["p", "Points"],
    ["c", "Config"],
    ["s", "System"],
  ]) {
    await page.keyboard.press("g");
    await page.keyboard.press(letter);
    await page.waitForSelector(`h1:has-text("${title}")`);
    await page.waitForFunction((title) => document.title.startsWith(title), title);
  }
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await page.waitForURL(`${mock.url}/`);
  await page.close();
});

test("from nothing to a written value by keys alone", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.waitForSelector(".grid-window a");
  await page.keyboard.press("/");
  await page.keyboard.type("meter-1/p-0001");
  await page.waitForFunction(
    () => document.querySelector(".grid")?.getAttribute("aria-rowcount") === "2",
  );
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("w");
  await page.waitForURL(/p-0001\?write=1/);
  await page.waitForFunction(() => document.activeElement?.closest(".write"));
  await page.keyboard.type("21");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".said:has-text('read back 21')");
  await page.close();
});

test("the palette finds pages by letters, points by the server", async () => {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("sys");
  await page.waitForSelector("[role=option][aria-selected=true]:has-text('System')");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${mock.url}/system`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("meter-3/power");
  await page.waitForSelector("[role=option]:has-text('meter-3/power')");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${mock.url}/points/meter-3/power`);
  await page.close();
});

test("letters can be switched off, and stay off", async () => {
  const page = await visit(browser, mock.url, "/points");
  await page.waitForSelector(".grid-window a");
  await page.keyboard.press("?");
  await page.uncheck(".check input");
  await page.keyboard.press("Escape");
  await page.keyboard.press("b");
  await page.reload();
  await page.waitForSelector(".grid-window a");
  await page.keyboard.press("b");
  await page.waitForTimeout(200);
  assert.equal((await address(page)).search, "");
  await page.click("button[aria-label=Keys]");
  await page.check(".check input");
  await page.close();
});

test("letters typed into a field are text", async () => {
  const page = await visit(browser, mock.url, "/points");
  await page.waitForSelector(".grid-window a");
  await page.keyboard.press("/");
  await page.keyboard.type("gb");
  await page.waitForURL(/q=gb/);
  assert.equal(await page.inputValue(".filter input"), "gb");
  await page.close();
});

test("the first Tab stop skips to the content", async () => {
  const page = await visit(browser, mock.url, "/points");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the content");
  await page.close();
});

test("keys that come faster than the page is painted act on what the last one did", async () => {
  const page = await visit(browser, mock.url, "/points/meter-1/power?range=24h");
  await page.waitForSelector("canvas");
  await pressAtOnce(page, "body", ["+", "+"]);
  assert.equal((await address(page)).searchParams.get("range"), "1h");
  await page.close();
});
