// SPDX-License-Identifier: Apache-2.0
// bytes -> decoded -> scaled -> quality: why the value is what it is.
import type { PointFull } from "../../api/types";
import { text } from "../../text";

export function Explain({ point }: { point: PointFull }) {
  return (
    <section class="card wide">
      <h2>{text.point.explain}</h2>
      {point.explain.length === 0 ? (
        <p class="muted">{text.point.noExplain}</p>
      ) : (
        <ol class="explain">
          {point.explain.map(({ step, text: words }) => (
            <li key={step}>
              <span class="muted">{step}</span>
              <code>{words}</code>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
