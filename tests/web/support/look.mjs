// SPDX-License-Identifier: Apache-2.0
// What the made-up gateway answers about browses and holds (docs/rest.md). A site with `objects` has
// devices that tell what they have; a browse of one takes `browseLooks` looks before it is done.
import { iso } from "./site.mjs";
import { answerSinks } from "./sinks.mjs";

const GROUPS = [
  ["analog-input", "Analog inputs"],
  ["analog-value", "Analog values"],
  ["binary-output", "Binary outputs"],
];

const node = (fields) => ({
  parent: "",
  kind: "object",
  name: "",
  description: "",
  branch: false,
  readable: true,
  writable: false,
  watchable: false,
  units: "",
  enum: [],
  min: null,
  max: null,
  value: null,
  text: "",
  quality: "good",
  reason: "good",
  trouble: "",
  added: "",
  point_name: "",
  point: "",
  proposed: false,
  ...fields,
});

function objects(site, device) {
  const nodes = GROUPS.map(([id, name]) => node({ id, name, kind: "group" }));
  if (site.branch) {
    nodes.unshift(node({ id: site.branch, name: site.branch, kind: "group", branch: true }));
  }
  for (let i = 0; i < site.objects; i++) {
    const [type] = GROUPS[i % GROUPS.length];
    const id = `${type}:${Math.floor(i / GROUPS.length) + 1}`;
    nodes.push(
      node({
        id,
        parent: type,
        name: `OBJ-${i}`,
        description: i === 1 ? "Supply air setpoint" : `object number ${i}`,
        branch: true,
        units: "degC",
        value: 20 + (i % 10),
        text: `${20 + (i % 10)} degC`,
        trouble: i === 5 ? "no units: error 32 unknown-property; read as raw" : "",
        added: i === 0 ? `${device}/power` : "",
        point_name: `obj-${i}`,
        point: `{ object: ${id}, units: degC }`,
        proposed: i < 4,
      }),
    );
  }
  return nodes;
}

// Of a branch that the first look left out: what it is, then what is below it.
function belowBranch(at) {
  const temp = { id: `${at}.Temp`, name: "Temp", kind: "variable", text: "61.5 degC" };
  return [
    node({ id: `${at} kind`, kind: "property", name: "kind", text: "group" }),
    node({ ...temp, point_name: "temp", point: `{ node: "${at}.Temp" }`, proposed: true }),
  ];
}

function properties(at) {
  const rows = [
    ["present-value", "21 degC"],
    ["reliability", "no-fault-detected"],
    ["cov-increment", "0.2"],
    ["relinquish-default", "19 degC"],
  ].map(([name, text]) => node({ id: `${at} ${name}`, parent: at, kind: "property", name, text }));
  rows.push(
    node({
      id: `${at} profile-name`,
      parent: at,
      kind: "property",
      name: "profile-name",
      trouble: "refused: error 31 read-access-denied",
    }),
  );
  for (let i = 1; i <= 16; i++) {
    const id = `${at} priority-array[${i}]`;
    const held = i === 8 ? { value: 21, text: "21 degC" } : { value: null, text: "-" };
    rows.push(node({ id, parent: at, kind: "priority", name: String(i), ...held }));
  }
  return rows;
}

function state(browse) {
  const running = browse.looks > 0 && !browse.stopped;
  return {
    id: browse.id,
    state: browse.stopped ? "stopped" : running ? "running" : browse.failed ? "failed" : "done",
    done: running ? browse.nodes.length / 2 : browse.nodes.length,
    total: browse.nodes.length,
    code: browse.failed ? "ETIMEOUT" : "",
    message: browse.failed ?? "",
    began: iso(browse.began),
    ended: running ? null : iso(Date.now()),
    protocol: "bacnet",
    device: browse.device,
    find: null,
    at: browse.at,
    count: browse.nodes.length,
    left_out: 0,
  };
}

function look(browse, query) {
  const offset = Number(query.get("offset") ?? 0);
  const limit = Number(query.get("limit") ?? 200);
  const told = browse.looks > 0 ? browse.nodes.slice(0, browse.nodes.length / 2) : browse.nodes;
  const answer = { ...state(browse), nodes: told.slice(offset, offset + limit) };
  browse.looks = Math.max(0, browse.looks - 1);
  return { body: answer };
}

function yaml(browse, chosen) {
  const lines = browse.nodes
    .filter((each) => chosen.includes(each.id) && !each.added)
    .map((each) => `      ${each.point_name}: ${each.point} # ${each.name}, ${each.text}`);
  return `      # below 'points:' of ${browse.device}, site.yaml:25\n${lines.join("\n")}\n`;
}

function answerBrowse(site, method, parts, query, body) {
  const [, id, what] = parts;
  if (method === "POST" && id === undefined) {
    const at = body.at ?? "";
    const browse = {
      id: site.browses.length + 1,
      device: body.device,
      at,
      began: Date.now(),
      looks: site.browseLooks,
      failed: site.browseFails,
      nodes: site.browseFails
        ? []
        : at === ""
          ? objects(site, body.device)
          : at === site.branch
            ? belowBranch(at)
            : properties(at),
    };
    site.browses.push(browse);
    return { status: 202, body: { ...state(browse), nodes: [] } };
  }
  if (id === undefined) {
    return { body: { browses: site.browses.map((each) => ({ ...state(each) })) } };
  }
  const browse = site.browses[Number(id) - 1];
  if (!browse) {
    const error = { code: "ENOENT", message: `no '${id}' among the browses`, hint: "" };
    return { status: 404, body: { error } };
  }
  if (method === "POST" && what === "yaml") {
    return { text: yaml(browse, body.nodes) };
  }
  if (method === "DELETE") {
    browse.stopped = true;
    return { body: { ...state(browse), nodes: [] } };
  }
  return look(browse, query);
}

