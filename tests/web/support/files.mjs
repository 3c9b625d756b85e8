// SPDX-License-Identifier: Apache-2.0
// Serves the built page from its manifest as the gateway does: exact paths, gzip, the page for the
// rest.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

export function pageFiles(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const files = new Map(
    manifest.map(({ path, file, type, hash }) => [
      path,
      {
        type,
        hash,
        packed: readFileSync(join(folder, `${file}.gz`)),
      },
    ]),
  );
  return (path, response) => {
    const file = files.get(path) ?? (path.startsWith("/assets/") ? undefined : files.get("/"));
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, {
        ...HEADERS,
        "Content-Type": file.type,
        "Content-Encoding": "gzip",
        ETag: `"${file.hash}"`,
      })
      .end(file.packed);
  };
}
