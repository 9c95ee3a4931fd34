import assert from "node:assert/strict";
import { EAGAIN, ECONNREFUSED, EHOSTUNREACH, EMFILE } from "../../base/errno.ts";
import { FLOWS_HEADROOM, QUIC_DIRECTORY_FLOATS, UNREACHABLE_MS } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../metrics/shared_state.ts";
import { makeBlock } from "../../proxy_protocol/test_headers.ts";
import type { RingCall } from "../../ring/test_ring.ts";
import { serverPlan } from "../../upstream/test_plan.ts";
import { CONNECT_STREAK } from "../../upstream/server_board.ts";
import { hashClient, hashPort, joinHash } from "../client_hash.ts";
import { FlowAdmission } from "./flow_admission.ts";
import { COUNTED, HEADER_DUE, MOVED } from "./flow_flags.ts";
import { CLOSING } from "./flow_table.ts";
import { QuicAffinity } from "./quic_affinity.ts";
import { type FlowScene, FlowStage, keyOf, wordsOf } from "./test_flows.ts";

const TWO_SERVERS = [{ servers: [serverPlan("a"), serverPlan("b")] }];

interface Datagram {
  readonly port?: number;
  readonly listener?: number;
  readonly bytes?: Uint8Array;
}

/** Flows that end are free at once, as of a kernel that has nothing in flight. */
class Admission extends FlowStage {
  readonly opened: number[] = [];
  readonly ended: number[] = [];
  readonly admission: FlowAdmission;
  readonly quic: QuicAffinity | null;

  constructor(scene: FlowScene, learnsQuic = false) {
    super(scene);
    const tables = [new Float64Array(QUIC_DIRECTORY_FLOATS)];
    this.quic = learnsQuic ? new QuicAffinity(tables, 0) : null;
    this.admission = new FlowAdmission(this.context, this.flows, this.headers, this.quic, {
      onOpened: (flow) => void this.opened.push(flow),
      end: (flow) => this.end(flow),
    });
  }

  end(flow: number): void {
    this.ended.push(flow);
    this.flows.close(flow);
    this.fake.closeNow(this.flows.fd[flow]);
    this.admission.onEnded(flow);
    this.flows.free(flow);
  }

  /** An open flow of the client's, or -1. */
  find(client: string, port = 5000, listener = 0): number {
    return this.flows.find(keyOf(client, port, listener));
  }

  /** The first datagram of a client that has no flow; its flow, or -1. */
  come(client: string, datagram: Datagram = {}): number {
    const { port = 5000, listener = 0, bytes = new Uint8Array(8) } = datagram;
    const key = keyOf(client, port, listener);
    const at = this.put(bytes);
    this.headers.strip(listener, this.context.pool.slab, at, bytes.length);
    return this.admission.admit(key, listener, at, bytes.length);
  }
}

/** Answers a connect to the address slot of a server; the rest goes well. */
function failConnects(results: Record<number, number>): (call: RingCall) => number | undefined {
  return ({ name, asked }) => name === "connectNow" ? results[Number(asked[0])] : undefined;
}

Deno.test("a client gets a flow with a server, and a socket that is connected to it", () => {
  const stage = new Admission({ listeners: [{}, {}], backends: TWO_SERVERS });
  const flow = stage.come("192.0.2.1", { listener: 1 });
  const { flows } = stage;
  assert.deepEqual(stage.opened, [flow]);
  assert.equal(stage.find("192.0.2.1", 5000, 1), flow);
  assert.deepEqual(
    [flows.listener[flow], flows.backend[flow], flows.server[flow], flows.flags[flow]],
    [1, 0, 0, 0],
  );
  assert.ok(stage.fake.open.has(flows.fd[flow]));
  assert.deepEqual(stage.fake.asked("connectNow"), [[0]]);
  assert.equal(flows.clientHash[flow], hashClient(wordsOf("192.0.2.1"), 0));
  assert.deepEqual(stage.counts(1), { connections_open: 1, connections: 1 });
  assert.deepEqual(stage.counts(0), {});
  const { row } = stage.context;
  assert.equal(row[metric.FLOWS_OPEN], 1);
  assert.equal(row[flows.listenerAt[flow] + metric.LISTENER_OPEN], 1);
  assert.equal(row[flows.serverAt[flow] + metric.SERVER_OPEN], 1);
});

Deno.test("what a flow counts as open is given back at its end, totals stay", () => {
  const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS });
  stage.end(stage.come("192.0.2.1"));
  assert.deepEqual(stage.counts(), { connections: 1 });
  assert.equal(stage.context.row[metric.FLOWS_OPEN], 0);
  assert.deepEqual(
    [stage.serverCount(metric.SERVER_OPEN), stage.serverCount(metric.SERVER_CONNECTIONS)],
    [0, 1],
  );
});

