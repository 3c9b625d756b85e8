// SPDX-License-Identifier: Apache-2.0
// Explore: points and expressions on shared charts; the address is the view.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  address,
  assertAccessible,
  assertQuiet,
  openBrowser,
  shot,
  visit,
} from "./support/browser.mjs";
import { pageModule } from "./support/dist.mjs";
import { startMock } from "./support/mock.mjs";

const POINT = "meter-1/power";
const OTHER = "meter-1/p-0001";
const BOTH = `/explore?s=${POINT}&s=${OTHER}&range=24h`;

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

const asked = async (page) => (await address(page)).searchParams.getAll("s");
const parameter = async (page, name) => (await address(page)).searchParams.get(name);
const rows = (page) => page.locator("[aria-label=Statistics] tbody tr").count();

test("an empty view offers what was looked at", async () => {
  const point = await visit(browser, mock.url, `/points/${POINT}`);
  await point.waitForSelector("canvas");
  await point.close();
  const page = await visit(browser, mock.url, "/explore");
  await assertAccessible(page);
  await page.click(`.empty button:has-text('${POINT}')`);
  await page.waitForSelector("canvas");
  assert.deepEqual(await asked(page), [POINT]);
  assertQuiet(page);
  await page.close();
});

test("two points of different units: two charts, a row each, gaps with their cause", async () => {
  const page = await open(BOTH);
  assert.equal(await page.locator("canvas").count(), 2);
  assert.equal(await rows(page), 2);
  const gaps = await page.textContent("[aria-label=Gaps]");
  assert.match(gaps, /meter-1\/power.*86 min.*no answer/);
  await assertAccessible(page);
  await shot(page, "explore-two");
  assertQuiet(page);
  await page.close();
});

test("a point is added by typing a part of it, and removed", async () => {
  const page = await open(`/explore?s=${POINT}`);
  await page.keyboard.press("/");
  await page.keyboard.type("p-0001");
  await page.waitForSelector("[role=option]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("canvas").length === 2);
  assert.deepEqual(await asked(page), [POINT, OTHER]);
  await page.click(`button[aria-label='Remove ${POINT}']`);
  await page.waitForFunction(() => document.querySelectorAll("canvas").length === 1);
  assert.deepEqual(await asked(page), [OTHER]);
  await page.close();
});

test("PromQL gives a line a result; an error says where, and takes nothing else away", async () => {
  const page = await open(`/explore?s=${POINT}`);
  await page.fill("[role=combobox]", "avg by (device) (sat)");
  await page.keyboard.press("Enter");
  await page.waitForSelector("code:has-text('{device=\"ahu-2\"}')");
  assert.equal(await rows(page), 3);
  await page.waitForSelector("text=metric might not be a counter");
  await page.fill("[role=combobox]", "avg(sat");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]:has-text('1:5: parse error')");
  assert.equal(await rows(page), 3);
  await assertAccessible(page);
  await page.close();
});

test("compared with last week: a dashed line and a row more, by the key c", async () => {
  const page = await open(`/explore?s=${POINT}`);
  await page.keyboard.press("c");
  await page.waitForSelector("td:has-text('last week')");
  assert.equal(await parameter(page, "compare"), "1w");
  assert.equal(await rows(page), 2);
  await page.keyboard.press("c");
  await page.waitForFunction(() => !document.body.textContent.includes(", last week"));
  assert.equal(await parameter(page, "compare"), null);
  await page.close();
});

test("dragging zooms, keys move; all of it stands in the address", async () => {
  const page = await open(BOTH);
  const box = await page.locator(".u-over").first().boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(() => new URL(location.href).searchParams.has("end"));
  const span = Number(await parameter(page, "range"));
  assert.ok(Math.abs(span - 21_600) < 600, `a quarter of 24 h, not ${span} s`);
  await page.keyboard.press("-");
  assert.ok(Math.abs(Number(await parameter(page, "range")) - 2 * span) <= 2);
  await page.keyboard.press("n");
  assert.equal(await parameter(page, "end"), null);
  await page.keyboard.press("[");
  assert.match(await parameter(page, "end"), /^\d{10}$/);
  await page.close();
});

test("the cursor is one for all charts, and goes by keys", async () => {
  const page = await open(BOTH);
  await page.focus(".chart-place >> nth=1");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.waitForTimeout(100);
  const head = await page.textContent("[aria-label=Statistics] thead th:nth-child(2)");
  assert.match(head, /\d\d:\d\d:\d\d/);
  const cells = await page.$$eval("[aria-label=Statistics] tbody td:nth-child(2)", (all) =>
    all.map((cell) => cell.textContent),
  );
  assert.ok(
    cells.every((cell) => /^[\d.]+$/.test(cell)),
    JSON.stringify(cells),
  );
  const places = await page.$$eval(".u-cursor-x", (all) => all.map((line) => line.style.transform));
  assert.equal(places.length, 2);
  assert.equal(places[0], places[1]);
  await page.close();
});

test("split gives each line its chart", async () => {
  const page = await open(`/explore?s=avg(sat)&range=8h`);
  assert.equal(await page.locator("canvas").count(), 1);
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelectorAll("canvas").length === 2);
  assert.equal(await parameter(page, "split"), "1");
  await page.close();
});

test("the view as CSV: a row a moment, a column a line", async () => {
  const page = await open(BOTH);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.click("button:has-text('CSV')"),
  ]);
  const [head, first, ...more] = readFileSync(await download.path(), "utf8").trim().split("\n");
  assert.equal(head, "time,meter-1/power kW,meter-1/p-0001 degC");
  assert.match(first, /^\d{4}-\d\d-\d\dT.*Z,[\d.]*,[\d.]*$/);
  assert.ok(Math.abs(more.length - 600) <= 1, `${more.length} rows`);
  await page.close();
});

test("names and sheets are quoted as they must be", async () => {
  const { nameOf, csvOf, gridOf } = await pageModule("pages/explore/lines.ts");
  assert.equal(nameOf({ __name__: "sat", device: 'a"b' }), 'sat{device="a\\"b"}');
  assert.equal(nameOf({ __name__: "sat-sp", device: "x" }), '{"sat-sp", device="x"}');
  assert.equal(nameOf({}), "");
  const grid = gridOf(100, 120, 10);
  assert.deepEqual(grid, { from: 100, step: 10, count: 2 });
  const line = { name: 'sat{a="1"}', units: "", values: [1.5, null] };
  assert.equal(
    csvOf(grid, [line]),
    'time,"sat{a=""1""}"\n1970-01-01T00:01:40.000Z,1.5\n1970-01-01T00:01:50.000Z,\n',
  );
});
