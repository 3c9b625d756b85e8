// SPDX-License-Identifier: Apache-2.0
// Several lines on one canvas, with bands, gaps with their cause, and the compared lines dashed. The cursor
// is shared with the other charts of the page; dragging zooms.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock, short, zone } from "../../format";
import { text } from "../../text";
import { colour, themeVersion } from "../../theme";
import { times, type Grid, type Line, type Values } from "./lines";

export const COLOURS = 8;
const FONT = "12px system-ui, sans-serif";
const GAP_ROW_PX = 16;
const BAND_LINES_MAX = 3; // more bands than this hide one another

/** A line and its place among all lines of the page, which gives it its colour. */
export interface Placed {
  line: Line;
  place: number;
  before: Line | undefined;
}

interface Props {
  grid: Grid;
  from: number;
  to: number;
  placed: Placed[];
  height: number;
  label: string;
  cursor: number | null; // index into the grid
  onCursor: (index: number | null) => void;
  onZoom: (from: number, to: number) => void;
}

export function lineColour(place: number): string {
  return colour(`line-${(place % COLOURS) + 1}`);
}

/** From the ninth line on the colours come again, dashed. */
function dashOf(place: number): number[] {
  const turn = Math.floor(place / COLOURS);
  return turn === 0 ? [] : turn === 1 ? [10, 4] : [3, 3];
}

function drawGaps(plot: uPlot, { placed }: Props) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const rows = placed.filter(({ line }) => line.gaps.length > 0);
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  for (const [row, { line, place }] of rows.entries()) {
    const alone = placed.length === 1;
    const top = bbox.top + (alone ? 0 : row * GAP_ROW_PX * ratio);
    const height = alone ? bbox.height : (GAP_ROW_PX - 2) * ratio;
    for (const gap of line.gaps) {
      const left = Math.max(bbox.left, plot.valToPos(gap.from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(gap.to, "x", true));
      if (right <= left || top + height > bbox.top + bbox.height) {
        continue;
      }
      ctx.fillStyle = colour("gap");
      ctx.fillRect(left, top, right - left, height);
      const cause = text.trend.gapCause(gap.reason);
      const room = right - left - 8 * ratio;
      const words = [`${cause} ${clock(new Date(gap.from * 1000))}`, cause].find(
        (each) => ctx.measureText(each).width < room,
      );
      if (words) {
        ctx.fillStyle = alone ? colour("muted") : lineColour(place);
        ctx.fillText(words, left + 4 * ratio, top + 2 * ratio);
      }
    }
  }
  ctx.restore();
}

/** Values without a neighbour make no line: they are drawn as dots. */
function lonely(plot: uPlot, index: number): number[] {
  const values = plot.data[index]!;
  return [...values.keys()].filter(
    (i) => values[i] != null && values[i - 1] == null && values[i + 1] == null,
  );
}

interface Drawn {
  series: uPlot.Series[];
  bands: uPlot.Band[];
  columns: Values[];
}

function drawnOf(placed: Placed[]): Drawn {
  const drawn: Drawn = { series: [{}], bands: [], columns: [] };
  const add = (values: Values, series: uPlot.Series) => {
    drawn.columns.push(values);
    drawn.series.push(series);
    return drawn.series.length - 1;
  };
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  for (const { line, place, before } of placed) {
    const stroke = () => lineColour(place);
    if (line.min !== line.values && placed.length <= BAND_LINES_MAX) {
      const low = add(line.min, edge);
      const high = add(line.max, edge);
      drawn.bands.push({ series: [high, low], fill: () => `${lineColour(place)}33` });
    }
    if (before) {
      add(before.values, { stroke, width: 1, dash: [4, 4], points: { show: false } });
    }
    const points = { show: true, size: 4, fill: stroke, filter: lonely };
    add(line.values, { stroke, width: 1.5, dash: dashOf(place), points });
  }
  return drawn;
}

/** Width of the value axis: the longest of its numbers. */
function roomFor(_plot: uPlot, numbers: string[] | null): number {
  return Math.max(56, ...(numbers ?? []).map((number) => number.length * 8 + 20));
}

function optionsOf(width: number, props: Props, latest: () => Props): uPlot.Options {
  const { series, bands } = drawnOf(props.placed);
  const zoneName = zone.value;
  const axis = {
    font: FONT,
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1 },
  };
  return {
    width,
    height: props.height,
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false, setScale: false } },
    ...(zoneName ? { tzDate: (s: number) => uPlot.tzDate(new Date(s * 1000), zoneName) } : {}),
    scales: {
      x: { time: true },
      y: {
        range: (_plot, min, max) => {
          const room = (max - min) * 0.08 || Math.abs(max) * 0.05 || 1;
          return min === null ? [0, 1] : [min - room, max + room];
        },
      },
    },
    axes: [
      {
        ...axis,
        space: 84,
        values: [
          [86_400 * 300, "{YYYY}", null, null, null, null, null, null, 1],
          [86_400, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
          [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
          [60, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
          [1, "{HH}:{mm}:{ss}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
        ],
      },
      { ...axis, size: roomFor, values: (_plot, ticks) => ticks.map(short) },
    ],
    series,
    bands,
    hooks: {
      drawAxes: [(plot) => drawGaps(plot, latest())],
      setCursor: [
        (plot) => {
          if (plot.root.matches(":hover")) {
            latest().onCursor(plot.cursor.idx ?? null);
          }
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide > 4) {
            latest().onZoom(plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
          }
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

export function LineChart(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { grid, from, to, placed, height, cursor } = props;
  const data = () => [times(grid), ...drawnOf(placed).columns] as uPlot.AlignedData;
  const shape = JSON.stringify([
    placed.map(({ line, place: at, before }) => [line.id, at, !before, line.min === line.values]),
    height,
  ]);

  useLayoutEffect(() => {
    const made = new uPlot(
      optionsOf(place.current!.clientWidth, props, () => latest.current),
      data(),
      place.current!,
    );
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: place.current!.clientWidth, height }),
    );
    watch.observe(place.current!);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [shape, zone.value, themeVersion.value]);

  useEffect(() => {
    const current = plot.current!;
    current.batch(() => {
      current.setData(data(), false);
      current.setScale("x", { min: from, max: to });
    });
  }, [grid, placed, from, to, shape, zone.value, themeVersion.value]);

  useEffect(() => {
    const current = plot.current!;
    if (cursor !== null && !current.root.matches(":hover")) {
      const left = current.valToPos(grid.from + cursor * grid.step, "x");
      current.setCursor({ left, top: height / 2 }, false);
    }
  }, [cursor, grid, shape]);

  const moveTo = (index: number) =>
    props.onCursor(Math.max(0, Math.min(grid.count - 1, index)));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      moveTo((cursor ?? grid.count - 1) + step * (event.shiftKey ? 10 : 1));
    }
  };
  const onTouch = (event: TouchEvent) => {
    const left = event.touches[0]!.clientX - plot.current!.over.getBoundingClientRect().left;
    moveTo(plot.current!.posToIdx(left));
  };
  return (
    <div
      ref={place}
      class="chart-place"
      tabIndex={0}
      role="application"
      aria-label={props.label}
      aria-roledescription={text.trend.role}
      onKeyDown={onKeyDown}
      onTouchStart={onTouch}
      onTouchMove={onTouch}
    />
  );
}