// ---- Who is let in --------------------------------------------------------------------------

Deno.test("lists and limits per client hold for flows, and a place is free at a flow's end", () => {
  const stage = new Admission({ listeners: [{ deny: ["10.0.0.0/8"], connectionsPerIpMax: 1 }] });
  assert.equal(stage.come("10.0.0.1"), -1);
  const flow = stage.come("192.0.2.1");
  assert.equal(stage.flows.flags[flow], COUNTED);
  assert.equal(stage.come("192.0.2.1", { port: 5001 }), -1);
  assert.ok(stage.come("192.0.2.2") >= 0);
  const { denied, client_limit } = stage.counts();
  assert.deepEqual([denied, client_limit], [1, 1]);
  assert.equal(stage.fake.asked("openSocket").length, 2, "who is refused costs no socket");
  stage.end(flow);
  assert.ok(stage.come("192.0.2.1", { port: 5002 }) >= 0);
});

Deno.test("limits of connections count flows, of all workers", () => {
  const stage = new Admission({
    listeners: [{ connectionsMax: 2 }, {}],
    plan: { workers: 2, connectionsMax: 4 },
  });
  assert.ok(stage.come("192.0.2.1") >= 0);
  const other = stage.context.region.state.rows[1];
  const at = listenerOffset(0) + metric.LISTENER_OPEN;
  other[at] = 1;
  assert.equal(stage.come("192.0.2.2"), -1);
  assert.deepEqual(stage.ended, [], "nobody gives way");
  // Two of the first listener and two of this one are all that may be open.
  assert.ok(stage.come("192.0.2.2", { listener: 1 }) >= 0);
  assert.ok(stage.come("192.0.2.3", { listener: 1 }) >= 0);
  assert.equal(stage.come("192.0.2.4", { listener: 1 }), -1);
  assert.deepEqual([stage.counts(0).limited, stage.counts(1).limited], [1, 1]);
  other[at] = 0;
  assert.ok(stage.come("192.0.2.4") >= 0);
});

Deno.test("a header is believed of trusted senders only, and needed of them", () => {
  const stage = new Admission({
    listeners: [{ trustedProxies: ["10.0.0.0/8"], deny: ["192.0.2.1/32"] }],
  });
  const named = (last: number) =>
    makeBlock({ family: 0x12, addresses: [192, 0, 2, last, 1, 1, 1, 1, 4, 87, 0, 80] });
  assert.equal(stage.come("198.51.100.1", { bytes: named(7) }), -1);
  assert.equal(stage.come("10.0.0.1"), -1);
  assert.equal(stage.come("10.0.0.1", { bytes: named(1) }), -1);
  assert.deepEqual(stage.counts(), { untrusted: 1, proxy_header_errors: 1, denied: 1 });
  const flow = stage.come("10.0.0.1", { bytes: named(7) });
  assert.equal(stage.find("10.0.0.1"), flow, "found by who sends");
  assert.equal(stage.flows.clientHash[flow], hashClient(wordsOf("192.0.2.7"), 0));
});

Deno.test("limits per client are those of the client that a header names", () => {
  const stage = new Admission({
    listeners: [{ trustedProxies: ["10.0.0.0/8"], connectionsPerIpMax: 1 }],
    backends: TWO_SERVERS,
  });
  const bytes = makeBlock({ family: 0x12 });
  const flow = stage.come("10.0.0.1", { bytes });
  assert.ok(flow >= 0);
  assert.equal(stage.come("10.0.0.2", { bytes }), -1, "through another proxy");
  // It is uncounted as who it was counted for.
  stage.admission.move(flow);
  assert.deepEqual(stage.counts().client_limit, 1);
  stage.end(stage.find("10.0.0.1"));
  assert.ok(stage.come("10.0.0.2", { bytes }) >= 0);
});

Deno.test("an overloaded worker takes no new flows, and leaves those that it has", () => {
  const stage = new Admission({ listeners: [{ connectionRate: { perSecond: 1, burst: 2 } }] });
  const { row } = stage.context;
  const flow = stage.come("192.0.2.1");
  row[metric.SHEDDING] = 1;
  assert.equal(stage.come("192.0.2.2"), -1);
  assert.equal(stage.come("192.0.2.3"), -1);
  assert.deepEqual(stage.counts(), { connections_open: 1, connections: 1, shed: 2 });
  assert.equal(stage.find("192.0.2.1"), flow);
  assert.deepEqual(stage.ended, []);
  row[metric.SHEDDING] = 0;
  assert.ok(stage.come("192.0.2.2") >= 0, "who was refused has used up no rate");
});

