// SPDX-License-Identifier: Apache-2.0
// Shows what will change before it changes.
import type { Diff } from "../../api/types";
import { Confirm } from "../../parts/Confirm";
import { Dialog } from "../../parts/Dialog";
import { text } from "../../text";
import { Changes } from "./Changes";

interface Props {
  diff: Diff;
  version: number | undefined;
  apply: () => void;
  close: () => void;
}

export function ApplyDialog({ diff, version, apply, close }: Props) {
  const title = version === undefined ? text.config.applyTitle : text.config.rollbackTitle(version);
  if (diff.changes.length === 0) {
    return (
      <Dialog title={title} close={close}>
        <p>{text.config.nothing}</p>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={title}
      confirm={apply}
      close={close}
      action={version === undefined ? text.config.applyNow : text.config.rollback}
    >
      <Changes diff={diff} />
    </Confirm>
  );
}
