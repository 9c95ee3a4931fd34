/**
 * How a simulated TCP client begins: from where it connects, the PROXY header and the ClientHello
 * that it sends before its stream, whole or not, right or wrong; and what has to become of it by
 * the configuration, decided here by the way it was drawn and not by the code under test.
 */
import type { Random } from "../../src/base/random.ts";
import { AF_UNIX } from "../../src/net/socket_address.ts";
import { bytesOf } from "../../src/proxy_protocol/test_headers.ts";
import {
  alpn,
  extension,
  makeMessage,
  serverName,
  toRecords,
} from "../../src/proxy/tls/test_hello.ts";
import type { ListenerPlan } from "../../src/upstream/plan.ts";
import { type Address, drawIp, type Pool } from "./address.ts";
import { drawBrokenHeader, drawHeader, type IncomingHeader } from "./incoming_header.ts";
import type { ShownHeader } from "./shown_header.ts";

/** Where clients connect to. */
export interface ListeningPlace {
  readonly fd: number;
  readonly listener: number;
  readonly family: number;
  /** null: a unix socket. */
  readonly address: Address | null;
}

/** What becomes of a client as far as that is no chance; limits may refuse it besides. */
export type Fate = "served" | "untrusted" | "header" | "denied" | "hello" | "unrouted";

export interface Opening {
  /** Who connects; null over a unix socket. */
  readonly from: Address | null;
  /** Whom limits and servers take it for. */
  readonly client: Address | null;
  readonly bytes: Uint8Array;
  /** The first of them are for the proxy alone. */
  readonly headerBytes: number;
  /** So many of them are sent at all. */
  readonly sentBytes: number;
  /** Whether a stream follows, or else an end. With neither it says nothing more. */
  readonly goesOn: boolean;
  readonly endsEarly: boolean;
  readonly fate: Fate;
  /** The TLS alert that is due; 0 none. */
  readonly alert: number;
  /** It cannot get lost: nothing is sent that could meet a closed socket. */
  readonly isAlertSure: boolean;
  /** Is sent at once. */
  readonly inOnePiece: boolean;
  /** Whose servers may see it, and which of them. */
  readonly backend: number;
  readonly subset: number;
  readonly shown: ShownHeader;
}

/** Where the number of a client stands in its hello: in its random bytes. */
export const HELLO_ID_OFFSET = 11;
/** And what a hello begins with. */
export const HELLO_START = [22, 3];

/** By its port a client is known: the one it connects from, and the one its header names. */
export const CLIENT_PORT = 20_000;
export const HEADER_PORT = 40_000;

const EXTENSION_PADDING = 21;
const UNEXPECTED_MESSAGE = 10;
const ILLEGAL_PARAMETER = 47;
const DECODE_ERROR = 50;
const PROTOCOL_VERSION = 70;
const HANDSHAKE_FAILURE = 40;
const UNRECOGNIZED_NAME = 112;
const NO_APPLICATION_PROTOCOL = 120;

interface Wish {
  readonly sni: string;
  readonly alpn: readonly string[];
  /** Index of the route that it meets; -1: the default. */
  readonly route: number;
  readonly mismatch: number;
}

/** What the routes of stream_scene.ts make of each. */
const WISHES: readonly Wish[] = [
  { sni: "a.test", alpn: [], route: 0, mismatch: 0 },
  { sni: "A.Test", alpn: ["http/1.1"], route: 0, mismatch: 0 },
  { sni: "x.b.test", alpn: ["http/1.1", "h2"], route: 1, mismatch: 0 },
  { sni: "x.b.test", alpn: ["http/1.1"], route: -1, mismatch: NO_APPLICATION_PROTOCOL },
  { sni: "b.test", alpn: ["h2"], route: -1, mismatch: UNRECOGNIZED_NAME },
  { sni: "", alpn: [], route: -1, mismatch: UNRECOGNIZED_NAME },
];

export function drawOpening(
  random: Random,
  id: number,
  plan: ListenerPlan,
  place: ListeningPlace,
): Opening {
  const takesHeader = plan.trustedProxies !== null;
  const isUnix = place.family === AF_UNIX;
  const pool: Pool = random.oneIn(6) ? "bad" : "good";
  const isUntrusted = takesHeader && !isUnix && random.oneIn(8);
  const connectsFrom = takesHeader && !isUntrusted ? "proxy" : pool;
  const port = CLIENT_PORT + id;
  const from = isUnix ? null : { ip: drawIp(random, place.family, connectsFrom), port };
  const header = takesHeader ? drawHeader(random, pool, HEADER_PORT + id, true) : null;
  const client = header?.tells.source ?? from;
  const isBad = client !== null && pool === "bad" &&
    (header === null || header.tells.source !== null);
  const manner = { endsEarly: false, goesOn: true, inOnePiece: random.oneIn(3) };
  const { backend: ofListener, subset } = plan;
  const target = { backend: ofListener, subset };
  const base = { from, client, ...manner, alert: 0, isAlertSure: true, ...target };

  const isGuarded = plan.allow.length + plan.deny.length > 0;
  const wish = plan.protocol === "tls" ? WISHES[random.below(WISHES.length)] : null;
  const hello = wish === null ? new Uint8Array() : makeWishedHello(random, id, wish);
  const whole = join(header?.bytes, hello);
  const headerBytes = header?.bytes.length ?? 0;
  const sent = { bytes: whole, headerBytes, sentBytes: whole.length };
  const shown = shownBy(header, client, place, wish);
  if (isUntrusted) return { ...base, ...sent, fate: "untrusted", shown };
  if (takesHeader && random.oneIn(6)) {
    return { ...base, ...spoilHeader(random, header!.bytes), fate: "header", shown };
  }
  if (isBad && isGuarded) return { ...base, ...sent, fate: "denied", shown };
  if (wish === null) return { ...base, ...sent, fate: "served", shown };
  if (random.oneIn(6)) {
    const bad = spoilHello(random, headerBytes, whole, base.inOnePiece);
    return { ...base, ...bad, headerBytes, fate: "hello", shown };
  }
  const route = wish.route < 0 ? null : plan.routes[wish.route];
  if (route !== null && isBad && route.deny.length > 0) {
    return { ...base, ...sent, fate: "denied", shown };
  }
  const backend = route === null ? plan.backend : route.backend;
  const chosen = { backend, subset: route === null ? subset : route.subset };
  if (backend >= 0) return { ...base, ...sent, ...chosen, fate: "served", shown };
  // Who goes on sending is reset, and an alert may get lost by that.
  const goesOn = random.oneIn(3);
  const told = { alert: wish.mismatch, isAlertSure: !goesOn };
  return { ...base, ...sent, ...chosen, fate: "unrouted", goesOn, ...told, shown };
}

