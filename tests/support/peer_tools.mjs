// SPDX-License-Identifier: Apache-2.0
// The programs that the Time Series tests compare with; fetched at the first use (scripts/peer-tools).
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
let folder;

/** The path of prometheus, promtool, victoria-metrics or vmagent. */
export function peerTool(name) {
  folder ??= execFileSync(join(root, 'scripts', 'peer-tools'), { encoding: 'utf8', timeout: 300000 }).trim();
  return join(folder, name);
}
