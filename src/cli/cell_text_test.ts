import assert from "node:assert/strict";
import { ADDRESS_LENGTH_MAX, BIND_LENGTH_MAX, cellText, oneLine, remarkText } from "./cell_text.ts";

Deno.test("of a long path both ends are shown, and the longest address whole", () => {
  const path = `unix:/run/${"very-long-folder/".repeat(6)}web.sock`;
  assert.match(cellText(path, BIND_LENGTH_MAX), /^unix:\/run\/very-l\.\.\.\S+\/web\.sock$/);
  assert.equal(cellText(path, BIND_LENGTH_MAX).length, BIND_LENGTH_MAX);
  const address = "[2001:db8:1111:2222:3333:4444:5555:6666]:60000";
  assert.equal(cellText(address, ADDRESS_LENGTH_MAX), address);
  assert.equal(cellText(`${address}-60999`, BIND_LENGTH_MAX), `${address}-60999`);
});

Deno.test("of a long remark the beginning is shown", () => {
  assert.equal(remarkText("status 503"), "status 503");
  const text = remarkText(`agent says ${"very ".repeat(50)}`);
  assert.ok(text.length === 90 && text.startsWith("agent says very") && text.endsWith("..."), text);
});

Deno.test("what a terminal obeys is taken out, and lines are joined", () => {
  for (const shown of [(text: string) => cellText(text, 20), remarkText, oneLine]) {
    assert.equal(shown("red \x1b[31m"), "red \ufffd[31m");
  }
  assert.equal(remarkText("  one\r\n\ttwo "), "one two");
  assert.equal(oneLine(`one\n${"x".repeat(200)}`), `one ${"x".repeat(200)}`);
});