function shownBy(
  header: IncomingHeader | null,
  client: Address | null,
  place: ListeningPlace,
  wish: Wish | null,
): ShownHeader {
  const told = header?.tells;
  const destination = told?.destination ?? place.address;
  const isKnown = client !== null && destination !== null;
  return {
    source: isKnown ? client : null,
    destination: isKnown ? destination : null,
    authority: told?.authority || wish?.sni.toLowerCase() || "",
    alpn: told?.alpn || wish?.alpn[0] || "",
    uniqueId: told?.uniqueId ?? "",
  };
}

function join(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  return Uint8Array.of(...first ?? [], ...second);
}

function makeWishedHello(random: Random, id: number, wish: Wish): Uint8Array {
  const extensions = [
    ...(wish.sni === "" ? [] : [serverName(wish.sni)]),
    ...(random.oneIn(2)
      ? [extension(EXTENSION_PADDING, new Array(random.below(2000)).fill(0))]
      : []),
    ...(wish.alpn.length === 0 ? [] : [alpn(...wish.alpn)]),
  ];
  return sealHello(random, id, makeMessage({ extensions }));
}

/** Puts the client's number in, and cuts the message into records. */
function sealHello(random: Random, id: number, message: number[]): Uint8Array {
  for (let i = 0; i < 4; i++) message[HELLO_ID_OFFSET - 5 + i] = (id >> (8 * i)) & 255;
  const sizes = random.oneIn(2) ? [] : [10 + random.below(100), 1 + random.below(50)];
  return toRecords(message, sizes);
}

/** Something else than a header, or one that never ends. */
function spoilHeader(
  random: Random,
  header: Uint8Array,
): Pick<Opening, "bytes" | "headerBytes" | "sentBytes" | "goesOn" | "endsEarly"> {
  const goesOn = false;
  if (random.oneIn(2)) {
    const bytes = drawBrokenHeader(random);
    const endsEarly = random.oneIn(4);
    return { bytes, headerBytes: bytes.length, sentBytes: bytes.length, goesOn, endsEarly };
  }
  const sentBytes = random.below(header.length);
  return {
    bytes: header,
    headerBytes: header.length,
    sentBytes,
    goesOn,
    endsEarly: random.oneIn(2),
  };
}

function spoilHello(
  random: Random,
  headerBytes: number,
  whole: Uint8Array,
  inOnePiece: boolean,
): Pick<Opening, "bytes" | "sentBytes" | "goesOn" | "endsEarly" | "alert" | "isAlertSure"> {
  const goesOn = false;
  if (random.oneIn(2)) {
    const helloBytes = whole.length - headerBytes;
    const sentBytes = headerBytes + random.below(helloBytes);
    const endsEarly = random.oneIn(2);
    const alert = endsEarly ? 0 : HANDSHAKE_FAILURE;
    return { bytes: whole, sentBytes, goesOn, endsEarly, alert, isAlertSure: true };
  }
  const [hello, alert] = drawBrokenHello(random);
  const bytes = join(whole.subarray(0, headerBytes), hello);
  // It is found out by its first wrong byte, while the rest is being sent.
  const isAlertSure = inOnePiece;
  return { bytes, sentBytes: bytes.length, goesOn, endsEarly: false, alert, isAlertSure };
}

function drawBrokenHello(random: Random): [Uint8Array, number] {
  switch (random.below(4)) {
    case 0:
      return [bytesOf("GET / HTTP/1.1\r\n\r\n"), UNEXPECTED_MESSAGE];
    case 1:
      return [Uint8Array.of(22, 4, 0, 0, 1, 1), PROTOCOL_VERSION];
    case 2:
      return [
        toRecords(makeMessage({ extensions: [serverName("a.test"), serverName("a.test")] })),
        ILLEGAL_PARAMETER,
      ];
    default:
      return [toRecords(makeMessage({ sessionId: new Array(40).fill(1) })), DECODE_ERROR];
  }
}
