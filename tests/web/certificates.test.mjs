// SPDX-License-Identifier: Apache-2.0
// The Certificates page: who waits to be trusted comes first; trusted with one action after the
// fingerprint was seen; our own is downloaded and renewed. And the ways that lead there.
import { after, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import {
  assertAccessible,
  assertQuiet,
  openBrowser,
  pressAtOnce,
  shot,
  visit,
} from "./support/browser.mjs";
import { someCertificates } from "./support/look.mjs";
import { startMock } from "./support/mock.mjs";

const WAITS = {
  what: "a device waits to be trusted",
  why: "the certificate of meter-2 is not accepted",
  hint: "compare the fingerprint with the device's, then trust it: busbar certificate list",
};

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
  mock.site.certificates = someCertificates();
  mock.site.problems = [];
});

async function openList() {
  const page = await visit(browser, mock.url, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForSelector(".grid-window [role=row]");
  return page;
}

test("refused ones come first, with why; in all themes", async () => {
  const page = await openList();
  assert.match(await page.textContent("h1"), /Certificates/);
  assert.match(await page.textContent(".page-head"), /1 waiting, 1 trusted/);
  const rows = await page.locator(".grid-window [role=row]").allTextContents();
  assert.equal(rows.length, 4);
  assert.match(rows[0], /refused.*aaaaaaaaaaaaaaaa.*CN=press-1.*10\.0\.3\.5.*meter-2.*not trusted yet.*Trust/);
  assert.match(rows[1], /CN=saw-1.*opc\.tcp:\/\/10\.0\.3\.6:48250.*over.*expired.*Remove/);
  assert.doesNotMatch(rows[1], /Trust/); // it would not help
  assert.match(rows[2], /our own.*busbar at hq.*opcua.*1.800 d.*Renew.*Download/);
  assert.match(rows[3], /trusted.*CN=lathe-1.*12 d/);
  for (const theme of ["light", "dark", "room"]) {
    await page.selectOption(".theme select", theme);
    await assertAccessible(page);
    await shot(page, `certificates-${theme}`);
  }
  assertQuiet(page);
  await page.close();
});

test("one is trusted by keys, after its whole fingerprint was shown", async () => {
  const page = await openList();
  await page.focus(".grid");
  await page.keyboard.press("t");
  await page.waitForSelector("dialog[open]");
  const asked = await page.textContent("dialog");
  assert.ok(asked.includes(Array(32).fill("aa").join(":")));
  assert.match(asked, /Compare the fingerprint/);
  assert.match(asked, /opc\.tcp:\/\/10\.0\.3\.5:48250/);
  await assertAccessible(page);
  await shot(page, "certificates-trust");
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('CN=press-1, O=acme is trusted.')");
  await page.waitForSelector(".page-head:has-text('0 waiting, 2 trusted')");
  assert.equal(mock.site.certificates[0].list, "trusted");
  await page.close();
});

test("one that trust does not help has no such key; it is removed", async () => {
  const page = await openList();
  await page.focus(".grid");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("t");
  assert.equal(await page.locator("dialog[open]").count(), 0);
  await page.keyboard.press("x");
  await page.waitForSelector("dialog[open]:has-text('a refused one is forgotten')");
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('CN=saw-1 is removed.')");
  assert.equal(mock.site.certificates.length, 3);
  await page.close();
});

test("a dialog that closes takes no other one with it, and gives the focus back", async () => {
  const page = await openList();
  await page.focus(".grid");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog.wide[open]");
  await page.evaluate(() => document.querySelector("dialog").close()); // tells of it later
  await pressAtOnce(page, ".grid", ["t"]);
  await page.waitForTimeout(200);
  assert.match(await page.textContent("dialog[open]"), /Compare the fingerprint/);
  const closing = [
    () => page.keyboard.press("Escape"),
    () => page.click("dialog button:has-text('Cancel')"),
  ];
  for (const close of closing) {
    await close();
    await page.waitForSelector("dialog", { state: "detached" });
    assert.ok(await page.evaluate(() => document.activeElement.matches(".grid")));
    await page.keyboard.press("t");
    await page.waitForSelector("dialog[open]");
  }
  await page.close();
});

test("our own: details, the file, a new one", async () => {
  const page = await openList();
  const link = page.locator(".grid-window [role=row]:has-text('our own') a");
  assert.equal(
    await link.getAttribute("href"),
    `/api/v1/certificates/${"c".repeat(64)}/file?format=der`,
  );
  await page.focus(".grid");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]:has-text('urn:acme:press-1')");
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  await page.keyboard.press("r");
  await page.waitForSelector("dialog[open]:has-text('must be told to trust the new one')");
  await page.click("dialog button.primary");
  await page.waitForSelector(".toast:has-text('The new certificate is eeeeeeeeeeeeeeee.')");
  await page.close();
});

test("there is none yet, or the gateway is gone: it says so", async () => {
  mock.site.certificates = [];
  const page = await visit(browser, mock.url, "/certificates");
  await page.waitForSelector(".empty:has-text('There is no certificate yet')");
  await assertAccessible(page);
  mock.failing = true;
  await page.reload();
  await page.waitForSelector(".failed:has-text('the gateway is stopping')");
  mock.failing = false;
  await page.close();
});

test("the banner, the overview and the device lead there", async () => {
  mock.site.problems = [WAITS];
  const page = await visit(browser, mock.url, "/");
  await page.waitForSelector(".banner:has-text('a device waits to be trusted')");
  await page.waitForSelector(".rows:has-text('the certificate of meter-2') a[href='/certificates']");
  await assertAccessible(page);
  await page.click(".banner a[href='/certificates']");
  await page.waitForSelector(".grid-window [role=row]:has-text('not trusted yet')");
  const device = mock.site.device.bind(mock.site);
  const words = someCertificates()[0].words;
  mock.site.device = (d) => (d === 1 ? { ...device(d), link: "down", error: words } : device(d));
  await page.goto(`${mock.url}/devices/meter-2`);
  await page.click(".cause a[href='/certificates']");
  await page.waitForSelector("h1:has-text('Certificates')");
  mock.site.device = device;
  await page.close();
});
