// SPDX-License-Identifier: Apache-2.0
// How the protocols themselves are doing: networks, registrations, what was dropped and why.
import { useLoad } from "../../api/load";
import type { DriverFact, DriverList } from "../../api/types";
import { Table } from "../../parts/Table";
import { text } from "../../text";

const RELOAD_MS = 5000;

type Row = DriverFact & { protocol: string };

export function DriversTable() {
  const { data, error, reload } = useLoad<DriverList>("drivers", RELOAD_MS);
  const rows = data?.drivers.flatMap(({ protocol, facts }) =>
    facts.map((fact): Row => ({ ...fact, protocol })),
  );
  return (
    <Table
      title={text.system.drivers}
      rows={rows}
      error={error}
      retry={reload}
      empty={text.system.noDrivers}
      columns={text.system.driverColumns}
      cells={({ protocol, part, name, text: now, trouble }) => [
        `${protocol} ${part}`.trim(),
        name,
        now,
        trouble && <span class="abnormal">{trouble}</span>,
      ]}
    />
  );
}
