// SPDX-License-Identifier: Apache-2.0
// A table that scrolls within its own box; the box is a Tab stop, so that keys can scroll it.
import type { ComponentChildren } from "preact";

export function TableBox({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table>{children}</table>
    </div>
  );
}
