// SPDX-License-Identifier: Apache-2.0
// The test bench of messages, on a real gateway: a message that is pasted, the last one that came, a rule while it is typed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, startGateway } from '../support/gateway.mjs';
import { assertAccessible, openBrowser, shot, visit } from './support/browser.mjs';

let port;
let folder;
let gateway;
let browser;

before(async () => {
  port = await freePort();
  folder = makeFolder({
    'site.yaml': `version: 1
drivers: { http: { listen: "127.0.0.1:${port}" } }
connectors: { meters: { open: true, allow: 127.0.0.1 } }
devices:
  room-12:
    http: { connector: meters }
    points: { co2: { json: $.co2, units: ppm }, t: { json: $.t, type: number } }
    events: { smoke: { json: $.smoke, text: smoke, severity: high } }
`,
  });
  gateway = await startGateway({ config: folder.site, data: folder.data });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  folder?.remove();
});

const bench = "section.payload-bench";

test('a pasted message shows what each rule takes, and what is wrong', async () => {
  const page = await visit(browser, gateway.url, '/devices/room-12');
  await page.getByLabel('Message', { exact: true }).fill('{"co2": 640, "t": "hot", "smoke": true}');
  await page.waitForSelector(`${bench} tbody tr:has-text("co2"):has-text("640"):has-text("int")`);
  await page.waitForSelector(`${bench} tbody tr.frame-bad:has-text("'hot' is no number")`);
  await page.waitForSelector(`${bench} tbody tr:has-text("smoke")`);
  await assertAccessible(page);
  await shot(page, 'payload-bench');
  await page.getByLabel('Message', { exact: true }).fill('{"co2": 640');
  await page.waitForSelector(`${bench} :text("not JSON")`);
  assert.equal((await gateway.get('/api/v1/points/room-12/co2')).quality, 'bad'); // nothing was stored
  await page.close();
});

test('a rule is tried while it is typed; a wrong one says where', async () => {
  const page = await visit(browser, gateway.url, '/devices/room-12');
  await page.getByLabel('Message', { exact: true }).fill('{"a": [{"v": 3}]}');
  await page.getByLabel('A rule to try instead').fill('json: $.a[0].v');
  await page.waitForSelector(`${bench} tbody tr:has-text("$.a[0].v"):has-text("3")`);
  await page.getByLabel('A rule to try instead').fill('jsn: $.a');
  await page.waitForSelector(`${bench} [role=alert]:has-text("did you mean 'json'")`);
  await page.close();
});

test('the last message that came is taken', async () => {
  const page = await visit(browser, gateway.url, '/devices/room-12');
  await page.click(`${bench} button:has-text("Take the last message")`);
  await page.waitForSelector(`${bench} [role=alert]:has-text("no message of this device is kept")`);
  const answer = await fetch(`http://127.0.0.1:${port}/room-12`, { method: 'POST', body: '{"co2": 701}' });
  assert.equal(answer.status, 204);
  await page.click(`${bench} button:has-text("Take the last message")`);
  await page.waitForSelector(`${bench} tbody tr:has-text("701")`);
  assert.equal(await page.getByLabel('Message', { exact: true }).inputValue(), '{"co2": 701}');
  await page.close();
});
