import { deepStrictEqual, rejects } from "node:assert/strict";
import { bringTogether } from "./together.ts";

Deno.test("every file is in one module, and there are no more modules than files", async () => {
  const files = ["a_test.ts", "b/c_test.ts", "d_test.ts"];
  for (const [count, expected] of [[2, 2], [8, 3]]) {
    const { paths, remove } = bringTogether("/tree", files, count);
    const texts = paths.map((path) => Deno.readTextFileSync(path));
    remove();
    deepStrictEqual(texts.length, expected);
    deepStrictEqual(
      texts.join("").trim().split("\n").sort(),
      files.map((file) => `import "/tree/${file}";`),
    );
    await rejects(Deno.stat(paths[0]), Deno.errors.NotFound);
  }
});
