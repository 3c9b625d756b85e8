// SPDX-License-Identifier: Apache-2.0
// Finds out why a device does not answer, step by step, each with what to do.
import { useEffect, useState } from "preact/hooks";
import { ApiError, pathOf, post } from "../../api/client";
import type { TestResult } from "../../api/types";
import { duration } from "../../format";
import { Dialog } from "../../parts/Dialog";
import { Failed } from "../../parts/State";
import { text } from "../../text";

export function TestDialog({ name, close }: { name: string; close: () => void }) {
  const [result, setResult] = useState<TestResult | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const run = async (options: string[]) => {
    setResult(undefined);
    setError(undefined);
    try {
      setResult(await post<TestResult>(`${pathOf("devices", name)}/test`, { options }));
    } catch (failure) {
      setError(failure as ApiError);
    }
  };
  useEffect(() => {
    run([]);
  }, [name]);
  return (
    <Dialog title={text.device.testOf(name)} close={close}>
      <div aria-live="polite">
        {!result && !error && <p class="state loading">{text.device.testing}</p>}
        {error && <Failed error={error} />}
        {result && <Findings result={result} />}
      </div>
      <p class="actions">
        <button type="button" onClick={() => run([])}>
          {text.device.testAgain}
        </button>
        {result && !result.fine && (
          <button type="button" onClick={() => run(["scan-units"])}>
            {text.device.scanUnits}
          </button>
        )}
      </p>
    </Dialog>
  );
}

function Findings({ result }: { result: TestResult }) {
  return (
    <>
      <p class={result.fine ? "verdict" : "verdict abnormal"}>
        {result.fine ? text.device.fine : text.device.faulty(result.code)}
        <span class="muted"> {duration(result.took_ms / 1000)}</span>
      </p>
      <ol class="findings">
        {result.findings.map((finding, i) => (
          <li key={i} class={finding.fine ? "" : "abnormal"}>
            <b>{finding.fine ? text.device.stepFine : text.device.stepBad}</b>
            <span>{finding.step}</span>
            <span class="grow">{finding.seen}</span>
            {finding.hint && <p class="hint">{text.hint(finding.hint)}</p>}
          </li>
        ))}
      </ol>
    </>
  );
}
