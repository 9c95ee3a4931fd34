import assert from "node:assert/strict";
import fc from "fast-check";
import { LATENCY_CELLS } from "../balance/peak_ewma.ts";
import { SHARE_FULL } from "../balance/server_set.ts";
import { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN } from "../health/circuit_breaker.ts";
import { SERVER_STATES } from "../health/server_state.ts";
import {
  type BoardShape,
  CONNECT_STREAK,
  FULL_SHARE,
  RESET_STREAK,
  ServerBoard,
} from "./server_board.ts";

const SHAPE = { workers: 2, servers: 3, backends: 2 };

function makeBoard(shape: BoardShape = SHAPE): ServerBoard {
  return new ServerBoard(new Float64Array(ServerBoard.floats(shape)), shape);
}

/** All that a reader can learn from a board. */
function readAll(board: ServerBoard, shape: BoardShape) {
  const servers = Array.from({ length: shape.servers }, (_, server) => ({
    state: board.state(server),
    weight: board.weight(server, 7),
    share: board.share(server),
    closings: board.closings(server),
    connectStreak: board.cells[board.streaksAt(server) + CONNECT_STREAK],
    resetStreak: board.cells[board.streaksAt(server) + RESET_STREAK],
    latency: [...board.cells.subarray(board.latencyAt(server)).subarray(0, LATENCY_CELLS)],
    moves: Array.from({ length: shape.workers }, (_, worker) => board.moves(worker, server)),
  }));
  const backends = Array.from({ length: shape.backends }, (_, backend) => ({
    breaker: board.breaker(backend),
    connections: board.baseConnections(backend),
    retries: board.baseRetries(backend),
  }));
  return { revision: board.revision, memory: board.memory, servers, backends };
}

const shapes = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  servers: fc.integer({ min: 1, max: 6 }),
  backends: fc.integer({ min: 1, max: 4 }),
});

Deno.test("fresh memory says: as configured, up, nothing happened", () => {
  const { revision, memory, servers, backends } = readAll(makeBoard(), SHAPE);
  assert.deepEqual([revision, memory], [0, 0]);
  for (const server of servers) {
    assert.deepEqual(server, {
      ...{ state: SERVER_STATES.indexOf("up"), weight: 7, share: FULL_SHARE, closings: 0 },
      ...{ connectStreak: 0, resetStreak: 0, latency: [0, 0], moves: [0, 0] },
    });
  }
  for (const backend of backends) {
    assert.deepEqual(backend, { breaker: BREAKER_CLOSED, connections: 0, retries: 0 });
  }
});

Deno.test("what is written of a server is read of it", () => {
  const board = makeBoard();
  board.setServer(1, SERVER_STATES.indexOf("ejected"), 9, 128, 3);
  const { state, weight, share, closings } = readAll(board, SHAPE).servers[1];
  assert.deepEqual([SERVER_STATES[state], weight, share, closings], ["ejected", 9, 128, 3]);
});

Deno.test("weight 0 and share 0 can be set: they are not the same as nothing set", () => {
  const board = makeBoard();
  board.setServer(0, 0, 0, 0, 0);
  assert.deepEqual([board.weight(0, 7), board.share(0)], [0, 0]);
});

Deno.test("a full share is what the rules of balancing call full", () => {
  assert.equal(FULL_SHARE, SHARE_FULL);
});

Deno.test("news are told by a revision that moves, and by nothing that is merely written", () => {
  const board = makeBoard();
  board.setServer(0, 1, 1, 256, 1);
  board.setBreaker(0, BREAKER_OPEN, 3);
  board.setRetryBase(0, 5, 5);
  board.addMoves(0, 0, 1);
  board.setMemory(0.5);
  assert.equal(board.revision, 0);
  board.publish();
  assert.equal(board.revision, 1);
});

Deno.test("a half-open breaker gives out as many trials as it was given", () => {
  const board = makeBoard();
  assert.equal(board.takeTrial(1), false, "there are none before");
  board.setBreaker(1, BREAKER_HALF_OPEN, 2);
  assert.deepEqual([board.takeTrial(1), board.takeTrial(1), board.takeTrial(1)], [
    true,
    true,
    false,
  ]);
  assert.equal(board.breaker(1), BREAKER_HALF_OPEN, "it stays what it is");
  assert.equal(board.takeTrial(0), false, "those of another backend are not touched");
  board.setBreaker(1, BREAKER_HALF_OPEN, 2);
  assert.ok(board.takeTrial(1), "and again when it is given more");
});

