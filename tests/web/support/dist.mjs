// SPDX-License-Identifier: Apache-2.0
// The page as it is now: built once a test process into a folder of its own, or BUSBAR_WEB_OUT as
// it is.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const WEB = fileURLToPath(new URL("../../../web", import.meta.url));
let folder = process.env.BUSBAR_WEB_OUT;

export function dist() {
  if (!folder) {
    folder = mkdtempSync(join(tmpdir(), "busbar-page-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    execFileSync(process.execPath, ["build.mjs"], {
      cwd: WEB,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, BUSBAR_WEB_OUT: folder },
    });
  }
  return folder;
}

/** One module of the page, for tests without a browser. */
export async function pageModule(name) {
  const { build } = await import(join(WEB, "node_modules/esbuild/lib/main.js"));
  const { outputFiles } = await build({
    entryPoints: [join(WEB, "src", name)],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "error",
  });
  return import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`
  );
}
