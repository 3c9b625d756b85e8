// SPDX-License-Identifier: Apache-2.0
// Ctrl+K: pages and commands by letter sequence, devices and points by the server's search.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, withParams } from "../api/client";
import type { DeviceList, PointList } from "../api/types";
import { keyListOpen, paletteOpen } from "../keys";
import { go, href } from "../router";
import { sequenceScore } from "../sequence";
import { text } from "../text";
import { setTheme, THEMES } from "../theme";
import { Dialog } from "./Dialog";

const FOUND_EACH = 8;
const REST_MS = 120;

interface Entry {
  kind: string;
  name: string;
  run: () => void;
}

const FIXED: Entry[] = [
  ...(
    [
      ["/", text.pages.overview],
      ["/devices", text.pages.devices],
      ["/points", text.pages.points],
      ["/explore", text.pages.explore],
      ["/journal", text.pages.journal],
      ["/overrides", text.pages.overrides],
      ["/certificates", text.pages.certificates],
      ["/sinks", text.pages.sinks],
      ["/config", text.pages.config],
      ["/system", text.pages.system],
    ] as const
  ).map(([to, name]) => ({ kind: text.palette.page, name, run: () => go(to) })),
  {
    kind: text.palette.command,
    name: text.palette.badPoints,
    run: () => go("/points?quality=bad"),
  },
  {
    kind: text.palette.command,
    name: text.palette.downDevices,
    run: () => go("/devices?link=down"),
  },
  {
    kind: text.palette.command,
    name: text.shell.keys,
    run: () => {
      keyListOpen.value = true;
    },
  },
  ...THEMES.map((name) => ({
    kind: text.palette.command,
    name: text.palette.theme(text.shell.themes[name]),
    run: () => setTheme(name),
  })),
];

async function search(q: string, signal: AbortSignal): Promise<Entry[]> {
  const params = { q, limit: FOUND_EACH };
  const [devices, points] = await Promise.all([
    get<DeviceList>(withParams("devices", params), signal),
    get<PointList>(withParams("points", params), signal),
  ]);
  return [
    ...devices.devices.map(({ name }) => ({
      kind: text.palette.device,
      name,
      run: () => go(href.device(name)),
    })),
    ...points.points.map(({ path }) => ({
      kind: text.palette.point,
      name: path,
      run: () => go(href.point(path)),
    })),
  ];
}

function fixedFor(q: string): Entry[] {
  return FIXED.map((entry) => ({ entry, score: sequenceScore(q, entry.name) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}

function PaletteBox() {
  const [q, setQ] = useState("");
  const [found, setFound] = useState<Entry[]>([]);
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const close = () => {
    paletteOpen.value = false;
  };

  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      if (q.trim() === "") {
        setFound([]);
        return;
      }
      search(q.trim(), abort.signal).then(setFound, () => {
        // Without the server there are still the pages and commands.
        if (!abort.signal.aborted) {
          setFound([]);
        }
      });
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [q]);
  const entries = [...fixedFor(q), ...found];
  const chosen = Math.min(active, entries.length - 1);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  const run = (entry: Entry | undefined) => {
    if (entry) {
      close();
      entry.run();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setActive((chosen + step + entries.length) % Math.max(1, entries.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(entries[chosen]);
    }
  };
  return (
    <Dialog title={text.palette.title} close={close} class="palette">
      <input
        role="combobox"
        aria-label={text.palette.title}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen}`}
        autofocus
        placeholder={text.palette.hint}
        autocomplete="off"
        spellcheck={false}
        value={q}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          setQ(event.currentTarget.value);
          setActive(0);
        }}
      />
      <ul id="palette-list" role="listbox" ref={list} aria-label={text.palette.title}>
        {entries.map((entry, i) => (
          <li
            key={`${entry.kind} ${entry.name}`}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === chosen}
            onMouseMove={() => setActive(i)}
            onClick={() => run(entry)}
          >
            <span>{entry.name}</span>
            <span class="muted">{entry.kind}</span>
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p class="muted">{text.palette.nothing}</p>}
    </Dialog>
  );
}

export function Palette() {
  return paletteOpen.value ? <PaletteBox /> : null;
}
