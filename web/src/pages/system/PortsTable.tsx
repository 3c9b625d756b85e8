// SPDX-License-Identifier: Apache-2.0
// Every port in use or wanted, who owns it, conflicts, and firewall rules to copy.
import { useLoad } from "../../api/load";
import type { Port } from "../../api/types";
import { Table } from "../../parts/Table";
import { text } from "../../text";

const RELOAD_MS = 10_000;

function cells(port: Port) {
  return [
    port.use,
    `${port.transport} ${port.port}`,
    port.address || port.peer || text.none,
    port.direction,
    port.firewall ? text.system.mustOpen : text.system.needNotOpen,
    port.owner ? `${port.owner}${port.pid ? ` (${port.pid})` : ""}` : text.none,
    port.conflict ? (
      <b class="abnormal">{port.conflict}</b>
    ) : port.running ? (
      text.system.listening
    ) : (
      text.system.notListening
    ),
  ];
}

export function PortsTable() {
  const { data, error, reload } = useLoad<{ ports: Port[] }>("ports", RELOAD_MS);
  return (
    <Table
      title={text.system.ports}
      rows={data?.ports}
      error={error}
      retry={reload}
      empty={text.system.noPorts}
      columns={text.system.portColumns}
      cells={cells}
      tools={
        <>
          <a href="/api/v1/ports?format=nft" data-plain>
            {text.system.nft}
          </a>
          <a href="/api/v1/ports?format=ufw" data-plain>
            {text.system.ufw}
          </a>
        </>
      }
    />
  );
}
