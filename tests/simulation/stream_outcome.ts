/**
 * What TCP clients and servers have seen when all is over: who had to be refused was, who had to be
 * served was as far as nothing went wrong, servers were shown who their client is, and every byte
 * is the one that was sent.
 */
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset, type SharedShape } from "../../src/metrics/shared_state.ts";
import { clientNetwork } from "./address.ts";
import { CLIENT_PORT, type Fate, HEADER_PORT } from "./opening.ts";
import type { Peer } from "./peer.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import { expectHeader } from "./shown_header.ts";
import type { Arrival, Client, StreamNetwork } from "./stream_network.ts";

const ALERT_BYTES = 7;
/** handshake_failure */
const ALERT_OF_LATE = 40;

const FATE_COUNTERS: readonly (readonly [Fate, number])[] = [
  ["untrusted", metric.LISTENER_UNTRUSTED],
  ["header", metric.LISTENER_PROXY_HEADER_ERRORS],
  ["denied", metric.LISTENER_DENIED],
  ["hello", metric.LISTENER_CLIENT_HELLO_ERRORS],
  ["unrouted", metric.LISTENER_UNROUTED],
];

/** Reasons that are matters of time and number. */
const LIMIT_COUNTERS = [
  metric.LISTENER_CLIENT_LIMIT,
  metric.LISTENER_RATE_LIMITED,
  metric.LISTENER_CLIENT_RATE_LIMITED,
  metric.LISTENER_SHED,
];

/** Every reason for which a client that was accepted gets no server. */
const REFUSAL_COUNTERS = [
  ...LIMIT_COUNTERS,
  ...FATE_COUNTERS.map(([, counter]) => counter),
  metric.LISTENER_REFUSED,
];

export class StreamOutcome {
  readonly #scene: Scene;
  readonly #network: StreamNetwork;
  readonly #row: Float64Array;
  readonly #shape: SharedShape;
  readonly #elapsedMs: number;
  readonly #endedEarly: ReadonlyMap<string, number>;
  readonly #gone: number;

  /**
   * @param row the worker's counters; `endedEarly` by listener's name, what its log told.
   * @param gone clients that left while they waited for a place at a server.
   */
  constructor(
    scene: Scene,
    network: StreamNetwork,
    row: Float64Array,
    shape: SharedShape,
    elapsedMs: number,
    endedEarly: ReadonlyMap<string, number>,
    gone: number,
  ) {
    this.#scene = scene;
    this.#network = network;
    this.#row = row;
    this.#shape = shape;
    this.#elapsedMs = elapsedMs;
    this.#endedEarly = endedEarly;
    this.#gone = gone;
  }

  check(): void {
    this.#checkConservation();
    for (const arrival of this.#network.arrivals) this.#checkArrival(arrival);
    for (const client of this.#network.clients) this.#checkClient(client);
    this.#scene.streams!.listeners.forEach((_, listener) => {
      this.#checkRates(listener);
      this.#checkEarlyEnds(listener);
      if (this.#isUndisturbed) this.#checkRefusals(listener);
    });
  }

  get #wasCut(): boolean {
    return this.#row[metric.TUNNELS_CUT] > 0;
  }

