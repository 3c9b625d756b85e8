// SPDX-License-Identifier: Apache-2.0
// Who waits to be trusted comes first, with why; one action trusts it, after its fingerprint was seen. Then
// our own certificates, and those that are trusted.
import { useState } from "preact/hooks";
import {
  certificateFile,
  certificateKey,
  removeCertificate,
  renewCertificate,
  trustCertificate,
} from "../api/certificates";
import { useLoad } from "../api/load";
import type { Certificate, CertificateList } from "../api/types";
import { count } from "../format";
import { Confirm } from "../parts/Confirm";
import { Dialog } from "../parts/Dialog";
import { Grid, type Column } from "../parts/Grid";
import { PageState } from "../parts/PageState";
import { Empty, Failed } from "../parts/State";
import { attempt } from "../parts/Toast";
import { href } from "../router";
import { text } from "../text";
import { Details } from "./certificates/Details";

const RELOAD_MS = 5000;
const SHORT = 16;
const DAYS_SOON = 30;

const words = text.certificates;

type What = "trust" | "remove" | "renew" | "details";
interface Asking {
  what: What;
  row: Certificate;
}

/** What can be done with one: the first is the likely one. */
function actionsOf(row: Certificate): What[] {
  if (row.list === "own") {
    return ["renew"];
  }
  return row.waits ? ["trust", "remove"] : ["remove"];
}

/** No Tab stops in the grid: keys t, x and r do the same there. */
function Actions({ row, ask }: { row: Certificate; ask: (asking: Asking) => void }) {
  const name = row.subject || row.issuer;
  return (
    <span class="actions">
      {actionsOf(row).map((what) => (
        <button
          key={what}
          type="button"
          class="small"
          tabIndex={-1}
          onClick={() => ask({ what, row })}
          aria-label={`${words.actions[what]} ${name}`}
        >
          {words.actions[what]}
        </button>
      ))}
      {row.list === "own" && (
        <a href={certificateFile(row)} download tabIndex={-1} data-plain>
          {words.download}
        </a>
      )}
    </span>
  );
}

function Days({ row }: { row: Certificate }) {
  if (row.days_left === null) {
    return null;
  }
  const soon = row.days_left < DAYS_SOON && row.list !== "revocations";
  return (
    <span class={soon ? "abnormal" : undefined} title={row.until ?? ""}>
      {row.days_left < 0 ? words.over : words.days(count(row.days_left))}
    </span>
  );
}

function columnsOf(ask: (asking: Asking) => void): Column<Certificate>[] {
  const head = words.columns;
  return [
    {
      name: "list",
      title: head.list,
      cell: (row) => (
        <span class={row.list === "refused" ? "abnormal" : undefined}>
          {words.lists[row.list] ?? row.list}
        </span>
      ),
    },
    {
      name: "fingerprint",
      title: head.fingerprint,
      cell: (row) => <code title={row.fingerprint}>{row.fingerprint.slice(0, SHORT)}</code>,
    },
    { name: "subject", title: head.subject, cell: (row) => row.subject || row.issuer },
    { name: "hosts", title: head.hosts, cell: (row) => <span title={row.hosts}>{row.hosts}</span> },
    {
      name: "device",
      title: head.device,
      cell: (row) =>
        row.device ? (
          <a href={href.device(row.device)} tabIndex={-1}>
            {row.device}
          </a>
        ) : (
          row.peer || row.protocol
        ),
    },
    { name: "days", title: head.days, right: true, cell: (row) => <Days row={row} /> },
    {
      name: "why",
      title: head.why,
      cell: (row) =>
        row.words && (
          <span class="abnormal" title={row.words}>
            {words.faults[row.fault] ?? row.fault}
          </span>
        ),
    },
    {
      name: "certificate-actions",
      title: text.devices.columns.actions,
      cell: (row) => <Actions row={row} ask={ask} />,
    },
  ];
}

const RUN: Record<Exclude<What, "details">, (row: Certificate) => Promise<string>> = {
  trust: async (row) => {
    const { words: left } = await trustCertificate(row);
    return left ? words.stillRefused(left) : words.trusted(row.subject);
  },
  remove: async (row) => {
    await removeCertificate(row);
    return words.removed(row.subject || row.issuer);
  },
  renew: async (row) => {
    const { fingerprint } = await renewCertificate(row);
    return words.renewed(fingerprint.slice(0, SHORT));
  },
};

interface QuestionProps {
  asking: Asking;
  act: (action: () => Promise<unknown>) => void;
  close: () => void;
}

/** Shows the whole fingerprint before anything is done. */
function Question({ asking, act, close }: QuestionProps) {
  const { what, row } = asking;
  if (what === "details") {
    return (
      <Dialog title={row.subject || row.issuer} close={close} class="wide">
        <Details row={row} />
      </Dialog>
    );
  }
  return (
    <Confirm
      title={words.titles[what]}
      action={words.actions[what]}
      confirm={() => act(() => attempt(() => RUN[what](row)))}
      close={close}
    >
      <p>{words.questions[what]}</p>
      <Details row={row} />
    </Confirm>
  );
}

export function Certificates() {
  const { data, error, reload } = useLoad<CertificateList>("certificates", RELOAD_MS);
  const [asking, setAsking] = useState<Asking>();
  if (!data) {
    return <PageState title={text.pages.certificates} error={error} retry={reload} />;
  }
  const rows = data.certificates;
  const act = async (action: () => Promise<unknown>) => {
    await action();
    reload();
  };
  const can = (what: What) => (row: Certificate) =>
    actionsOf(row).includes(what) && setAsking({ what, row });
  return (
    <div class="full-page">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.certificates}</h1>
        <span class={data.waiting > 0 ? "abnormal" : "muted"} role="status">
          {words.counted(count(data.waiting), count(data.trusted))}
        </span>
      </div>
      {error && <Failed error={error} retry={reload} />}
      {rows.length === 0 ? (
        <Empty title={words.none}>
          <p>{words.noneWhy}</p>
        </Empty>
      ) : (
        <Grid
          label={text.pages.certificates}
          columns={columnsOf(setAsking)}
          total={rows.length}
          row={(i) => rows[i]}
          onRange={() => {}}
          onOpen={(row) => setAsking({ what: "details", row })}
          keys={{ t: can("trust"), x: can("remove"), r: can("renew") }}
        />
      )}
      {asking && (
        <Question
          key={`${asking.what} ${certificateKey(asking.row)}`}
          asking={asking}
          act={act}
          close={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}
