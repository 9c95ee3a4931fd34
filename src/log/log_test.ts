import assert from "node:assert/strict";
import fc from "fast-check";
import { isLogged, LEVELS, type Line, renderLine } from "./log.ts";

const TIME = new Date("2026-03-04T05:06:07.089Z");

function lineOf(change: Partial<Line> = {}): Line {
  return { time: TIME, level: "info", text: "serving", worker: -1, ...change };
}

Deno.test("a level is logged when it is at least as severe as the threshold", () => {
  const table = LEVELS.map((threshold) => LEVELS.filter((level) => isLogged(level, threshold)));
  assert.deepEqual(table, [
    ["debug", "info", "warn", "error"],
    ["info", "warn", "error"],
    ["warn", "error"],
    ["error"],
  ]);
});

Deno.test("text has the time of day, the level, and which worker says it", () => {
  assert.equal(renderLine(lineOf(), "text"), "05:06:07.089 info  serving\n");
  assert.equal(
    renderLine(lineOf({ level: "error", worker: 3, text: "gone" }), "text"),
    "05:06:07.089 error worker 3: gone\n",
  );
});

Deno.test("JSON has the whole time; the supervisor's lines name no worker", () => {
  assert.deepEqual(JSON.parse(renderLine(lineOf(), "json")), {
    time: "2026-03-04T05:06:07.089Z",
    level: "info",
    message: "serving",
  });
  assert.equal(JSON.parse(renderLine(lineOf({ worker: 0 }), "json")).worker, 0);
});

Deno.test("a text from outside can neither begin a line nor move a terminal's cursor", () => {
  const text = "a\nb\r\x1b[2Jc\u2028d\u202e\x85\x9be";
  const shown = renderLine(lineOf({ text }), "text");
  assert.equal(shown, "05:06:07.089 info  a\ufffdb\ufffd\ufffd[2Jc\ufffdd\ufffd\ufffd\ufffde\n");
});

Deno.test("every message is one line in both formats, and JSON gives it back unchanged", () => {
  const message = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(message, (text) => {
      for (const format of ["text", "json"] as const) {
        const line = renderLine(lineOf({ text }), format);
        assert.ok(line.endsWith("\n"));
        assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\p{Zl}\p{Zp}]/u);
      }
      assert.equal(JSON.parse(renderLine(lineOf({ text }), "json")).message, text);
    }),
    { seed: 1 },
  );
});
