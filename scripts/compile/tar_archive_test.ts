import assert from "node:assert/strict";
import { makeTar } from "./tar_archive.ts";

const ENTRIES = [
  { path: "run/", mode: 0o755, owner: 0 },
  { path: "run/mine/", mode: 0o700, owner: 65532 },
  { path: "run/text", mode: 0o640, owner: 7, bytes: new TextEncoder().encode("x".repeat(513)) },
  { path: "run/empty", mode: 0o644, owner: 0, bytes: new Uint8Array() },
];

async function tar(args: readonly string[], input: Uint8Array): Promise<string> {
  const child = new Deno.Command("tar", {
    args: [...args],
    env: { TZ: "UTC", LC_ALL: "C" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("tar reads what is written: names, owners, modes, sizes, times", async () => {
  const listing = await tar(["-tv", "--numeric-owner", "-f", "-"], makeTar(ENTRIES));
  const rows = listing.trimEnd().split("\n").map((row) => row.replace(/\s+/g, " "));
  assert.deepEqual(rows, [
    "drwxr-xr-x 0/0 0 1970-01-01 00:00 run/",
    "drwx------ 65532/65532 0 1970-01-01 00:00 run/mine/",
    "-rw-r----- 7/7 513 1970-01-01 00:00 run/text",
    "-rw-r--r-- 0/0 0 1970-01-01 00:00 run/empty",
  ]);
  const text = await tar(["-xO", "-f", "-", "run/text"], makeTar(ENTRIES));
  assert.equal(text, "x".repeat(513));
});

Deno.test("the same entries make the same archive; its size is that of whole records", () => {
  const archive = makeTar(ENTRIES);
  assert.deepEqual(makeTar(ENTRIES), archive);
  assert.equal(archive.length % 10_240, 0);
});

Deno.test("a name that does not fit is refused, not cut", () => {
  const path = "x".repeat(100);
  assert.throws(() => makeTar([{ path, mode: 0, owner: 0 }]), /too long for a tar archive/);
});
