/**
 * How far ejection may go: what errors show about single servers ends where the backend would
 * suffer more from the cure.
 *
 * When all servers fail the cause is most often not in them but in the network before them, and a
 * backend of which nothing is left serves nobody. So only a part may be ejected at a time, and no
 * server whose place nobody could take:
 *
 * - Of those that are no backups one stays up. That errors alone never bring backups into use is on
 *   purpose: it takes a probe, an agent or an operator to give up all regular servers.
 * - A backup may go as long as anything else is up.
 * - Where all are backups they count as if none were.
 *
 * The bounds hold at any time, and not only when an ejection begins: if others go down or are
 * drained meanwhile, ejections end early (`findRelease`).
 */
import { isTakenOut, type ServerState } from "./server_state.ts";

export interface EjectionMember {
  readonly state: ServerState;
  readonly isBackup: boolean;
  /** Neither its weight nor its agent keeps all connections from it. */
  readonly isWeighty: boolean;
}

/** So that 29 % of 100, which is a little less than 29 in binary fractions, is 29. */
const ROUNDING = 1e-9;

/** How many may be ejected at a time. @param ejectedMax share, 0..1. */
export function countEjectable(members: readonly EjectionMember[], ejectedMax: number): number {
  let inUse = 0;
  for (const { state } of members) if (!isTakenOut(state)) inUse++;
  return Math.floor(ejectedMax * inUse + ROUNDING);
}

/** Those of `due` that may be ejected now, all together; the first ones have precedence. */
export function admitEjections(
  due: readonly number[],
  members: readonly EjectionMember[],
  ejectedMax: number,
): number[] {
  const isRegular = regularTest(members);
  let room = countEjectable(members, ejectedMax) - countState(members, "ejected");
  let up = 0;
  let regularUp = 0;
  for (const member of members) {
    if (!isServing(member)) continue;
    up++;
    if (isRegular(member)) regularUp++;
  }
  const admitted: number[] = [];
  for (const server of due) {
    const member = members[server];
    // Who gets no connections anyway must not take the room of one that does harm.
    if (room <= 0 || !isServing(member)) continue;
    if ((isRegular(member) ? regularUp : up) < 2) continue;
    room--;
    up--;
    if (isRegular(member)) regularUp--;
    admitted.push(server);
  }
  return admitted;
}

export interface Release {
  readonly server: number;
  readonly reason: string;
}

/**
 * A server whose ejection must end now for the bounds to hold, or null when they do.
 *
 * @param untilMs when each would be let back in; the one with the least left to wait is taken.
 */
export function findRelease(
  members: readonly EjectionMember[],
  ejectedMax: number,
  untilMs: (server: number) => number,
): Release | null {
  const ejected = countState(members, "ejected");
  if (ejected === 0) return null;
  if (ejected > countEjectable(members, ejectedMax)) {
    const server = findSoonest(members, () => true, untilMs);
    return { server, reason: "let back in: too few servers are in use" };
  }
  const isRegular = regularTest(members);
  const groups = [
    (member: EjectionMember) => isRegular(member) && member.isWeighty,
    (member: EjectionMember) => member.isWeighty,
    () => true,
  ];
  for (const isMeant of groups) {
    if (members.some((member) => member.state === "up" && isMeant(member))) continue;
    const server = findSoonest(members, isMeant, untilMs);
    if (server >= 0) return { server, reason: "let back in: no other server is up" };
  }
  return null;
}

function regularTest(members: readonly EjectionMember[]): (member: EjectionMember) => boolean {
  const hasRegular = members.some(({ isBackup }) => !isBackup);
  return ({ isBackup }) => !(isBackup && hasRegular);
}

function isServing(member: EjectionMember): boolean {
  return member.state === "up" && member.isWeighty;
}

function countState(members: readonly EjectionMember[], wanted: ServerState): number {
  let count = 0;
  for (const { state } of members) if (state === wanted) count++;
  return count;
}

/** The ejected member that is let back in first, or -1. */
function findSoonest(
  members: readonly EjectionMember[],
  isMeant: (member: EjectionMember) => boolean,
  untilMs: (server: number) => number,
): number {
  let soonest = -1;
  members.forEach((member, server) => {
    if (member.state !== "ejected" || !isMeant(member)) return;
    if (soonest < 0 || untilMs(server) < untilMs(soonest)) soonest = server;
  });
  return soonest;
}
