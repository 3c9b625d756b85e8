// SPDX-License-Identifier: Apache-2.0
// The shapes of docs/rest.md, as far as the page uses them. Fields are only ever added there.

export type Scalar = number | boolean | string | null;
export type Quality = "good" | "uncertain" | "bad";
export type Link = "connecting" | "up" | "down" | "paused";

export interface ErrorBody {
  code: string;
  message: string;
  hint?: string;
}

export interface Notice {
  what: string;
  why: string;
  hint: string;
}

export interface Site {
  id: string;
  name: string;
  timezone: string;
}

export interface Health {
  status: "ok" | "degraded" | "stopping";
  version: string;
  started: string;
  uptime_s: number;
  site: Site;
  log: {
    state: "ok" | "full" | "failed";
    error: string;
    waiting_samples: number;
    commits: number;
    fsync_us: number;
  };
  disk: { free_bytes: number; total_bytes: number; history_bytes: number };
  config: { version: number; differs: boolean };
  problems: Notice[];
}

export interface Status {
  devices: { up: number; down: number; connecting: number; paused: number; total: number };
  points: { good: number; bad: number; total: number };
  samples_per_s: number;
  polls_per_s: number;
  holds?: number; // values held by hand
  memory_bytes: number;
  cpu_percent: number;
  loop_longest_us: number;
  received: number;
  stored: number;
  repeated: number;
  refused: number;
  waiting: number;
  history: {
    series: number;
    head_samples: number;
    block_samples: number;
    blocks: number;
    block_bytes: number;
    log_bytes: number;
    head_bytes: number;
    damaged_chunks: number;
  };
}

/** One fact about how a protocol is doing. */
export interface DriverFact {
  part: string; // a network; "" = the protocol as a whole
  name: string;
  text: string;
  trouble: string;
}

export interface DriverList {
  drivers: { protocol: string; facts: DriverFact[]; messages: MessageCounts | null }[];
}

/** By which devices post. */
export interface Connector {
  name: string;
  protocol: string;
  devices: number;
  messages: number;
  refused: number;
  key_count: number;
  last: string | null;
  trouble: string;
}

export interface ConnectorKey {
  connector: string;
  id: string;
  label: string;
  created: string;
  used: string | null;
}

/** The key itself comes once. */
export interface ConnectorKeyMade extends ConnectorKey {
  key: string;
}

/** Messages that devices sent by themselves. */
export interface MessageCounts {
  messages: number;
  readings: number;
  events: number;
  repeated: number;
  refused: number;
  unused: number;
  strangers: number;
  waiting: number;
}

export interface MessageList extends MessageCounts {
  protocol: string;
  refusals: {
    id: number;
    time: string | null;
    source: string;
    where: string;
    why: string;
    excerpt: string;
  }[];
  source_count: number;
  sources: {
    source: string;
    messages: number;
    refused: number;
    last: string | null;
    last_refused: string | null;
  }[];
  unknown_ids: {
    id: string;
    came_by: string;
    messages: number;
    last: string | null;
    sample: string;
  }[];
}

export interface Device {
  name: string;
  title: string;
  place: string;
  protocol: string;
  profile: string;
  address: string;
  link: Link;
  error: string;
  since: string;
  last_answer: string | null;
  speaks_first: boolean; // nothing of it is polled: last_answer is when it was heard
  next_try: string | null;
  poll_ms: number;
  lag_ms: number;
  errors_hour: number;
  polls: number;
  answers: number;
  timeouts: number;
  refusals: number;
  bad_frames: number;
  retries: number;
  lag_polls: number;
  points: { good: number; bad: number; total: number };
  config: string;
  browsable?: boolean; // it tells what it has
}

export interface DeviceFull extends Device {
  messages?: boolean; // its values are taken out of messages
  limits: { name: string; value: Scalar }[];
  sent_bytes: number;
  received_bytes: number;
}

export interface DeviceList {
  devices: Device[];
  total: number;
}

export interface Frame {
  time: string;
  sent: boolean;
  size: number;
  hex: string;
  text: string;
  bad: string | null;
}

/** What one rule found in a message that was tried. */
export interface PayloadFinding {
  name: string;
  rule: string;
  event: boolean;
  element: number;
  id: string;
  fine: boolean;
  found: string;
  why: string;
  value: number | string | boolean | null;
  type: string;
  quality: string;
  time: string | null;
}

export interface PayloadAnswer {
  message: string | null; // null: it is no text
  findings: PayloadFinding[];
  left_out: number;
  readable: boolean;
  error: string;
  hint: string;
}

export interface Finding {
  step: string;
  fine: boolean;
  seen: string;
  hint: string;
  code: string;
}

export interface TestResult {
  fine: boolean;
  code: string;
  took_ms: number;
  findings: Finding[];
}

/** What the live stream says of a point, and the part of a list row that changes. */
export interface LivePoint {
  path: string;
  value: Scalar;
  text: string;
  quality: Quality;
  reason: string;
  time: string | null;
  age_s: number | null;
  exact?: string;
}

export interface Point extends LivePoint {
  title: string;
  type: string;
  units: string;
  detail: string;
  received: string | null;
  since: string | null;
  writable: boolean;
  device: string;
  source: string;
  config: string;
  last_good?: { value: Scalar; text: string; time: string } | null;
}

export interface ReasonCount {
  reason: string;
  count: number;
}

export interface PointList {
  points: Point[];
  total: number;
  all: number;
  reasons: ReasonCount[]; // why points of the match are not good, most first
}