/** Holds of the first points of a device, one of them of a point that is gone. */
export function someHolds() {
  const now = Date.now();
  const hold = (path, fields) => ({
    path,
    priority: 8,
    value: "22.5",
    units: "degC",
    who: "novak",
    from: "127.0.0.1",
    since: iso(now - 3 * 3_600_000),
    until: null,
    failures: 0,
    next_try: null,
    trouble: "",
    configured: true,
    ...fields,
  });
  return [
    hold("meter-1/p-0001", {}),
    hold("meter-1/p-0006", { priority: 5, until: iso(now + 7_200_000), who: "local" }),
    hold("meter-2/p-0001", {
      priority: null,
      failures: 3,
      next_try: iso(now + 60_000),
      trouble: "release refused: error 40 write-access-denied",
    }),
    hold("old-ahu/sp", { configured: false }),
  ];
}

function answerHold(site, method, parts, body) {
  const [, device, point, priority, verb] = parts;
  if (device === undefined) {
    return { body: { holds: site.holds, total: site.holds.length, more: false } };
  }
  const index = site.holds.findIndex(
    (hold) => hold.path === `${device}/${point}` && String(hold.priority ?? 0) === priority,
  );
  const hold = site.holds[index];
  if (verb === "release" && hold.trouble) {
    const error = { code: "EREFUSED", message: hold.trouble, hint: "ask who owns the device" };
    return { status: 502, body: { error } };
  }
  if (verb === "extend") {
    hold.until = body.for ? iso(Date.now() + 7_200_000) : null;
    return { body: { holds: [hold], total: 1, more: false } };
  }
  site.holds.splice(index, 1);
  return verb === "release"
    ? { body: { written: true, released: true, message: "released, it reads 19 degC now" } }
    : { status: 204 };
}

/** One that waits, one refused for its time, our own, a trusted one. */
export function someCertificates() {
  const now = Date.now();
  const day = 86_400_000;
  const certificate = (digit, fields) => ({
    list: "refused",
    fingerprint: digit.repeat(64),
    fault: "fine",
    words: "",
    waits: false,
    subject: "CN=press-1, O=acme",
    issuer: "CN=press-1, O=acme",
    hosts: "press-1, 10.0.3.5",
    uri: "urn:acme:press-1",
    from: iso(now - 10 * day),
    until: iso(now + 355 * day),
    days_left: 355,
    key: "RSA",
    key_bits: 2048,
    signature: "sha256WithRSAEncryption",
    protocol: "",
    peer: "",
    device: "",
    first: null,
    last: null,
    times: 0,
    ...fields,
  });
  const seen = { first: iso(now - 600_000), last: iso(now - 5000), times: 12 };
  return [
    certificate("a", {
      fault: "untrusted",
      words:
        "certificate aaaaaaaaaaaaaaaa is not trusted: compare its fingerprint with the device's, " +
        "then: busbar certificate trust aaaaaaaaaaaaaaaa",
      waits: true,
      peer: "opc.tcp://10.0.3.5:48250",
      device: "meter-2",
      ...seen,
    }),
    certificate("b", {
      fault: "expired",
      words: "certificate bbbbbbbbbbbbbbbb expired on 2026-09-20: renew it on the device",
      subject: "CN=saw-1",
      until: iso(now - day),
      days_left: -1,
      peer: "opc.tcp://10.0.3.6:48250",
      ...seen,
    }),
    certificate("c", {
      list: "own",
      subject: "CN=busbar at hq, O=busbar",
      issuer: "CN=busbar at hq, O=busbar",
      protocol: "opcua",
      days_left: 1800,
    }),
    certificate("d", { list: "trusted", subject: "CN=lathe-1", days_left: 12 }),
  ];
}

function answerCertificate(site, method, parts) {
  const all = site.certificates;
  const [, fingerprint, verb, renew] = parts;
  if (fingerprint === undefined) {
    const waiting = all.filter(({ waits }) => waits).length;
    const trusted = all.filter(({ list }) => list === "trusted").length;
    return { body: { certificates: all, waiting, refused: waiting, trusted } };
  }
  if (renew === "renew") {
    const own = all.find(({ protocol }) => protocol === verb);
    own.fingerprint = "e".repeat(64);
    return { body: own };
  }
  const index = all.findIndex((row) => row.fingerprint === fingerprint);
  if (verb === "trust") {
    Object.assign(all[index], { list: "trusted", waits: false, words: "", fault: "fine" });
    return { body: all[index] };
  }
  if (verb === "file") {
    return { text: "the certificate" };
  }
  return { body: method === "DELETE" ? all.splice(index, 1)[0] : all[index] };
}

const DRIVERS = [
  { protocol: "modbus", facts: [] },
  {
    protocol: "bacnet",
    facts: [
      { part: "roof", name: "address", text: "10.0.1.5:47808", trouble: "" },
      {
        part: "roof",
        name: "foreign device",
        text: "not registered",
        trouble: "10.9.0.1:47808 does not answer: is it a BBMD?",
      },
    ],
  },
];

/** An answer {status, body | text}, or nothing when the request is about something else. */
export function answerLook(site, method, parts, query, body) {
  if (parts[0] === "browses") {
    return answerBrowse(site, method, parts, query, body);
  }
  if (parts[0] === "certificates") {
    return answerCertificate(site, method, parts);
  }
  if (parts[0] === "sinks" || parts[0] === "sink-tasks") {
    return answerSinks(site, method, parts, body);
  }
  if (parts[0] === "drivers") {
    return { body: { drivers: DRIVERS } };
  }
  return parts[0] === "holds" ? answerHold(site, method, parts, body) : undefined;
}
