// SPDX-License-Identifier: Apache-2.0
// Trends of many points and expressions together: up to 24 lines on up to 8 charts with one cursor. The
// address is the whole view: copied, it shows the same to someone else.
import { useRef, useState } from "preact/hooks";
import { duration, when } from "../format";
import { useKeys } from "../keys";
import { Empty, Failed, Loading } from "../parts/State";
import { attempt } from "../parts/Toast";
import { route, setQuery } from "../router";
import { text } from "../text";
import { Add } from "./explore/Add";
import { csvOf } from "./explore/lines";
import { LineChart, type Placed } from "./explore/LineChart";
import { useDrawing, type Drawing } from "./explore/load";
import { Statistics } from "./explore/Statistics";
import { ASKED_MAX, COMPARES, setAsked, setTimes, SPANS, viewOf, type View } from "./explore/view";
import { viewed } from "./explore/viewed";

const CHARTS_MAX = 8;
const HEIGHT_PX = 300; // of one chart; several share it
const HEIGHT_LEAST_PX = 150;

/** Lines of one unit share a chart, or each has its own; what is over 8 charts goes on the last. */
function chartsOf(placed: Placed[], split: boolean): Placed[][] {
  const charts = new Map<string, Placed[]>();
  for (const each of placed) {
    const own = split ? each.line.id : each.line.units || each.line.asked;
    const key = charts.has(own) || charts.size < CHARTS_MAX ? own : [...charts.keys()].at(-1)!;
    charts.set(key, [...(charts.get(key) ?? []), each]);
  }
  return [...charts.values()];
}

