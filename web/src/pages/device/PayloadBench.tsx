// SPDX-License-Identifier: Apache-2.0
// The test bench of messages: what each rule of the device takes out of one, and what a rule that is being written would.
// Nothing is stored.
import { useEffect, useState } from "preact/hooks";
import { ApiError, post } from "../../api/client";
import type { PayloadAnswer, PayloadFinding } from "../../api/types";
import { Empty } from "../../parts/State";
import { TableBox } from "../../parts/TableBox";
import { text } from "../../text";

const TYPING_MS = 300;

function FindingRow({ finding }: { finding: PayloadFinding }) {
  const wrong = !finding.fine && finding.found !== "";
  return (
    <tr class={wrong ? "frame-bad" : undefined}>
      <td>{finding.name}</td>
      <td>
        <code>{finding.rule}</code>
      </td>
      <td>{finding.id}</td>
      <td>
        <code>{finding.found}</code>
      </td>
      <td>{finding.fine ? (finding.value === null ? text.payload.found : String(finding.value)) : ""}</td>
      <td class="muted">{finding.fine ? finding.type : finding.why}</td>
    </tr>
  );
}

function Findings({ answer }: { answer: PayloadAnswer }) {
  return (
    <>
      {!answer.readable && (
        <p class="cause abnormal" role="alert">
          {answer.error} {answer.hint}
        </p>
      )}
      {answer.readable && answer.findings.length === 0 && <Empty title={text.payload.nothing} />}
      {answer.findings.length > 0 && (
        <TableBox label={text.payload.title}>
          <thead>
            <tr>
              {text.payload.columns.map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answer.findings.map((finding, i) => (
              <FindingRow key={i} finding={finding} />
            ))}
          </tbody>
        </TableBox>
      )}
    </>
  );
}

export function PayloadBench({ name }: { name: string }) {
  const [message, setMessage] = useState("");
  const [rule, setRule] = useState("");
  const [answer, setAnswer] = useState<PayloadAnswer>();
  const [error, setError] = useState("");
  const ask = (body: unknown) =>
    post<PayloadAnswer>("payload/test", body).then(
      (found) => {
        setAnswer(found);
        setError("");
        return found;
      },
      (failed: unknown) => {
        setError(failed instanceof ApiError ? `${failed.message} ${failed.hint}` : String(failed));
        return undefined;
      },
    );
  const last = () =>
    ask({ device: name, last: true }).then((found) => found && setMessage(found.message ?? ""));

  useEffect(() => {
    if (message === "") {
      return;
    }
    const wanted = rule.trim() === "" ? { device: name } : { rules: [rule] };
    const timer = setTimeout(() => void ask({ ...wanted, message }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [message, rule, name]);

  return (
    <section class="payload-bench">
      <div class="section-head">
        <h2>{text.payload.title}</h2>
        <button type="button" onClick={() => void last()}>
          {text.payload.last}
        </button>
      </div>
      <p class="muted">{text.payload.about}</p>
      <label class="field">
        {text.payload.message}
        <textarea
          rows={5}
          spellcheck={false}
          value={message}
          onInput={(event) => setMessage(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        {text.payload.rule}
        <input
          type="text"
          spellcheck={false}
          placeholder="json: $.co2"
          value={rule}
          onInput={(event) => setRule(event.currentTarget.value)}
        />
      </label>
      {error && (
        <p class="cause abnormal" role="alert">
          {error}
        </p>
      )}
      {answer && !error && <Findings answer={answer} />}
    </section>
  );
}