// ---- Who gives way --------------------------------------------------------------------------

Deno.test("at the cap of flows the one that rested longest gives way", () => {
  const stage = new Admission({ listeners: [{ udp: { responses: 0, flowsMax: 2 } }, {}] });
  const other = stage.come("192.0.2.9", { listener: 1 });
  stage.fake.nowMs += 100_000;
  const first = stage.come("192.0.2.1");
  stage.fake.nowMs += 100_000;
  stage.come("192.0.2.2");
  stage.fake.nowMs += 100_000;
  assert.ok(stage.come("192.0.2.3") >= 0);
  assert.deepEqual(stage.ended, [first], "not one of another listener");
  assert.equal(stage.find("192.0.2.9", 5000, 1), other);
  assert.deepEqual(stage.counts(), { connections_open: 2, connections: 3, flows_evicted: 1 });
});

Deno.test("the cap is one for all workers; one without a flow of its own adds one", () => {
  const makeStage = () => {
    const stage = new Admission({
      listeners: [{ udp: { responses: 0, flowsMax: 2 } }],
      plan: { workers: 2 },
    });
    stage.context.region.state.rows[1][listenerOffset(0) + metric.LISTENER_OPEN] = 1;
    return stage;
  };
  const stage = makeStage();
  const first = stage.come("192.0.2.1");
  assert.ok(stage.come("192.0.2.2") >= 0);
  assert.deepEqual(stage.ended, [first]);
  const alone = makeStage();
  alone.context.region.state.rows[1][listenerOffset(0) + metric.LISTENER_OPEN] = 2;
  assert.ok(alone.come("192.0.2.1") >= 0);
  assert.deepEqual(alone.ended, []);
});

Deno.test("room is made before the table is full, at the cost of who rested longest", () => {
  const capacity = 8;
  const headroom = Math.min(FLOWS_HEADROOM, capacity / 4);
  const stage = new Admission({ listeners: [{}, {}], capacity });
  const first = stage.come("192.0.2.1");
  for (let i = 2; stage.flows.freeCount > headroom; i++) {
    stage.fake.nowMs += 100_000;
    stage.come(`192.0.2.${i}`);
  }
  assert.deepEqual(stage.ended, []);
  stage.fake.nowMs += 100_000;
  assert.ok(stage.come("192.0.2.100", { listener: 1 }) >= 0, "of whichever listener");
  assert.deepEqual(stage.ended, [first]);
  assert.deepEqual(stage.counts().flows_evicted, 1);
  assert.equal(stage.flows.freeCount, headroom);
});

// ---- Servers --------------------------------------------------------------------------------

Deno.test("a server that cannot be connected to is counted and passed over for the next", () => {
  const answer = failConnects({ 0: -EHOSTUNREACH });
  const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS, answer });
  const flow = stage.come("192.0.2.1");
  assert.equal(stage.flows.server[flow], 1);
  assert.equal(stage.fake.open.size, 1, "the socket that failed is closed");
  assert.equal(stage.serverCount(metric.SERVER_CONNECT_FAILURES), 1);
  assert.deepEqual(stage.log, [`a: ${-EHOSTUNREACH}`]);
  stage.come("192.0.2.2");
  assert.deepEqual(stage.fake.asked("connectNow"), [[0], [1], [1]], "not asked again so soon");
  stage.fake.nowMs += UNREACHABLE_MS;
  stage.come("192.0.2.3");
  assert.deepEqual(stage.fake.asked("connectNow").slice(3), [[0], [1]]);
});

Deno.test("servers are tried within the retries; then the client is refused and counted", () => {
  const servers = ["a", "b", "c"].map((name) => serverPlan(name));
  const answer = failConnects({ 0: -ECONNREFUSED, 1: -ECONNREFUSED, 2: -ECONNREFUSED });
  for (const [retries, asked] of [[0, 1], [1, 2], [9, 3]]) {
    const stage = new Admission({ listeners: [{}], backends: [{ servers, retries }], answer });
    assert.equal(stage.come("192.0.2.1"), -1);
    assert.equal(stage.fake.asked("connectNow").length, asked);
    assert.deepEqual(stage.counts(), { connections_refused: 1 });
    assert.equal(stage.log.at(-1), "listener0: app refused");
    assert.equal(stage.fake.open.size, 0);
  }
});

