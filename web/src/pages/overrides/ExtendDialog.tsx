// SPDX-License-Identifier: Apache-2.0
// Gives a held value another end.
import { useState } from "preact/hooks";
import { extendHold } from "../../api/holds";
import type { Hold } from "../../api/types";
import { Dialog } from "../../parts/Dialog";
import { ForSelect } from "../../parts/ForSelect";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";

interface Props {
  hold: Hold;
  close: () => void;
  act: (action: () => Promise<unknown>) => void;
}

export function ExtendDialog({ hold, close, act }: Props) {
  const [lasting, setLasting] = useState("2h");
  const submit = (event: Event) => {
    event.preventDefault();
    close();
    act(() =>
      attempt(async () => {
        await extendHold(hold, lasting);
        return text.holds.extended(hold.path, text.holds.times[lasting] ?? lasting);
      }),
    );
  };
  return (
    <Dialog title={text.holds.extendOf(hold.path)} close={close}>
      <form onSubmit={submit}>
        <p>{text.holds.extendWhat}</p>
        <p class="actions">
          <ForSelect value={lasting} change={setLasting} />
          <button type="submit" class="primary">
            {text.holds.extend}
          </button>
          <button type="button" onClick={close}>
            {text.cancel}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
