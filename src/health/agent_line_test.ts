import assert from "node:assert/strict";
import fc from "fast-check";
import { AGENT_BYTES_MAX, type AgentVerdict, parseAgentLine } from "./agent_line.ts";

const NOTHING = { state: null, isReady: false, isUp: null, percent: null };

const LINES: readonly (readonly [line: string, verdict: Partial<AgentVerdict>])[] = [
  ["up\n", { state: "up", isUp: true }],
  ["UP\r\n", { state: "up", isUp: true }],
  ["down\n", { state: "down", isUp: false }],
  ["fail\n", { state: "down", isUp: false }],
  ["failed\n", { state: "down", isUp: false }],
  ["stopped\n", { state: "down", isUp: false }],
  ["drain\n", { state: "drain" }],
  ["maint\n", { state: "maint" }],
  ["ready\n", { isReady: true }],
  ["75%\n", { percent: 75 }],
  ["0%\n", { percent: 0 }],
  ["100%\n", { percent: 100 }],
  ["ready up 50%\n", { state: "up", isUp: true, isReady: true, percent: 50 }],
  ["up,ready,50%\n", { state: "up", isUp: true, isReady: true, percent: 50 }],
  [" \t, up ,\t 50% , \n", { state: "up", isUp: true, percent: 50 }],
  ["ready down\n", { state: "down", isUp: false, isReady: true }],
  ["maxconn:30\n", {}],
  ["up maxconn:30 10%\n", { state: "up", isUp: true, percent: 10 }],
];

Deno.test("words are understood in any case, order and separation", () => {
  for (const [line, verdict] of LINES) {
    const { reason: _, ...rest } = parseAgentLine(line)!;
    assert.deepEqual(rest, { ...NOTHING, ...verdict }, JSON.stringify(line));
  }
});

Deno.test("health is understood beside a drain or maint, which are the stronger words", () => {
  const drained = parseAgentLine("up drain\n")!;
  assert.deepEqual([drained.state, drained.isUp], ["drain", true]);
  const maintained = parseAgentLine("maint down\n")!;
  assert.deepEqual([maintained.state, maintained.isUp], ["maint", false]);
});

Deno.test("of words that exclude each other the last one counts", () => {
  assert.equal(parseAgentLine("up down\n")?.isUp, false);
  assert.equal(parseAgentLine("down up\n")?.isUp, true);
  assert.equal(parseAgentLine("10% 20%\n")?.percent, 20);
  const ready = parseAgentLine("drain ready\n")!;
  assert.deepEqual([ready.state, ready.isReady], [null, true]);
  const drained = parseAgentLine("ready drain\n")!;
  assert.deepEqual([drained.state, drained.isReady], ["drain", false]);
});

Deno.test("more than all of a weight is all of it", () => {
  assert.equal(parseAgentLine("101%\n")?.percent, 100);
  assert.equal(parseAgentLine("256%\n")?.percent, 100);
  assert.equal(parseAgentLine(`${"9".repeat(250)}%\n`)?.percent, 100);
});

Deno.test("a line that is empty or too long, or has an unknown word anywhere, is void", () => {
  const lines = ["", "\n", "  \t,\n", "#only text\n", "hello\n", "up hello\n", "uptime\n", "50\n"];
  lines.push(
    "%\n",
    "-5%\n",
    "5.5%\n",
    "5%%\n",
    "+5%\n",
    "1e2%\n",
    "٣%\n",
    "maxconn:\n",
    "maxconn\n",
  );
  lines.push("maxconn:-1\n", "HTTP/1.1 400 Bad Request\r\n", "\0\n", "__proto__\n", "up\vdown\n");
  lines.push(`up#${"x".repeat(AGENT_BYTES_MAX)}\n`, " ".repeat(AGENT_BYTES_MAX) + "up\n");
  for (const line of lines) assert.equal(parseAgentLine(line), null, JSON.stringify(line));
});

Deno.test("what follows the first line is not read", () => {
  assert.equal(parseAgentLine("up\ndown\n")?.isUp, true);
  assert.equal(parseAgentLine("up\rdown\n")?.isUp, true);
  assert.equal(parseAgentLine(`up\n${"x".repeat(1000)}`)?.isUp, true);
});

Deno.test("a line may come without its end", () => {
  assert.equal(parseAgentLine("drain")?.state, "drain");
});

Deno.test("the reason names what was said, and the description to the end of the line", () => {
  const reasons = [
    ["drain\n", "agent says drain"],
    ["STOPPED\n", "agent says stopped"],
    ["down#disk full, no, really # full\n", "agent says down: disk full, no, really # full"],
    ["down # disk full \r\n", "agent says down: disk full"],
    ["50% up drain\n", "agent says drain up 50%"],
    ["ready#\n", "agent says ready"],
    ["maxconn:1\n", "agent says maxconn"],
  ];
  for (const [line, reason] of reasons) assert.equal(parseAgentLine(line)?.reason, reason);
});

Deno.test("a description can neither steer a terminal nor flood a log", () => {
  const { reason } = parseAgentLine("down#\u001b[31mred\u0007 \u202egnp\n")!;
  assert.equal(reason, "agent says down: \ufffd[31mred\ufffd \ufffdgnp");
  // A surrogate pair stands where it is cut.
  const long = parseAgentLine(`down#-${"😀".repeat(100)}\n`)!.reason;
  assert.equal(long.length, 100);
  assert.ok(long.endsWith("\ufffd...") && long.isWellFormed(), long);
});

Deno.test("any text is void, or a verdict that is printable and contradicts itself nowhere", () => {
  const word = fc.constantFrom("up", "DOWN", "drain", "maint", "ready", "5%", "300%", "maxconn:1");
  const separator = fc.constantFrom(" ", "\t", ",", "#", "\n", ", ");
  const any = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
  const parts = fc.array(fc.oneof(word, separator, any), { maxLength: 40, size: "max" });
  fc.assert(
    fc.property(parts, (parts) => {
      const text = parts.join("");
      const verdict = parseAgentLine(text);
      if (verdict === null) return;
      const { state, isReady, isUp, percent, reason } = verdict;
      assert.ok(reason.length <= 100 && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(reason), reason);
      assert.ok(percent === null || percent >= 0 && percent <= 100 && Number.isInteger(percent));
      if (state === "drain" || state === "maint") assert.ok(!isReady);
      else assert.equal(state, isUp === null ? null : isUp ? "up" : "down");
    }),
    { seed: 1, numRuns: 1000 },
  );
});
