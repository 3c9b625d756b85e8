// SPDX-License-Identifier: Apache-2.0
// Expressions for the differential test: a hand-written list for each part of the language, and a
// generator that combines them. `covered` of a generated list tells which words of the language it used.
import { random } from './dataset.mjs';

const selectors = [
  'temperature', 'temperature{job="plant"}', 'temperature{zone!="north"}', 'temperature{instance=~"[ab]:.*"}',
  'temperature{instance!~"a.*"}', 'temperature{zone=""}', '{__name__="temperature"}', '{__name__=~"temp.*|rare"}',
  '{"sat-sp"}', '{"room name"=~".+"}', '{"sat-sp","room name"="Büro 1"}', 'requests_total', 'requests_total{code="500"}',
  'requests_total{code=~"4..|5.."}', 'gappy', 'gappy{job="office"}', 'running', 'special', 'rare', 'ends', 'begins', 'one',
  'limit', 'build_info', 'latency_bucket', 'latency_sum', 'nothing', 'sum', '{by="x"}', 'temperature{job=~"",instance!=""}',
];

const rangeFunctions = [
  'rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'changes', 'resets', 'avg_over_time', 'min_over_time',
  'max_over_time', 'sum_over_time', 'count_over_time', 'stddev_over_time', 'stdvar_over_time', 'last_over_time',
  'present_over_time', 'absent_over_time', 'mad_over_time',
];

const mapFunctions = [
  'abs', 'ceil', 'floor', 'round', 'exp', 'ln', 'log2', 'log10', 'sqrt', 'sgn', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan',
  'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'deg', 'rad', 'timestamp', 'minute', 'hour', 'day_of_week',
  'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year', 'absent', 'sort', 'sort_desc',
];

/** Values that are hardly ever equal, and values that are whole. */
const different = ['gappy', 'latency_sum', 'rate(latency_sum[7m])', 'gappy - on (instance) temperature', 'avg_over_time(gappy[20m])'];
const counted = ['requests_total', 'running', 'rare', 'latency_bucket', 'changes(running[10m])', 'requests_total % 7', 'running or rare'];
const aggregations = ['sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar'];
const arithmetic = ['+', '-', '*', '/', '%', '^', 'atan2'];
const comparisons = ['==', '!=', '<', '<=', '>', '>='];
const sets = ['and', 'or', 'unless'];
const ranges = ['1m', '5m', '17m', '1h', '15s', '30s', '90s', '1m30s'];
const moments = ['offset 5m', 'offset -3m', 'offset 1h', '@ start()', '@ end()', '@ END', 'offset 90s @ END', '@ END offset 10m'];

