import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { makeSoftwareBill } from "./software_bill.ts";

const FACTS = {
  version: "1.2.3",
  commit: "abc",
  runtime: { name: "deno", version: "2.9.6" },
  components: [
    { name: "deno", version: "2.9.6", licence: "MIT", sha256: "00" },
    { name: "glibc", version: "2.36-9+deb12u14", licence: "LGPL-2.1-or-later" },
    { name: "npm:@valibot/to-json-schema", version: "1.8.0", licence: "MIT" },
  ],
};
const EXECUTABLES = [
  { name: "ringway-linux-arm64", sha256: "22", facts: FACTS },
  { name: "ringway-linux-x64", sha256: "11", facts: FACTS },
];

Deno.test("every component is named as scanners look for it", () => {
  const { components, dependencies } = JSON.parse(makeSoftwareBill(EXECUTABLES));
  const urls = components.map(({ purl }: { purl: string }) => purl);
  deepStrictEqual(urls, [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:deb/debian/glibc@2.36-9%2Bdeb12u14",
    "pkg:npm/%40valibot/to-json-schema@1.8.0",
  ]);
  deepStrictEqual(dependencies, [{ ref: "ringway", dependsOn: urls }]);
});

Deno.test("the executables stand in it with their hashes, the program with its commit", () => {
  const { metadata } = JSON.parse(makeSoftwareBill(EXECUTABLES));
  strictEqual(metadata.component.version, "1.2.3");
  deepStrictEqual(metadata.component.properties, [{ name: "ringway:commit", value: "abc" }]);
  const hashes = metadata.component.components.map(({ hashes }: {
    hashes: readonly { content: string }[];
  }) => hashes[0].content);
  deepStrictEqual(hashes, ["22", "11"]);
});

Deno.test("the same facts make the same bill", () => {
  strictEqual(makeSoftwareBill(EXECUTABLES), makeSoftwareBill(EXECUTABLES));
});
