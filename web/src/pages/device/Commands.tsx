// SPDX-License-Identifier: Apache-2.0
// What the device can be told to do: each command with what it takes, a dialog that asks for it.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { withParams } from "../../api/client";
import type { Command, CommandList } from "../../api/types";
import { Failed } from "../../parts/State";
import { TableBox } from "../../parts/TableBox";
import { text } from "../../text";
import { CommandDialog } from "./CommandDialog";

const RELOAD_MS = 10_000;

function takes({ arguments: list, presets, known }: Command): string {
  if (presets.length > 0) {
    return presets
      .map(({ path, value }) => `${path.slice(path.indexOf("/") + 1)} = ${value}`)
      .join(", ");
  }
  return known ? list.map(({ name, type }) => `${name} (${type})`).join(", ") : "";
}

function CommandRow({ command, open }: { command: Command; open: () => void }) {
  const trouble = command.trouble || (command.known ? "" : text.commands.notKnown);
  return (
    <tr>
      <td class="nowrap">{command.name}</td>
      <td>
        {command.title || command.description}
        {trouble && <span class={command.trouble ? "abnormal" : "muted"}> {trouble}</span>}
      </td>
      <td>{takes(command)}</td>
      <td class="right">
        <button type="button" aria-label={text.commands.runName(command.name)} onClick={open}>
          {text.commands.run}
        </button>
      </td>
    </tr>
  );
}

export function Commands({ name }: { name: string }) {
  const [open, setOpen] = useState<Command | undefined>(undefined);
  const { data, error, reload } = useLoad<CommandList>(
    withParams("commands", { device: name }),
    RELOAD_MS,
  );
  if (!error && !data?.commands.length) {
    return null;
  }
  return (
    <section>
      <div class="section-head">
        <h2>{text.commands.title}</h2>
      </div>
      {error && <Failed error={error} retry={reload} />}
      {data && (
        <TableBox label={text.commands.title}>
          <thead>
            <tr>
              {text.commands.columns.map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
              <th />
            </tr>
          </thead>
          <tbody>
            {data.commands.map((command) => (
              <CommandRow key={command.name} command={command} open={() => setOpen(command)} />
            ))}
          </tbody>
        </TableBox>
      )}
      {open && <CommandDialog command={open} close={() => setOpen(undefined)} />}
    </section>
  );
}
