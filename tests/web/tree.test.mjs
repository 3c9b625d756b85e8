// SPDX-License-Identifier: Apache-2.0
// What a device tells as a tree: asked by a press, told while it goes on, by keys alone, 5,000
// objects of it, properties with the priority array, ticks that become YAML.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertQuiet, openBrowser, shot, visit } from "./support/browser.mjs";
import { pageModule } from "./support/dist.mjs";
import { startMock } from "./support/mock.mjs";

const OBJECTS = 5000;
const OPEN_MS_MAX = 1000;
const TREE = "[role=treegrid]";

let mock;
let browser;
before(async () => {
  mock = await startMock({ objects: OBJECTS });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.close();
});

async function open({ ask = true } = {}) {
  mock.site.browses = [];
  mock.site.browseLooks = 0;
  mock.site.browseFails = undefined;
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.waitForSelector("button:has-text('Ask the device')");
  if (ask) {
    await page.click("button:has-text('Ask the device')");
    await page.waitForSelector(`${TREE} [role=row][aria-level='2']`);
  }
  return page;
}

const active = (page) =>
  page.evaluate((tree) => {
    const id = document.querySelector(tree).getAttribute("aria-activedescendant");
    const row = document.getElementById(id)?.closest("[role=row]");
    return { text: row?.textContent ?? "", level: row?.getAttribute("aria-level") };
  }, TREE);

test("a device is asked only by a press, and the answer is a tree", async () => {
  const page = await open({ ask: false });
  assert.equal(mock.site.browses.length, 0, "nothing is asked by itself");
  await assertAccessible(page);
  await page.keyboard.press("x");
  await page.waitForSelector(`${TREE} [role=row][aria-level='2']`);
  assert.equal(await page.getAttribute(TREE, "aria-rowcount"), String(OBJECTS + 3 + 1));
  const group = page.locator(`${TREE} [role=row][aria-level='1']`).first();
  assert.match(await group.textContent(), /Analog inputs/);
  assert.equal(await group.getAttribute("aria-expanded"), "true");
  assert.match(await page.textContent(`${TREE} [role=row]:has-text('OBJ-0')`), /meter-1\/power/);
  assertQuiet(page);
  await page.close();
});

