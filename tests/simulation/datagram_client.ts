/**
 * A client that sends datagrams to a listener and hears answers: what it sends and when, and the
 * accounts of what became of it.
 */
import type { Random } from "../../src/base/random.ts";
import type { ListenerPlan } from "../../src/upstream/plan.ts";
import { type Address, addressText, drawIp, type Pool } from "./address.ts";
import { PAYLOAD_BYTES_MIN, readPayload, writePayload } from "./datagram_payload.ts";
import type { DatagramPlace, DatagramScene } from "./datagram_scene.ts";
import type { Datagram } from "./datagram_socket.ts";
import type { FlowTrail, Handed } from "./flow_trail.ts";
import { drawBrokenHeader, drawHeader } from "./incoming_header.ts";
import { CLIENT_PORT, type Fate, HEADER_PORT } from "./opening.ts";
import { promise } from "./promise.ts";
import type { ShownHeader } from "./shown_header.ts";
import { familyOf } from "./stream_scene.ts";

export const WAVE_MS = 100;

/** How a client introduces itself where a PROXY header is expected. */
export type HeaderManner = "always" | "first" | "never" | "broken";

export interface DatagramOpening {
  readonly from: Address;
  readonly to: Address;
  /** Whom limits and servers take it for. */
  readonly client: Address;
  readonly header: Uint8Array;
  readonly manner: HeaderManner;
  readonly fate: Fate;
  readonly shown: ShownHeader;
}

interface Request {
  readonly atMs: number;
  /** Bytes; 0 is an empty datagram. */
  readonly bytes: number;
}

interface HandedRequest extends Handed {
  readonly request: number;
}

export class DatagramClient {
  sentCount = 0;
  /** By request: answers that have come. */
  readonly answers: number[];

  // Accounts of what passed the worker (datagram_ledger.ts).
  readonly handed: HandedRequest[] = [];
  readonly trails: FlowTrail[] = [];
  resends = 0;
  repliesLeft = 0;
  emptiesHanded = 0;
  emptiesLeft = 0;
  emptyRepliesHanded = 0;
  emptyRepliesLeft = 0;

  constructor(
    readonly id: number,
    readonly place: DatagramPlace,
    readonly opening: DatagramOpening,
    readonly requests: readonly Request[],
  ) {
    this.answers = requests.map(() => 0);
  }

  get isThrough(): boolean {
    return this.sentCount === this.requests.length;
  }

  /** The next datagram that is due, or null. */
  nextDue(elapsedMs: number): Datagram | null {
    const request = this.sentCount;
    if (this.isThrough || this.requests[request].atMs > elapsedMs) return null;
    this.sentCount++;
    const { from, to, header, manner } = this.opening;
    const { bytes } = this.requests[request];
    const isHeaded = manner === "always" || manner === "broken" ||
      (manner === "first" && request === 0);
    const payload = bytes === 0
      ? new Uint8Array()
      : writePayload({ client: this.id, request, answer: 0, server: 0 }, bytes);
    const whole = isHeaded ? Uint8Array.of(...header, ...payload) : payload;
    return { from, to, bytes: whole, client: this, request: bytes === 0 ? -1 : request };
  }

  receive({ bytes }: Datagram): void {
    if (bytes.length === 0) return;
    const { client, request, answer } = readPayload(bytes);
    promise(client === this.id, `client ${this.id} gets no answers of client ${client}`);
    promise(answer > 0, "what a client gets is an answer");
    promise(request < this.sentCount, "an answer has a request");
    this.answers[request]++;
  }
}

