/**
 * The rules that hold where datagrams enter and leave the worker, kept as accounts by the simulated
 * kernel: nothing leaves that has not come, unmodified, in the order of its flow, once; to a server
 * of the listener's backend, with one header in front where one is due; answers to whom they were
 * meant for, from the address that was spoken to, and no more of them than are allowed.
 *
 * The one exception is the rule's as well: the last datagram of a flow whose server's port was
 * closed may go to another server once more.
 */
import { IP_WORDS } from "../../src/net/ip_words.ts";
import type { Plan } from "../../src/upstream/plan.ts";
import { type Address, addressText, ipOfWords } from "./address.ts";
import type { DatagramClient } from "./datagram_client.ts";
import type { DatagramNetwork } from "./datagram_network.ts";
import { type Payload, readPayload } from "./datagram_payload.ts";
import type { DatagramPlace } from "./datagram_scene.ts";
import type { DatagramServer } from "./datagram_server.ts";
import type { Datagram, DatagramSocket } from "./datagram_socket.ts";
import type { FlowTrail, HandedReply } from "./flow_trail.ts";
import { promise } from "./promise.ts";
import { expectHeader, readShownHeader } from "./shown_header.ts";

const EMSGSIZE = 90;

/** A send towards a server. */
export interface Departure {
  readonly socket: DatagramSocket;
  readonly prefix: Uint8Array;
  readonly isBurst: boolean;
  /** The worker had seen what came before this when it asked for the send. */
  readonly asked: number;
  readonly turn: number;
}

/** A send towards a client; `from` is what it says it comes from. */
export interface Return {
  readonly place: DatagramPlace;
  readonly to: Address;
  readonly from: Address;
  readonly asked: number;
  readonly turn: number;
}

/** After so many turns it has been told, and each was sent by itself. */
const WITHHELD_TURNS_MAX = 3;

export class DatagramLedger {
  /** By listener: handed to the worker, and asked to be sent to clients. */
  readonly handedCount: number[];
  readonly repliedCount: number[];
  /** Asked to be sent to servers, and answers of servers handed to the worker. */
  forwardedCount = 0;
  answeredCount = 0;
  resendCount = 0;
  /** Sends that the worker was told have failed. */
  failedCount = 0;
  /** Of bursts that did not leave as one: each is to be sent by itself. */
  withheldCount = 0;
  withheldReplies = 0;
  readonly #plan: Plan;
  readonly #network: DatagramNetwork;
  /** By client and request: the trail of the flow that it left through last. */
  readonly #leftThrough = new Map<string, FlowTrail>();
  /** Counts datagrams in the order in which the worker has seen them. */
  nextOrder = 0;
  /** Flows of which datagrams are due to leave by themselves. */
  readonly #owing = new Set<FlowTrail>();
  /** Empty answers in flows that began with an empty datagram, so that their client is unknown. */
  #unknownEmptyReplies = 0;
  #unknownFlows = 0;

  constructor(plan: Plan, network: DatagramNetwork) {
    this.#plan = plan;
    this.#network = network;
    this.handedCount = plan.listeners.map(() => 0);
    this.repliedCount = plan.listeners.map(() => 0);
  }

  /** Datagrams that were handed to the worker. */
  get passedCount(): number {
    return this.handedCount.reduce((sum, count) => sum + count, this.answeredCount);
  }

  // ---- In ---------------------------------------------------------------------------------

  /** A client's datagram is handed to the worker. */
  handRequest(datagram: Datagram): void {
    const client = datagram.client!;
    this.handedCount[client.place.listener]++;
    if (datagram.request < 0) client.emptiesHanded++;
    else {
      const { request } = datagram;
      client.handed.push({ request, order: this.nextOrder++, isSpent: false });
    }
  }

  /** A server's datagram is handed to the worker. */
  handReply(socket: DatagramSocket, { bytes }: Datagram): void {
    this.answeredCount++;
    socket.trail.answeredCount++;
    socket.trail.isUnanswered = false;
    const { client, replies } = socket.trail;
    if (bytes.length === 0) {
      if (client === null) this.#unknownEmptyReplies++;
      else client.emptyRepliesHanded++;
    } else {
      promise(client !== null, "who is answered has asked");
      const { request, answer, server } = readPayload(bytes);
      const order = this.nextOrder++;
      replies.push({ request, answer, server, order, isSpent: false });
    }
  }

  // ---- To servers -------------------------------------------------------------------------