export interface WriteRule {
  min: number | null;
  max: number | null;
  confirm: boolean;
  releasable?: boolean; // what is written has a priority and can be given up
  priority?: number | null; // the point's own
  max_time_s?: number | null; // held no longer than this
}

/** A value that was written at a priority, until somebody releases it. */
export interface Hold {
  path: string;
  priority: number | null; // null: the point's own
  value: string;
  units: string;
  who: string;
  from: string;
  since: string;
  until: string | null;
  failures: number;
  next_try: string | null;
  trouble: string;
  configured: boolean;
}

export interface HoldList {
  holds: Hold[];
  total: number;
  more: boolean;
}

/** A certificate of a peer, an authority, or of the gateway itself. */
export interface Certificate {
  list: string; // refused, own, trusted, issuer, revocations
  fingerprint: string;
  fault: string;
  words: string; // what is wrong and what to do
  waits: boolean; // trusting it helps
  subject: string;
  issuer: string;
  hosts: string;
  uri: string;
  from: string | null;
  until: string | null;
  days_left: number | null;
  key: string;
  key_bits: number;
  signature: string;
  protocol: string; // of our own
  peer: string; // where a refused one came from
  device: string;
  first: string | null;
  last: string | null;
  times: number;
}

export interface CertificateList {
  certificates: Certificate[];
  waiting: number;
  refused: number;
  trusted: number;
}

export interface CommandArgument {
  name: string;
  type: string;
  description: string;
}

/** What a device can be told to do. */
export interface Command {
  path: string;
  device: string;
  name: string;
  title: string;
  confirm: boolean;
  known: boolean; // the device told what it takes
  description: string;
  trouble: string;
  arguments: CommandArgument[];
  results: CommandArgument[];
  presets: { path: string; value: string }[];
}

export interface CommandList {
  commands: Command[];
  total: number;
}

export interface CommandResult {
  done: boolean;
  results: Record<string, unknown> | null;
  took_ms: number;
  message: string;
}

/** A long operation of the gateway. */
export interface Task {
  id: number;
  state: "running" | "done" | "failed" | "stopped";
  done: number;
  total: number; // 0: not known
  code: string;
  message: string;
}

/** One thing that a device tells it has. */
export interface Node {
  id: string;
  parent: string;
  kind: string;
  name: string;
  description: string;
  branch: boolean;
  units: string;
  value: Scalar;
  text: string;
  quality: Quality;
  reason: string;
  trouble: string;
  added: string; // path of the point that reads it
  point_name: string;
  point: string; // a proposal; "" = nothing to make a point of
  command?: string; // not of all protocols
  proposed: boolean;
}

export interface Browse extends Task {
  device: string;
  at: string;
  count: number;
  left_out: number;
  nodes: Node[];
}

export interface PointLedger {
  received: number;
  stored: number;
  repeated: number;
  refused: ReasonCount[];
  waiting: number;
  balances: boolean;
}

export interface PointFull extends Point {
  enum?: { value: number; name: string }[];
  every_s: number;
  watched?: boolean; // the device sends it by itself
  check_every_s?: number | null; // and it is read all the same
  pushed?: boolean; // it is never asked for
  stale_after_s: number | null; // null: never
  scale: number;
  offset: number;
  write: WriteRule | null;
  holds?: Hold[];
  sinks?: string[]; // that publish it
  ledger: PointLedger;
  explain: { step: string; text: string }[];
}

export interface WriteResult {
  written: boolean;
  read_back: boolean;
  before: Scalar;
  after: Scalar;
  took_ms: number;
  message: string;
}

/** start_ms, count, min, max, avg, first, last, bad */
export type Bucket = [
  number,
  number,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
  number,
  string,
];

export interface Buckets {
  path: string;
  units: string;
  type: string;
  step_ms: number;
  buckets: Bucket[];
}

export interface Samples {
  path: string;
  samples: [string, Scalar, string][];
  more: boolean;
}

export interface LedgerRow {
  path: string;
  received: number;
  stored: number;
  repeated: number;
  refused: number;
  waiting: number;
  balances: boolean;
}

export interface Ledger {
  balances: boolean;
  totals: Omit<PointLedger, "balances">;
  points: LedgerRow[];
  total: number;
}

export interface JournalEntry {
  id: number;
  time: string;
  who: string;
  from: string;
  what: string;
  path: string;
  old: string;
  new: string;
  result: string;
}

export interface LogLine {
  time: string;
  level: string;
  module: string;
  device: string;
  text: string;
}

export interface Port {
  use: string;
  transport: string;
  port: number;
  address: string;
  direction: string;
  peer: string;
  firewall: boolean;
  owner: string;
  pid: number;
  conflict: string;
  running: boolean;
}

export interface Problem {
  file: string;
  line: number;
  column: number;
  width: number;
  severity: "error" | "warning";
  message: string;
  hint: string;
  source: string;
}

export interface Check {
  errors: number;
  warnings: number;
  problems: Problem[];
}

export interface ConfigState {
  version: number;
  applied?: string;
  who?: string;
  differs?: boolean;
  folder?: string;
  files: { file: string; bytes?: number; written_by?: string }[];
}

export interface Change {
  kind: string;
  what: string;
  old: string | null;
  new: string | null;
  text: string;
}

export interface Diff {
  changes: Change[]; // at most some hundreds
  changes_total?: number; // all of them
  stopped: string[];
  restart_needed?: boolean;
}

export interface Applied extends Diff {
  applied: boolean;
  version: number;
  took_ms: number;
  undo: number;
}

export interface Version {
  version: number;
  time: string;
  who: string;
  summary: string;
  running: boolean;
}
