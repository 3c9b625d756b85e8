// SPDX-License-Identifier: Apache-2.0
// Mistakes of a configuration as the terminal shows them: place, message, the line with a mark, a
// hint.
import type { Check, Problem } from "../../api/types";
import { Quality } from "../../parts/Quality";
import { text } from "../../text";

/** The line as it stands in the file, the wrong word under a mark. */
function Source({ problem }: { problem: Problem }) {
  if (!problem.source) {
    return null;
  }
  const start = Math.max(0, problem.column - 1);
  const end = start + Math.max(1, problem.width);
  return (
    <pre class="source" tabIndex={0}>
      <code>
        <span class="muted">{problem.line} | </span>
        {problem.source.slice(0, start)}
        <mark>{problem.source.slice(start, end)}</mark>
        {problem.source.slice(end)}
      </code>
    </pre>
  );
}

export function Problems({ check }: { check: Check }) {
  return (
    <section>
      <h2>{text.config.result}</h2>
      <p role="status" class={check.errors > 0 ? "abnormal" : undefined}>
        {text.config.counted(check.errors, check.warnings)}
      </p>
      <ol class="problems">
        {check.problems.map((problem) => (
          <li key={`${problem.file}:${problem.line}:${problem.column} ${problem.message}`}>
            <p>
              <code>
                {problem.file}:{problem.line}:{problem.column}
              </code>{" "}
              <Quality
                quality={problem.severity === "error" ? "bad" : "uncertain"}
                reason={problem.severity}
              />{" "}
              {problem.message}
            </p>
            <Source problem={problem} />
            {problem.hint && <p class="hint">{text.hint(problem.hint)}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
