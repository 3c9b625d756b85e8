// SPDX-License-Identifier: Apache-2.0
// What the differential test asks about: two hours of gauges, counters with resets, switches, gaps with and
// without stale markers, special numbers, classic histograms, jitter, rare samples. The same every time.
import { STALE } from './remote_write.mjs';

export const STEP_MS = 15000;
export const SPAN_MS = 2 * 3600 * 1000;

/** A small generator (mulberry32): 0 <= n < 1. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const round = (value, digits) => Number(value.toFixed(digits));

function* times(start, { step = STEP_MS, jitter = 0, next }) {
  for (let time = start; time <= start + SPAN_MS; time += step) {
    yield time + (jitter > 0 ? Math.floor(next() * (2 * jitter + 1)) - jitter : 0);
  }
}

function series(labels, samples) {
  return { labels, samples };
}

const instances = [
  { instance: 'a:1', job: 'plant', zone: 'north' },
  { instance: 'b:1', job: 'plant', zone: 'south' },
  { instance: 'c:1', job: 'office', zone: 'north' },
  { instance: 'd:1', job: 'office', zone: '' },
];

function withName(name, labels, more = {}) {
  const all = { __name__: name, ...labels, ...more };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

function* gauges(start, next) {
  for (const [i, labels] of instances.entries()) {
    let value = 20 + i;
    const samples = [];
    for (const time of times(start, { jitter: i % 2 ? 5 : 0, next })) {
      value += next() - 0.5;
      samples.push({ time, value: round(value - (i === 2 ? 25 : 0), 1) });
    }
    yield series(withName('temperature', labels), samples);
  }
}

function* counters(start, next) {
  for (const [i, labels] of instances.entries()) {
    for (const code of ['200', '404', '500']) {
      let value = Math.floor(next() * 1000);
      const samples = [];
      for (const time of times(start, { jitter: i === 1 ? 40 : 0, next })) {
        value = next() < 0.004 ? 0 : value + Math.floor(next() * (code === '200' ? 50 : 3));
        samples.push({ time, value });
      }
      yield series(withName('requests_total', labels, { code }), samples);
    }
  }
}

/** Gaps of 1 to 15 minutes; of half of them the begin is told by a stale marker. */
function* gaps(start, next) {
  for (const [i, labels] of instances.entries()) {
    const samples = [];
    let until = 0;
    for (const time of times(start, { next })) {
      if (time < until) {
        continue;
      }
      if (next() < 0.02) {
        until = time + (1 + next() * 14) * 60000;
        if (i % 2 === 0) {
          samples.push({ time, value: STALE });
        }
        continue;
      }
      samples.push({ time, value: round(next() * 100, 3) });
    }
    yield series(withName('gappy', labels), samples);
  }
}

function* specials(start, next) {
  const odd = [NaN, Infinity, -Infinity, 0, -0, 1e300, -1e300, 1e-300, 5, -7.5, 1e15 + 0.5, 0.1];
  for (const labels of instances.slice(0, 3)) {
    const samples = [...times(start, { step: 60000, next })].map((time) => ({
      time,
      value: odd[Math.floor(next() * odd.length)],
    }));
    yield series(withName('special', labels), samples);
  }
  for (const labels of instances) {
    let on = 0;
    const samples = [...times(start, { next })].map((time) => {
      on ^= next() < 0.05 ? 1 : 0;
      return { time, value: on };
    });
    yield series(withName('running', labels), samples);
  }
}

function* histograms(start, next) {
  const bounds = ['0.1', '0.5', '1', '2.5', '10', '+Inf'];
  for (const labels of instances.slice(0, 3)) {
    const counts = bounds.map(() => 0);
    const columns = bounds.map(() => []);
    const sums = [];
    let sum = 0;
    for (const time of times(start, { next })) {
      for (let i = 0; i < 5; i++) {
        const value = next() * next() * 12;
        sum += value;
        bounds.forEach((bound, at) => {
          counts[at] += bound === '+Inf' || value <= Number(bound) ? 1 : 0;
        });
      }
      bounds.forEach((_, at) => columns[at].push({ time, value: counts[at] }));
      sums.push({ time, value: round(sum, 6) });
    }
    for (const [at, le] of bounds.entries()) {
      yield series(withName('latency_bucket', labels, { le }), columns[at]);
    }
    yield series(withName('latency_sum', labels), sums);
    yield series(withName('latency_count', labels), columns[bounds.length - 1]);
  }
}

/** Information, rare samples (at the edges of look-back), one that ends, names that need quotes. */
function* others(start, next) {
  const every = (step) => [...times(start, { step, next })];
  for (const [i, labels] of instances.entries()) {
    const info = { version: `v${1 + (i % 2)}`, build: `${i}` };
    yield series(withName('build_info', { instance: labels.instance, job: labels.job }, info),
      every(60000).map((time) => ({ time, value: 1 })));
    yield series(withName('target_info', { instance: labels.instance, job: labels.job }, { data: `x${i}` }),
      every(60000).map((time) => ({ time, value: 1 })));
    yield series(withName('rare', labels), every(300000).map((time, at) => ({ time, value: at + i })));
  }
  yield series({ __name__: 'limit', job: 'plant' }, every(60000).map((time) => ({ time, value: 21 })));
  yield series({ __name__: 'limit', job: 'office' }, every(60000).map((time) => ({ time, value: -3 })));
  yield series({ __name__: 'ends', job: 'plant' },
    every(STEP_MS).slice(0, 200).map((time) => ({ time, value: round(next() * 10, 2) })));
  yield series({ __name__: 'begins', job: 'plant' },
    every(STEP_MS).slice(200).map((time) => ({ time, value: round(next() * 10, 2) })));
  yield series({ __name__: 'one', job: 'plant' }, [{ time: start + 3600000, value: 42 }]);
  yield series({ __name__: 'sat-sp', 'room name': 'Büro 1' },
    every(STEP_MS).map((time) => ({ time, value: round(20 + next(), 2) })));
  yield series({ __name__: 'sum', by: 'x' }, every(60000).map((time) => ({ time, value: round(next(), 3) })));
}

/** All series; start in milliseconds. */
export function dataset(start) {
  const next = random(7);
  return [gauges, counters, gaps, specials, histograms, others].flatMap((make) => [...make(start, next)]);
}
