import assert from "node:assert/strict";
import fc from "fast-check";
import { BODY_BYTES_MAX, parseCommand, readCommand, type Setting } from "./command_body.ts";
import { RequestError } from "./request_error.ts";

const STATE_FORM = '; send {"state": "drain", "deadline_ms": 30000}';
const WEIGHT_FORM = '; send {"weight": 10}';

/** Why a body is refused, without the form at the end. */
function refusal(text: string, setting: Setting = "state"): string {
  try {
    parseCommand(text, setting);
  } catch (failure) {
    assert.ok(failure instanceof RequestError, String(failure));
    assert.equal(failure.status, 400);
    const form = setting === "state" ? STATE_FORM : WEIGHT_FORM;
    assert.ok(failure.message.endsWith(form), failure.message);
    return failure.message.slice(0, -form.length);
  }
  assert.fail(`accepted: ${text}`);
}

Deno.test("each command has its form", () => {
  const drain = { kind: "drain", deadlineMs: null };
  assert.deepEqual(parseCommand('{"state": "drain"}', "state"), drain);
  assert.deepEqual(parseCommand('{"state": "drain", "deadline_ms": null}', "state"), drain);
  assert.deepEqual(parseCommand('\n{"deadline_ms":0,"state":"drain"}\n', "state"), {
    kind: "drain",
    deadlineMs: 0,
  });
  assert.deepEqual(parseCommand('{"state": "ready"}', "state"), { kind: "ready" });
  assert.deepEqual(parseCommand('{"state": "maint"}', "state"), { kind: "maint" });
  for (const weight of [0, 1, 256]) {
    assert.deepEqual(parseCommand(`{"weight": ${weight}}`, "weight"), { kind: "weight", weight });
  }
});

Deno.test("what is no JSON, or no object, is told", () => {
  assert.equal(refusal(""), "the body is empty");
  assert.equal(refusal(" \n"), "the body is empty");
  assert.match(refusal("state=drain"), /^the body is not JSON \(/);
  assert.match(refusal('{"state": "drain"'), /^the body is not JSON \(/);
  assert.ok(!refusal('{"\x1b[31m').includes("\x1b"));
  assert.equal(refusal('"drain"'), 'the body must be an object, not "drain"');
  assert.equal(refusal("null"), "the body must be an object, not null");
  assert.equal(refusal("[]"), "the body must be an object, not a list");
  assert.equal(refusal("10", "weight"), "the body must be an object, not 10");
});

Deno.test("a field that there is not is told, with the nearest", () => {
  assert.equal(refusal('{"stat": "drain"}'), 'unknown field "stat", did you mean "state"?');
  assert.equal(
    refusal('{"state": "drain", "deadline": 5}'),
    'unknown field "deadline"',
  );
  assert.equal(refusal('{"weight": 1, "state": "up"}', "weight"), 'unknown field "state"');
  assert.equal(refusal('{"__proto__": {"state": "drain"}}'), 'unknown field "__proto__"');
  assert.equal(refusal("{}"), '"state" is missing');
  assert.equal(refusal("{}", "weight"), '"weight" is missing');
});

Deno.test("a state that there is not is told, and what a word of other programs means here", () => {
  const one = '"state" must be one of drain, ready, maint, not';
  assert.equal(refusal('{"state": "gone"}'), `${one} "gone"`);
  assert.equal(refusal('{"state": "dran"}'), `${one} "dran", did you mean "drain"?`);
  assert.equal(refusal('{"state": "UP"}'), `${one} "UP", did you mean "ready"?`);
  assert.equal(refusal('{"state": "down"}'), `${one} "down", did you mean "maint"?`);
  assert.equal(refusal('{"state": null}'), `${one} null`);
  assert.equal(refusal('{"state": ["drain"]}'), `${one} a list`);
  assert.equal(refusal('{"state": {"a": 1}}'), `${one} an object`);
  assert.equal(refusal('{"state": "constructor"}'), `${one} "constructor"`);
});

Deno.test("a deadline is whole milliseconds, of a drain", () => {
  const drain = (deadline: string) => refusal(`{"state": "drain", "deadline_ms": ${deadline}}`);
  for (
    const [value, shown] of [["-1", "-1"], ["1.5", "1.5"], ['"30s"', '"30s"'], ["1e99", "1e+99"]]
  ) {
    assert.equal(
      drain(value),
      `"deadline_ms" must be a whole number of 0..2073600000, or null, not ${shown}`,
    );
  }
  assert.equal(
    refusal('{"state": "maint", "deadline_ms": 5}'),
    '"deadline_ms" goes with "drain" only',
  );
});

Deno.test("a weight is a whole number of 0..256", () => {
  for (const value of ["-1", "257", "1.5", "true", "null"]) {
    assert.equal(
      refusal(`{"weight": ${value}}`, "weight"),
      `"weight" must be a whole number of 0..256, not ${value}`,
    );
  }
  assert.equal(
    refusal('{"weight": "5"}', "weight"),
    '"weight" must be a whole number of 0..256, not "5"',
  );
});

Deno.test("any text is a command or is refused", () => {
  const anything = fc.oneof(fc.string({ unit: "binary" }), fc.json());
  fc.assert(
    fc.property(anything, fc.constantFrom<Setting>("state", "weight"), (text, setting) => {
      assert.notEqual(refusal(text, setting), "");
    }),
    { seed: 1, numRuns: 100 },
  );
});

function put(body: BodyInit): Request {
  return new Request("http://localhost/", { method: "PUT", body });
}

async function status(request: Request, bodyMsMax?: number): Promise<number> {
  try {
    await readCommand(request, "state", bodyMsMax);
    return 200;
  } catch (failure) {
    assert.ok(failure instanceof RequestError, String(failure));
    return failure.status;
  }
}

Deno.test("a body of the allowed length is read whole, in whatever pieces it comes", async () => {
  const text = '{"state": "drain"}'.padEnd(BODY_BYTES_MAX);
  const bytes = new TextEncoder().encode(text);
  assert.equal(await status(put(text)), 200);
  const pieces = ReadableStream.from(Array.from(bytes, (byte) => new Uint8Array([byte])));
  assert.equal(await status(put(pieces)), 200);
});

Deno.test("of a body that is too long no more is read", async () => {
  assert.equal(await status(put('{"state": "drain"}'.padEnd(BODY_BYTES_MAX + 1))), 413);
  let pulled = 0;
  let isCancelled = false;
  const endless = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1000).fill(32));
    },
    cancel() {
      isCancelled = true;
    },
  });
  assert.equal(await status(put(endless)), 413);
  assert.ok(pulled < 10 && isCancelled, `${pulled}`);
});

Deno.test("a body that does not come is not waited for", async () => {
  const started = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"state": "drain"}'));
    },
  });
  assert.equal(await status(put(started), 1), 408);
});

Deno.test("a body that is no text is refused", async () => {
  assert.equal(await status(put(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))), 400);
  assert.equal(await status(new Request("http://localhost/", { method: "PUT" })), 400);
});
