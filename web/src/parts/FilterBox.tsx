// SPDX-License-Identifier: Apache-2.0
// The filter of a list; what is typed goes into the address after a short rest. Esc empties it.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { setQuery } from "../router";

const REST_MS = 180;

interface Props {
  box: RefObject<HTMLInputElement | null>;
  value: string;
  label: string;
  hint: string;
}

export function FilterBox({ box, value, label, hint }: Props) {
  const [typed, setTyped] = useState(value);
  const timer = useRef(0);
  useEffect(() => setTyped(value), [value]);
  const take = (next: string, wait_ms: number) => {
    setTyped(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setQuery({ q: next.trim() || null }, true), wait_ms);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.preventDefault();
      if (typed) {
        take("", 0);
      } else {
        box.current?.blur();
      }
    } else if (event.key === "Enter") {
      take(typed, 0);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      document.querySelector<HTMLElement>("[role=grid]")?.focus();
    }
  };
  return (
    <label class="filter">
      <span aria-hidden="true">/</span>
      <input
        ref={box}
        type="search"
        aria-label={label}
        placeholder={hint}
        value={typed}
        spellcheck={false}
        autocomplete="off"
        onKeyDown={onKeyDown}
        onInput={(event) => take(event.currentTarget.value, REST_MS)}
      />
    </label>
  );
}
