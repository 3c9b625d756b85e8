// SPDX-License-Identifier: Apache-2.0
// Connectors on the page: who posts by what, a key that is made and shown once, and removed again.
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
connectors: { meters: {} }
devices:
  pv-1: { http: { connector: meters }, points: { v: { json: $.v } } }
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

const post = (key) => fetch(`http://127.0.0.1:${port}/pv-1`, { method: 'POST', body: '{"v": 1}', headers: { 'x-api-key': key } });

test('a key is made, shown once, used, and removed', async () => {
  const page = await visit(browser, gateway.url, '/system');
  await page.waitForSelector('tr:has-text("meters"):has-text("nobody can post")');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.waitForSelector('dialog[open] code');
  const key = await page.locator('dialog[open] code').textContent();
  assert.match(key, /^bbk_/);
  await shot(page, 'connector-key');
  await page.keyboard.press('Escape');
  assert.equal((await post(key)).status, 204);
  await assertAccessible(page);
  assert.ok(!(await page.content()).includes(key), 'it is shown once');
  await page.getByRole('button', { name: 'Remove' }).first().click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Remove' }).click();
  await page.waitForSelector('text=There is no key yet');
  assert.equal((await post(key)).status, 401);
  await page.close();
});
