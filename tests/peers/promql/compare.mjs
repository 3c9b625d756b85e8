// SPDX-License-Identifier: Apache-2.0
// Are two answers of the query API the same? Values to 1e-9 of their size, series by their labels.

const TOLERANCE = 1e-9;

function number(text) {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

/** magnitude: what the values were made of may cancel out; below 1e-9 of it a difference is rounding. */
function same(a, b, magnitude) {
  const x = number(a);
  const y = number(b);
  if (Number.isNaN(x) || Number.isNaN(y)) {
    return Number.isNaN(x) && Number.isNaN(y);
  }
  return x === y || Math.abs(x - y) <= TOLERANCE * Math.max(Math.abs(x), Math.abs(y), magnitude);
}

function key(labels) {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function byLabels(result) {
  return new Map(result.map((series) => [key(series.metric), series]));
}

function comparePoints(where, ours, theirs, magnitude) {
  if (ours.length !== theirs.length) {
    return `${where}: ${ours.length} points, theirs ${theirs.length}`;
  }
  for (let i = 0; i < ours.length; i++) {
    if (Math.abs(ours[i][0] - theirs[i][0]) > 1e-6) {
      return `${where}: point ${i} at ${ours[i][0]}, theirs at ${theirs[i][0]}`;
    }
    if (!same(ours[i][1], theirs[i][1], magnitude)) {
      return `${where}: ${ours[i][1]} at ${ours[i][0]}, theirs ${theirs[i][1]}`;
    }
  }
  return null;
}

/** Equal values may stand in any order: it is the values one after the other that must be the same. */
function orderDifference(ours, theirs, magnitude) {
  const at = ours.findIndex((series, i) => !same(series.value[1], theirs[i].value[1], magnitude));
  return at < 0 ? null : `the order differs at ${at}`;
}

/** null: the same; else what differs. ordered: the order of the values counts. */
export function difference(ours, theirs, { ordered = false, magnitude = 0 } = {}) {
  if (ours.status !== theirs.status) {
    return `status ${ours.status} (${ours.error ?? ''}), theirs ${theirs.status} (${theirs.error ?? ''})`;
  }
  if (ours.status === 'error') {
    return ours.errorType === theirs.errorType
      ? null
      : `errorType ${ours.errorType} (${ours.error}), theirs ${theirs.errorType} (${theirs.error})`;
  }
  const a = ours.data;
  const b = theirs.data;
  if (a.resultType !== b.resultType) {
    return `type ${a.resultType}, theirs ${b.resultType}`;
  }
  if (a.resultType === 'string') {
    return a.result[1] === b.result[1] ? null : `"${a.result[1]}", theirs "${b.result[1]}"`;
  }
  if (a.resultType === 'scalar') {
    return comparePoints('scalar', [a.result], [b.result], magnitude);
  }
  const mine = byLabels(a.result);
  const other = byLabels(b.result);
  for (const [labels, series] of other) {
    const own = mine.get(labels);
    if (own === undefined) {
      return `no series ${labels}; ours: ${[...mine.keys()].slice(0, 4).join(' ')}`;
    }
    const points = (each) => each.values ?? [each.value];
    const found = comparePoints(labels, points(own), points(series), magnitude);
    if (found !== null) {
      return found;
    }
  }
  if (mine.size !== other.size) {
    return `one too many: ${[...mine.keys()].find((labels) => !other.has(labels))}`;
  }
  return ordered ? orderDifference(a.result, b.result, magnitude) : null;
}
