import assert from "node:assert/strict";
import {
  ConfigSourceError,
  findConfig,
  ownSurroundings,
  type Surroundings,
} from "./config_source.ts";

interface Place {
  readonly folder: string;
  readonly surroundings: Surroundings;
}

/** Runs `body` in a folder of its own with sub-folders `one` and `two`, looked in in this order. */
async function inFolder(
  body: (place: Place) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["one", "two", "etc"]) Deno.mkdirSync(`${folder}/${name}`);
    await body({
      folder,
      surroundings: {
        environment,
        folders: [`${folder}/one`, `${folder}/two`],
        systemFile: `${folder}/etc/ringway.yaml`,
        readStandardInput: () => Promise.resolve("from standard input"),
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refusal(named: string | undefined, surroundings: Surroundings): Promise<string> {
  try {
    await findConfig(named, surroundings);
  } catch (failure) {
    assert.ok(failure instanceof ConfigSourceError, String(failure));
    return failure.message;
  }
  assert.fail("it was found");
}

Deno.test("the order: -c, $RINGWAY_CONFIG, ./ringway.yaml, /etc/ringway, the demonstration", () =>
  inFolder(async ({ folder, surroundings }) => {
    const files = {
      named: `${folder}/named.yaml`,
      variable: `${folder}/variable.yaml`,
      local: `${folder}/two/ringway.yaml`,
      system: surroundings.systemFile,
    };
    for (const [name, path] of Object.entries(files)) Deno.writeTextFileSync(path, name);
    const find = (named?: string) => findConfig(named, surroundings);
    assert.deepEqual(await find(files.named), {
      file: files.named,
      text: "named",
      isDemo: false,
    });
    assert.equal((await find()).text, "variable");
    Object.assign(surroundings.environment, { RINGWAY_CONFIG: "" });
    assert.deepEqual(await find(), { file: "ringway.yaml", text: "local", isDemo: false });
    Deno.removeSync(files.local);
    assert.equal((await find()).text, "system");
    Deno.removeSync(files.system);
    const demo = await find();
    assert.ok(demo.isDemo && demo.text.includes("listeners:"));
  }, { RINGWAY_CONFIG: "../variable.yaml" }));

Deno.test("a file that was named must exist: no other is taken in its place", () =>
  inFolder(async ({ folder, surroundings }) => {
    Deno.writeTextFileSync(`${folder}/two/ringway.yaml`, "local");
    assert.equal(
      await refusal("gone.yaml", surroundings),
      'cannot read "gone.yaml" (from the command line): no such file',
    );
    assert.equal(
      await refusal("", surroundings),
      "the name of the configuration file is empty (from the command line)",
    );
    Object.assign(surroundings.environment, { RINGWAY_CONFIG: "gone.yaml" });
    assert.equal(
      await refusal(undefined, surroundings),
      'cannot read "gone.yaml" (from $RINGWAY_CONFIG): no such file',
    );
  }));

Deno.test("a relative name is looked for where the person was, then where the program is", () =>
  inFolder(async ({ folder, surroundings }) => {
    Deno.writeTextFileSync(`${folder}/two/a.yaml`, "two");
    assert.equal((await findConfig("a.yaml", surroundings)).text, "two");
    Deno.writeTextFileSync(`${folder}/one/a.yaml`, "one");
    assert.equal((await findConfig("a.yaml", surroundings)).text, "one");
    // An absolute one is in one place.
    assert.equal((await findConfig(`${folder}/two/a.yaml`, surroundings)).text, "two");
  }));

Deno.test("- is standard input", () =>
  inFolder(async ({ surroundings }) => {
    assert.deepEqual(await findConfig("-", surroundings), {
      file: "<stdin>",
      text: "from standard input",
      isDemo: false,
    });
  }));

Deno.test("a folder in place of a file says to name the file", () =>
  inFolder(async ({ folder, surroundings }) => {
    assert.equal(
      await refusal(`${folder}/etc/`, surroundings),
      `cannot read "${folder}/etc/": it is a folder; name the file in it, such as ` +
        `${folder}/etc/ringway.yaml`,
    );
  }));

Deno.test("a path through a file leads nowhere", () =>
  inFolder(async ({ folder, surroundings }) => {
    Deno.writeTextFileSync(`${folder}/two/a.yaml`, "two");
    assert.match(await refusal("a.yaml/b", surroundings), /no such file$/);
  }));

Deno.test("bytes that are no UTF-8 are kept readable, for the check to judge", () =>
  inFolder(async ({ folder, surroundings }) => {
    Deno.writeFileSync(`${folder}/one/latin.yaml`, Uint8Array.of(0x23, 0x20, 0xfc, 0x0a));
    assert.equal((await findConfig("latin.yaml", surroundings)).text, "# \ufffd\n");
  }));

Deno.test("of this process: INIT_CWD first, then the working folder", () => {
  const before = Deno.env.get("INIT_CWD");
  try {
    Deno.env.set("INIT_CWD", "/start");
    assert.deepEqual(ownSurroundings().folders, ["/start", Deno.cwd()]);
    Deno.env.delete("INIT_CWD");
    assert.deepEqual(ownSurroundings().folders, [Deno.cwd()]);
    assert.equal(ownSurroundings().systemFile, "/etc/ringway/ringway.yaml");
  } finally {
    if (before !== undefined) Deno.env.set("INIT_CWD", before);
  }
});