Deno.test("out of files or local ports: no server is blamed, and a flow gives way", () => {
  for (const [name, result] of [["openSocket", -EMFILE], ["connectNow", -EAGAIN]] as const) {
    let isShort = false;
    const answer = (call: RingCall) => isShort && call.name === name ? result : undefined;
    const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS, answer });
    const flow = stage.come("192.0.2.1");
    isShort = true;
    assert.equal(stage.come("192.0.2.2"), -1);
    assert.deepEqual(stage.ended, [flow]);
    assert.deepEqual(stage.counts(), { connections: 1, limited: 1, flows_evicted: 1 });
    assert.equal(stage.serverCount(metric.SERVER_CONNECT_FAILURES), 0);
    assert.deepEqual(stage.log, [`listener0: short, ${result}`]);
    isShort = false;
    if (result === -EAGAIN) {
      // Looking for a port where there is none is dear: it rests for a moment.
      assert.equal(stage.come("192.0.2.2"), -1);
      stage.fake.nowMs += 10;
    }
    const next = stage.come("192.0.2.2");
    assert.equal(stage.flows.server[next], 0);
    assert.equal(stage.fake.open.size, 1);
  }
});

Deno.test("a backend that sends headers owes one to each new flow", () => {
  const stage = new Admission({ listeners: [{}], backends: [{ proxyProtocol: "v2" }] });
  assert.equal(stage.flows.flags[stage.come("192.0.2.1")], HEADER_DUE);
});

Deno.test("bursts of a server are taken as one, unless its answers are counted", () => {
  for (const [responses, expected] of [[0, [[17, 104, 1], [1, 33, 1 << 20]]], [1, []]] as const) {
    const stage = new Admission({ listeners: [{ udp: { responses, flowsMax: 9 } }] });
    assert.ok(stage.come("192.0.2.1") >= 0);
    assert.deepEqual(stage.fake.asked("setOption"), expected);
  }
});

Deno.test("a QUIC connection goes to the server that has given its id, else by the id", () => {
  const backends = [{ ...TWO_SERVERS[0], hashOn: ["quic_connection_id"] as const }];
  const stage = new Admission({ listeners: [{}], backends }, true);
  const long = (dcid: number, scid: number) =>
    Uint8Array.of(0xc0, 0, 0, 0, 1, 4, dcid, 1, 1, 1, 4, scid, 2, 2, 2, 0, 0);
  const first = stage.come("192.0.2.1", { bytes: long(1, 2) });
  assert.equal(stage.flows.server[first], 0);
  assert.notEqual(stage.flows.clientHash[first], hashClient(wordsOf("192.0.2.1"), 0));
  const answer = long(2, 99);
  stage.quic!.learn(1, answer, 0, answer.length);
  const moved = stage.come("198.51.100.1", { bytes: Uint8Array.of(0x40, 99, 2, 2, 2, 0, 0) });
  assert.equal(stage.flows.server[moved], 1);
});

Deno.test("flows hold places at servers, and a datagram waits for none", () => {
  const servers = [serverPlan("a", { connectionsMax: 1 }), serverPlan("b", { connectionsMax: 1 })];
  const stage = new Admission({ listeners: [{}], backends: [{ servers }] });
  const flows = ["192.0.2.1", "192.0.2.2"].map((client) => stage.come(client));
  assert.deepEqual(flows.map((flow) => stage.flows.server[flow]), [0, 1]);
  assert.equal(stage.come("192.0.2.3"), -1);
  assert.deepEqual(stage.counts(), {
    connections_open: 2,
    connections: 2,
    connections_refused: 1,
  });
  assert.equal(stage.fake.asked("openSocket").length, 2);
  stage.end(flows[1]);
  assert.equal(stage.flows.server[stage.come("192.0.2.3")], 1);
});

Deno.test("the limit of a backend counts flows to all its servers, of all workers", () => {
  const backends = [{ ...TWO_SERVERS[0], connectionsMax: 2 }];
  const stage = new Admission({ listeners: [{}], backends, plan: { workers: 2 } });
  const { state } = stage.context.region;
  state.rows[1][serverOffset(state.shape, 1) + metric.SERVER_OPEN] = 1;
  const flow = stage.come("192.0.2.1");
  assert.ok(flow >= 0);
  assert.equal(stage.come("192.0.2.2"), -1);
  stage.end(flow);
  assert.ok(stage.come("192.0.2.2") >= 0);
});

Deno.test("a place is given back when the socket for it could not be had", () => {
  for (const result of [-ECONNREFUSED, -EMFILE]) {
    const answer = failConnects({ 0: result, 1: result });
    const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS, answer });
    assert.equal(stage.come("192.0.2.1"), -1);
    const open = [0, 1].map((server) => stage.serverCount(metric.SERVER_OPEN, server));
    assert.deepEqual(open, [0, 0]);
  }
});

