import assert from "node:assert/strict";
import fc from "fast-check";
import { CONNECT_STREAK, RESET_STREAK, ServerBoard } from "./server_board.ts";
import { ServerNews } from "./server_news.ts";

/** A backend of two servers behind one of three, as two workers tell of it. */
function makeNews() {
  const shape = { workers: 2, servers: 5, backends: 2 };
  const board = new ServerBoard(new Float64Array(ServerBoard.floats(shape)), shape);
  const [mine, theirs] = [new ServerNews(board, 3), new ServerNews(board, 3)];
  const streaks = (server: number) => {
    const at = board.streaksAt(3 + server);
    return [board.cells[at + CONNECT_STREAK], board.cells[at + RESET_STREAK]];
  };
  return { board, mine, theirs, streaks };
}

Deno.test("failed connects are a streak until one succeeds", () => {
  const { mine, streaks } = makeNews();
  mine.onConnectFailed(1);
  mine.onConnectFailed(1);
  assert.deepEqual(streaks(1), [2, 0]);
  mine.onConnected(1);
  assert.deepEqual(streaks(1), [0, 0]);
});

Deno.test("resets are a streak until a connection ends well", () => {
  const { mine, streaks } = makeNews();
  mine.onReset(0);
  mine.onReset(0);
  mine.onReset(0);
  assert.deepEqual(streaks(0), [0, 3]);
  mine.onEndedWell(0);
  assert.deepEqual(streaks(0), [0, 0]);
});

Deno.test("who lets everybody in and then resets them is not well for letting them in", () => {
  const { mine, streaks } = makeNews();
  for (let i = 0; i < 4; i++) {
    mine.onConnected(0);
    mine.onReset(0);
  }
  assert.deepEqual(streaks(0), [0, 4]);
});

Deno.test("that old connections end well does not say that new ones can be made", () => {
  const { mine, streaks } = makeNews();
  for (let i = 0; i < 4; i++) {
    mine.onConnectFailed(0);
    mine.onEndedWell(0);
  }
  assert.deepEqual(streaks(0), [4, 0]);
});

Deno.test("all workers tell of the same streaks", () => {
  const { mine, theirs, streaks } = makeNews();
  mine.onConnectFailed(0);
  theirs.onConnectFailed(0);
  assert.deepEqual(streaks(0), [2, 0]);
  theirs.onConnected(0);
  assert.deepEqual(streaks(0), [0, 0]);
});

Deno.test("nothing but the streaks of the server is touched", () => {
  const { board, mine } = makeNews();
  const at = board.streaksAt(4);
  board.cells.fill(9);
  mine.onConnectFailed(1);
  mine.onReset(1);
  mine.onReset(1);
  const others = board.cells.filter((_, cell) => cell !== at && cell !== at + 1);
  assert.ok(others.every((cell) => cell === 9));
  assert.deepEqual([...board.cells.subarray(at, at + 2)], [10, 11]);
});

Deno.test("a streak is what was bad since something was last well", () => {
  const words = ["onConnected", "onConnectFailed", "onReset", "onEndedWell"] as const;
  const since = (told: readonly string[], bad: string, well: string) =>
    told.slice(told.lastIndexOf(well) + 1).filter((word) => word === bad).length;
  fc.assert(fc.property(fc.array(fc.constantFrom(...words)), (told) => {
    const { mine, theirs, streaks } = makeNews();
    told.forEach((word, i) => (i % 2 === 0 ? mine : theirs)[word](1));
    assert.deepEqual(streaks(1), [
      since(told, "onConnectFailed", "onConnected"),
      since(told, "onReset", "onEndedWell"),
    ]);
    assert.deepEqual(streaks(0), [0, 0]);
  }));
});
