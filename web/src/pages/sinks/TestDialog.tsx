// SPDX-License-Identifier: Apache-2.0
// What may be wrong between here and the target, each with what to do. Changes nothing.
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../../api/client";
import { testSink, type SinkTest } from "../../api/sinks";
import { duration } from "../../format";
import { Dialog } from "../../parts/Dialog";
import { Failed } from "../../parts/State";
import { text } from "../../text";

const words = text.sinks;

function Findings({ result }: { result: SinkTest }) {
  return (
    <>
      <p class={result.fine ? "verdict" : "verdict abnormal"}>
        {result.fine ? words.fine : words.faulty}
        <span class="muted"> {duration(result.took_ms / 1000)}</span>
      </p>
      <ol class="findings">
        {result.findings.map(({ what, verdict, text: seen, hint }, i) => (
          <li key={i} class={verdict === "bad" ? "abnormal" : ""}>
            <b>{words.verdicts[verdict]}</b>
            <span>{what}</span>
            <span class="grow">{seen}</span>
            {hint && verdict !== "good" && <p class="hint">{text.hint(hint)}</p>}
          </li>
        ))}
      </ol>
    </>
  );
}

export function TestDialog({ name, close }: { name: string; close: () => void }) {
  const [result, setResult] = useState<SinkTest>();
  const [error, setError] = useState<ApiError>();
  const run = async () => {
    setResult(undefined);
    setError(undefined);
    try {
      setResult(await testSink(name));
    } catch (failure) {
      setError(failure as ApiError);
    }
  };
  useEffect(() => {
    run();
  }, [name]);
  return (
    <Dialog title={words.testOf(name)} close={close} class="wide">
      <div aria-live="polite">
        {!result && !error && <p class="state loading">{words.testing}</p>}
        {error && <Failed error={error} />}
        {result && <Findings result={result} />}
      </div>
      <p class="actions">
        <button type="button" onClick={run}>
          {words.testAgain}
        </button>
      </p>
    </Dialog>
  );
}