/** END stands for a time in seconds inside the data. */
export function handwritten() {
  const list = [];
  const add = (...expressions) => list.push(...expressions);
  for (const selector of selectors) {
    add(selector, `-${selector}`, `${selector} offset 5m`, `count_over_time(${selector}[5m])`);
    for (const moment of moments) {
      add(`${selector} ${moment}`, `sum(last_over_time(${selector}[10m] ${moment}))`);
    }
    for (const range of ranges) {
      add(`sum_over_time(${selector}[${range}])`, `last_over_time(${selector}[${range}])`);
    }
  }
  for (const fn of rangeFunctions) {
    for (const selector of ['temperature', 'requests_total', 'gappy', 'special', 'rare', 'one', 'running', 'ends']) {
      for (const range of ['1m', '5m', '47m']) {
        add(`${fn}(${selector}[${range}])`);
      }
      add(`${fn}(${selector}[20m:1m])`, `${fn}(${selector}[20m:77s] offset 3m)`, `${fn}(${selector}[9m:])`);
    }
  }
  for (const fn of mapFunctions) {
    add(`${fn}(temperature)`, `${fn}(special)`, `${fn}(requests_total * 1e5)`, `${fn}(nothing)`);
  }
  for (const selector of ['temperature', 'special', 'requests_total', 'gappy']) {
    add(`round(${selector}, 0.5)`, `round(${selector}, 7)`, `clamp(${selector}, 1, 20)`, `clamp(${selector}, 20, 1)`,
      `clamp_min(${selector}, 5)`, `clamp_max(${selector}, 5)`, `clamp_min(${selector}, NaN)`,
      `quantile_over_time(0.9, ${selector}[10m])`, `quantile_over_time(-1, ${selector}[10m])`,
      `quantile_over_time(2, ${selector}[10m])`, `predict_linear(${selector}[10m], 600)`,
      `double_exponential_smoothing(${selector}[10m], 0.4, 0.3)`, `scalar(${selector})`,
      `scalar(${selector}{instance="a:1"})`, `vector(scalar(${selector}{instance="a:1"}))`);
  }
  for (const aggregation of aggregations) {
    for (const inner of ['temperature', 'special', 'gappy', 'requests_total', 'nothing', 'rate(requests_total[5m])']) {
      add(`${aggregation}(${inner})`, `${aggregation} by (job) (${inner})`, `${aggregation}(${inner}) by (job, zone)`,
        `${aggregation} without (instance) (${inner})`, `${aggregation} without () (${inner})`,
        `${aggregation} by () (${inner})`, `${aggregation} by (nolabel) (${inner})`);
    }
  }
  for (const [aggregation, params] of Object.entries({
    topk: ['1', '2', '100', '0'], bottomk: ['1', '3'], limitk: ['1', '2'], quantile: ['0', '0.5', '0.95', '1.5', '-1', 'NaN'],
    count_values: ['"v"', '"job"'], limit_ratio: ['0.5', '-0.5', '1'],
  })) {
    for (const param of params) {
      for (const inner of ['temperature', 'special', 'requests_total', 'running', 'nothing']) {
        add(`${aggregation}(${param}, ${inner})`, `${aggregation} by (job) (${param}, ${inner})`,
          `${aggregation} without (instance, code) (${param}, ${inner})`);
      }
    }
  }
  for (const op of [...arithmetic, ...comparisons]) {
    add(`temperature ${op} 3`, `3 ${op} temperature`, `temperature ${op} running`, `special ${op} special`,
      `special ${op} 0`, `temperature ${op} on (job) group_left () limit`,
      `temperature ${op} on (job) group_left limit`, `limit ${op} on (job) group_right () temperature`,
      `temperature ${op} ignoring (zone, instance) limit`, `requests_total ${op} ignoring (code) group_left () temperature`,
      `requests_total ${op} on (instance, job) group_left (version) build_info`,
      `temperature ${op} on (instance) group_left (version, build) build_info`,
      `temperature ${op} on (zone) running`, `requests_total ${op} requests_total offset 1m`, `nothing ${op} temperature`,
      `gappy ${op} gappy offset 7m`, `2 ${op === '^' ? '^' : '*'} 3 ${op === '^' ? '^' : '+'} 2`);
    if (comparisons.includes(op)) {
      add(`temperature ${op} bool 3`, `temperature ${op} bool running`, `1 ${op} bool 2`, `NaN ${op} bool NaN`,
        `special ${op} bool special`, `limit ${op} bool on (job) group_right () temperature`);
    } else {
      add(`1 ${op} 2`, `-1 ${op} 0`, `-5 ${op} 3`, `time() ${op} 7`, `0 ${op} 0`);
    }
  }
  for (const op of sets) {
    add(`temperature ${op} running`, `temperature ${op} on (job) limit`, `temperature ${op} ignoring (zone) gappy`,
      `temperature ${op} nothing`, `nothing ${op} temperature`, `temperature ${op} on () limit`,
      `gappy ${op} gappy offset 5m`, `(temperature > 10) ${op} (temperature < 12)`,
      `temperature ${op} requests_total ${op} running`, `{__name__=~"temperature|gappy"} ${op} running`);
  }
  add(
    '1', '-1', '1e3', '0x1F', '1_000', 'Inf', '-Inf', 'NaN', '5m', '1h30m', '"text"', "'text'", '`raw\\n`', '"\\u00e9\\n"',
    'time()', 'vector(1)', 'vector(time())', 'pi()', 'pi() * 2', 'scalar(vector(1)) + 1', '((1))', '-(1)', '--1', '+temperature',
    '-temperature ^ 2', '2 ^ 3 ^ 2', '-2 ^ 2', '1 + 2 * 3 % 4 - 5 / 6', '(1 + 2) * 3', '1 - -1', '1 == bool 1 + 1',
    'minute()', 'hour()', 'day_of_week()', 'year()', 'days_in_month(vector(1709164800))', 'month(vector(0))',
    'absent(nothing{job="x",zone=~"a"})', 'absent(nothing)', 'absent(temperature)', 'absent(sum(nothing))',
    'absent_over_time(nothing{job="x"}[5m])', 'absent_over_time(one[5m])',
    'label_replace(temperature, "host", "$1", "instance", "(.*):.*")', 'label_replace(temperature, "job", "", "job", ".*")',
    'label_replace(temperature, "x", "${a}-$2", "instance", "(?P<a>[a-z]):(.*)")', 'label_replace(temperature, "x", "y", "none", "")',
    'label_replace(temperature, "instance", "same", "instance", ".*")', 'label_replace(temperature, "a-b", "y", "job", ".*")',
    'label_join(temperature, "all", "-", "job", "zone", "instance")', 'label_join(temperature, "none", ",")',
    'label_join(temperature, "zone", "", "nolabel")', 'sort_by_label(temperature, "zone", "instance")',
    'sort_by_label_desc(temperature, "instance")', 'sort(topk(2, temperature))',
    'histogram_quantile(0.9, rate(latency_bucket[5m]))', 'histogram_quantile(0.5, latency_bucket)',
    'histogram_quantile(0, latency_bucket)', 'histogram_quantile(1, latency_bucket)', 'histogram_quantile(1.1, latency_bucket)',
    'histogram_quantile(-1, latency_bucket)', 'histogram_quantile(NaN, latency_bucket)',
    'histogram_quantile(0.9, sum by (le, job) (rate(latency_bucket[10m])))', 'histogram_quantile(0.9, latency_bucket{le!="+Inf"})',
    'histogram_quantile(0.9, latency_bucket{le="1"})', 'histogram_quantile(0.9, temperature)',
    'histogram_quantile(scalar(limit{job="plant"}) / 30, latency_bucket)', 'histogram_fraction(0, 1, latency_bucket)',
    'histogram_count(latency_bucket)', 'histogram_sum(temperature)', 'histogram_avg(temperature)',
    'histogram_stddev(temperature)', 'histogram_stdvar(temperature)',
    'info(temperature)', 'info(temperature, {data=~".+"})', 'info(requests_total, {data="x1"})', 'info(rate(requests_total[5m]))',
    'sum(rate(requests_total[5m])) by (job) / on (job) group_left () sum(rate(requests_total[5m])) by (job)',
    'sum by (job) (rate(requests_total{code="500"}[5m])) / sum by (job) (rate(requests_total[5m]))',
    'max_over_time(rate(requests_total[5m])[30m:1m])', 'avg_over_time(sum(temperature)[10m:30s])',
    'min_over_time((temperature > 15)[20m:15s])', 'rate(requests_total[5m:15s])', 'sum_over_time(vector(1)[5m:1m])',
    'max_over_time(max_over_time(temperature[5m])[30m:5m])', 'sum_over_time(time()[5m:1m])', 'deriv(rate(requests_total[2m])[10m:])',
    'last_over_time(temperature[5m:1m] @ END)', 'sum(sum_over_time(temperature[5m:1m] @ start()))', 'avg_over_time(temperature[1h] @ END offset 10m)',
    'timestamp(timestamp(temperature))', 'timestamp(temperature offset 3m)', 'timestamp(rare)', 'timestamp(temperature @ END)',
    'timestamp((temperature))', 'timestamp(temperature + 0)', 'time() - timestamp(rare)',
    'sum({__name__=~".+"})', 'count({job=~".+"}) by (__name__)', 'count by (__name__, job) ({instance!=""})',
    '{__name__=~"latency.*"} * 2', 'rate({__name__=~"latency_(sum|count)"}[5m])', 'sum without (le) (latency_bucket)',
    'count_values("value", running)', 'topk(3, requests_total) by (job)', 'topk by (job) (1, requests_total) > 100',
    'quantile(0.9, temperature) by (job)', 'quantile by (job) (scalar(limit{job="plant"}) / 100, temperature)',
    'temperature > 10 < 25', 'temperature > bool 10 == 1', 'temperature == temperature', 'temperature != temperature',
    'temperature and temperature > 20 or running', 'not_there or vector(0)', 'sum(not_there) or vector(0)', 'count(nothing) or on () vector(7)',
    'group(temperature)', 'group by (job) (temperature)', 'sum(temperature # a comment\n)', ' \n\t temperature\n', 'SUM(temperature)', 'Sum By (job) (temperature)',
    'rate(temperature[5m] offset 1m)', 'increase(requests_total[1h]) / 3600', 'changes(running[30m])', 'resets(requests_total[2h])',
    'requests_total{code="200"} - on (instance) requests_total{code="500"}', 'temperature * on (instance, job) group_left (version) build_info',
    'build_info * on (job) group_left () limit', 'limit * on (job) group_right (version) build_info', 'temperature{zone="north"} + ignoring (zone) temperature{zone="north"}',
    'atan2(1, 2)', 'temperature atan2 running', 'sgn(temperature - 20)', 'clamp(vector(5), 1, 3)', 'rate(one[5m])', 'irate(requests_total[1m])',
    'last_over_time(one[2h])', 'present_over_time(one[2h])', 'stddev_over_time(temperature[1h])', 'sum(temperature) by (job) > on (job) limit',
    'temperature @ 0', 'temperature offset 1w', 'temperature[5m]', 'rare[30m]', 'gappy[10m] offset 2m', 'temperature[10m:2m]', 'special[20m] @ END',
    // errors: both refuse
    '', 'temperature{', 'temperature}', 'sum(', 'sum()', 'rate(temperature)', 'rate(temperature[5m])[', 'foo bar', '1 +', '{}', '{job=~".*"}', '{job=""}',
    'temperature[5m][5m]', 'temperature[0s]', 'temperature[-5m]', 'sum by job (temperature)', 'temperature offset', 'temperature @ x', '1 and 2', 'temperature and 1',
    '1 == 2', '"a" + 1', 'rate(1)', 'abs(temperature, 1)', 'abs()', 'nofunction(temperature)', 'topk(temperature)', 'topk("a", temperature)', 'count_values(1, temperature)',
    'temperature + on (job) group_left (job) limit', 'temperature and on (job) group_left () limit', 'temperature{job="a"', 'temperature{job=a}', 'temperature{job}', 'temperature{1="a"}',
    'label_replace(temperature, "x")', 'label_replace(temperature, "x", "y", "job", "(")', 'temperature{job=~"("}', 'sum(temperature) by', 'temperature bool + 1', '1 > bool', 'temperature > bool',
    'temperature[5m] offset', 'temperature[5m:1m', '(temperature', 'temperature)', "'unclosed", '"\\q"', '1..2', '0x', '5m5', 'scalar(1)', 'vector(temperature)', 'time(1)', 'sum(1)', 'sum("a")', '-"a"', '-temperature[5m]',
    'temperature[5m] + 1', 'min_over_time(1[5m:1m])', 'a{__name__="b"}', '{"a", __name__="b"}', '{"a", "b"}', 'temperature{job="x"}{zone="y"}', 'sum without (temperature)', '@ 5', 'offset 5m', 'temperature @ start', 'group_left(a) b', 'on (x) y',
    'temperature * on (zone) running', 'histogram_quantile("a", latency_bucket)', 'rate(sum(temperature)[5m])', 'sum(temperature)[5m]', 'sum_over_time(temperature[5m:1m][5m:1m])', 'limit_ratio(2, temperature)', 'limit_ratio(NaN, temperature)', 'topk(NaN, temperature)', 'topk(Inf, temperature)', 'limitk(-1, temperature)',
  );
  return [...new Set(list)];
}

