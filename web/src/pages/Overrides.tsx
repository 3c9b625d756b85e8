// SPDX-License-Identifier: Apache-2.0
// All that is held by hand: by whom, since, until, at which priority; released one by one or all, or
// given another end.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { allHolds, forgetHold, holdKey, releaseHold } from "../api/holds";
import type { Hold } from "../api/types";
import { count } from "../format";
import { Confirm } from "../parts/Confirm";
import { Grid, type Column } from "../parts/Grid";
import { PageState } from "../parts/PageState";
import { Empty, Failed } from "../parts/State";
import { Moment, Since } from "../parts/Time";
import { attempt, say } from "../parts/Toast";
import { go, href } from "../router";
import { text } from "../text";
import { ExtendDialog } from "./overrides/ExtendDialog";

const RELOAD_MS = 5000;
const PAGES_MAX = 100; // of 1,000: as many as the gateway keeps

type Asking = { what: "release" | "all" | "extend" | "forget"; hold: Hold } | undefined;

/** Loads all, again and again while the page is visible. */
function useHolds() {
  const [state, setState] = useState<{ holds?: Hold[]; error?: ApiError }>({});
  const again = useRef(() => {});
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const load = async () => {
      clearTimeout(timer);
      try {
        const { holds } = await allHolds(PAGES_MAX, abort.signal);
        setState({ holds });
      } catch (error) {
        if (abort.signal.aborted) {
          return;
        }
        setState((old) => ({ ...old, error: error as ApiError }));
      }
      timer = window.setTimeout(next, RELOAD_MS);
    };
    const next = () =>
      document.hidden ? (timer = window.setTimeout(next, RELOAD_MS)) : void load();
    again.current = load;
    load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  return { ...state, reload: useCallback(() => again.current(), []) };
}

/** No Tab stops in the grid: keys r and x do the same there. */
function HoldActions({ hold, ask }: { hold: Hold; ask: (asking: Asking) => void }) {
  const what = hold.configured ? "release" : "forget";
  const [name, label] = hold.configured
    ? [text.holds.release, text.holds.releaseOf(hold.path)]
    : [text.holds.forget, text.holds.forgetOf(hold.path)];
  const props = { type: "button", tabIndex: -1, class: "small" } as const;
  return (
    <span class="actions">
      <button {...props} onClick={() => ask({ what, hold })} aria-label={label}>
        {name}
      </button>
      <button
        {...props}
        onClick={() => ask({ what: "extend", hold })}
        aria-label={text.holds.extendOf(hold.path)}
      >
        {text.holds.extend}
      </button>
    </span>
  );
}

function columnsOf(ask: (asking: Asking) => void): Column<Hold>[] {
  const head = text.holds.columns;
  return [
    {
      name: "path",
      title: head.path,
      cell: (hold) =>
        hold.configured ? (
          <a href={href.point(hold.path)} tabIndex={-1}>
            {hold.path}
          </a>
        ) : (
          hold.path
        ),
    },
    {
      name: "value",
      title: head.value,
      right: true,
      cell: (hold) => `${hold.value} ${hold.units}`.trim(),
    },
    {
      name: "priority",
      title: head.priority,
      right: true,
      cell: (hold) => hold.priority ?? text.holds.own,
    },
    { name: "who", title: head.who, cell: (hold) => hold.who },
    { name: "since", title: head.since, right: true, cell: (hold) => <Since time={hold.since} /> },
    {
      name: "until",
      title: head.until,
      cell: (hold) => (hold.until ? <Moment time={hold.until} /> : text.holds.untilReleased),
    },
    {
      name: "trouble",
      title: head.trouble,
      cell: (hold) =>
        hold.trouble ? (
          <span class="abnormal" title={hold.trouble}>
            {hold.trouble}
          </span>
        ) : hold.configured ? null : (
          <span class="abnormal">{text.holds.notConfigured}</span>
        ),
    },
    {
      name: "hold-actions",
      title: text.devices.columns.actions,
      cell: (hold) => <HoldActions hold={hold} ask={ask} />,
    },
  ];
}

/** One after the other: a device is asked no faster than it answers. */
async function releaseAll(holds: readonly Hold[]) {
  let released = 0;
  let failed: string | undefined;
  for (const hold of holds) {
    try {
      await releaseHold(hold);
      released++;
    } catch (error) {
      failed ??= `${hold.path}: ${(error as ApiError).message}`;
    }
  }
  say(text.holds.releasedAll(released, holds.length - released, failed), failed !== undefined);
}

interface QuestionProps {
  asking: Exclude<Asking, undefined>;
  all: readonly Hold[];
  act: (action: () => Promise<unknown>) => void;
  close: () => void;
}

/** Names the effect before anything is done. */
function Question({ asking, all, act, close }: QuestionProps) {
  const { what, hold } = asking;
  const words = text.holds;
  if (what === "extend") {
    return <ExtendDialog hold={hold} close={close} act={act} />;
  }
  const questions = {
    release: {
      title: words.releaseTitle,
      action: words.release,
      says: words.releaseWhat(hold.path, hold.value, hold.priority),
      run: () => attempt(async () => `${hold.path}: ${(await releaseHold(hold)).message}`),
    },
    forget: {
      title: words.forgetTitle,
      action: words.forget,
      says: words.forgetWhat(hold.path),
      run: () => attempt(() => forgetHold(hold).then(() => words.forgotten(hold.path))),
    },
    all: {
      title: words.releaseAll,
      action: words.releaseAll,
      says: words.releaseAllWhat(count(all.length)),
      run: () => releaseAll(all),
    },
  };
  const { title, action, says, run } = questions[what];
  return (
    <Confirm title={title} action={action} confirm={() => act(run)} close={close}>
      <p>{says}</p>
    </Confirm>
  );
}

export function Overrides() {
  const { holds, error, reload } = useHolds();
  const [asking, setAsking] = useState<Asking>(undefined);
  const [busy, setBusy] = useState(false);
  if (!holds) {
    return <PageState title={text.pages.overrides} error={error} retry={reload} />;
  }
  const act = async (action: () => Promise<unknown>) => {
    setBusy(true);
    await action();
    setBusy(false);
    reload();
  };
  const releasable = holds.filter(({ configured }) => configured);
  return (
    <div class="full-page">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.overrides}</h1>
        <span class="muted" role="status">
          {text.holds.counted(count(holds.length))}
        </span>
        <span class="grow" />
        {releasable.length > 0 && (
          <button
            type="button"
            disabled={busy}
            onClick={() => setAsking({ what: "all", hold: releasable[0]! })}
          >
            {text.holds.releaseAll}
          </button>
        )}
      </div>
      {error && <Failed error={error} retry={reload} />}
      {holds.length === 0 ? (
        <Empty title={text.holds.none}>
          <p>{text.holds.noneWhy}</p>
        </Empty>
      ) : (
        <Grid
          label={text.pages.overrides}
          columns={columnsOf(setAsking)}
          total={holds.length}
          row={(i) => holds[i]}
          onRange={() => {}}
          onOpen={(hold) => hold.configured && go(href.point(hold.path))}
          keys={{
            r: (hold) => setAsking({ what: hold.configured ? "release" : "forget", hold }),
            x: (hold) => setAsking({ what: "extend", hold }),
          }}
        />
      )}
      {asking && (
        <Question
          key={`${asking.what} ${holdKey(asking.hold)}`}
          asking={asking}
          all={releasable}
          act={act}
          close={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}
