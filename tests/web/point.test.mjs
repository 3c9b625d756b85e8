// SPDX-License-Identifier: Apache-2.0
// One point: its trend on the canvas, ranges in the address, the write box in all its ends.
import { after, before, test } from "node:test";
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

const NUMBER = "/points/meter-1/p-0001"; // writable 16 to 26
const CHOICE = "/points/meter-1/p-0004"; // writable, asks first

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

async function open(path) {
  const page = await visit(browser, mock.url, path);
  await page.waitForSelector("canvas");
  await page.waitForTimeout(200);
  return page;
}

/**
 * For each column of the plot: how many pixels have the colour of the line, and of a gap's ground.
 */
function columns(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector(".chart canvas");
    const over = document.querySelector(".u-over");
    const ratio = canvas.width / canvas.clientWidth;
    const left = over.offsetLeft * ratio;
    const width = over.clientWidth * ratio;
    const { data } = canvas
      .getContext("2d")
      .getImageData(left, over.offsetTop * ratio, width, over.clientHeight * ratio);
    const wanted = [52, 73, 90]; // --trend of the light theme
    const counts = new Array(Math.floor(width)).fill(0);
    for (let i = 0; i < data.length; i += 4) {
      const near = wanted.every((value, k) => Math.abs(value - data[i + k]) < 24);
      counts[(i / 4) % counts.length] += near && data[i + 3] > 200 ? 1 : 0;
    }
    return counts;
  });
}

test("the trend draws a line with a gap where nothing is known", async () => {
  const page = await open("/points/meter-1/power");
  await page.selectOption(".theme select", "light");
  await page.waitForTimeout(300);
  const counts = await columns(page);
  const at = (share) =>
    counts
      .slice(Math.floor(counts.length * share), Math.floor(counts.length * (share + 0.03)))
      .reduce((sum, count) => sum + count, 0);
  assert.ok(at(0.2) > 10 && at(0.9) > 10, "a line at 20 % and 90 % of the width");
  assert.equal(at(0.6), 0, "no line in the gap at 60 %");
  assert.match(await page.textContent(".trend-facts"), /1 gap, 86 min/);
  await shot(page, "point-trend");
  assertQuiet(page);
  await page.close();
});

test("range and end stand in the address; keys change them", async () => {
  const page = await open("/points/meter-1/power?range=8h");
  assert.equal(await page.textContent("[aria-pressed=true]:has-text('h')"), "8h");
  await page.keyboard.press("+");
  assert.equal((await address(page)).searchParams.get("range"), "1h");
  await page.keyboard.press("[");
  assert.match((await address(page)).searchParams.get("end"), /^\d{10}$/);
  await page.keyboard.press("n");
  assert.equal((await address(page)).searchParams.get("end"), null);
  await page.goBack();
  assert.match((await address(page)).searchParams.get("end"), /^\d{10}$/);
  await page.close();
});

test("the chart's cursor goes by arrow keys and says the value", async () => {
  const page = await open("/points/meter-1/power?range=1h");
  await page.focus(".chart-place");
  await page.keyboard.press("ArrowLeft");
  const first = await page.textContent("figcaption");
  assert.match(first, /\d\d:\d\d:\d\d .*kW/);
  await page.keyboard.press("Shift+ArrowLeft");
  assert.notEqual(await page.textContent("figcaption"), first);
  await page.close();
});

test("the same numbers stand in a table", async () => {
  const page = await open("/points/meter-1/power");
  await page.click("summary");
  await page.locator("details tbody tr").nth(59).waitFor();
  assert.equal(await page.locator("details tbody tr").count(), 60);
  await assertAccessible(page);
  await page.close();
});

test("a write is read back, and the value follows live", async () => {
  const page = await open(NUMBER);
  await page.keyboard.press("w");
  await page.keyboard.type("22.5");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".said:has-text('read back 22.5')");
  await page.waitForSelector(".big:has-text('22.5 degC')");
  await page.close();
});

test("a value out of range is not sent; words are no number", async () => {
  const page = await open(NUMBER);
  let sent = 0;
  page.on("request", (request) => {
    sent += request.method() === "POST" ? 1 : 0;
  });
  await page.fill(".write input", "99");
  await page.keyboard.press("Enter");
  assert.match(await page.textContent(".said"), /allowed is 16 to 26 degC/);
  await page.fill(".write input", "warm");
  await page.keyboard.press("Enter");
  assert.match(await page.textContent(".said"), /not a number/);
  assert.equal(sent, 0);
  await assertAccessible(page);
  await page.close();
});

test("a refusal of the device is shown with its hint", async () => {
  const page = await open(NUMBER);
  await page.fill(".write input", "17");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".said.abnormal");
  assert.match(
    await page.textContent(".said"),
    /illegal data value.*Hint: the register may be read-only/,
  );
  await page.close();
});

test("a point that wants it is asked for first; Esc writes nothing", async () => {
  const page = await open(CHOICE);
  const posts = [];
  page.on(
    "request",
    (request) => request.method() === "POST" && posts.push(request.postDataJSON()),
  );
  await page.selectOption(".write select", { label: "cooling" });
  await page.click(".write button[type=submit]");
  assert.match(await page.textContent("dialog"), /meter-1\/p-0004: \w+ → cooling/);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.deepEqual(posts, []);
  await page.click(".write button[type=submit]");
  await page.click("dialog .primary");
  await page.waitForSelector(".said:has-text('read back')");
  assert.deepEqual(
    posts.map(({ value, confirmed }) => ({ value, confirmed })),
    [{ value: 2, confirmed: true }],
  );
  await page.close();
});

test("a bad point explains its quality and keeps its last good value in view", async () => {
  const page = await open("/points/meter-2/power");
  assert.match(await page.textContent(".now"), /link down.*There is no connection to the device/);
  assert.match(await page.getAttribute(".big .value", "class"), /old/);
  assert.match(await page.textContent(".now"), /Last good (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/); // of yesterday: with the date
  await page.close();
});

test("pinned points are on the overview", async () => {
  const page = await open("/points/meter-1/p-0002");
  await page.click("text=Pin");
  await page.click(".brand");
  await page.waitForSelector(".key-trend");
  assert.deepEqual(await page.locator(".key-trend a").allTextContents(), ["meter-1/p-0002"]);
  await page.close();
});