function Spans({ view }: { view: View }) {
  return (
    <div class="actions" role="group" aria-label={text.trend.range}>
      {SPANS.map(([name, seconds]) => (
        <button
          type="button"
          key={name}
          aria-pressed={seconds === view.span_s}
          onClick={() => setTimes(seconds, view.end)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function save(drawing: Drawing) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([csvOf(drawing.grid, drawing.lines)], { type: "text/csv" }),
  );
  link.download = `explore-${new Date(drawing.to * 1000).toISOString().slice(0, 16)}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function share() {
  await attempt(async () => {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      return text.explore.shareFailed; // only secure origins may use the clipboard
    }
    return text.explore.shared;
  });
}

interface ToolsProps {
  view: View;
  drawing: Drawing | undefined;
  shift: (direction: number) => void;
}

function Tools({ view, drawing, shift }: ToolsProps) {
  return (
    <div class="section-head">
      <Spans view={view} />
      <div class="actions">
        <button type="button" onClick={() => shift(-1)}>
          {text.trend.earlier}
        </button>
        <button type="button" onClick={() => shift(1)} disabled={!view.end}>
          {text.trend.later}
        </button>
        <button type="button" onClick={() => setQuery({ end: null })} disabled={!view.end}>
          {text.trend.now}
        </button>
      </div>
      <label>
        {text.explore.compare}{" "}
        <select
          value={view.compare}
          onChange={(event) => setQuery({ compare: event.currentTarget.value || null })}
        >
          <option value="">{text.explore.compareNone}</option>
          {COMPARES.map(([name]) => (
            <option key={name} value={name}>
              {text.explore.compareNames[name]}
            </option>
          ))}
        </select>
      </label>
      <div class="actions">
        <button type="button" aria-pressed={view.split} onClick={() => toggleSplit(view)}>
          {text.explore.split}
        </button>
        <button type="button" onClick={() => drawing && save(drawing)} disabled={!drawing}>
          {text.explore.csv}
        </button>
        <button type="button" onClick={share}>
          {text.explore.share}
        </button>
      </div>
    </div>
  );
}

function toggleSplit(view: View) {
  setQuery({ split: view.split ? null : "1" });
}

function toggleCompare(view: View) {
  setQuery({ compare: view.compare === "" ? "1w" : null });
}

function Nothing() {
  const paths = viewed();
  return (
    <Empty title={text.explore.empty}>
      <p>{paths.length > 0 ? text.explore.emptyHint : text.explore.emptyNothing}</p>
      <div class="actions">
        {paths.map((path) => (
          <button type="button" key={path} onClick={() => setAsked([path])}>
            {path}
          </button>
        ))}
      </div>
    </Empty>
  );
}

function Notes({ drawing, remove }: { drawing: Drawing; remove: (asked: string) => void }) {
  return (
    <>
      {[...drawing.errors].map(([asked, error]) => (
        <div key={asked} class="explore-failed">
          <code>{asked}</code>
          <Failed error={error} />
          <button type="button" onClick={() => remove(asked)}>
            {text.explore.remove(asked)}
          </button>
        </div>
      ))}
      {drawing.notes.map((note) => (
        <p key={note} class="muted">
          {note}
        </p>
      ))}
      {drawing.left_out > 0 && <p class="muted">{text.explore.leftOut(drawing.left_out)}</p>}
    </>
  );
}

interface DrawnProps {
  view: View;
  drawing: Drawing;
  remove: (asked: string) => void;
}

function Drawn({ view, drawing, remove }: DrawnProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const { grid, from, to, lines, before } = drawing;
  const placed = lines.map((line, place) => ({ line, place, before: before.get(line.id) }));
  const charts = chartsOf(placed, view.split);
  const height = Math.max(HEIGHT_LEAST_PX, HEIGHT_PX - 40 * (charts.length - 1));
  const [begin, end] = [when(new Date(from * 1000)), when(new Date(to * 1000))];
  return (
    <>
      {charts.map((chart) => (
        <figure key={chart[0]!.line.id} class="chart">
          <figcaption>
            {[...new Set(chart.map(({ line }) => line.units || line.asked))].join(", ")}
          </figcaption>
          <LineChart
            grid={grid}
            from={from}
            to={to}
            placed={chart}
            height={height}
            label={text.explore.chart(chart.map(({ line }) => line.name).join(", "), begin, end)}
            cursor={cursor}
            onCursor={setCursor}
            onZoom={(first, last) => setTimes(last - first, last)}
          />
        </figure>
      ))}
      <p class="trend-facts">
        {text.explore.step(duration(grid.step), `${begin} – ${end}`)} · {text.explore.hint}
      </p>
      <Statistics drawing={drawing} placed={placed} cursor={cursor} remove={remove} />
    </>
  );
}

export function Explore() {
  const view = viewOf(route.value.query);
  const box = useRef<HTMLInputElement>(null);
  const { drawing, busy } = useDrawing(view);
  const shift = (direction: number) =>
    setTimes(view.span_s, (view.end ?? Date.now() / 1000) + (direction * view.span_s) / 2);
  const add = (asked: string) => setAsked([...view.asked, asked]);
  const remove = (asked: string) => setAsked(view.asked.filter((each) => each !== asked));
  const zoom = (by: number) => setTimes(view.span_s * by, view.end);
  useKeys({
    "/": () => box.current?.focus(),
    "[": () => shift(-1),
    "]": () => shift(1),
    "+": () => zoom(1 / 2),
    "-": () => zoom(2),
    n: () => setQuery({ end: null }),
    c: () => toggleCompare(view),
    x: () => toggleSplit(view),
  });
  const full = view.asked.length >= ASKED_MAX;
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>{text.explore.title}</h1>
        {full ? <span class="muted">{text.explore.full(ASKED_MAX)}</span> : <Add box={box} add={add} />}
        <span role="status" class="muted">
          {busy ? text.explore.reading : ""}
        </span>
      </div>
      {view.asked.length === 0 && <Nothing />}
      {view.asked.length > 0 && <Tools view={view} drawing={drawing} shift={shift} />}
      {view.asked.length > 0 && !drawing && <Loading />}
      {view.asked.length > 0 && drawing && (
        <>
          <Notes drawing={drawing} remove={remove} />
          {drawing.lines.length > 0 && <Drawn view={view} drawing={drawing} remove={remove} />}
        </>
      )}
    </>
  );
}
