import assert from "node:assert/strict";
import { VERSION } from "../base/version.ts";
import { parseConfig } from "../config/parse_config.ts";
import { introduce } from "./introduction.ts";
import { ownCommand } from "./own_command.ts";

const { config } = parseConfig(
  `
listeners:
  web: { bind: ":0", backend: app }
backends:
  app: { servers: [a:1, b:1], health_check: /healthz }
`,
  "f",
  {},
);
const STARTED = { workers: 2, binds: [[":8080"]], ports: [8080] };

Deno.test("it says what runs, where, and how its servers are checked", () => {
  assert.equal(
    introduce({ config: config!, file: "ringway.yaml", isDemo: false }, STARTED),
    `ringway ${VERSION}: 2 workers, configuration ringway.yaml\n` +
      '  listener "web" :8080 (tcp) -> backend "app": 2 servers, round_robin, ' +
      "checked by GET /healthz every 5s\n",
  );
});

Deno.test("of the demonstration it says what to try, as the person would type it", () => {
  const text = introduce({ config: config!, file: "demo", isDemo: true }, STARTED);
  const [, , , ...steps] = text.trimEnd().split("\n");
  assert.match(steps[0], /^This is a demonstration/);
  assert.match(steps[1], /^ {2}curl 127\.0\.0\.1:8080 +# again/);
  assert.ok(steps[2].startsWith(`  ${ownCommand("status")} `));
  const comments = steps.map((line) => line.indexOf("#")).filter((column) => column >= 0);
  assert.equal(comments.length, 4);
  assert.equal(new Set(comments).size, 1, "comments stand in one column");
});
