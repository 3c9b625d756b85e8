// SPDX-License-Identifier: Apache-2.0
// Bundles the page into BUSBAR_WEB_OUT (default web/dist): scripts and a style sheet named by their
// content, each beside its gzip, and manifest.json, from which the binary embeds them:
//   [{"path": "/assets/app-1a2b3c4d.js", "file": "assets/app-1a2b3c4d.js", "type": "...", "hash": "sha256"}]
// Fails when what a browser loads first is over the budget.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.env.BUSBAR_WEB_OUT || join(here, "dist"));
const FIRST_LOAD_BYTES_MAX = 60 * 1024;
const LAZY_BYTES_MAX = 250 * 1024;
const TYPES = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
  txt: "text/plain; charset=utf-8",
};
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const PARTS = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

const manifest = [];
let firstLoadBytes = 0;
let lazyBytes = 0;

/** Writes one file with its gzip and its manifest row. part: what its size counts for. */
function emit(file, type, content, part, path = `/${file}`) {
  const data = Buffer.from(content);
  const hash = createHash("sha256").update(data).digest("hex");
  const packed = gzipSync(data, { level: 9 });
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), data);
  writeFileSync(join(out, `${file}.gz`), packed);
  manifest.push({ path, file, type, hash });
  firstLoadBytes += part === "first" ? packed.length : 0;
  lazyBytes += part === "lazy" ? packed.length : 0;
  console.log(
    `${String(data.length).padStart(8)} ${String(packed.length).padStart(7)} gz  ${part.padEnd(5)} ${file}`,
  );
  return path;
}

/** The licences of the parts that are inside the bundle, as their terms ask. */
function licences() {
  return PARTS.map((part) => {
    const folder = join(here, "node_modules", part);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const text = readFileSync(join(folder, "LICENSE"), "utf8").trim();
    return `${part} ${version} (${license})\n\n${text}\n`;
  }).join("\n----------\n\n");
}

const result = await build({
  entryPoints: { app: join(here, "src/main.tsx"), icon: join(here, "src/icon.svg") },
  loader: { ".svg": "copy" },
  bundle: true,
  splitting: true,
  minify: true,
  write: false,
  metafile: true,
  format: "esm",
  target: "es2022",
  absWorkingDir: here,
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});

const outputs = new Map(
  Object.entries(result.metafile.outputs).map(([name, facts]) => [resolve(here, name), facts]),
);

/** The entry and all it imports at once; the rest is fetched when it is first shown. */
function firstFiles(file, seen = new Set()) {
  seen.add(file);
  for (const { path, kind } of outputs.get(file).imports) {
    const next = resolve(here, path);
    if (kind === "import-statement" && outputs.has(next) && !seen.has(next)) {
      firstFiles(next, seen);
    }
  }
  return seen;
}

rmSync(out, { recursive: true, force: true });
const find = (pattern) => [...outputs.keys()].find((file) => pattern.test(file));
const first = firstFiles(find(/\/app-\w+\.js$/));
const paths = {};
for (const { path, contents } of result.outputFiles) {
  const suffix = path.slice(path.lastIndexOf(".") + 1);
  const name = `assets/${relative(join(out, "assets"), path)}`;
  const part = suffix !== "js" || first.has(path) ? "first" : "lazy";
  const address = emit(name, TYPES[suffix], contents, part);
  if (/\/(app|icon)-\w+\./.test(path)) {
    paths[suffix] = address;
  }
}
const preload = [...first]
  .filter((file) => !file.includes("/assets/app-"))
  .map((file) => `<link rel="modulepreload" href="/${relative(out, file)}">`)
  .join("\n  ");
const filled = { CSP, ICON: paths.svg, STYLE: paths.css, SCRIPT: paths.js, PRELOAD: preload };
const html = readFileSync(join(here, "index.html"), "utf8").replace(
  /%([A-Z]+)%/g,
  (_, word) => filled[word],
);
emit("index.html", TYPES.html, html, "first", "/");
emit("licences.txt", TYPES.txt, licences(), "text");
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);

for (const [what, bytes, bytesMax] of [
  ["first load", firstLoadBytes, FIRST_LOAD_BYTES_MAX],
  ["lazy parts", lazyBytes, LAZY_BYTES_MAX],
]) {
  const share = `${what}: ${(bytes / 1024).toFixed(1)} of ${bytesMax / 1024} KB compressed`;
  console.log(share);
  if (bytes > bytesMax) {
    console.error(`error: over the budget: ${share}`);
    process.exitCode = 1;
  }
}
