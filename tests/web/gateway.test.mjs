// SPDX-License-Identifier: Apache-2.0
// The page on a real gateway: what changes on the wire changes on the screen, and back.
// Runs alone: it measures the time from the wire to the screen.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import {
  assertAccessible,
  assertQuiet,
  openBrowser,
  percentile,
  shot,
  visit,
} from "./support/browser.mjs";
import { PROGRAM, siteText, startGateway } from "./support/gateway.mjs";

const CHANGES = 12;
// a debug build on a busy machine; the line of the product is 250 ms
const PIXELS_P95_MS_MAX = 1000;
const skip = PROGRAM ? false : "BUSBAR does not name a program";

let gateway;
let browser;
before(async () => {
  if (!skip) {
    gateway = await startGateway();
    browser = await openBrowser();
  }
});
after(async () => {
  await browser?.close();
  await gateway?.close();
});

/** From the command to the simulator until the page has drawn the value. */
async function timeToPixels(page, value) {
  const seen = page.waitForFunction(
    (text) => {
      const shown = document.querySelector(".big .value:not(.old)");
      return shown?.textContent === text;
    },
    `${value} kW`,
    { polling: "raf", timeout: 10_000 },
  );
  const start = performance.now();
  await gateway.sim(`set meter-1/power ${value}`);
  await seen;
  return performance.now() - start;
}

test("the overview of a real site", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/");
  await page.waitForSelector("h1:has-text('Test plant')");
  await page.waitForSelector(".calm");
  assert.match(await page.textContent(".cards"), /up2.*good8/s);
  await page.waitForSelector(".key-trend .value");
  await assertAccessible(page);
  await shot(page, "gateway-overview");
  assertQuiet(page);
  await page.close();
});

test("a value that changes on the wire changes on the screen", { skip }, async (t) => {
  const page = await visit(browser, gateway.url, "/points/meter-1/power");
  await page.waitForSelector(".big .value");
  const times = [];
  for (let i = 0; i < CHANGES; i++) {
    times.push(await timeToPixels(page, 100.5 + i));
  }
  const p95 = percentile(times, 0.95);
  t.diagnostic(
    `wire to pixels, polled every 100 ms: p50 ${percentile(times, 0.5).toFixed(0)} ms, ` +
      `p95 ${p95.toFixed(0)} ms`,
  );
  assert.ok(p95 <= PIXELS_P95_MS_MAX, `p95 ${p95.toFixed(0)} ms`);
  await page.close();
});

test("the point says where its value comes from, and its trend draws", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/points/meter-1/power");
  await page.waitForSelector(".chart canvas");
  await page.waitForSelector(".explain li");
  const words = await page.textContent(".explain");
  assert.match(words, /holding 100 float32.*bytes([0-9a-f]{2} ?){4}.* kW.*good/s);
  assert.match(await page.textContent(".trend-facts"), /min .* max .* kW/);
  assert.equal(
    await page.textContent("[aria-label=Range] [aria-pressed=true]"),
    "10m",
    "a young history is not shown as a dot in a day",
  );
  assert.match(await page.textContent("#ledger"), /balances/);
  assert.match(await page.textContent(".facts:has-text('source')"), /site\.yaml:\d+/);
  await assertAccessible(page);
  await shot(page, "gateway-point");
  await page.close();
});

test("a point of text shows its last values", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/points/meter-1/model");
  await page.waitForSelector("section:has(h2:has-text('Last values')) tbody tr");
  assert.ok((await page.textContent(".big")).length > 0);
  await assertAccessible(page);
  await page.close();
});

test("a write goes to the device and is read back; the range is kept", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/points/meter-1/sat-sp");
  await page.waitForSelector(".write input");
  await page.fill(".write input", "22.5");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".said:has-text('read back')");
  await page.waitForSelector(".big:has-text('22.5 degC')");
  await page.fill(".write input", "40");
  await page.keyboard.press("Enter");
  assert.match(await page.textContent(".said"), /allowed is 16 to 26/);
  await page.goto(`${gateway.url}/system`);
  await page.waitForSelector(
    "section:has(h2:has-text('Journal')) tbody tr:has-text('meter-1/sat-sp')",
  );
  await page.close();
});

test("a write that must be confirmed", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/points/meter-1/mode");
  await page.waitForSelector(".write select");
  await page.selectOption(".write select", { label: "cooling" });
  await page.click(".write button[type=submit]");
  await page.click("dialog .primary");
  await page.waitForSelector(".big:has-text('cooling')");
  await page.close();
});

test(
  "a device that falls silent: on top with its cause, its values hatched, and back",
  { skip },
  async () => {
    const page = await visit(browser, gateway.url, "/points?q=ahu-1");
    await page.waitForSelector(".grid-window .quality.good");
    await gateway.sim("ahu-1=silence");
    await page.waitForSelector(".grid-window .quality.bad", { timeout: 20_000 });
    await page.waitForSelector(".grid-window .value.old");
    await page.goto(`${gateway.url}/devices`);
    await page.waitForFunction(
      () =>
        document.querySelector(".grid-window [role=row]")?.textContent.startsWith("ahu-1") &&
        document.querySelector(".grid-window [role=row] .link-down"),
      null,
      { timeout: 20_000 },
    );
    assert.ok((await page.textContent(".grid-window [role=row] .c-cause")).length > 8);
    await assertAccessible(page);
    await shot(page, "gateway-down");
    await page.focus(".grid");
    await page.keyboard.press("t");
    await page.waitForSelector(".findings .abnormal", { timeout: 30_000 });
    await assertAccessible(page);
    await shot(page, "gateway-test");
    await page.keyboard.press("Escape");
    await gateway.sim("ahu-1=none");
    await page.waitForFunction(() => !document.querySelector(".grid-window .link-down"), null, {
      timeout: 40_000,
    });
    await page.close();
  },
);

