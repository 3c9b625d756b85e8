// SPDX-License-Identifier: Apache-2.0
// The points that were looked at last in this browser: a way into an empty Explore.
import { recall, remember } from "../../store";

const KEPT = 4;

export function viewed(): string[] {
  return (recall("viewed") ?? "").split("\n").filter(Boolean);
}

export function rememberViewed(path: string) {
  const others = viewed().filter((each) => each !== path);
  remember("viewed", [path, ...others].slice(0, KEPT).join("\n"));
}
