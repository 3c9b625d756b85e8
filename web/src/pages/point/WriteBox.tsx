// SPDX-License-Identifier: Apache-2.0
// Writes a value and reads it back. The range stands beside the box and is checked before anything
// is sent; a point that wants it is asked for twice. What came back stays on view. Where the device has
// priorities a value can be written at one of them, for some time, and is released below.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, pointPath, post } from "../../api/client";
import type { LivePoint, PointFull, Scalar, WriteRule, WriteResult } from "../../api/types";
import { Confirm } from "../../parts/Confirm";
import { ForSelect } from "../../parts/ForSelect";
import { route } from "../../router";
import { text } from "../../text";
import { HeldHere } from "./HeldHere";

const TIMEOUT_S = 5;
const PRIORITIES = Array.from({ length: 17 }, (_, i) => i); // 0: the point's own

interface Props {
  point: PointFull;
  now: LivePoint;
  input: RefObject<HTMLElement | null>;
  done: () => void;
}

/** The typed text as a value of the point's type; a string says what is wrong with it. */
function valueOf(typed: string, point: PointFull, rule: WriteRule): { value: Scalar } | string {
  if (point.type === "string") {
    return { value: typed };
  }
  if (point.type === "bool" && !point.enum?.length) {
    return { value: typed === "true" };
  }
  const value = Number(typed.replace(",", "."));
  if (typed.trim() === "" || !Number.isFinite(value)) {
    return text.write.notANumber;
  }
  if ((rule.min !== null && value < rule.min) || (rule.max !== null && value > rule.max)) {
    return text.write.outside(rule.min, rule.max, point.units);
  }
  return { value: point.type === "bool" ? value !== 0 : value };
}

function choicesOf(point: PointFull): [value: string, name: string][] | undefined {
  if (point.enum && point.enum.length > 0) {
    return point.enum.map(({ value, name }) => [String(value), name]);
  }
  return point.type === "bool"
    ? [
        ["true", "true"],
        ["false", "false"],
      ]
    : undefined;
}

export function WriteBox({ point, now, input, done }: Props) {
  const rule = point.write;
  const choices = choicesOf(point);
  const [typed, setTyped] = useState(choices?.[0]?.[0] ?? "");
  const [priority, setPriority] = useState(0);
  const [lasting, setLasting] = useState("");
  const [asking, setAsking] = useState<Scalar | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ text: string; hint: string; bad: boolean } | undefined>(
    undefined,
  );

  useEffect(() => {
    if (route.value.query.get("write")) {
      input.current?.focus();
    }
  }, []);
  if (!rule) {
    return (
      <section class="card write">
        <h2>{text.write.title}</h2>
        <p class="muted">{text.write.never}</p>
      </section>
    );
  }

  const send = async (value: Scalar) => {
    setBusy(true);
    setSaid(undefined);
    try {
      const answer = await post<WriteResult>(`points/${pointPath(point.path)}/write`, {
        value,
        ...(priority > 0 ? { priority } : {}),
        ...(lasting ? { for: lasting } : {}),
        timeout_s: TIMEOUT_S,
        confirmed: true,
      });
      setSaid({ text: answer.message, hint: "", bad: !answer.read_back });
    } catch (error) {
      const { message, hint } = error as ApiError;
      setSaid({ text: message, hint, bad: true });
    }
    setBusy(false);
    done();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const read = valueOf(typed, point, rule);
    if (typeof read === "string") {
      setSaid({ text: read, hint: "", bad: true });
    } else if (rule.confirm) {
      setAsking(read.value);
    } else {
      send(read.value);
    }
  };
  const limits = text.write.limits(rule.min, rule.max, point.units);
  return (
    <section class="card write">
      <h2>{text.write.title}</h2>
      <form onSubmit={submit}>
        <label>
          {text.write.value}{" "}
          {choices ? (
            <select
              ref={input as RefObject<HTMLSelectElement>}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            >
              {choices.map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          ) : (
            <input
              ref={input as RefObject<HTMLInputElement>}
              value={typed}
              autocomplete="off"
              inputMode={point.type === "string" ? "text" : "decimal"}
              aria-describedby="write-limits"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </label>
        {!choices && point.units && <span>{point.units}</span>}
        {rule.releasable && (
          <>
            <label>
              {text.write.priority}{" "}
              <select
                value={priority}
                onChange={(event) => setPriority(Number(event.currentTarget.value))}
              >
                {PRIORITIES.map((each) => (
                  <option key={each} value={each}>
                    {each === 0 ? text.write.ownPriority(rule.priority ?? null) : each}
                  </option>
                ))}
              </select>
            </label>
            <ForSelect value={lasting} change={setLasting} most_s={rule.max_time_s ?? null} />
          </>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? text.write.busy : text.write.action}
        </button>
      </form>
      <p class="muted" id="write-limits">
        {text.write.nowIs(now.text)}
        {limits && ` · ${limits}`}
      </p>
      {rule.releasable && <HeldHere holds={point.holds ?? []} done={done} />}
      <p class={said?.bad ? "said abnormal" : "said"} role="status">
        {said?.text}
        {said?.hint && (
          <>
            <br />
            {text.hint(said.hint)}
          </>
        )}
      </p>
      {asking !== undefined && (
        <Confirm
          title={text.write.confirmTitle}
          action={text.write.action}
          confirm={() => send(asking)}
          close={() => setAsking(undefined)}
        >
          <p>
            {text.write.confirm(
              point.path,
              now.text,
              choices?.find(([value]) => value === typed)?.[1] ??
                `${String(asking)} ${point.units}`,
            )}
          </p>
        </Confirm>
      )}
    </section>
  );
}