Deno.test("both streaks of one server are cleared together", () => {
  const board = makeBoard();
  for (const server of [0, 1, 2]) {
    board.cells[board.streaksAt(server) + CONNECT_STREAK] = 4;
    board.cells[board.streaksAt(server) + RESET_STREAK] = 5;
  }
  board.clearStreaks(1);
  const streaks = readAll(board, SHAPE).servers.map((each) => [
    each.connectStreak,
    each.resetStreak,
  ]);
  assert.deepEqual(streaks, [[4, 5], [0, 0], [4, 5]]);
});

Deno.test("moves add up, for each worker and server", () => {
  const board = makeBoard();
  board.addMoves(1, 2, 3);
  board.addMoves(1, 2, 1);
  const moves = readAll(board, SHAPE).servers.map((each) => each.moves);
  assert.deepEqual(moves, [[0, 0], [0, 0], [0, 4]]);
});

Deno.test("latencies of servers stand one behind the other, as the average wants them", () => {
  fc.assert(fc.property(shapes, (shape) => {
    const board = makeBoard(shape);
    for (let server = 0; server < shape.servers; server++) {
      assert.equal(board.latencyAt(server), board.latencyAt(0) + server * LATENCY_CELLS);
      assert.equal(board.latencyAt(server) % LATENCY_CELLS, 0);
    }
  }));
});

/** Every way to write to a board, as a change of all that is read from it. */
const WRITES = [
  (board: ServerBoard, server: number, _: number, value: number) =>
    board.setServer(server, value % SERVER_STATES.length, value % 257, value % 257, value),
  (board: ServerBoard, _: number, backend: number, value: number) =>
    board.setBreaker(backend, value % 3, value),
  (board: ServerBoard, _: number, backend: number, value: number) =>
    board.setRetryBase(backend, value, value + 1),
  (board: ServerBoard, server: number, __: number, value: number) => {
    board.cells[board.streaksAt(server) + value % 2] = value;
  },
  (board: ServerBoard, server: number, __: number, value: number) => {
    board.cells[board.latencyAt(server) + value % LATENCY_CELLS] = value;
  },
  (board: ServerBoard) => board.publish(),
  (board: ServerBoard, _: number, __: number, value: number) => board.setMemory(value),
];

/** The part of what is read that a write may change. */
function without(kind: number, server: number, backend: number, all: ReturnType<typeof readAll>) {
  if (kind === 0) {
    Object.assign(all.servers[server], { state: 0, weight: 0, share: 0, closings: 0 });
  }
  if (kind === 1) all.backends[backend].breaker = 0;
  if (kind === 2) Object.assign(all.backends[backend], { connections: 0, retries: 0 });
  if (kind === 3) Object.assign(all.servers[server], { connectStreak: 0, resetStreak: 0 });
  if (kind === 4) all.servers[server].latency = [];
  if (kind === 5) all.revision = 0;
  if (kind === 6) all.memory = 0;
  return all;
}

Deno.test("every fact has a place of its own: a write changes nothing else", () => {
  const write = fc.tuple(
    fc.nat(WRITES.length - 1),
    fc.nat(5),
    fc.nat(3),
    fc.integer({ min: 1, max: 99 }),
  );
  fc.assert(fc.property(shapes, fc.array(write, { maxLength: 20 }), (shape, writes) => {
    const board = makeBoard(shape);
    for (const [kind, any, other, value] of writes) {
      const server = any % shape.servers;
      const backend = other % shape.backends;
      const before = without(kind, server, backend, readAll(board, shape));
      WRITES[kind](board, server, backend, value);
      assert.deepEqual(without(kind, server, backend, readAll(board, shape)), before);
    }
  }));
});

Deno.test("the last worker's moves of the last server end with the memory", () => {
  fc.assert(fc.property(shapes, (shape) => {
    const board = makeBoard(shape);
    board.addMoves(shape.workers - 1, shape.servers - 1, 42);
    assert.equal(board.cells[ServerBoard.floats(shape) - 1], 42);
  }));
});

Deno.test("memory that is too small for the shape is no board", () => {
  const cells = new Float64Array(ServerBoard.floats(SHAPE) - 1);
  assert.throws(() => new ServerBoard(cells, SHAPE), /holds everything/);
});
