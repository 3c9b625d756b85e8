// SPDX-License-Identifier: Apache-2.0
// What the build leaves for the gateway to embed, and its size.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { dist } from "./support/dist.mjs";

const folder = dist();
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

test("every file of the manifest is there, with its hash and its gzip", () => {
  assert.ok(manifest.length >= 5);
  for (const { path, file, type, hash } of manifest) {
    const data = readFileSync(join(folder, file));
    assert.equal(createHash("sha256").update(data).digest("hex"), hash, path);
    assert.deepEqual(gunzipSync(readFileSync(join(folder, `${file}.gz`))), data, path);
    assert.match(type, /^(text|image)\//);
  }
});

test("the page names only its own files, and they are in the manifest", () => {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
  assert.ok(named.length >= 3);
  for (const path of named) {
    assert.ok(
      manifest.some((row) => row.path === path),
      path,
    );
  }
});

test("nothing in the page is inline, nothing names another host", () => {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|\son\w+=|style="/);
  for (const { file } of manifest.filter(({ file }) => /\.(js|css|html)$/.test(file))) {
    const hosts = [...readFileSync(join(folder, file), "utf8").matchAll(/https?:\/\/([\w.-]+)/g)]
      .map((match) => match[1])
      .filter((host) => host !== "www.w3.org"); // names of XML, not addresses
    assert.deepEqual(hosts, [], file);
  }
});

test("the licences of the parts are with the page", () => {
  const text = readFileSync(join(folder, "licences.txt"), "utf8");
  for (const part of ["preact", "@preact/signals", "uplot"]) {
    assert.match(text, new RegExp(`^${part} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, "m"));
  }
});
