// SPDX-License-Identifier: Apache-2.0
// The box that adds: points by any part of their path, anything else as PromQL.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, withParams } from "../../api/client";
import type { PointList } from "../../api/types";
import { text } from "../../text";

const REST_MS = 120;
const FOUND_MAX = 8;

interface Props {
  box: RefObject<HTMLInputElement | null>;
  add: (asked: string) => void;
}

/** Paths that match what was typed. */
function useFound(typed: string): string[] {
  const [found, setFound] = useState<string[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    const q = typed.trim();
    if (q === "" || /[{}()[\]]/.test(q)) {
      setFound([]);
      return;
    }
    const timer = setTimeout(() => {
      get<PointList>(withParams("points", { q, limit: FOUND_MAX }), abort.signal).then(
        (list) => setFound(list.points.map(({ path }) => path)),
        () => {
          // Without suggestions there is still the text itself.
        },
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [typed]);
  return found;
}

export function Add({ box, add }: Props) {
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(-1); // -1: the text itself
  const found = useFound(typed);
  const open = found.length > 0;
  const take = (asked: string) => {
    if (asked.trim() !== "") {
      add(asked.trim());
      setTyped("");
      setActive(-1);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && open) {
      event.preventDefault();
      setActive(((active + 1 + step + found.length + 1) % (found.length + 1)) - 1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(found[active] ?? typed);
    } else if (event.key === "Escape") {
      event.preventDefault();
      typed === "" ? box.current?.blur() : setTyped("");
    }
  };
  return (
    <form
      class="explore-add"
      onSubmit={(event) => {
        event.preventDefault();
        take(typed);
      }}
    >
      <input
        ref={box}
        role="combobox"
        aria-label={text.explore.add}
        aria-expanded={open}
        aria-controls="explore-found"
        aria-activedescendant={active >= 0 ? `explore-found-${active}` : undefined}
        placeholder={text.explore.addHint}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setActive(-1);
        }}
      />
      <button type="submit" disabled={typed.trim() === ""}>
        {text.explore.addButton}
      </button>
      <ul
        id="explore-found"
        role="listbox"
        aria-label={text.explore.suggestions}
        hidden={!open || typed === ""}
      >
        {found.map((path, i) => (
          <li
            key={path}
            id={`explore-found-${i}`}
            role="option"
            aria-selected={i === active}
            onMouseMove={() => setActive(i)}
            onMouseDown={(event) => {
              event.preventDefault();
              take(path);
            }}
          >
            {path}
          </li>
        ))}
      </ul>
    </form>
  );
}
