// SPDX-License-Identifier: Apache-2.0
// What a person runs at the database, to read, select and copy.
import { useEffect, useState } from "preact/hooks";
import { getText, pathOf, type ApiError } from "../../api/client";
import { Dialog } from "../../parts/Dialog";
import { Failed, Loading } from "../../parts/State";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";

const words = text.sinks;

export function SqlDialog({ name, close }: { name: string; close: () => void }) {
  const [sql, setSql] = useState<string>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    getText(pathOf("sinks", name, "sql")).then(setSql, setError);
  }, [name]);
  const copy = () =>
    attempt(async () => {
      await navigator.clipboard.writeText(sql ?? "");
      return words.sqlCopied;
    });
  return (
    <Dialog title={words.sqlOf(name)} close={close} class="wide">
      {error && <Failed error={error} />}
      {!error && sql === undefined && <Loading />}
      {sql !== undefined && (
        <>
          {navigator.clipboard && (
            <p class="actions">
              <button type="button" onClick={copy}>
                {words.sqlCopy}
              </button>
            </p>
          )}
          <pre class="sql" tabIndex={0}>
            <code>{sql}</code>
          </pre>
        </>
      )}
    </Dialog>
  );
}