  get #timedOut(): boolean {
    return this.#row[metric.IDLE_TIMEOUTS] + this.#row[metric.HALF_CLOSE_TIMEOUTS] > 0;
  }

  /** Nothing has happened that clients need not have expected. */
  get #isUndisturbed(): boolean {
    return !this.#scene.faults && !this.#wasCut && !this.#timedOut;
  }

  /** Everybody who was accepted was connected to a server, or refused for a reason, or has gone. */
  #checkConservation(): void {
    const { plan, streams } = this.#scene;
    const row = this.#row;
    let accepted = 0;
    let refused = 0;
    for (const [i, { udp }] of plan.listeners.entries()) {
      if (udp !== null) continue;
      const at = listenerOffset(i);
      accepted += row[at + metric.LISTENER_CONNECTIONS];
      for (const counter of REFUSAL_COUNTERS) refused += row[at + counter];
    }
    const served = streams!.servers.reduce(
      (sum, _, i) => sum + row[serverOffset(this.#shape, i) + metric.SERVER_CONNECTIONS],
      0,
    );
    const left = accepted - served - refused - this.#gone;
    promise(
      Math.abs(left) <= row[metric.TUNNELS_CUT],
      `${accepted} clients are ${served} served, ${refused} refused and ${this.#gone} gone`,
    );
  }

  /** A connection at a server is that of a client who was let in, and to whom it may go. */
  #checkArrival({ peer, place, from }: Arrival): void {
    const { reader } = peer;
    const backend = this.#scene.plan.backends[place.backend];
    const port = reader.header?.source?.port ?? -1;
    const named = port < 0 ? -1 : port - (port < HEADER_PORT ? CLIENT_PORT : HEADER_PORT);
    const id = reader.partner >= 0 ? reader.partner : named;
    if (id < 0) return;
    const client = this.#network.findClient(id);
    promise(client !== undefined, `${id} is the number of a client`);
    const { opening } = client;
    promise(opening.fate === "served", `client ${id} is refused, not served: ${opening.fate}`);
    promise(opening.backend === place.backend, `client ${id} goes to the backend of its route`);
    const isOfSubset = backend.subsets[opening.subset].includes(place.index);
    promise(isOfSubset, `client ${id} goes to a server of its subset`);
    if (reader.version !== null && reader.header !== null) {
      expectHeader(reader.header, opening.shown, reader.version);
    }
    const bound = backend.isTransparent ? opening.client?.ip ?? from : null;
    promise(from === bound, `the server of client ${id} sees ${from} instead of ${bound}`);
  }

  /** What a client has seen is what its server did, or a visible error. */
  #checkClient(client: Client): void {
    const { peer, opening } = client;
    const { reader, id } = peer;
    promise(peer.isDone || this.#wasCut, `client ${id} has come to an end`);
    const server = this.#network.arrivals.find((each) => each.peer.id === reader.partner)?.peer;
    if (server === undefined) {
      const heard = reader.received;
      promise(heard < 4 || reader.alert.length > 0, `client ${id} knows who its server is`);
      this.#checkRefused(client);
      return;
    }
    promise(opening.fate === "served", `client ${id} had to be refused: ${opening.fate}`);
    const mutual = server.reader.partner === -1 || server.reader.partner === id;
    promise(mutual, `server ${server.id} and client ${id} are each other's partner`);
    this.#checkDirection(server, peer);
    this.#checkDirection(peer, server);
    const harmed = [peer, server].some((each) =>
      each.hasReset || each.hasVanished || each.end.isOrdered
    );
    if (harmed || this.#wasCut || this.#timedOut) return;
    promise(peer.sawEnd && server.sawEnd, `clients and servers that end well see it`);
    promise(reader.received === server.passed, `client ${id} has everything`);
    promise(server.reader.received === peer.passed, `server ${server.id} has everything`);
  }

  #checkDirection(from: Peer, to: Peer): void {
    const { received } = to.reader;
    promise(received <= from.passed, `${to.id} has no more than ${from.id} sent`);
    if (!to.sawEnd || this.#wasCut || this.#timedOut || to.end.isOrdered) return;
    promise(from.hasEnded, `the end that ${to.id} saw is one that ${from.id} made`);
    promise(received === from.passed, `${to.id} has every byte that came before the end`);
  }

  #checkRefused({ peer, opening, place, isAccepted }: Client): void {
    const { id, reader } = peer;
    const { alert } = reader;
    const plan = this.#scene.plan.listeners[place.listener];
    promise(alert.length === 0 || plan.protocol === "tls", `client ${id} did not speak TLS`);
    const isWhole = alert.length === ALERT_BYTES;
    if (isWhole) {
      // Who is slow is told so, whatever else would have been wrong.
      const isLate = alert[6] === ALERT_OF_LATE && this.#scene.faults;
      const isRight = alert[6] === opening.alert || isLate;
      promise(isRight, `client ${id} gets alert ${opening.alert}, not ${alert[6]}`);
    }
    if (!isAccepted || !this.#isUndisturbed) return;
    if (opening.fate === "served") {
      // That there was a reason is seen when it is refused (choice_witness.ts).
      const refused = this.#row[listenerOffset(place.listener) + metric.LISTENER_REFUSED];
      const hadNoPlace = this.#scene.balanced && refused > 0;
      promise(hadNoPlace || !this.#isUnlimited(place.listener), `client ${id} is served`);
    }
    const isDue = opening.alert > 0 && opening.isAlertSure && this.#isUnlimited(place.listener);
    if (!isDue) return;
    promise(isWhole, `client ${id} gets an alert, not ${alert}`);
    promise(peer.sawEnd && !peer.sawReset, `client ${id} sees an end behind its alert`);
  }

  /** No limit has a say at this listener. */
  #isUnlimited(listener: number): boolean {
    const at = listenerOffset(listener);
    return LIMIT_COUNTERS.every((counter) => this.#row[at + counter] === 0);
  }

  /** Where nothing goes wrong each refusal is counted by its reason. */
  #checkRefusals(listener: number): void {
    const accepted = this.#network.clients.filter((client) =>
      client.isAccepted && client.place.listener === listener
    );
    for (const [fate, counter] of FATE_COUNTERS) {
      const due = accepted.filter(({ opening }) => opening.fate === fate).length;
      const counted = this.#row[listenerOffset(listener) + counter];
      const isExact = this.#isUnlimited(listener) || fate === "untrusted" || fate === "header";
      const isRight = isExact ? counted === due : counted <= due;
      promise(isRight, `${due} clients are refused (${fate}), counted are ${counted}`);
    }
  }

  /** Who ends a stream behind a whole opening has not ended in the middle of it. */
  #checkEarlyEnds(listener: number): void {
    const accepted = this.#network.clients.filter((client) =>
      client.isAccepted && client.place.listener === listener
    );
    const mayBe = accepted.filter(({ opening, peer }) => opening.endsEarly || peer.hasReset);
    const { name } = this.#scene.plan.listeners[listener];
    const told = this.#endedEarly.get(name) ?? 0;
    promise(told <= mayBe.length, `${told} clients of ${name} ended early, not ${mayBe.length}`);
  }

  /** No more are served than the rates let through. */
  #checkRates(listener: number): void {
    const { connectionRate, connectionRatePerIp } = this.#scene.plan.listeners[listener];
    const seconds = this.#elapsedMs / 1000;
    const served = new Map<string, number>();
    for (const { reader } of this.#network.arrivals.map(({ peer }) => peer)) {
      const client = this.#network.findClient(reader.partner);
      if (client === undefined || client.place.listener !== listener) continue;
      const { client: who } = client.opening;
      for (const key of who === null ? ["all"] : ["all", clientNetwork(who.ip)]) {
        served.set(key, (served.get(key) ?? 0) + 1);
      }
    }
    for (const [key, count] of served) {
      const rate = key === "all" ? connectionRate : connectionRatePerIp;
      if (rate === null) continue;
      const most = rate.burst + rate.perSecond * seconds + 1;
      promise(count <= most, `${count} connections of ${key} are no more than ${most}`);
    }
  }
}
