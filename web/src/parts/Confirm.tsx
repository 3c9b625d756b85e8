// SPDX-License-Identifier: Apache-2.0
// Asks before something that changes the plant or the configuration, and names the effect.
import type { ComponentChildren } from "preact";
import { Dialog } from "./Dialog";
import { text } from "../text";

interface Props {
  title: string;
  action: string;
  confirm: () => void;
  close: () => void;
  children: ComponentChildren;
}

export function Confirm({ title, action, confirm, close, children }: Props) {
  return (
    <Dialog title={title} close={close}>
      {children}
      <p class="actions">
        <button
          type="button"
          class="primary"
          onClick={() => {
            close();
            confirm();
          }}
        >
          {action}
        </button>
        <button type="button" onClick={close} autofocus>
          {text.cancel}
        </button>
      </p>
    </Dialog>
  );
}
