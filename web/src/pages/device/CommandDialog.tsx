// SPDX-License-Identifier: Apache-2.0
// Asks for the arguments of a command, runs it once, and shows what came of it.
import { useState } from "preact/hooks";
import { ApiError, pathOf, post } from "../../api/client";
import type { Command, CommandArgument, CommandResult } from "../../api/types";
import { duration } from "../../format";
import { Dialog } from "../../parts/Dialog";
import { Failed } from "../../parts/State";
import { text } from "../../text";

interface FieldProps {
  argument: CommandArgument;
  value: string;
  change: (value: string) => void;
}

function Field({ argument, value, change }: FieldProps) {
  const onInput = (event: Event) => change((event.target as HTMLInputElement).value);
  return (
    <label class="field">
      <span>
        {argument.name} <span class="muted">{argument.type}</span>
      </span>
      {argument.type === "Boolean" ? (
        <select value={value} onChange={onInput}>
          <option value="false">{text.commands.no}</option>
          <option value="true">{text.commands.yes}</option>
        </select>
      ) : (
        <input value={value} onInput={onInput} autocomplete="off" spellcheck={false} />
      )}
      {argument.description && <span class="muted">{argument.description}</span>}
    </label>
  );
}

function Results({ result }: { result: CommandResult }) {
  return (
    <>
      <p class="verdict">
        {result.message} <span class="muted">{duration(result.took_ms / 1000)}</span>
      </p>
      {result.results && (
        <dl class="facts">
          {Object.entries(result.results).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

const start = ({ type }: CommandArgument) => (type === "Boolean" ? "false" : "");

export function CommandDialog({ command, close }: { command: Command; close: () => void }) {
  const [values, setValues] = useState<string[]>(command.arguments.map(start));
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<CommandResult | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const run = async (event: Event) => {
    event.preventDefault();
    setRunning(true);
    setResult(undefined);
    setError(undefined);
    try {
      const path = pathOf("devices", command.device, "commands", command.name);
      setResult(await post<CommandResult>(path, { arguments: values, confirmed: true }));
    } catch (failure) {
      setError(failure as ApiError);
    }
    setRunning(false);
  };
  return (
    <Dialog title={text.commands.runOf(command.path)} close={close}>
      <form onSubmit={run}>
        {(command.title || command.description) && <p>{command.title || command.description}</p>}
        {command.presets.length > 0 && (
          <p>
            {text.commands.writes(
              command.presets.map(({ path, value }) => `${path} = ${value}`).join(", "),
            )}
          </p>
        )}
        {command.arguments.map((argument, i) => (
          <Field
            key={i}
            argument={argument}
            value={values[i] ?? ""}
            change={(value) => setValues(values.map((old, k) => (k === i ? value : old)))}
          />
        ))}
        {command.confirm && <p class="cause">{text.commands.careful}</p>}
        <p class="actions">
          <button type="submit" class="primary" disabled={running}>
            {running ? text.commands.running : text.commands.runNow}
          </button>
          <button type="button" onClick={close}>
            {result ? text.close : text.cancel}
          </button>
        </p>
      </form>
      <div aria-live="polite">
        {error && <Failed error={error} />}
        {result && <Results result={result} />}
      </div>
    </Dialog>
  );
}
