/**
 * What became of all datagrams when everything is over: the counters add up to what passed the
 * kernel, and where nothing goes wrong and nothing is limited every request was answered.
 */
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset, type SharedShape } from "../../src/metrics/shared_state.ts";
import type { ListenerPlan } from "../../src/upstream/plan.ts";
import type { DatagramLedger } from "./datagram_ledger.ts";
import type { DatagramNetwork } from "./datagram_network.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";

export class DatagramOutcome {
  readonly #scene: Scene;
  readonly #network: DatagramNetwork;
  readonly #ledger: DatagramLedger;
  readonly #row: Float64Array;
  readonly #shape: SharedShape;
  readonly #elapsedMs: number;

  /** @param row the worker's counters. */
  constructor(
    scene: Scene,
    network: DatagramNetwork,
    ledger: DatagramLedger,
    row: Float64Array,
    shape: SharedShape,
    elapsedMs: number,
  ) {
    this.#scene = scene;
    this.#network = network;
    this.#ledger = ledger;
    this.#row = row;
    this.#shape = shape;
    this.#elapsedMs = elapsedMs;
  }

  check(): void {
    this.#checkConservation();
    this.#scene.plan.listeners.forEach((plan, listener) => {
      if (plan.udp === null) return;
      this.#checkRate(plan, listener);
      if (this.#isUndisturbed(plan)) this.#checkAnswers(plan, listener);
    });
  }

  #ofListener(listener: number, counter: number): number {
    return this.#row[listenerOffset(listener) + counter];
  }

  /** Summed over the UDP listeners. */
  #ofListeners(counter: number): number {
    return this.#scene.plan.listeners.reduce(
      (sum, { udp }, i) => sum + (udp === null ? 0 : this.#ofListener(i, counter)),
      0,
    );
  }

  /** Summed over the servers of datagrams. */
  #ofServers(counter: number): number {
    return this.#network.servers.reduce(
      (sum, { number }) => sum + this.#row[serverOffset(this.#shape, number) + counter],
      0,
    );
  }

  #checkConservation(): void {
    const ledger = this.#ledger;
    this.#scene.plan.listeners.forEach(({ udp, name }, i) => {
      if (udp === null) return;
      const received = this.#ofListener(i, metric.LISTENER_DATAGRAMS_RECEIVED);
      const replied = this.#ofListener(i, metric.LISTENER_DATAGRAMS_SENT);
      promise(received === ledger.handedCount[i], `${name} counts what it received: ${received}`);
      const withheld = replied - ledger.repliedCount[i];
      promise(
        withheld >= 0 && withheld <= ledger.withheldReplies,
        `${name} counts what it sent: ${replied}`,
      );
    });
    const received = this.#ofListeners(metric.LISTENER_DATAGRAMS_RECEIVED);
    const replied = this.#ofListeners(metric.LISTENER_DATAGRAMS_SENT);
    const dropped = this.#ofListeners(metric.LISTENER_DATAGRAMS_DROPPED);
    const forwarded = this.#ofServers(metric.SERVER_DATAGRAMS_SENT);
    const answered = this.#ofServers(metric.SERVER_DATAGRAMS_RECEIVED);
    const retried = this.#ofServers(metric.SERVER_RETRIES);
    const withheld = forwarded - ledger.forwardedCount;
    // Of a burst that did not leave, none may have left where its flow has ended meanwhile.
    promise(
      withheld >= 0 && withheld <= ledger.withheldCount,
      `forwarded datagrams are counted: ${forwarded}, not ${ledger.forwardedCount}`,
    );
    // What comes for a flow that has ended is nobody's.
    promise(answered <= ledger.answeredCount, `answers are counted once: ${answered}`);
    promise(retried >= ledger.resendCount, `what goes again is counted: ${retried}`);
    const notForwarded = received + retried - forwarded;
    const notReplied = answered - replied;
    promise(notForwarded >= 0 && notReplied >= 0, "what was not passed on was dropped");
    const failed = dropped - notForwarded - notReplied;
    promise(
      failed >= 0 && failed <= ledger.failedCount + ledger.withheldCount + ledger.withheldReplies,
      `received are ${received}, forwarded ${forwarded} with ${retried} retries, ` +
        `answered ${answered}, replied ${replied}, failed ${ledger.failedCount}: ` +
        `that makes no ${dropped} dropped`,
    );
  }

  /** Flows are opened no faster than the rate says; one that moves on was let in before. */
  #checkRate({ connectionRate, name }: ListenerPlan, listener: number): void {
    if (connectionRate === null) return;
    const opened = this.#ofListener(listener, metric.LISTENER_CONNECTIONS);
    const moved = this.#ofServers(metric.SERVER_RETRIES);
    const { perSecond, burst } = connectionRate;
    const most = burst + perSecond * this.#elapsedMs / 1000 + 1 + moved;
    promise(opened <= most, `${name} opens no more than ${most} flows: ${opened}`);
  }

  /** Nothing goes wrong, nothing is limited, nobody gives way. */
  #isUndisturbed(plan: ListenerPlan): boolean {
    const { faults, drainAtMs, capacity, plan: { connectionsMax, backends } } = this.#scene;
    const clients = this.#network.clients.length;
    const { servers, connectionsMax: most } = backends[plan.backend];
    const hasPlaces = most === 0 && servers.every((server) => server.connectionsMax === 0);
    return !faults && hasPlaces && drainAtMs === Infinity && capacity.flows >= clients * 2 &&
      plan.udp!.flowsMax >= clients && connectionsMax + plan.connectionsMax === 0 &&
      plan.connectionsPerIpMax === 0 && plan.connectionRate === null &&
      plan.connectionRatePerIp === null;
  }

  #checkAnswers({ udp, name }: ListenerPlan, listener: number): void {
    const clients = this.#network.clients.filter(({ place }) => place.listener === listener);
    const { responses } = udp!;
    let refused = 0;
    for (const { id, opening, answers, requests } of clients) {
      if (opening.fate !== "served") {
        refused += requests.length;
        promise(answers.every((count) => count === 0), `client ${id} is not answered`);
        continue;
      }
      answers.forEach((count, request) => {
        if (requests[request].bytes === 0) return;
        const due = responses > 0 ? responses : 1 + request % 2;
        promise(count === due, `request ${request} of client ${id} has ${count} of ${due} answers`);
      });
    }
    const dropped = this.#ofListener(listener, metric.LISTENER_DATAGRAMS_DROPPED);
    promise(dropped === refused, `${name} drops what is refused: ${dropped} of ${refused}`);
    const evicted = this.#ofListener(listener, metric.LISTENER_FLOWS_EVICTED);
    promise(evicted === 0, `${name} has room for all: ${evicted} were evicted`);
  }
}
