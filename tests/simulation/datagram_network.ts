/**
 * The UDP world around the worker: clients, servers, and a network between that loses, doubles,
 * delays and reorders what is on its way, as far as the scene says. It tells who sent to a closed
 * port, unless that is lost too.
 */
import { ECONNREFUSED, EHOSTUNREACH } from "../../src/base/errno.ts";
import { Random } from "../../src/base/random.ts";
import { type Address, addressText, isIpv4 } from "./address.ts";
import { type DatagramClient, drawDatagramClient, WAVE_MS } from "./datagram_client.ts";
import type { DatagramScene } from "./datagram_scene.ts";
import { DatagramServer } from "./datagram_server.ts";
import { type Datagram, DatagramSocket } from "./datagram_socket.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedClock } from "./simulated_clock.ts";

const EMSGSIZE = 90;
const LATE_MS_MAX = 400;
/** More may be too much for some hop on the way, which says so. */
const HOP_BYTES_MAX = 1200;
const FIRST_EPHEMERAL_PORT = 30_000;
/** Where flows' sockets send from, unless they are bound. */
const OWN_IPS = ["10.9.9.9", "2001:db8:9:9::9"];

interface Travelling {
  readonly atMs: number;
  readonly arrive: () => void;
}

export class DatagramNetwork {
  readonly clients: DatagramClient[] = [];
  readonly servers: DatagramServer[];
  readonly #scene: Scene;
  readonly #datagrams: DatagramScene;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  /** In the order in which they arrive. */
  readonly #travelling: Travelling[] = [];
  /** By address: sockets of the worker. */
  readonly #sockets = new Map<string, DatagramSocket>();
  readonly #serverAt = new Map<string, DatagramServer>();
  readonly #clientsAt = new Map<string, DatagramClient[]>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(scene: Scene, datagrams: DatagramScene, clock: SimulatedClock) {
    this.#scene = scene;
    this.#datagrams = datagrams;
    this.#clock = clock;
    const random = new Random(scene.seed ^ 0x0d97a);
    this.#random = random;
    const firstServer = scene.streams?.servers.length ?? 0;
    this.servers = datagrams.servers.map((place, i) => {
      const { proxyProtocol } = scene.plan.backends[place.backend];
      const manner = datagrams.manners[i];
      const own = new Random(random.next());
      const number = firstServer + i;
      const hasHeader = proxyProtocol !== null;
      return new DatagramServer(number, place, manner, hasHeader, datagrams, clock, own);
    });
    for (const server of this.servers) {
      this.#serverAt.set(addressText(server.place.address), server);
    }
    for (let id = 1; id <= datagrams.clients; id++) {
      const place = datagrams.places[random.below(datagrams.places.length)];
      const plan = scene.plan.listeners[place.listener];
      const client = drawDatagramClient(
        ...[random, id, plan, place, datagrams, scene.faults, this.clients] as const,
      );
      this.clients.push(client);
      const key = addressText(client.opening.from);
      this.#clientsAt.set(key, [...this.#clientsAt.get(key) ?? [], client]);
    }
  }

  get isFlood(): boolean {
    return this.#datagrams.flood;
  }

  /** Everything was sent, and nothing is on its way. */
  get isOver(): boolean {
    return this.#travelling.length === 0 && this.clients.every(({ isThrough }) => isThrough) &&
      this.servers.every(({ isSilent }) => isSilent);
  }

  step(): void {
    const { nowMs, elapsedMs } = this.#clock;
    for (const client of this.clients) {
      for (let due = client.nextDue(elapsedMs); due !== null; due = client.nextDue(elapsedMs)) {
        this.send(due);
      }
    }
    for (const server of this.servers) for (const due of server.takeDue()) this.send(due);
    while (this.#travelling.length > 0 && this.#travelling[0].atMs <= nowMs) {
      this.#travelling.shift()!.arrive();
    }
  }

  /** After the worker's end. */
  settle(): void {
    this.#travelling.length = 0;
  }

  // ---- On the way -------------------------------------------------------------------------

  send(datagram: Datagram): void {
    const { lossOneIn, doubleOneIn } = this.#datagrams;
    const random = this.#random;
    const hasFaults = this.#clock.hasFaults;
    if (hasFaults && random.oneIn(lossOneIn)) return;
    const copies = hasFaults && random.oneIn(doubleOneIn) ? 2 : 1;
    for (let i = 0; i < copies; i++) this.#travel(() => this.#arrive(datagram));
  }

  #travel(arrive: () => void): void {
    const random = this.#random;
    const isLate = this.#clock.hasFaults && random.oneIn(this.#datagrams.lateOneIn);
    const lateMs = random.below(LATE_MS_MAX);
    // In a flood what is late comes with another wave.
    const delayMs = isLate ? this.#datagrams.flood ? lateMs - lateMs % WAVE_MS : lateMs : 1;
    const atMs = this.#clock.nowMs + delayMs;
    let at = this.#travelling.length;
    while (at > 0 && this.#travelling[at - 1].atMs > atMs) at--;
    this.#travelling.splice(at, 0, { atMs, arrive });
  }

  #arrive(datagram: Datagram): void {
    const socket = this.#sockets.get(addressText(datagram.to));
    if (socket !== undefined) return this.#arriveAtSocket(socket, datagram);
    const server = this.#serverAt.get(addressText(datagram.to));
    if (server !== undefined) return this.#arriveAtServer(server, datagram);
    const clients = this.#clientsAt.get(addressText(datagram.to));
    // A socket of ours that was closed meanwhile.
    if (clients === undefined && datagram.to.port >= FIRST_EPHEMERAL_PORT) return;
    const isListener = this.#datagrams.places.some(({ port }) => port === datagram.to.port);
    if (clients === undefined && isListener) return;
    promise(clients !== undefined, `there is somebody at ${addressText(datagram.to)}`);
    const from = addressText(datagram.from);
    const client = clients.find(({ opening }) => addressText(opening.to) === from);
    promise(client !== undefined, `nobody at ${addressText(datagram.to)} spoke to ${from}`);
    client.receive(datagram);
  }

  #arriveAtSocket(socket: DatagramSocket, datagram: Datagram): void {
    const { remote, queue } = socket;
    const isStranger = remote !== null && addressText(remote) !== addressText(datagram.from);
    if (isStranger || queue.length >= this.#datagrams.socketDatagrams) return;
    queue.push(datagram);
  }

  #arriveAtServer(server: DatagramServer, datagram: Datagram): void {
    const isLarge = datagram.bytes.length > HOP_BYTES_MAX;
    if (isLarge && this.#clock.hasFaults && this.#random.oneIn(20)) {
      return this.#complain(datagram, EMSGSIZE);
    }
    if (server.isOpen) return server.receive(datagram, this.#responsesFor(datagram));
    this.#complain(datagram, this.#random.oneIn(5) ? EHOSTUNREACH : ECONNREFUSED);
  }

  /** Tells who sent a datagram that it did not arrive, if that is not lost too. */
  #complain({ from }: Datagram, errno: number): void {
    if (this.#clock.hasFaults && this.#random.oneIn(this.#datagrams.lossOneIn)) return;
    this.#travel(() => {
      const socket = this.#sockets.get(addressText(from));
      if (socket !== undefined) socket.error = errno;
    });
  }

  #responsesFor({ from }: Datagram): number {
    const client = this.#sockets.get(addressText(from))?.trail.client;
    return client ? this.#scene.plan.listeners[client.place.listener].udp!.responses : 0;
  }

  // ---- Sockets of the worker --------------------------------------------------------------

  /** A listener's socket is there for all its addresses. */
  bind(socket: DatagramSocket): void {
    const { ips, port } = socket.place!;
    for (const ip of ips) this.#sockets.set(addressText({ ip, port }), socket);
  }

  /** A socket of a flow gets an address and a peer. 0 or a negated errno. */
  connect(socket: DatagramSocket, remote: Address): number {
    const server = this.#serverAt.get(addressText(remote));
    promise(server !== undefined, `${addressText(remote)} is a server's`);
    if (server.manner === "unreachable") return -EHOSTUNREACH;
    const ip = socket.boundIp ?? OWN_IPS[isIpv4(remote.ip) ? 0 : 1];
    socket.local = { ip, port: this.#nextPort++ };
    socket.remote = remote;
    this.#sockets.set(addressText(socket.local), socket);
    return 0;
  }

  unbind(socket: DatagramSocket): void {
    for (const [key, each] of this.#sockets) if (each === socket) this.#sockets.delete(key);
  }
}
