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
import { childrenOf, rowsOf, type TreeRow } from "./tree/rows";
import { YamlDialog } from "./tree/YamlDialog";

const SHORT_ROWS = 8;

function canBeTicked(node: Node): boolean {
  return node.point !== "" && node.added === "";
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

export function DeviceTree({ device }: { device: DeviceFull }) {
  const subject = { device: device.name };
  const browsing = useMemo(() => new Browsing(subject), [device.name]);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [filter, setFilter] = useState("");
  const [looked, setLooked] = useState<Node | undefined>(undefined);
  const [yaml, setYaml] = useState(false);
  const facts = browsing.facts.value;
  const told = facts.count;
  const children = useMemo(() => childrenOf(browsing.nodes), [browsing, facts.answers]);
  const rows = useMemo(() => rowsOf(children, closed, filter), [children, closed, filter]);
  const [ticked, tick] = useTicks(browsing.nodes, told);
  const chosen = useMemo(
    () => browsing.nodes.filter((node) => ticked.has(node.id) && canBeTicked(node)),
    [browsing, facts.answers, ticked],
  );
  const version = health.value?.config.version;
  const shown = useRef(version);
  useEffect(() => {
    if (shown.current !== undefined && shown.current !== version) {
      browsing.again();
    }
    shown.current = version;
  }, [version]);
  useEffect(() => {
    browsing.resume();
    return () => browsing.close();
  }, [browsing]);
  useKeys({ x: () => browsing.start() });

  const toggle = (row: TreeRow, open: boolean) =>
    setClosed((old) => {
      const next = new Set(old);
      if (open) {
        next.delete(row.node.id);
      } else {
        next.add(row.node.id);
      }
      return next;
    });
  const fold = (row: TreeRow) => row.open !== undefined && toggle(row, !row.open);
  const tree: Tree<TreeRow> = { level: ({ level }) => level, open: ({ open }) => open, toggle };
  const look = (row: TreeRow) => (row.node.branch ? setLooked(row.node) : fold(row));
  const busy = facts.state === "asking" || facts.state === "running";
  return (
    <section>
      <div class="section-head">
        <h2>{text.tree.title}</h2>
        {told > 0 && (
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
        )}
        {told > 0 && <span class="muted">{text.tree.counted(count(told))}</span>}
        <span class="grow" />
        {chosen.length > 0 && (
          <button type="button" onClick={() => setYaml(true)}>
            {text.tree.yaml(count(chosen.length))}
          </button>
        )}
        {busy ? (
          <button type="button" onClick={() => browsing.stop()} disabled={browsing.id === 0}>
            {text.tree.stop}
          </button>
        ) : (
          told > 0 && (
            <button type="button" onClick={() => browsing.start()}>
              {text.tree.askAgain}
            </button>
          )
        )}
      </div>
      <Progress facts={facts} />
      {facts.error && <Failed error={facts.error} retry={() => browsing.start()} />}
      {facts.message && !busy && <p class="muted">{facts.message}</p>}
      {facts.leftOut > 0 && <p class="muted">{text.tree.leftOut(count(facts.leftOut))}</p>}
      {facts.state === "none" && (
        <Empty title={text.tree.none}>
          <p>{text.tree.noneWhy}</p>
          <button type="button" onClick={() => browsing.start()}>
            {text.tree.ask}
          </button>
        </Empty>
      )}
      {(facts.state === "done" || facts.state === "stopped") && told === 0 && (
        <Empty title={text.tree.noObjects}>
          <button type="button" onClick={() => browsing.start()}>
            {text.tree.askAgain}
          </button>
        </Empty>
      )}
      {told > 0 && rows.length === 0 && <Empty title={text.tree.noMatch(filter)} />}
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
              onOpen={look}
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
          browse={browsing.id}
          nodes={chosen.map(({ id }) => id)}
          place={device.config}
          close={() => setYaml(false)}
        />
      )}
    </section>
  );
}
