// SPDX-License-Identifier: Apache-2.0
// Connectors, by which devices post, with when they last did; and their keys. A new key is shown once.
import { useState } from "preact/hooks";
import { pathOf, post, remove, type ApiError } from "../../api/client";
import { useLoad } from "../../api/load";
import type { Connector, ConnectorKey, ConnectorKeyMade } from "../../api/types";
import { count } from "../../format";
import { Confirm } from "../../parts/Confirm";
import { Dialog } from "../../parts/Dialog";
import { Table } from "../../parts/Table";
import { Since } from "../../parts/Time";
import { text } from "../../text";

const RELOAD_MS = 5000;
const words = text.system.connectors;

function when(time: string | null) {
  return time ? <Since time={time} /> : words.never;
}

export function ConnectorsTables() {
  const list = useLoad<{ connectors: Connector[] }>("connectors", RELOAD_MS);
  const keys = useLoad<{ keys: ConnectorKey[] }>("connectors/keys", RELOAD_MS);
  const [made, setMade] = useState<ConnectorKeyMade>();
  const [removing, setRemoving] = useState<ConnectorKey>();
  const [failed, setFailed] = useState<ApiError>();
  if (!list.data?.connectors.length && !keys.data?.keys.length) {
    return null;
  }
  const act = async (what: () => Promise<void>) => {
    try {
      setFailed(undefined);
      await what();
    } catch (error) {
      setFailed(error as ApiError);
    }
    keys.reload();
    list.reload();
  };
  const add = (name: string) =>
    act(async () => setMade(await post<ConnectorKeyMade>(pathOf("connectors", name, "keys"))));
  const removeKey = ({ connector, id }: ConnectorKey) =>
    act(() => remove(pathOf("connectors", connector, "keys", id)));
  return (
    <>
      <Table
        title={words.title}
        rows={list.data?.connectors}
        error={list.error}
        retry={list.reload}
        empty={words.none}
        columns={words.columns}
        cells={(row) => [
          row.name,
          count(row.devices),
          count(row.messages),
          count(row.refused),
          when(row.last),
          row.trouble && <span class="abnormal">{row.trouble}</span>,
          <button type="button" onClick={() => void add(row.name)}>
            {words.add}
          </button>,
        ]}
      />
      <Table
        title={words.keysTitle}
        rows={keys.data?.keys}
        error={failed ?? keys.error}
        retry={keys.reload}
        empty={words.noKeys}
        columns={words.keyColumns}
        cells={(row) => [
          row.connector,
          <code>{row.id}</code>,
          row.label,
          when(row.created),
          when(row.used),
          <button type="button" onClick={() => setRemoving(row)}>
            {words.remove}
          </button>,
        ]}
      />
      {made && (
        <Dialog title={words.made(made.connector)} close={() => setMade(undefined)}>
          <p>{words.once}</p>
          <p>
            <code>{made.key}</code>
          </p>
        </Dialog>
      )}
      {removing && (
        <Confirm
          title={words.removeTitle(removing.id)}
          action={words.remove}
          confirm={() => void removeKey(removing)}
          close={() => setRemoving(undefined)}
        >
          <p>{words.removeEffect(removing.connector)}</p>
        </Confirm>
      )}
    </>
  );
}