test("a device with its frames, decoded; pause and resume", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/devices/meter-1");
  await page.waitForSelector("section:has(h2:has-text('Last frames')) tbody tr");
  assert.match(await page.textContent("section:has(h2:has-text('Last frames')) tbody"), /holding/);
  await page.waitForSelector(".grid-window .value");
  await assertAccessible(page);
  await shot(page, "gateway-device");
  await page.keyboard.press("u");
  await page.waitForSelector(".page-head .link-paused");
  await page.waitForSelector(".grid-window .quality:has-text('paused')");
  await page.keyboard.press("u");
  await page.waitForSelector(".page-head .link-up");
  assertQuiet(page);
  await page.close();
});

test(
  "a mistake in the files is shown in place, a change is applied and brought back",
  { skip },
  async () => {
    const page = await visit(browser, gateway.url, "/config");
    await page.waitForSelector(".calm");
    gateway.writeSite(siteText(gateway.ports, "      typo: { regster: 1 }"));
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".problems li");
    assert.match(await page.textContent(".problems"), /site\.yaml:\d+:\d+.*regster/s);
    assert.equal(await page.locator("dialog").count(), 0);
    await assertAccessible(page);
    await shot(page, "gateway-config");

    gateway.writeSite(
      siteText(gateway.ports, "      voltage: { holding: 120, type: uint16, units: V }"),
    );
    await page.waitForSelector(".changes:has-text('voltage')", { timeout: 20_000 });
    await page.keyboard.press("Control+Enter");
    await page.click("dialog .primary");
    await page.waitForSelector(".toast:has-text('is running')");
    const added = await gateway.get("points/meter-1/voltage");
    assert.equal(added.units, "V");

    await page.waitForSelector("button:has-text('Bring back')");
    await page.click("button:has-text('Bring back')");
    await page.waitForSelector("dialog .changes");
    await page.click("dialog .primary");
    await page.waitForFunction(async () => {
      const answer = await fetch("/api/v1/points/meter-1/voltage");
      return answer.status === 404;
    });
    await page.close();
  },
);

test("explore: a point and PromQL together, a gap with its cause", { skip }, async () => {
  await gateway.sim("ahu-1=silence");
  await new Promise((passed) => setTimeout(passed, 5000));
  await gateway.sim("ahu-1=none");
  const page = await visit(browser, gateway.url, "/explore?s=ahu-1/sat&range=60");
  await page.waitForSelector("canvas");
  await page.fill("[role=combobox]", 'max by (device) ({device=~"ahu-.*|meter-.*"})');
  await page.keyboard.press("Enter");
  await page.waitForSelector("code:has-text('{device=\"meter-1\"}')");
  await page.waitForSelector("[aria-label=Gaps] td:has-text('no answer')", { timeout: 40_000 });
  await page.fill("[role=combobox]", "rate(power)");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]:has-text('range vector')");
  await assertAccessible(page);
  await shot(page, "gateway-explore");
  assertQuiet(page);
  await page.close();
});

test("points and system on the real gateway", { skip }, async () => {
  const page = await visit(browser, gateway.url, "/points");
  await page.waitForSelector(".grid-window .value");
  assert.equal(await page.getAttribute(".grid", "aria-rowcount"), "9");
  await assertAccessible(page);
  await shot(page, "gateway-points");
  await page.goto(`${gateway.url}/system`);
  await page.waitForSelector("section:has(h2:has-text('Ports')) tbody tr");
  await page.waitForSelector("section:has(h2:has-text('Text log')) tbody tr");
  await page.waitForSelector(".facts.row:has-text('balances')");
  await assertAccessible(page);
  await shot(page, "gateway-system");
  assertQuiet(page);
  await page.close();
});

test("the gateway's own headers forbid what is inline or elsewhere", { skip }, async () => {
  const answer = await fetch(`${gateway.url}/points/meter-1/power`);
  assert.equal(answer.status, 200);
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  const html = await answer.text();
  const script = /src="(\/assets\/[^"]+)"/.exec(html)[1];
  assert.match((await fetch(gateway.url + script)).headers.get("cache-control"), /immutable/);
});

test(
  "the gateway stops and starts again: the page says so and goes on by itself",
  { skip },
  async () => {
    const page = await visit(browser, gateway.url, "/points/meter-1/power");
    await page.waitForSelector(".big .value");
    await gateway.stop();
    await page.waitForSelector(".banner:has-text('Not live for')", { timeout: 15_000 });
    await gateway.start();
    await page.waitForSelector(".banner:has-text('Not live for')", {
      state: "detached",
      timeout: 20_000,
    });
    await timeToPixels(page, 321.5);
    await page.close();
  },
);
