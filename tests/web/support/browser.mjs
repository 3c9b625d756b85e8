// SPDX-License-Identifier: Apache-2.0
// A fresh Chromium for a test file, and what every page test looks at: foreign requests, errors,
// axe.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];
const SHOTS = process.env.BUSBAR_WEB_SHOTS; // a folder: pictures of the pages are left there

function program() {
  const found = [process.env.CHROMIUM, "/usr/bin/chromium"].find(
    (path) => path && existsSync(path),
  );
  assert.ok(found, "no Chromium: install Debian's package 'chromium' or set CHROMIUM to its path");
  return found;
}

export async function openBrowser() {
  const folder = mkdtempSync(join(tmpdir(), "busbar-web-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: program(),
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
    bypassCSP: false,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A page at `path`; its foreign requests and script errors are collected in page.foreign,
 * page.errors.
 */
export async function visit(browser, url, path) {
  const page = await browser.context.newPage();
  page.foreign = [];
  page.errors = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== url) {
      page.foreign.push(request.url());
    }
  });
  page.on("pageerror", (error) => page.errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text())) {
      page.errors.push(message.text());
    }
  });
  await page.goto(url + path);
  await page.waitForSelector("main h1, main .state");
  return page;
}

/** The address that stands in the bar, as the page itself knows it: the driver learns it later. */
export async function address(page) {
  return new URL(await page.evaluate(() => location.href));
}

/** Keys in one task of the page, with no time to paint between them. */
export async function pressAtOnce(page, selector, keys) {
  await page.evaluate(
    async ([selector, keys]) => {
      for (const key of keys) {
        const target = document.querySelector(selector);
        target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        await null; // what was set is drawn; nothing is painted
      }
    },
    [selector, keys],
  );
}

/** No serious finding of axe; the message names rule and element. */
export async function assertAccessible(page) {
  // the page's CSP allows no script of ours
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  await session.detach();
  const findings = await page.evaluate(async () => {
    const result = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return result.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
    }));
  });
  assert.ok(Array.isArray(findings), "axe did not run");
  const serious = findings.filter(({ impact }) => SERIOUS.includes(impact));
  assert.deepEqual(serious, [], JSON.stringify(serious, null, 1));
}

export function assertQuiet(page) {
  assert.deepEqual(page.foreign, [], "requests to another host");
  assert.deepEqual(page.errors, [], "script errors");
}

export async function shot(page, name) {
  if (SHOTS) {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