function drawOpening(
  random: Random,
  id: number,
  plan: ListenerPlan,
  from: Address,
  to: Address,
  pool: Pool,
  faults: boolean,
): DatagramOpening {
  const isGuarded = plan.allow.length + plan.deny.length > 0;
  const none = { authority: "", alpn: "", uniqueId: "" };
  if (plan.trustedProxies === null) {
    const fate = isGuarded && pool === "bad" ? "denied" : "served";
    const shown = { source: from, destination: to, ...none };
    return { from, to, client: from, header: new Uint8Array(), manner: "never", fate, shown };
  }
  const header = drawHeader(random, random.oneIn(6) ? "bad" : "good", HEADER_PORT + id, false);
  const client = header.tells.source ?? from;
  const isBad = isBadClient(client);
  // The addresses of a datagram's way are its own; only the client is taken from a header.
  const shown = { source: client, destination: to, ...none };
  const manner = random.oneIn(6)
    ? random.oneIn(2) ? "never" : "broken"
    : faults && random.oneIn(3)
    ? "first"
    : "always";
  const isMissing = manner === "never" || manner === "broken";
  const isUntrusted = pool !== "proxy";
  const fate = isUntrusted
    ? "untrusted"
    : isMissing
    ? "header"
    : isGuarded && isBad
    ? "denied"
    : "served";
  const bytes = manner === "broken" ? drawBrokenHeader(random) : header.bytes;
  return { from, to, client, header: bytes, manner, fate, shown };
}

function isBadClient({ ip }: Address): boolean {
  return ip.startsWith("10.66.") || ip.startsWith("2001:db8:66:");
}

/** From where, and to which of a socket's addresses. `others` are those that came before. */
function drawEnds(
  random: Random,
  id: number,
  plan: ListenerPlan,
  place: DatagramPlace,
  others: readonly DatagramClient[],
): [from: Address, to: Address, pool: Pool] {
  const to = { ip: place.ips[random.below(place.ips.length)], port: place.port };
  const isTrusting = plan.trustedProxies !== null;
  const pool = isTrusting && !random.oneIn(8) ? "proxy" : random.oneIn(6) ? "bad" : "good";
  const drawn: Address = { ip: drawIp(random, familyOf(to), pool), port: CLIENT_PORT + id };
  const twin = others.at(-1);
  if (twin === undefined || !random.oneIn(3) || isTrusting) return [drawn, to, pool];
  // The same socket of a client, which speaks to another address of ours.
  const { from } = twin.opening;
  const isTaken = others.some(({ opening }) =>
    addressText(opening.from) === addressText(from) && addressText(opening.to) === addressText(to)
  );
  if (isTaken || familyOf(from) !== familyOf(to)) return [drawn, to, pool];
  return [from, to, isBadClient(from) ? "bad" : "good"];
}

export function drawDatagramClient(
  random: Random,
  id: number,
  plan: ListenerPlan,
  place: DatagramPlace,
  scene: DatagramScene,
  faults: boolean,
  others: readonly DatagramClient[],
): DatagramClient {
  const [from, to, pool] = drawEnds(random, id, plan, place, others);
  const opening = drawOpening(random, id, plan, from, to, pool, faults);
  const count = 1 + random.below(scene.requestsMax);
  const isBurst = random.oneIn(3);
  // In bulk all are of one size.
  const bulkBytes = random.oneIn(2) ? drawBytes(random, scene, opening.header.length) : 0;
  // A flood comes in waves, so that much of it is handled in one turn.
  const drawMs = () => {
    const atMs = random.below(scene.sendingMs);
    return scene.flood ? atMs - atMs % WAVE_MS : atMs;
  };
  const startMs = drawMs();
  const requests = Array.from({ length: count }, (_, i): Request => ({
    atMs: isBurst || i === 0 ? startMs : drawMs(),
    bytes: i > 0 && random.oneIn(12)
      ? 0
      : bulkBytes > 0 && !random.oneIn(8)
      ? bulkBytes
      : drawBytes(random, scene, opening.header.length),
  }));
  requests.sort((a, b) => a.atMs - b.atMs);
  return new DatagramClient(id, place, opening, requests);
}

/** Bytes of a request or an answer; nearly all when the scene is about many of them. */
export function drawBytes(random: Random, scene: DatagramScene, headerBytes: number): number {
  const { bytesMax, flood } = scene;
  const most = bytesMax - headerBytes;
  if (flood) return most - random.below(50);
  const room = most > 4096 && !random.oneIn(6) ? 2000 : most;
  return Math.max(PAYLOAD_BYTES_MIN, random.below(room));
}
