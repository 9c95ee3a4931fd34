import assert from "node:assert/strict";
import fc from "fast-check";
import { SERVER_STATES, type ServerState } from "../health/server_state.ts";
import type { TcpProxy } from "../proxy/tcp/tcp_proxy.ts";
import type { UdpProxy } from "../proxy/udp/udp_proxy.ts";
import { ADDRESS_SLOT_BYTES } from "../ring/ring.ts";
import { makeBackends } from "../upstream/backend.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { backendPlan, serverPlan, workerPlan } from "../upstream/test_plan.ts";
import { BoardReader } from "./board_reader.ts";

const MINE = 1;
const BACKENDS = [
  backendPlan({ servers: [serverPlan("a"), serverPlan("b")] }),
  backendPlan({ servers: [serverPlan("c"), serverPlan("d")] }),
];

/** Of the second of two workers; `done` is what its proxies were told to do. */
function makeReader(before: (region: SharedRegion) => void = () => {}) {
  const plan = workerPlan({ worker: MINE, workers: 2, backends: BACKENDS });
  const shape = regionShape(plan);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  before(region);
  const ring = { nowMs: 0, addresses: new Uint8Array(16 * ADDRESS_SLOT_BYTES) };
  const backends = makeBackends(plan, 0, ring, region);
  const done: (string | number)[][] = [];
  const tcp = {
    closeServer: (backend: number, server: number) => void done.push(["tcp", backend, server]),
    moveFrom: (backend: number, server: number, count: number) =>
      void done.push(["move", backend, server, count]),
  } as unknown as TcpProxy;
  const udp = {
    closeServer: (backend: number, server: number) => void done.push(["udp", backend, server]),
  } as unknown as UdpProxy;
  const reader = new BoardReader(region.board, MINE, backends, tcp, udp);
  /** What is done from now on. */
  const read = () => {
    done.length = 0;
    reader.read();
    reader.move();
    return done.map((each) => each.join(" "));
  };
  /** Who is picked in a backend. */
  const pick = (backend: number) => backends[backend].choose(0, 0, new Int16Array(1), 0, 0, 0);
  return { board: region.board, reader, read, pick };
}

function setState(board: SharedRegion["board"], server: number, state: ServerState, closings = 0) {
  board.setServer(server, SERVER_STATES.indexOf(state), 1, 256, closings);
}

Deno.test("backends learn of states when the board says that there is news", () => {
  const { board, read, pick } = makeReader();
  assert.deepEqual([pick(0), pick(1)], [0, 0]);
  read();
  setState(board, 2, "down");
  read();
  assert.deepEqual([pick(0), pick(1)], [0, 0], "nobody has said so yet");
  board.publish();
  read();
  assert.deepEqual([pick(0), pick(1)], [0, 1]);
  setState(board, 2, "up");
  setState(board, 0, "maint");
  board.publish();
  read();
  assert.deepEqual([pick(0), pick(1)], [1, 0]);
});

Deno.test("what is open to a server is closed once each time that the board asks for it", () => {
  const { board, read } = makeReader();
  setState(board, 3, "down", 1);
  board.publish();
  assert.deepEqual(read(), ["tcp 1 1", "udp 1 1"]);
  assert.deepEqual(read(), []);
  board.publish();
  assert.deepEqual(read(), [], "news of others");
  setState(board, 3, "down", 2);
  setState(board, 0, "drain", 1);
  board.publish();
  assert.deepEqual(read(), ["tcp 0 0", "udp 0 0", "tcp 1 1", "udp 1 1"]);
});

Deno.test("closings that are missed are made up for by one: all is closed then", () => {
  const { board, read } = makeReader();
  setState(board, 1, "down", 3);
  board.publish();
  assert.deepEqual(read(), ["tcp 0 1", "udp 0 1"]);
});

Deno.test("as many connections are moved as were asked for since it was read last", () => {
  const { board, read } = makeReader();
  board.addMoves(MINE, 1, 2);
  board.addMoves(MINE, 2, 1);
  board.publish();
  assert.deepEqual(read(), ["move 0 1 2", "move 1 0 1"]);
  board.addMoves(MINE, 1, 1);
  board.addMoves(MINE, 1, 4);
  board.publish();
  assert.deepEqual(read(), ["move 0 1 5"]);
  assert.deepEqual(read(), []);
});

Deno.test("moves that another worker is asked for are its own", () => {
  const { board, read } = makeReader();
  board.addMoves(0, 1, 2);
  board.publish();
  assert.deepEqual(read(), []);
});

Deno.test("what was asked of the process before this one has ended with it", () => {
  const { board, read, pick } = makeReader(({ board }) => {
    setState(board, 0, "down", 4);
    board.addMoves(MINE, 1, 7);
    board.publish();
  });
  assert.equal(pick(0), 1, "states are known from the start");
  board.publish();
  assert.deepEqual(read(), []);
  setState(board, 0, "down", 5);
  board.addMoves(MINE, 1, 1);
  board.publish();
  assert.deepEqual(read(), ["tcp 0 0", "udp 0 0", "move 0 1 1"]);
});

Deno.test("whenever it is read, all moves are carried out once and each closing is seen", () => {
  const step = fc.record({ server: fc.nat(3), moves: fc.nat(3), closes: fc.boolean() });
  const rounds = fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 });
  fc.assert(fc.property(rounds, (rounds) => {
    const { board, read } = makeReader();
    for (const steps of rounds) {
      const moves = [0, 0, 0, 0];
      const closes = new Set<number>();
      for (const step of steps) {
        board.addMoves(MINE, step.server, step.moves);
        moves[step.server] += step.moves;
        if (!step.closes) continue;
        setState(board, step.server, "up", board.closings(step.server) + 1);
        closes.add(step.server);
      }
      board.publish();
      const where = (server: number) => `${server >> 1} ${server & 1}`;
      const closed = [0, 1, 2, 3].filter((server) => closes.has(server)).flatMap((server) => [
        `tcp ${where(server)}`,
        `udp ${where(server)}`,
      ]);
      const moved = moves.flatMap((count, server) =>
        count > 0 ? [`move ${where(server)} ${count}`] : []
      );
      assert.deepEqual(read(), [...closed, ...moved], "moves come last, when all is handled");
    }
  }));
});

Deno.test("news that came before the reader was made is read in the first turn", () => {
  const { board, read, pick } = makeReader();
  // As if the board had been published between the making of backends and that of the reader.
  setState(board, 0, "down");
  read();
  assert.equal(pick(0), 1);
});