test("5,000 objects are there within a second and few are built", async () => {
  const page = await open({ ask: false });
  const took = await page.evaluate(async (tree) => {
    const began = performance.now();
    document.querySelectorAll("button").forEach((button) => {
      if (button.textContent === "Ask the device") {
        button.click();
      }
    });
    while (!document.querySelector(`${tree} [role=row][aria-level='2']`)) {
      await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
  }, TREE);
  assert.ok(took < OPEN_MS_MAX, `${took.toFixed(0)} ms`);
  assert.ok((await page.locator(`${TREE} [role=row]`).count()) < 60, "only rows on view are built");
  await page.focus(TREE);
  await page.keyboard.press("Control+End");
  await page.waitForSelector(`${TREE} [role=row]:has-text('binary-output:1666')`);
  await page.close();
});

test("keys alone: open, close, up to the branch, properties, tick, YAML", async () => {
  const page = await open();
  await page.focus(TREE);
  assert.equal((await active(page)).level, "1");
  await page.keyboard.press("ArrowRight");
  assert.match((await active(page)).text, /analog-input:1/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowLeft");
  assert.match((await active(page)).text, /Analog inputs/);
  await page.keyboard.press("ArrowLeft");
  await page.waitForSelector(`${TREE} [aria-expanded=false]`);
  await page.keyboard.press("ArrowDown");
  assert.match((await active(page)).text, /Analog values/);
  await page.keyboard.press("ArrowDown");
  assert.match((await active(page)).text, /analog-value:1/);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".properties td:has-text('no-fault-detected')");
  await page.keyboard.press("Space");
  await page.waitForSelector(`${TREE} [role=row][aria-selected=false]:has-text('analog-value:1')`);
  await page.keyboard.press("Space");
  await page.waitForSelector(`${TREE} [role=row][aria-selected=true]:has-text('analog-value:1')`);
  await assertAccessible(page);
  await shot(page, "device-tree");
  await page.close();
});

test("properties: values, refusals in words, the priority array", async () => {
  const page = await open();
  await page.dblclick(`${TREE} [role=row]:has-text('OBJ-3') .c-label`);
  await page.waitForSelector(".slots");
  const panel = await page.textContent(".properties");
  assert.match(panel, /cov-increment.*0\.2/s);
  assert.match(panel, /read-access-denied/);
  assert.equal(await page.locator(".slots li").count(), 16);
  assert.match(await page.textContent(".slots li:nth-child(8)"), /8.*21 degC/);
  for (const theme of ["light", "dark", "room"]) {
    await page.selectOption(".theme select", theme);
    await assertAccessible(page);
    await shot(page, `device-properties-${theme}`);
  }
  await page.click(".properties button:has-text('Close')");
  assert.equal(await page.locator(".properties").count(), 0);
  await page.close();
});

test("proposals are ticked; what is ticked becomes YAML to paste", async () => {
  const page = await open();
  const button = page.locator("button:has-text('YAML of')");
  assert.equal(await button.textContent(), "YAML of 3 points", "one of four is a point already");
  await page.click(`${TREE} [role=row]:has-text('OBJ-6') .tick`);
  assert.equal(await button.textContent(), "YAML of 4 points");
  await button.click();
  await page.waitForSelector("dialog textarea");
  const yaml = await page.inputValue("dialog textarea");
  assert.match(yaml, /^ {6}# below 'points:' of meter-1, site\.yaml:25\n/);
  assert.match(yaml, /\n {6}obj-6: \{ object: analog-input:3, units: degC \}/);
  assert.doesNotMatch(yaml, /obj-0/);
  await assertAccessible(page);
  await shot(page, "device-yaml");
  assertQuiet(page);
  await page.close();
});

test("the filter keeps the branches that lead to what matches", async () => {
  const page = await open();
  await page.fill("input[aria-label='Filter what the device has']", "supply setpoint");
  await page.waitForFunction(
    (tree) => document.querySelector(tree)?.getAttribute("aria-rowcount") === "3",
    TREE,
  );
  assert.match(await page.textContent(TREE), /Analog values.*analog-value:1/s);
  await page.fill("input[aria-label='Filter what the device has']", "nothing like it");
  await page.waitForSelector(".empty:has-text('Nothing matches')");
  await page.close();
});

test("what was told stands while the rest is asked; stop keeps it", async () => {
  const page = await open({ ask: false });
  mock.site.browseLooks = 1000;
  await page.click("button:has-text('Ask the device')");
  await page.waitForSelector("progress[value]");
  await page.waitForSelector(`${TREE} [role=row][aria-level='2']`);
  assert.match(await page.textContent(".browse-progress"), /2\u202f502 of 5\u202f003, 2\u202f501 told/);
  await assertAccessible(page);
  await page.click("button:has-text('Stop')");
  await page.waitForSelector("button:has-text('Ask again')");
  assert.ok((await page.locator(`${TREE} [role=row]`).count()) > 5);
  await page.close();
});

test("a device that does not answer: why, and a second try", async () => {
  const page = await open({ ask: false });
  mock.site.browseFails = "no answer in 5 s, 3 tries";
  await page.click("button:has-text('Ask the device')");
  await page.waitForSelector(".failed:has-text('no answer in 5 s')");
  await assertAccessible(page);
  mock.site.browseFails = undefined;
  await page.click(".failed button");
  await page.waitForSelector(`${TREE} [role=row][aria-level='2']`);
  await page.close();
});

test("what the gateway still keeps is shown without asking again", async () => {
  const first = await open();
  await first.close();
  const page = await visit(browser, mock.url, "/devices/meter-1");
  await page.waitForSelector(`${TREE} [role=row][aria-level='2']`);
  assert.equal(mock.site.browses.length, 1);
  await page.close();
});

test("a branch that was left out is asked for when it is opened; its points come into the YAML", async () => {
  mock.site.branch = "s=Oil";
  const page = await open({ ask: true });
  const before = mock.site.browses.length;
  const row = `${TREE} [role=row]:has-text("s=Oil")`;
  await page.waitForSelector(`${row}[aria-expanded=false]`);
  await page.click(`${row} .twisty`);
  await page.waitForSelector(`${TREE} [role=row][aria-level='2']:has-text("s=Oil.Temp")`);
  assert.equal(mock.site.browses.length, before + 1);
  assert.equal(mock.site.browses.at(-1).at, "s=Oil");
  assert.equal(await page.locator(`${TREE} [role=row]:has-text("s=Oil kind")`).count(), 0);
  await page.click("button:has-text('YAML of')");
  const yaml = await page.waitForSelector("dialog textarea");
  assert.match(await yaml.inputValue(), /temp: \{ node: "s=Oil\.Temp" \}/);
  assertQuiet(page);
  await page.close();
  mock.site.branch = undefined;
});

test("a ring of parents, strangers as parents: each node once", async () => {
  const { childrenOf, rowsOf } = await pageModule("pages/device/tree/rows.ts");
  const nodes = [
    { id: "a", parent: "b" },
    { id: "b", parent: "a" },
    { id: "self", parent: "self" },
    { id: "lost", parent: "nobody" },
    { id: "leaf", parent: "lost" },
  ].map((node) => ({ name: "", description: "", added: "", ...node }));
  const rows = rowsOf(childrenOf(nodes), new Set(), "");
  assert.deepEqual(
    rows.map(({ node, level, open }) => [node.id, level, open]),
    [
      ["self", 1, undefined],
      ["lost", 1, true],
      ["leaf", 2, undefined],
    ],
  );
});
