// SPDX-License-Identifier: Apache-2.0
// What the documentation shows must work: links lead somewhere, commands and flags exist, and every
// site (a ```yaml block with devices, or a folder of examples/) passes the check. A block marked
// ```yaml fragment is a part of a file and is not checked.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const busbar = process.env.BUSBAR ?? join(root, "build/dev/busbar");
const scratch = mkdtempSync(join(tmpdir(), "busbar-docs-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Every Markdown file of the root and of docs/. */
function pages() {
  return ["", "docs"].flatMap((folder) =>
    readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"))
      .map((name) => join(root, folder, name)));
}

/** Fenced blocks of a page: what follows the fence, the line it starts at, its text. */
function blocks(text) {
  const found = [];
  for (const match of text.matchAll(/^( *)```([^\n]*)\n(.*?)^\1```/gms)) {
    const line = text.slice(0, match.index).split("\n").length;
    found.push({ kind: match[2].trim(), line, text: match[3] });
  }
  return found;
}

/** The anchors that a page's headings give. */
function anchors(text) {
  return [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1].toLowerCase().replace(/[^\w\- ]/g, "").trim().replace(/ /g, "-"));
}

/** Runs the program; its output as one text. */
function run(program, args, input = "") {
  const result = spawnSync(program, args, { encoding: "utf8", input, timeout: 60_000 });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

/** Checks a site with the secrets it names; fails with the program's own words. */
function checkSite(path, text) {
  const data = mkdtempSync(join(scratch, "data-"));
  for (const [, name] of text.matchAll(/!secret ([\w.-]+)/g)) {
    const set = run(busbar, ["secret", "set", name, "--data", data], "example-value");
    assert.equal(set.status, 0, set.output);
  }
  const { status, output } = run(busbar, ["config", "check", path, "--data", data]);
  assert.equal(status, 0, output);
}

for (const page of pages()) {
  const name = relative(root, page);
  const text = readFileSync(page, "utf8");

  test(`${name}: links lead somewhere`, () => {
    const prose = text.replace(/^( *)```.*?^\1```/gms, "").replace(/`[^`\n]*`/g, "");
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) {
        continue;
      }
      const [file, anchor] = target.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      assert.ok(existsSync(path), `${name}: no ${target}`);
      if (anchor !== undefined && path.endsWith(".md")) {
        assert.ok(anchors(readFileSync(path, "utf8")).includes(anchor), `${name}: no ${target}`);
      }
    }
  });

  const commands = blocks(text).filter(({ kind }) => /^(|sh|bash|console|text)$/.test(kind))
    .flatMap((block) => block.text.split("\n").map((words, at) => ({ words, line: block.line + 1 + at })))
    .filter(({ words }) => /^\s*(\$ )?(sudo )?(\.\/)?(build\/\w+\/)?busbar [a-z]/.test(words));
  if (commands.length > 0) {
    test(`${name}: ${commands.length} commands exist`, () => {
      for (const { words, line } of commands) {
        checkCommand(words.replace(/^.*?busbar /, "").replace(/\s+#.*$/, ""), `${name}:${line}`);
      }
    });
  }

  describe(`${name}: sites`, () => {
    for (const block of blocks(text).filter(({ kind }) => kind === "yaml")) {
      if (!/^devices:/m.test(block.text)) {
        continue;
      }
      test(`line ${block.line}`, () => {
        const folder = mkdtempSync(join(scratch, "site-"));
        for (const csv of blocks(text).filter(({ kind }) => kind.startsWith("csv "))) {
          writeFileSync(join(folder, csv.kind.slice(4)), csv.text);
        }
        writeFileSync(join(folder, "site.yaml"), block.text);
        checkSite(folder, block.text);
      });
    }
  });
}

/** A command of the documentation: its verb has a help page, and that names each of its flags. */
function checkCommand(words, where) {
  const parts = words.match(/'[^']*'|"[^"]*"|[^\s'"]+/g).filter((word) => word !== "");
  const end = parts.findIndex((word) => /^[|>;&]/.test(word));
  const own = end < 0 ? parts : parts.slice(0, end);
  const alone = run(busbar, [own[0], "--help"]);
  const two = own.length > 1 && /^[a-z-]+$/.test(own[1]) ? run(busbar, [own[0], own[1], "--help"]) : alone;
  const { status, output } = two.status === 0 ? two : alone;
  assert.equal(status, 0, `${where}: busbar ${words}: ${output}`);
  for (const flag of own.filter((word) => word.startsWith("--"))) {
    assert.ok(output.includes(flag.replace(/=.*/, "")), `${where}: busbar ${words}: no ${flag}`);
  }
}

describe("examples", () => {
  const folder = join(root, "examples");
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    test(name, () => {
      const path = join(folder, name);
      if (name.endsWith(".yaml")) {
        checkSite(path, readFileSync(path, "utf8"));
        return;
      }
      const files = readdirSync(path).filter((file) => file.endsWith(".yaml"));
      assert.ok(files.length > 0, `${name} has no YAML file`);
      checkSite(path, files.map((file) => readFileSync(join(path, file), "utf8")).join("\n"));
    });
  }
});
