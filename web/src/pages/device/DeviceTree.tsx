// SPDX-License-Identifier: Apache-2.0
// What the device itself tells it has, as a tree with values. Asking is traffic on the device's network, so it
// begins by a press; what the gateway still keeps from before is shown at once. Tick, then YAML.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Browsing, type BrowseFacts } from "../../api/browse";
import { health } from "../../api/live";
import type { DeviceFull, Node } from "../../api/types";
import { count } from "../../format";
import { useKeys } from "../../keys";
import { Grid, type Column, type Tree } from "../../parts/Grid";
import { Empty, Failed } from "../../parts/State";
import { href } from "../../router";
import { text } from "../../text";
import { Properties } from "./tree/Properties";
import { useBranches } from "./tree/branches";
import { canBeOpened, childrenOf, rowsOf, type TreeRow } from "./tree/rows";
import { YamlDialog } from "./tree/YamlDialog";

const SHORT_ROWS = 8;

function canBeTicked(node: Node): boolean {
  return (node.point !== "" || !!node.command) && node.added === "";
}

function PointCell({ node }: { node: Node }) {
  if (node.added) {
    return (
      <a href={href.point(node.added)} tabIndex={-1}>
        {node.added}
      </a>
    );
  }
  return <span class="muted">{node.point ? text.tree.notAdded : ""}</span>;
}

type Toggle = (row: TreeRow) => void;

function columnsOf(ticked: ReadonlySet<string>, tick: Toggle, fold: Toggle): Column<TreeRow>[] {
  const head = text.tree.columns;
  return [
    {
      name: "object",
      title: head.object,
      cell: (row) => (
        <span class={`tree-cell level-${Math.min(row.level, 6)}`}>
          <span
            class={`twisty ${row.open === undefined ? "" : row.open ? "open" : "closed"}`}
            aria-hidden="true"
            onClick={() => fold(row)}
          />
          {canBeTicked(row.node) ? (
            <span
              class={ticked.has(row.node.id) ? "tick on" : "tick"}
              aria-hidden="true"
              onClick={() => tick(row)}
            />
          ) : (
            <span class="tick none" aria-hidden="true" />
          )}
          <span title={row.node.id}>{row.node.kind === "group" ? row.node.name : row.node.id}</span>
        </span>
      ),
    },
    {
      name: "label",
      title: head.name,
      cell: ({ node }) => (node.kind === "group" ? null : node.name),
    },
    {
      name: "value",
      title: head.value,
      right: true,
      cell: ({ node }) => <span class={node.trouble ? "unknown" : ""}>{node.text}</span>,
    },
    { name: "point", title: head.point, cell: ({ node }) => <PointCell node={node} /> },
    {
      name: "about",
      title: head.about,
      cell: ({ node }) => (
        <span class={node.trouble ? "abnormal" : "muted"} title={node.trouble || node.description}>
          {node.trouble || node.description}
        </span>
      ),
    },
  ];
}

function Progress({ facts }: { facts: BrowseFacts }) {
  const { state, done, total, count: told } = facts;
  if (state !== "asking" && state !== "running") {
    return null;
  }
  return (
    <p class="browse-progress" role="status">
      <progress {...(total > 0 ? { value: done, max: total } : {})} aria-label={text.tree.asking} />{" "}
      {text.tree.progress(count(done), count(total), count(told))}
    </p>
  );
}

/** The proposals are ticked from the beginning, once each. */
function useTicks(nodes: readonly Node[], told: number): [Set<string>, (node: Node) => void] {
  const [ticked, setTicked] = useState<Set<string>>(new Set());
  const seen = useRef(0);
  useEffect(() => {
    const first = told < seen.current ? 0 : seen.current;
    const proposed = nodes.slice(first, told).filter((node) => node.proposed && canBeTicked(node));
    seen.current = told;
    if (first === 0 || proposed.length > 0) {
      setTicked((old) => new Set([...(first === 0 ? [] : old), ...proposed.map(({ id }) => id)]));
    }
  }, [told]);
  const tick = (node: Node) =>
    setTicked((old) => {
      const next = new Set(old);
      if (!next.delete(node.id) && canBeTicked(node)) {
        next.add(node.id);
      }
      return next;
    });
  return [ticked, tick];
}

/** What stands in place of the tree, or above it. */
function Messages({ facts, ask }: { facts: BrowseFacts; ask: () => void }) {
  const { state, error, message, leftOut, count: told } = facts;
  const ended = state === "done" || state === "stopped";
  return (
    <>
      <Progress facts={facts} />
      {error && <Failed error={error} retry={ask} />}
      {message && ended && <p class="muted">{message}</p>}
      {leftOut > 0 && <p class="muted">{text.tree.leftOut(count(leftOut))}</p>}
      {state === "none" && (
        <Empty title={text.tree.none}>
          <p>{text.tree.noneWhy}</p>
          <button type="button" onClick={ask}>
            {text.tree.ask}
          </button>
        </Empty>
      )}
      {ended && told === 0 && (
        <Empty title={text.tree.noObjects}>
          <button type="button" onClick={ask}>
            {text.tree.askAgain}
          </button>
        </Empty>
      )}
    </>
  );
}

