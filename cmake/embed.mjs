// SPDX-License-Identifier: Apache-2.0
// embed.mjs FOLDER OUT.c: writes the files of FOLDER/manifest.json as the table of server/page.h.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder, out] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
const parts = [
  "/* SPDX-License-Identifier: Apache-2.0 */",
  "/* Made by cmake/embed.mjs from web/. */",
  '#include "server/page.h"',
];

/** Adds a byte array; 24 bytes a line. */
function addBytes(name, data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 24) {
    lines.push(`    ${[...data.subarray(at, at + 24)].join(",")},`);
  }
  parts.push(`static const uint8_t ${name}[] = {\n${lines.join("\n")}\n};`);
}

const rows = manifest.map((row, index) => {
  const plain = join(folder, row.file);
  const packed = `${plain}.gz`;
  addBytes(`plain_${index}`, readFileSync(plain));
  const lines = [
    `.path = ${JSON.stringify(row.path)}`,
    `.type = ${JSON.stringify(row.type)}`,
    `.hash = ${JSON.stringify(row.hash)}`,
    `.data = plain_${index}`,
    `.size = sizeof(plain_${index})`,
  ];
  if (existsSync(packed)) {
    addBytes(`gzip_${index}`, readFileSync(packed));
    lines.push(`.gzip = gzip_${index}`, `.gzip_size = sizeof(gzip_${index})`);
  }
  return `    { ${lines.join(",\n      ")} },`;
});
parts.push(`const struct page_file page_files[] = {\n${rows.join("\n")}\n};`);
parts.push(`const size_t page_file_count = ${rows.length};`);
writeFileSync(out, `${parts.join("\n\n")}\n`);