  /** A datagram leaves towards a server, or would have; by itself or as one of a burst. */
  forward(departure: Departure, bytes: Uint8Array, failed: boolean): void {
    this.forwardedCount++;
    if (failed) this.failedCount++;
    const { trail } = departure.socket;
    if (bytes.length > 0) this.#forwardRequest(departure, bytes);
    else this.#forwardEmpty(trail);
    trail.sentCount++;
    trail.isUnanswered = true;
    this.#checkPrefix(departure, failed);
  }

  #forwardEmpty({ client, sentCount }: FlowTrail): void {
    if (client === null) {
      if (sentCount === 0) this.#unknownFlows++;
      return;
    }
    client.emptiesLeft++;
    promise(client.emptiesLeft <= client.emptiesHanded, "no datagram is made up");
  }

  #forwardRequest({ socket, asked, isBurst }: Departure, bytes: Uint8Array): void {
    const { trail } = socket;
    const payload = readPayload(bytes);
    promise(payload.answer === 0, "what goes to servers is a request");
    const client = this.#network.clients[payload.client - 1];
    promise(trail.client === null || trail.client === client, "a flow is of one client");
    if (trail.client === null) this.#begin(socket, client);
    const { request } = payload;
    const key = requestKey(payload);
    const open = client.handed.filter((each) =>
      !each.isSpent && each.request === request && each.order < asked
    );
    if (!trail.requests.spend(key, open)) {
      this.#checkResend(socket, client, request, this.#leftThrough.get(key));
    }
    // Of a burst nothing is kept to go again.
    if (!trail.requests.settle(key)) trail.lastRequest = isBurst ? -1 : request;
    this.#leftThrough.set(key, trail);
  }

  /** It was in a burst that its path did not take: nothing has left, and its turn is over. */
  withholdRequest({ socket, turn }: Departure, bytes: Uint8Array): void {
    this.withheldCount++;
    socket.trail.requests.withhold(requestKey(readPayload(bytes)), turn);
    this.#owing.add(socket.trail);
  }

  /** A flow shows whose it is: may this client come in, and is the server one of its backend? */
  #begin(socket: DatagramSocket, client: DatagramClient): void {
    const { opening, place } = client;
    socket.trail.client = client;
    socket.trail.remote = addressText(socket.remote!);
    client.trails.push(socket.trail);
    promise(opening.fate === "served", `client ${client.id} is refused: ${opening.fate}`);
    const { backend, subset } = this.#plan.listeners[place.listener];
    const { isTransparent, subsets } = this.#plan.backends[backend];
    const server = this.#serverOf(socket).place;
    promise(server.backend === backend, "a flow goes to a server of its listener's backend");
    promise(subsets[subset].includes(server.index), "a flow goes to a server of its subset");
    const bound = isTransparent ? opening.client.ip : null;
    promise(socket.boundIp === bound, `a flow is bound to ${bound}, not to ${socket.boundIp}`);
  }

  /** What leaves without having come again is the last datagram of a flow that was refused. */
  #checkResend(
    socket: DatagramSocket,
    client: DatagramClient,
    request: number,
    before: FlowTrail | undefined,
  ): void {
    const what = `datagram ${request} of client ${client.id}`;
    promise(before !== undefined, `${what} was handed in before it leaves`);
    promise(socket.trail !== before, `${what} leaves once through its flow, and in its order`);
    promise(before.isRefused, `${what} leaves again only after its server's port was closed`);
    promise(before.remote !== socket.trail.remote, `${what} goes to another server`);
    promise(before.isUnanswered, `${what} was not answered`);
    promise(before.lastRequest === request, `${what} is the last of its flow, which goes again`);
    promise(socket.trail.sentCount === 0, `${what} goes again as the first of another flow`);
    const mayRepeat = !before.isSecondTry || before.answeredCount > 0;
    promise(mayRepeat, `${what} goes once more, not again and again`);
    before.lastRequest = -1;
    socket.trail.isSecondTry = true;
    client.resends++;
    this.resendCount++;
  }

  /** One header, in front of the first datagram that leaves, where the server wants one. */
  #checkPrefix({ socket, prefix, turn }: Departure, failed: boolean): void {
    const { trail } = socket;
    const { backend } = this.#serverOf(socket).place;
    const isDue = this.#plan.backends[backend].proxyProtocol !== null;
    if (prefix.length === 0) {
      // What was asked for before the failure was told has no other header, nor has a burst that
      // then goes one by one.
      const isLost = turn <= trail.headerLostTurn + 2;
      promise(!isDue || trail.header !== null || failed || isLost, "a flow begins with a header");
    } else {
      promise(isDue, "only servers that want a header get one");
      promise(trail.header === null, "a flow has one header, in front of its first datagram");
      const read = readShownHeader("v2", prefix, false);
      promise(read !== null && read.bytes === prefix.length, "a header is whole, and alone");
      if (failed) trail.headerLostTurn = turn;
      else trail.header = read.header;
    }
    const { header, client } = trail;
    if (header !== null && client !== null) expectHeader(header, client.opening.shown, "v2");
  }

  #serverOf({ remote }: DatagramSocket): DatagramServer {
    const at = addressText(remote!);
    return this.#network.servers.find(({ place }) => addressText(place.address) === at)!;
  }

  /** The worker hears what became of a datagram: its server's port is closed, for one. */
  complain({ trail }: DatagramSocket, errno: number): void {
    if (errno === EMSGSIZE) this.failedCount++;
    else trail.isRefused = true;
  }

  /** What did not leave as a burst has left by itself soon, unless its flow has ended. */
  checkWithheld(turn: number): void {
    for (const trail of this.#owing) {
      const since = Math.min(trail.requests.dueSince, trail.answers.dueSince);
      if (since === Infinity || trail.isClosed) this.#owing.delete(trail);
      else promise(turn - since <= WITHHELD_TURNS_MAX, "no datagram of a burst is lost with it");
    }
  }

  // ---- To clients -------------------------------------------------------------------------

  /** A datagram leaves towards a client, or would have. */
  reply({ place, to, from, asked }: Return, bytes: Uint8Array, failed: boolean): void {
    this.repliedCount[place.listener]++;
    if (failed) this.failedCount++;
    const client = this.clientAt(to, from);
    if (bytes.length === 0) {
      client.emptyRepliesLeft++;
      const handed = client.emptyRepliesHanded + this.#unknownEmptyReplies;
      promise(client.emptyRepliesLeft <= handed, "no answer is made up");
    } else this.#checkReply(client, bytes, asked);
    client.repliesLeft++;
    const { responses } = this.#plan.listeners[place.listener].udp!;
    // One that goes again counts again; of empty ones nobody knows that they do.
    const known = client.handed.length + client.emptiesHanded + client.resends;
    const requests = known + this.#unknownFlows;
    promise(
      responses === 0 || client.repliesLeft <= requests * responses,
      `client ${client.id} gets ${responses} answers to a request, no more`,
    );
  }

  clientAt(to: Address, from: Address): DatagramClient {
    const [toText, fromText] = [addressText(to), addressText(from)];
    const client = this.#network.clients.find(({ opening }) =>
      addressText(opening.from) === toText && addressText(opening.to) === fromText
    );
    promise(client !== undefined, `somebody at ${toText} spoke to ${fromText}`);
    return client;
  }

  withholdReply({ to, from, turn }: Return, bytes: Uint8Array): void {
    this.withheldReplies++;
    const payload = readPayload(bytes);
    for (const trail of this.clientAt(to, from).trails) {
      if (!trail.replies.some((each) => !each.isSpent && isSame(each, payload))) continue;
      trail.answers.withhold(answerKey(payload), turn);
      this.#owing.add(trail);
      return;
    }
    promise(false, "a burst is of answers that were handed in");
  }

  #checkReply(client: DatagramClient, bytes: Uint8Array, asked: number): void {
    const payload = readPayload(bytes);
    promise(payload.client === client.id, "an answer goes to who asked");
    promise(payload.answer > 0, "what goes to clients is an answer");
    for (const trail of client.trails) {
      const open = trail.replies.filter((each) =>
        !each.isSpent && isSame(each, payload) && each.order < asked
      );
      if (!trail.answers.spend(answerKey(payload), open)) continue;
      trail.answers.settle(answerKey(payload));
      return;
    }
    promise(false, `answer ${payload.answer} to ${payload.request} leaves once, in its order`);
  }
}

function requestKey({ client, request }: Payload): string {
  return `${client} ${request}`;
}

function answerKey({ request, answer, server }: Payload): string {
  return `${request} ${answer} ${server}`;
}

function isSame(reply: HandedReply, payload: Payload): boolean {
  return reply.request === payload.request && reply.answer === payload.answer &&
    reply.server === payload.server;
}

/** An address as the worker hands it over. */
export function addressAt(words: Int32Array, at: number, port: number): Address {
  promise(at >= 0 && at + IP_WORDS <= words.length, "an address has four words");
  return { ip: ipOfWords(words, at), port };
}
