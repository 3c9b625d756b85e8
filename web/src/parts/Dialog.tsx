// SPDX-License-Identifier: Apache-2.0
// A native modal dialog: focus stays inside, Esc closes, focus returns to where it was. It closes
// by going from the page, at once: the browser's own "close" comes later, when a key may have
// opened the next dialog already.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { text } from "../text";

interface Props {
  title: string;
  close: () => void;
  children: ComponentChildren;
  class?: string;
}

export function Dialog({ title, close, children, class: extra = "" }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const shown = dialog.current!;
    shown.showModal();
    return () => {
      shown.close(); // while it is open, nothing else takes the focus
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={extra}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClose={() => dialog.current && close()}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet" onClick={close}>
            {text.close}
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
