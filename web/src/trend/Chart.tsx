// SPDX-License-Identifier: Apache-2.0
// One series on a canvas: a band from min to max, the average as a line, gaps as gaps with grey
// ground. The cursor also goes by arrow keys (Shift: ten at once) and by touch; its values stand
// below the chart.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, short, when, zone } from "../format";
import { text } from "../text";
import { colour, themeVersion } from "../theme";
import { gapsOf, type Series } from "./series";

const HEIGHT_PX = 280;
const FONT = "12px system-ui, sans-serif";

interface Props {
  series: Series;
  version: number; // counts up when the series got more values
  from: number; // seconds since 1970
  to: number;
  units: string;
  label: string;
  names: Map<number, string> | undefined; // of an enumeration: its values do not slide
}

function drawGaps(plot: uPlot, series: Series, to: number) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("gap");
  for (const gap of gapsOf(series, to)) {
    const left = Math.max(bbox.left, plot.valToPos(gap.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(gap.to, "x", true));
    if (right > left) {
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  }
  ctx.restore();
}

function axis(extra: uPlot.Axis): uPlot.Axis {
  return {
    font: FONT,
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1 },
    ...extra,
  };
}

/** Ticks of the values: the names of an enumeration, else numbers with room above and below. */
function valueAxis(names: Props["names"]): { range: uPlot.Scale.Range; axis: uPlot.Axis } {
  if (names) {
    const known = [...names.keys()].sort((a, b) => a - b);
    return {
      range: [known[0]! - 0.5, known.at(-1)! + 0.5],
      axis: {
        size: 84,
        splits: () => known,
        values: () => known.map((value) => names.get(value)!),
      },
    };
  }
  return {
    range: (_plot, min, max) => {
      const room = (max - min) * 0.08 || Math.abs(max) * 0.05 || 1;
      return min === null ? [0, 1] : [min - room, max + room];
    },
    axis: { size: 64, values: (_plot, ticks) => ticks.map(short) },
  };
}

/** Values without a neighbour make no line: they are drawn as dots. */
function lonely(plot: uPlot, seriesIndex: number): number[] {
  const values = plot.data[seriesIndex]!;
  return [...values.keys()].filter(
    (i) => values[i] != null && values[i - 1] == null && values[i + 1] == null,
  );
}

function optionsOf(
  names: Props["names"],
  width: number,
  latest: () => Props,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const values = valueAxis(names);
  const shape = names && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
  const points = { show: true, size: 4, fill: () => colour("trend"), filter: lonely };
  const line = { stroke: () => colour("trend"), width: 1.5, points, ...shape };
  const edge = { stroke: "transparent", width: 0, points: { show: false }, ...shape };
  const zoneName = zone.value;
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    ...(zoneName ? { tzDate: (s: number) => uPlot.tzDate(new Date(s * 1000), zoneName) } : {}),
    scales: {
      x: { time: true },
      y: { range: values.range },
    },
    axes: [
      axis({
        space: 84,
        values: [
          [86_400, "{MM}-{DD}", null, null, null, null, null, null, 1],
          [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
          [60, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
          [1, "{HH}:{mm}:{ss}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
        ],
      }),
      axis(values.axis),
    ],
    series: [{}, edge, edge, line],
    bands: [{ series: [2, 1], fill: () => colour("band") }],
    hooks: {
      drawAxes: [(plot) => drawGaps(plot, latest().series, latest().to)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
}

function columnsOf(series: Series): uPlot.AlignedData {
  return [series.time, series.min, series.max, series.avg];
}

export function Chart(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [cursor, setCursor] = useState<number | null>(null);

  useLayoutEffect(() => {
    const made = new uPlot(
      optionsOf(props.names, place.current!.clientWidth, () => latest.current, setCursor),
      columnsOf(props.series),
      place.current!,
    );
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: place.current!.clientWidth, height: HEIGHT_PX }),
    );
    watch.observe(place.current!);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [props.names, zone.value, themeVersion.value]);

  useEffect(() => {
    const current = plot.current!;
    current.batch(() => {
      current.setData(columnsOf(props.series), false);
      current.setScale("x", { min: props.from, max: props.to });
    });
  }, [
    props.series,
    props.version,
    props.from,
    props.to,
    props.names,
    zone.value,
    themeVersion.value,
  ]);

  const moveTo = (index: number) => {
    const { time } = latest.current.series;
    const at = Math.max(0, Math.min(time.length - 1, index));
    const left = plot.current!.valToPos(time[at] ?? 0, "x");
    plot.current!.setCursor({ left, top: HEIGHT_PX / 2 });
    setCursor(at);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      moveTo((cursor ?? props.series.time.length - 1) + step * (event.shiftKey ? 10 : 1));
    }
  };
  const onTouch = (event: TouchEvent) => {
    const current = plot.current!;
    const left = event.touches[0]!.clientX - current.over.getBoundingClientRect().left;
    moveTo(current.posToIdx(left));
  };

  return (
    <figure class="chart">
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
      <figcaption>{readout(props, cursor)}</figcaption>
    </figure>
  );
}

/** What stands under the cursor, in words. */
function readout({ series, to, units, names }: Props, cursor: number | null): string {
  const time = cursor === null ? undefined : series.time[cursor];
  if (cursor === null || time === undefined) {
    return text.trend.hint;
  }
  const date = new Date(time * 1000);
  const avg = series.avg[cursor];
  if (avg == null) {
    const gap = gapsOf(series, to).find(({ from, to: end }) => from <= time && time <= end);
    return text.trend.gapAt(when(date), gap?.reason ?? "", series.bad[cursor]!);
  }
  const show = (value: number) => names?.get(value) ?? short(value);
  const span =
    series.counts[cursor]! > 1
      ? text.trend.spanAt(
          show(series.min[cursor]!),
          show(series.max[cursor]!),
          series.counts[cursor]!,
        )
      : "";
  const until = new Date((time + series.step_s) * 1000);
  const moment = series.step_s < 60 ? when(date) : `${when(date)} – ${clock(until)}`;
  return `${moment}   ${show(avg)} ${units}${span}`;
}
