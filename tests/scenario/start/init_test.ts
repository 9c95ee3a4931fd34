import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { runRingway } from "../command_run.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ringway-init-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("init writes the file that check and serve find", async () => {
  await inFolder(async (folder) => {
    const environment = { INIT_CWD: folder, RINGWAY_CONFIG: "" };
    const written = await runRingway(["init"], { folder, environment });
    deepStrictEqual([written.code, written.out], [0, ""]);
    match(written.err, /^wrote ringway\.yaml\. Put your servers into it, then:\n/);
    match(written.err, /ringway check ringway\.yaml\n.* serve\n$/);
    const checked = await runRingway(["check"], { folder, environment });
    deepStrictEqual([checked.code, checked.err], [
      0,
      "ringway.yaml: ok, 1 listener, 1 backend, 2 servers\n",
    ]);
  });
});

Deno.test("init leaves a file alone that is there, unless it is forced", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/mine.yaml`;
    await Deno.writeTextFile(file, "mine");
    const refused = await runRingway(["init", file]);
    deepStrictEqual([refused.code, refused.out], [1, ""]);
    strictEqual(
      refused.err,
      `ringway: "${file}" exists; name another file, or write over it with --force\n`,
    );
    strictEqual(await Deno.readTextFile(file), "mine");
    const forced = await runRingway(["init", "--force", file]);
    strictEqual(forced.code, 0);
    match(forced.err, new RegExp(` serve -c ${file}\n$`));
    const printed = await runRingway(["init", "-"]);
    deepStrictEqual([printed.code, printed.err], [0, ""]);
    strictEqual(printed.out, await Deno.readTextFile(file));
  });
});

Deno.test("init says so when it cannot write", async () => {
  const { code, err } = await runRingway(["init", "/nowhere/ringway.yaml"]);
  strictEqual(code, 1);
  match(err, /^ringway: cannot write "\/nowhere\/ringway\.yaml": /);
});