interface HeadProps {
  browsing: Browsing;
  filter: string;
  setFilter: (filter: string) => void;
  chosen: number;
  showYaml: () => void;
}

function Head({ browsing, filter, setFilter, chosen, showYaml }: HeadProps) {
  const { state, count: told } = browsing.facts.value;
  const busy = state === "asking" || state === "running";
  return (
    <div class="section-head">
      <h2>{text.tree.title}</h2>
      {told > 0 && (
        <>
          <label class="filter">
            <input
              type="search"
              aria-label={text.tree.filter}
              placeholder={text.tree.filterHint}
              value={filter}
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          </label>
          <span class="muted">{text.tree.counted(count(told))}</span>
        </>
      )}
      <span class="grow" />
      {chosen > 0 && (
        <button type="button" onClick={showYaml}>
          {text.tree.yaml(count(chosen))}
        </button>
      )}
      {busy && (
        <button type="button" onClick={() => browsing.stop()} disabled={browsing.id === 0}>
          {text.tree.stop}
        </button>
      )}
      {!busy && told > 0 && (
        <button type="button" onClick={() => browsing.start()}>
          {text.tree.askAgain}
        </button>
      )}
    </div>
  );
}

/** A browse of this device: what is still kept at once, and marked anew after an apply. */
function useBrowsing(name: string): Browsing {
  const browsing = useMemo(() => new Browsing({ device: name }), [name]);
  const version = health.value?.config.version;
  const shown = useRef(version);
  useEffect(() => {
    browsing.resume();
    return () => browsing.close();
  }, [browsing]);
  useEffect(() => {
    if (shown.current !== undefined && shown.current !== version) {
      browsing.again();
    }
    shown.current = version;
  }, [version]);
  return browsing;
}

/** Branches that are closed, and how to close and open them. */
function useFolds(): [ReadonlySet<string>, (row: TreeRow, open: boolean) => void] {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggle = ({ node }: TreeRow, open: boolean) =>
    setClosed((old) => {
      const next = new Set(old);
      if (open) {
        next.delete(node.id);
      } else {
        next.add(node.id);
      }
      return next;
    });
  return [closed, toggle];
}

export function DeviceTree({ device }: { device: DeviceFull }) {
  const browsing = useBrowsing(device.name);
  const [closed, toggle] = useFolds();
  const [filter, setFilter] = useState("");
  const [looked, setLooked] = useState<Node | undefined>(undefined);
  const [yaml, setYaml] = useState(false);
  const facts = browsing.facts.value;
  const branches = useBranches(browsing, device.name);
  const { nodes } = branches;
  const children = useMemo(() => childrenOf(nodes), [nodes]);
  const rows = useMemo(() => rowsOf(children, closed, filter), [children, closed, filter]);
  const [ticked, tick] = useTicks(nodes, nodes.length);
  const chosen = useMemo(
    () => nodes.filter((node) => ticked.has(node.id) && canBeTicked(node)),
    [nodes, ticked],
  );
  const ask = () => browsing.start();
  useKeys({ x: ask });
  const open = (row: TreeRow, wanted: boolean) => {
    if (wanted && canBeOpened(row.node) && !children.has(row.node.id)) {
      branches.look(row.node.id);
    }
    toggle(row, wanted);
  };
  const fold = (row: TreeRow) => row.open !== undefined && open(row, !row.open);
  const enter = (row: TreeRow) => {
    if (!canBeOpened(row.node)) {
      return row.node.branch ? setLooked(row.node) : fold(row);
    }
    const more = facts.message !== "" && branches.look(row.node.id); // not all of it was told
    return more ? toggle(row, true) : fold(row);
  };
  const tree: Tree<TreeRow> = {
    level: ({ level }) => level,
    open: ({ open: shown }) => shown,
    toggle: open,
  };
  const subject = { device: device.name };
  return (
    <section>
      <Head
        browsing={browsing}
        filter={filter}
        setFilter={setFilter}
        chosen={chosen.length}
        showYaml={() => setYaml(true)}
      />
      <Messages facts={facts} ask={ask} />
      {branches.failed && <Failed error={branches.failed} />}
      {facts.count > 0 && rows.length === 0 && <Empty title={text.tree.noMatch(filter)} />}
      {rows.length > 0 && (
        <div class={looked ? "tree-split" : ""}>
          <div class={rows.length > SHORT_ROWS ? "grid-part" : "grid-part short"}>
            <Grid
              label={text.tree.label(device.name)}
              columns={columnsOf(ticked, ({ node }) => tick(node), fold)}
              total={rows.length}
              row={(i) => rows[i]}
              tree={tree}
              selected={({ node }) => (canBeTicked(node) ? ticked.has(node.id) : undefined)}
              onRange={() => {}}
              onOpen={enter}
              keys={{ " ": ({ node }) => tick(node) }}
            />
          </div>
          {looked && (
            <Properties subject={subject} node={looked} close={() => setLooked(undefined)} />
          )}
        </div>
      )}
      {yaml && (
        <YamlDialog
          chosen={branches.byBrowse(chosen.map(({ id }) => id))}
          place={device.config}
          close={() => setYaml(false)}
        />
      )}
    </section>
  );
}
