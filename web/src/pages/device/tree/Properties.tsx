// SPDX-License-Identifier: Apache-2.0
// What the device tells of one of its objects: properties, and who may hold what at which priority.
import { useEffect, useMemo } from "preact/hooks";
import { Browsing, type Subject } from "../../../api/browse";
import type { Node } from "../../../api/types";
import { Empty, Failed } from "../../../parts/State";
import { TableBox } from "../../../parts/TableBox";
import { text } from "../../../text";

const PRIORITY = "priority"; // the kind of a slot of a priority array

function Slots({ slots }: { slots: Node[] }) {
  const held = slots.filter(({ value }) => value !== null);
  return (
    <>
      <h3>{text.tree.priorities}</h3>
      {held.length === 0 ? (
        <p class="muted">{text.tree.noPriorities(slots.length)}</p>
      ) : (
        <ol class="slots">
          {slots.map((slot) => (
            <li key={slot.id} class={slot.value === null ? "muted" : ""}>
              <b>{slot.name}</b> <span>{slot.value === null ? text.tree.noValue : slot.text}</span>{" "}
              <span class="muted">{slot.description}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

interface Props {
  subject: Subject;
  node: Node;
  close: () => void;
}

export function Properties({ subject, node, close }: Props) {
  const browsing = useMemo(() => new Browsing({ ...subject, at: node.id }), [node.id]);
  useEffect(() => {
    browsing.start();
    return () => browsing.discard();
  }, [browsing]);
  const { state, error, message } = browsing.facts.value;
  const busy = state === "asking" || state === "running" || state === "none";
  const slots = browsing.nodes.filter(({ kind }) => kind === PRIORITY);
  const rows = browsing.nodes.filter(({ kind }) => kind !== PRIORITY);
  return (
    <aside class="card properties" aria-label={text.tree.propertiesOf(node.id)}>
      <div class="section-head">
        <h3>{node.id}</h3>
        <span class="muted">{node.name}</span>
        <span class="grow" />
        <button type="button" class="quiet" onClick={() => browsing.start()} disabled={busy}>
          {text.tree.readAgain}
        </button>
        <button type="button" class="quiet" onClick={close}>
          {text.close}
        </button>
      </div>
      {node.trouble && <p class="abnormal">{node.trouble}</p>}
      <p class="muted" role="status">
        {busy ? text.tree.asking : message}
      </p>
      {error && <Failed error={error} retry={() => browsing.start()} />}
      {!busy && !error && rows.length === 0 && <Empty title={text.tree.noProperties} />}
      {rows.length > 0 && (
        <TableBox label={text.tree.propertiesOf(node.id)}>
          <thead>
            <tr>
              {text.tree.propertyColumns.map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{row.name || row.id}</td>
                <td class={row.trouble ? "muted" : ""}>{row.trouble || row.text}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
      {slots.length > 0 && <Slots slots={slots} />}
    </aside>
  );
}
