// SPDX-License-Identifier: Apache-2.0
// Pairs of a name and a value, as a description list.
import type { ComponentChildren } from "preact";

export type Fact = [name: string, value: ComponentChildren, kind?: "abnormal" | "plain"];

export function Facts({ rows, class: extra = "" }: { rows: Fact[]; class?: string }) {
  return (
    <dl class={`facts ${extra}`}>
      {rows.map(([name, value, kind]) => (
        <div key={name} class={kind === "abnormal" ? "abnormal" : undefined}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
