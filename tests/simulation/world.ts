/**
 * Everything around the worker: the clock, the TCP peers and the UDP ones, as far as a scene has
 * them.
 */
import { DatagramNetwork } from "./datagram_network.ts";
import type { Scene } from "./scene.ts";
import { SimulatedClock } from "./simulated_clock.ts";
import { StreamNetwork } from "./stream_network.ts";

export class World {
  readonly clock: SimulatedClock;
  readonly streams: StreamNetwork | null;
  readonly datagrams: DatagramNetwork | null;

  constructor(scene: Scene) {
    const { streams, datagrams } = scene;
    this.clock = new SimulatedClock(scene.calmAtMs, scene.faults);
    this.streams = streams === null ? null : new StreamNetwork(scene, streams, this.clock);
    this.datagrams = datagrams === null ? null : new DatagramNetwork(scene, datagrams, this.clock);
  }

  /** Everybody has come, and is through. */
  get isOver(): boolean {
    return (this.streams?.isOver ?? true) && (this.datagrams?.isOver ?? true);
  }

  step(): void {
    this.streams?.step();
    this.datagrams?.step();
  }

  /** After the worker's end: peers see what is left for them to see. */
  settle(): void {
    this.clock.becomeCalm();
    this.streams?.settle();
    this.datagrams?.settle();
  }
}
