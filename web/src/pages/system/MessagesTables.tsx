// SPDX-License-Identifier: Apache-2.0
// Messages that devices send by themselves, for each protocol that hears some: how many, from whom, and the last ones
// that were refused with the reason.
import { useLoad } from "../../api/load";
import type { DriverList, MessageList } from "../../api/types";
import { count } from "../../format";
import { Facts, type Fact } from "../../parts/Facts";
import { Table } from "../../parts/Table";
import { Moment, Since } from "../../parts/Time";
import { text } from "../../text";

const RELOAD_MS = 5000;
const words = text.system.messages;

function counts(list: MessageList): Fact[] {
  return [
    [words.messages, count(list.messages)],
    [words.readings, count(list.readings)],
    [words.events, count(list.events)],
    [words.refused, count(list.refused), list.refused > 0 ? "abnormal" : "plain"],
    [words.unused, count(list.unused)],
    [words.strangers, count(list.strangers)],
    [words.waiting, count(list.waiting)],
  ];
}

function Messages({ protocol }: { protocol: string }) {
  const { data, error, reload } = useLoad<MessageList>(
    `drivers/${protocol}/messages?limit=20`,
    RELOAD_MS,
  );
  return (
    <section>
      <h2>{words.title(protocol)}</h2>
      {data && <Facts rows={counts(data)} />}
      <Table
        title={words.refusedTitle(protocol)}
        rows={data?.refusals}
        error={error}
        retry={reload}
        empty={words.noRefused}
        columns={words.refusedColumns}
        cells={({ time, source, where, why, excerpt }) => [
          <Moment time={time} />,
          source,
          where,
          <span class="abnormal">{why}</span>,
          <code>{excerpt}</code>,
        ]}
      />
      <Table
        title={words.sendersTitle(protocol)}
        rows={data?.sources}
        error={undefined}
        retry={reload}
        empty={words.noSenders}
        columns={words.senderColumns}
        cells={({ source, messages, refused, last }) => [
          source,
          count(messages),
          count(refused),
          <Since time={last} />,
        ]}
      />
    </section>
  );
}

export function MessagesTables() {
  const { data } = useLoad<DriverList>("drivers", RELOAD_MS);
  const hearing = data?.drivers.filter(({ messages }) => messages) ?? [];
  return (
    <>
      {hearing.map(({ protocol }) => (
        <Messages key={protocol} protocol={protocol} />
      ))}
    </>
  );
}
