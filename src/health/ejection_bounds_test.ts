import assert from "node:assert/strict";
import fc from "fast-check";
import {
  admitEjections,
  countEjectable,
  type EjectionMember,
  findRelease,
} from "./ejection_bounds.ts";
import { isTakenOut, SERVER_STATES, type ServerState } from "./server_state.ts";

function makeMember(state: ServerState, isBackup = false, isWeighty = true): EjectionMember {
  return { state, isBackup, isWeighty };
}

const UP = makeMember("up");
const DOWN = makeMember("down");
const EJECTED = makeMember("ejected");
const BACKUP = makeMember("up", true);
const NEVER = () => Infinity;

Deno.test("what may be ejected is a share of the servers in use, rounded down", () => {
  const ten = new Array(10).fill(UP);
  assert.equal(countEjectable(ten, 0.5), 5);
  assert.equal(countEjectable(ten, 0.19), 1);
  assert.equal(countEjectable(ten, 0), 0);
  assert.equal(countEjectable([...ten, makeMember("drain"), makeMember("maint")], 0.5), 5);
  assert.equal(countEjectable([...ten, DOWN, DOWN], 0.5), 6);
  for (let percent = 0; percent <= 100; percent++) {
    assert.equal(countEjectable(new Array(100).fill(UP), percent / 100), percent);
  }
});

Deno.test("no more are ejected than there is room for, the first ones before the others", () => {
  assert.deepEqual(admitEjections([3, 1, 0], [UP, UP, UP, UP], 0.5), [3, 1]);
  assert.deepEqual(admitEjections([3, 1, 0], [UP, UP, EJECTED, UP], 0.5), [3]);
});

Deno.test("a server alone, and the last one that is up, are not ejected", () => {
  assert.deepEqual(admitEjections([0], [UP], 1), []);
  assert.deepEqual(admitEjections([0, 1], [UP, UP], 1), [0]);
  assert.deepEqual(admitEjections([0], [UP, DOWN, EJECTED, makeMember("drain")], 1), []);
});

Deno.test("a server that gets no connections can take nobody's place", () => {
  const weightless = makeMember("up", false, false);
  assert.deepEqual(admitEjections([0, 1], [UP, weightless], 1), []);
});

Deno.test("a backup can take no regular server's place, but another backup's", () => {
  assert.deepEqual(admitEjections([0], [UP, BACKUP], 1), []);
  assert.deepEqual(admitEjections([1], [UP, BACKUP], 1), [1]);
  assert.deepEqual(admitEjections([1, 2], [DOWN, BACKUP, BACKUP], 1), [1]);
});

Deno.test("where all are backups they count as if none were", () => {
  assert.deepEqual(admitEjections([0, 1], [BACKUP, BACKUP], 1), [0]);
});

Deno.test("only servers that are up are ejected", () => {
  const members = SERVER_STATES.map((state) => makeMember(state));
  assert.deepEqual(admitEjections([0, 1, 2, 3, 4], [...members, UP], 1), [0]);
});

Deno.test("ejections end early when no other server is left up, first the one soonest over", () => {
  const untilMs = (server: number) => [30, 10, 20][server];
  assert.equal(findRelease([EJECTED, EJECTED, DOWN], 1, untilMs)?.server, 1);
  assert.equal(findRelease([EJECTED, UP, EJECTED], 1, untilMs), null);
  assert.equal(findRelease([DOWN, DOWN, DOWN], 1, untilMs), null);
});

Deno.test("a regular server is let back in before backups come into use", () => {
  assert.equal(findRelease([EJECTED, DOWN, BACKUP], 1, NEVER)?.server, 0);
});

Deno.test("a backup is let back in when nothing else is up", () => {
  const backup = makeMember("ejected", true);
  assert.equal(findRelease([DOWN, backup], 1, NEVER)?.server, 1);
  assert.equal(findRelease([UP, backup], 1, NEVER), null);
});

Deno.test("rather than that none is up one is let back in that gets no connections", () => {
  const weightless = makeMember("ejected", false, false);
  assert.equal(findRelease([weightless, DOWN], 1, NEVER)?.server, 0);
  assert.equal(findRelease([weightless, UP], 1, NEVER), null);
});

Deno.test("ejections end early when there are fewer servers in use than when they began", () => {
  const drained = makeMember("drain");
  const members = [EJECTED, EJECTED, UP, drained];
  assert.match(findRelease(members, 0.5, (server) => -server)!.reason, /too few servers/);
  assert.equal(findRelease(members, 0.5, (server) => -server)?.server, 1);
  assert.equal(findRelease([EJECTED, UP, UP, UP], 0.5, NEVER), null);
});

Deno.test("for any backend whatever is admitted needs no release", () => {
  const member = fc.record({
    state: fc.constantFrom<ServerState>("up", "up", "up", ...SERVER_STATES),
    isBackup: fc.boolean(),
    isWeighty: fc.constantFrom(true, true, false),
  });
  fc.assert(
    fc.property(
      fc.array(member, { minLength: 1, maxLength: 10 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (members, share) => {
        const held: EjectionMember[] = [...members];
        const hold = () => {
          for (;;) {
            const release = findRelease(held, share, (server) => server);
            if (release === null) return;
            assert.equal(held[release.server].state, "ejected");
            held[release.server] = { ...held[release.server], state: "up" };
          }
        };
        hold();
        const due = held.map((_, server) => server);
        for (const server of admitEjections(due, held, share)) {
          assert.equal(held[server].state, "up");
          held[server] = { ...held[server], state: "ejected" };
        }
        assert.equal(findRelease(held, share, (server) => server), null);
        const ejected = held.filter(({ state }) => state === "ejected").length;
        const inUse = held.filter(({ state }) => !isTakenOut(state)).length;
        assert.ok(ejected <= share * inUse + 1e-6);
        if (ejected > 0) assert.ok(held.some(({ state }) => state === "up"));
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});