class Generator {
  constructor(seed) {
    this.next = random(seed);
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  chance(p) {
    return this.next() < p;
  }

  labels() {
    const names = ['job', 'zone', 'instance', 'code', 'le', 'version'].filter(() => this.chance(0.35));
    return `(${names.join(', ')})`;
  }

  moment() {
    return this.chance(0.15) ? ` ${this.pick(moments)}` : '';
  }

  scalar(depth) {
    if (depth <= 0 || this.chance(0.6)) {
      return this.pick(['0', '1', '2', '-1.5', '0.25', '10', '100', 'time()', 'NaN', 'Inf', '1e3', 'pi()', '3600']);
    }
    return this.chance(0.5)
      ? `scalar(${this.vector(depth - 1)})`
      : `(${this.scalar(depth - 1)} ${this.pick(arithmetic)} ${this.scalar(depth - 1)})`;
  }

  range(depth) {
    if (depth > 0 && this.chance(0.25)) {
      return `(${this.vector(depth - 1)})[${this.pick(['5m', '10m', '31m'])}:${this.pick(['', '15s', '1m', '100s'])}]${this.moment()}`;
    }
    return `${this.pick(selectors.filter((s) => s !== 'latency_bucket'))}[${this.pick(ranges)}]${this.moment()}`;
  }

  aggregate(depth) {
    const by = this.pick(['', '', ` by ${this.labels()} `, ` without ${this.labels()} `]);
    const inner = this.vector(depth - 1);
    return this.chance(0.75)
      ? `${this.pick(aggregations)}${by}(${inner})`
      : this.pick([
        // Of equal values topk keeps any; count_values shows the last bit of a library function.
        `topk${by}(${this.pick(['1', '2', '5'])}, ${this.pick(different)})`,
        `bottomk${by}(${this.pick(['1', '2', '5'])}, ${this.pick(different)})`,
        `quantile${by}(${this.pick(['0.1', '0.5', '0.99'])}, ${inner})`,
        `count_values${by}("v", ${this.pick(counted)})`,
      ]);
  }

  binary(depth) {
    const left = this.vector(depth - 1);
    const kind = this.next();
    if (kind < 0.35) {
      const op = this.pick([...arithmetic, ...comparisons]);
      const bool = comparisons.includes(op) && this.chance(0.3) ? ' bool' : '';
      return this.chance(0.7)
        ? `(${left} ${op}${bool} ${this.scalar(depth - 1)})`
        : `(${this.scalar(depth - 1)} ${op}${bool} ${left})`;
    }
    const right = this.vector(depth - 1);
    if (kind < 0.55) {
      const matching = this.pick(['', ` on ${this.labels()}`, ` ignoring ${this.labels()}`]);
      return `(${left} ${this.pick(sets)}${matching} ${right})`;
    }
    const op = this.pick([...arithmetic, ...comparisons]);
    const bool = comparisons.includes(op) && this.chance(0.3) ? ' bool' : '';
    const matching = this.pick(['', '', ' on (instance)', ' on (instance, job)', ' ignoring (code, le, version)', ` on ${this.labels()}`]);
    const group = matching !== '' && this.chance(0.3) ? this.pick([' group_left ()', ' group_right ()', ' group_left (build)']) : '';
    return `(${left} ${op}${bool}${matching}${group} ${right})`;
  }

  call(depth) {
    const kind = this.next();
    if (kind < 0.55) {
      return `${this.pick(rangeFunctions)}(${this.range(depth - 1)})`;
    }
    if (kind < 0.65) {
      return this.pick([
        () => `quantile_over_time(${this.pick(['0.1', '0.5', '0.99'])}, ${this.range(depth - 1)})`,
        () => `predict_linear(${this.range(depth - 1)}, ${this.pick(['60', '-600', '3600'])})`,
        () => `histogram_quantile(${this.pick(['0.1', '0.5', '0.99'])}, ${this.vector(depth - 1)})`,
        () => `label_replace(${this.vector(depth - 1)}, "x", "$1", "instance", "(.).*")`,
        () => `label_join(${this.vector(depth - 1)}, "x", "/", "job", "instance")`,
        () => `clamp(${this.vector(depth - 1)}, ${this.scalar(0)}, ${this.scalar(0)})`,
        () => `round(${this.vector(depth - 1)}, ${this.pick(['0.1', '5', '10'])})`,
        () => `vector(${this.scalar(depth - 1)})`,
      ])();
    }
    const fn = this.pick(mapFunctions);
    const inner = this.vector(depth - 1);
    // Of a huge angle the last bit decides, and libraries differ in it.
    return ['sin', 'cos', 'tan'].includes(fn) ? `${fn}(clamp(${inner}, -100, 100))` : `${fn}(${inner})`;
  }

  vector(depth) {
    const kind = this.next();
    if (depth <= 0 || kind < 0.2) {
      return `${this.pick(selectors)}${this.moment()}`;
    }
    if (kind < 0.45) {
      return this.aggregate(depth);
    }
    if (kind < 0.75) {
      return this.call(depth);
    }
    return kind < 0.97 ? this.binary(depth) : `-${this.vector(depth - 1)}`;
  }
}

/** count expressions, different ones, the same every time. */
export function generated(count, seed = 1) {
  const generator = new Generator(seed);
  const list = new Set();
  while (list.size < count) {
    list.add(generator.vector(1 + Math.floor(generator.next() * 3)));
  }
  return [...list];
}
