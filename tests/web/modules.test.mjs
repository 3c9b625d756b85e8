// SPDX-License-Identifier: Apache-2.0
// The parts of the page that need no browser: trend series, letter-sequence match, numbers and
// times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pageModule } from "./support/dist.mjs";

const { seriesOf, addLive, gapsOf, extent } = await pageModule("trend/series.ts");
const { sequenceScore } = await pageModule("sequence.ts");
const format = await pageModule("format.ts");

const bucket = (start_s, value, bad = 0) =>
  value === null
    ? [start_s * 1000, 0, null, null, null, null, null, bad, "no answer"]
    : [start_s * 1000, 10, value - 1, value + 1, value, value, value, bad, "good"];

test("buckets in a row have no gap", () => {
  const series = seriesOf([bucket(0, 1), bucket(10, 2), bucket(20, 3)], 10_000, 1, 5);
  assert.deepEqual(series.avg, [1, 2, 3]);
  assert.deepEqual(gapsOf(series, 30), []);
});

test("a silence longer than three reads breaks the line", () => {
  const series = seriesOf([bucket(0, 1), bucket(10, 2), bucket(100, 3)], 10_000, 1, 5);
  assert.deepEqual(series.avg, [1, 2, null, 3]);
  assert.deepEqual(gapsOf(series, 110), [{ from: 20, to: 100, bad: 0, reason: "" }]);
});

test("a point that is read seldom has no gap between its reads", () => {
  const series = seriesOf([bucket(0, 1), bucket(60, 2), bucket(120, 3)], 1000, 60, 180);
  assert.deepEqual(gapsOf(series, 130), []);
});

test("a point that never gets stale has no gap but what is bad", () => {
  const series = seriesOf([bucket(0, 1), bucket(100_000, 2), bucket(100_010, null, 1)], 10_000, 10, null);
  assert.deepEqual(gapsOf(series, 100_020), [{ from: 100_010, to: 100_020, bad: 1, reason: "no answer" }]);
});

test("bad samples make a gap that counts them", () => {
  const series = seriesOf([bucket(0, 1), bucket(10, null, 4), bucket(20, 3)], 10_000, 1, 5);
  assert.deepEqual(gapsOf(series, 30), [{ from: 10, to: 20, bad: 4, reason: "no answer" }]);
});

test("a silence up to the end of the view is a gap too", () => {
  const series = seriesOf([bucket(0, 1), bucket(10, 2)], 10_000, 1, 5);
  assert.deepEqual(gapsOf(series, 500), [{ from: 20, to: 500, bad: 0, reason: "" }]);
});

test("a live value goes into the last bucket, the next one opens another", () => {
  const series = seriesOf([bucket(0, 5), bucket(10, 5)], 10_000, 1, 5);
  assert.equal(addLive(series, 15, 27, "good"), true);
  assert.equal(series.max[1], 27);
  assert.equal(series.avg[1], 5 + 22 / 11);
  assert.equal(addLive(series, 21, 6, "good"), true);
  assert.deepEqual(series.time, [0, 10, 21]);
  assert.equal(addLive(series, 20, 9, "good"), false, "an older value changes nothing");
});

test("a live value that is not known breaks the line", () => {
  const series = seriesOf([bucket(0, 5)], 10_000, 1, 5);
  addLive(series, 11, null, "refused");
  addLive(series, 30, 6, "good");
  assert.deepEqual(series.avg, [5, null, 6]);
});

test("the extent weighs buckets by their samples and is nothing for nothing", () => {
  const series = seriesOf([bucket(0, 1), [10_000, 30, 4, 6, 5, 5, 5, 0]], 10_000, 1, 5);
  assert.deepEqual(extent(series), { min: 0, max: 6, avg: 4 });
  assert.equal(extent(seriesOf([], 1000, 1, 5)), undefined);
});

test("letters match in order, at word starts best, else not at all", () => {
  assert.ok(sequenceScore("dvs", "Devices") > 0);
  assert.equal(sequenceScore("svd", "Devices"), 0);
  assert.ok(sequenceScore("dev", "Devices") > sequenceScore("dev", "Show devices that are down"));
  assert.ok(sequenceScore("", "anything") > 0);
});

test("durations, sizes and counts as people read them", () => {
  assert.deepEqual([0, 9.94, 42, 840, 10_800, 400_000].map(format.duration), [
    "0.0 s",
    "9.9 s",
    "42 s",
    "14 min",
    "3 h",
    "5 d",
  ]);
  assert.deepEqual([12, 1500, 42e6, 40e9].map(format.bytes), ["12 B", "1.5 KB", "42 MB", "40 GB"]);
  assert.equal(format.count(100_000), "100\u202f000");
  assert.deepEqual([212.00000001, 0.000123456, 21.4].map(format.short), [
    "212",
    "0.00012346",
    "21.4",
  ]);
});

test("times are those of the site's zone; an unknown zone falls back", () => {
  const date = new Date("2026-11-22T23:30:00Z");
  format.setZone("Europe/Prague");
  assert.equal(format.clock(date), "00:30:00");
  assert.equal(format.day(date), "2026-11-23");
  format.setZone("Mars/Olympus");
  assert.match(format.clock(date), /^\d\d:30:00$/);
});