Deno.test("a server that cannot be connected to is told of, for all workers to eject it", () => {
  const answer = failConnects({ 0: -EHOSTUNREACH });
  const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS, answer });
  stage.come("192.0.2.1");
  const { board } = stage.context.region;
  const streaks = [0, 1].map((server) => board.cells[board.streaksAt(server) + CONNECT_STREAK]);
  assert.deepEqual(streaks, [1, 0]);
});

Deno.test("a listener with a subset has flows to its servers only", () => {
  const backends = [{ ...TWO_SERVERS[0], subsets: [[0, 1], [1]] }];
  const answer = failConnects({ 1: -ECONNREFUSED });
  const stage = new Admission({ listeners: [{}, { subset: 1 }], backends });
  assert.equal(stage.flows.server[stage.come("192.0.2.1", { listener: 1 })], 1);
  assert.equal(stage.flows.server[stage.come("192.0.2.1")], 0);
  const closed = new Admission({ listeners: [{ subset: 1 }], backends, answer });
  assert.equal(closed.come("192.0.2.1"), -1, "there is nobody else");
});

Deno.test("a key may have the client's port as a part, or be nothing else", () => {
  const balance = "consistent_hash" as const;
  const rows = [
    [["source_ip"], hashClient(wordsOf("192.0.2.1"), 0)],
    [["source_port"], hashPort(5001)],
    [
      ["source_ip", "source_port"],
      joinHash(hashClient(wordsOf("192.0.2.1"), 0), hashPort(5001), 1),
    ],
  ] as const;
  for (const [hashOn, expected] of rows) {
    const stage = new Admission({ listeners: [{}], backends: [{ balance, hashOn }] });
    const flow = stage.come("192.0.2.1", { port: 5001 });
    assert.equal(stage.flows.clientHash[flow], expected, hashOn.join());
  }
});

Deno.test("with a PROXY header the port of a key is the one that the header names", () => {
  const stage = new Admission({
    listeners: [{ trustedProxies: ["10.0.0.0/8"] }],
    backends: [{ balance: "consistent_hash", hashOn: ["source_port"] }],
  });
  const addresses = [192, 0, 2, 7, 1, 1, 1, 1, 4, 87, 0, 80];
  const flow = stage.come("10.0.0.1", { bytes: makeBlock({ family: 0x12, addresses }) });
  assert.equal(stage.flows.clientHash[flow], hashPort(4 * 256 + 87));
});

// ---- Moving on ------------------------------------------------------------------------------

Deno.test("a flow moves on to another server, for the same client and as the only one", () => {
  const backends = [{ ...TWO_SERVERS[0], proxyProtocol: "v2" as const }];
  const stage = new Admission({ listeners: [{ connectionsPerIpMax: 1 }], backends });
  const flow = stage.come("192.0.2.1");
  const { generation, server, flags, clientHash } = stage.flows;
  const before = [generation[flow], clientHash[flow]];
  const next = stage.admission.move(flow);
  assert.deepEqual(stage.ended, [flow]);
  assert.equal(stage.find("192.0.2.1"), next);
  assert.notEqual(generation[next], before[0]);
  assert.deepEqual([server[next], clientHash[next]], [1, before[1]]);
  assert.equal(flags[next], MOVED | COUNTED | HEADER_DUE);
  assert.deepEqual(stage.counts(), { connections_open: 1, connections: 2 });
  assert.equal(stage.fake.open.size, 1);
  // Counted once: when it ends another one may come.
  assert.equal(stage.come("192.0.2.1", { port: 5001 }), -1);
});

Deno.test("without another server, or within no retries, a flow that moves ends", () => {
  const rows = [{ servers: [serverPlan("only")] }, { ...TWO_SERVERS[0], retries: 0 }];
  for (const backend of rows) {
    const stage = new Admission({ listeners: [{}], backends: [backend] });
    const flow = stage.come("192.0.2.1");
    assert.equal(stage.admission.move(flow), -1);
    assert.deepEqual(stage.ended, [flow]);
    assert.deepEqual(stage.counts(), { connections: 1, connections_refused: 1 });
    assert.equal(stage.fake.open.size, 0);
  }
});

Deno.test("without a slot to move to a flow stays", () => {
  const stage = new Admission({ listeners: [{}], backends: TWO_SERVERS, capacity: 1 });
  const flow = stage.come("192.0.2.1");
  assert.equal(stage.flows.freeCount, 0);
  assert.equal(stage.admission.move(flow), -1);
  assert.notEqual(stage.flows.state[flow], CLOSING);
  assert.deepEqual(stage.ended, []);
});
