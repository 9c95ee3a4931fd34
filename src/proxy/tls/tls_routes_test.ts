import assert from "node:assert/strict";
import fc from "fast-check";
import { ClientHello, DONE } from "./client_hello.ts";
import { alpn, makeHello, serverName } from "./test_hello.ts";
import { NO_APPLICATION_PROTOCOL, UNRECOGNIZED_NAME } from "./tls_alert.ts";
import { type TlsMatch, TlsRoutes } from "./tls_routes.ts";

/** What a client asks for; "" is a client that names nobody. */
interface Client {
  readonly sni: string;
  readonly protocols: readonly string[];
}

function helloOf({ sni, protocols }: Client): ClientHello {
  const extensions = [
    ...(sni === "" ? [] : [serverName(sni)]),
    ...(protocols.length === 0 ? [] : [alpn(...protocols)]),
  ];
  const bytes = makeHello(...extensions);
  const hello = new ClientHello();
  assert.equal(hello.parse(bytes, 0, bytes.length), DONE);
  return hello;
}

function route(sni: readonly string[], alpn: readonly string[] = []): TlsMatch {
  return { sni, alpn };
}

function match(routes: readonly TlsMatch[], sni: string, ...protocols: string[]): number {
  return new TlsRoutes(routes).match(helloOf({ sni, protocols }));
}

/** Routes in order, each by its conditions word for word. */
function takesName({ sni }: TlsMatch, name: string): boolean {
  if (sni.length === 0) return true;
  return sni.some((pattern) =>
    pattern.startsWith("*.")
      ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length
      : name !== "" && name === pattern
  );
}

function takesProtocols({ alpn }: TlsMatch, protocols: readonly string[]): boolean {
  return alpn.length === 0 || alpn.some((protocol) => protocols.includes(protocol));
}

Deno.test("an exact name matches that name alone", () => {
  const routes = [route(["a.example", "b.example"])];
  assert.equal(match(routes, "a.example"), 0);
  assert.equal(match(routes, "B.EXAMPLE."), 0);
  for (const name of ["c.example", "x.a.example", "example", "a.exampl", "a.example.com", ""]) {
    assert.equal(match(routes, name), -1, name);
  }
});

Deno.test("a wildcard stands for one label or more, never for none", () => {
  const routes = [route(["*.a.example"])];
  for (const name of ["x.a.example", "x.y.a.example", "a.a.example"]) {
    assert.equal(match(routes, name), 0, name);
  }
  for (const name of ["a.example", "xa.example", "x.b.example", "example", ""]) {
    assert.equal(match(routes, name), -1, name);
  }
});

Deno.test("a route without names takes any client, also one that names nobody", () => {
  const routes = [route(["a.example"]), route([])];
  assert.equal(match(routes, "a.example"), 0);
  assert.equal(match(routes, "b.example"), 1);
  assert.equal(match(routes, ""), 1);
});

Deno.test("the first route that matches wins, be it exact, a wildcard or for any name", () => {
  const exact = route(["x.a.example"]);
  const wide = route(["*.example"]);
  const narrow = route(["*.a.example"]);
  const any = route([]);
  const orders = [[exact, wide, narrow, any], [any, narrow, wide, exact], [narrow, exact], [wide]];
  for (const routes of orders) assert.equal(match(routes, "x.a.example"), 0);
  assert.equal(match([exact, narrow, wide], "y.a.example"), 1);
  assert.equal(match([exact, narrow, wide], "y.b.example"), 2);
});

Deno.test("with protocols a route takes clients that offer one of them", () => {
  const routes = [route(["a.example"], ["h2", "h3"]), route(["*.example"], ["http/1.1"])];
  assert.equal(match(routes, "a.example", "http/1.1", "h2"), 0);
  assert.equal(match(routes, "a.example", "http/1.1"), 1);
  assert.equal(match(routes, "a.example", "h", "http/1.0"), -1);
  assert.equal(match(routes, "a.example"), -1);
});

Deno.test("protocols of one client are not those of the next", () => {
  const routes = new TlsRoutes([route([], ["h2"])]);
  const [with_, without] = [["h2"], ["h3"]].map((protocols) => helloOf({ sni: "a.x", protocols }));
  assert.deepEqual([with_, without, with_].map((hello) => routes.match(hello)), [0, -1, 0]);
});

Deno.test("the alert says whether the name or the protocols were the reason", () => {
  const routes = new TlsRoutes([route(["a.example"], ["h2"]), route(["*.b.example"], ["h2"])]);
  const alertFor = (sni: string) => routes.mismatchAlert(helloOf({ sni, protocols: ["h3"] }));
  assert.equal(alertFor("a.example"), NO_APPLICATION_PROTOCOL);
  assert.equal(alertFor("x.b.example"), NO_APPLICATION_PROTOCOL);
  for (const name of ["b.example", "c.example", ""]) {
    assert.equal(alertFor(name), UNRECOGNIZED_NAME, name);
  }
  const any = new TlsRoutes([route([], ["h2"])]);
  assert.equal(any.mismatchAlert(helloOf({ sni: "", protocols: [] })), NO_APPLICATION_PROTOCOL);
});

Deno.test("without routes nobody matches", () => {
  assert.equal(match([], "a.example", "h2"), -1);
});

/** Few labels and protocols, so that conditions overlap in every way. */
const NAME = fc.array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 4 })
  .map((labels) => `${labels.join(".")}.x`);
const PATTERN = fc.tuple(fc.boolean(), NAME).map(([isWide, name]) => isWide ? `*.${name}` : name);
const PROTOCOLS = fc.array(fc.constantFrom("h2", "h3", "http/1.1", "imap"), { maxLength: 3 });
const ROUTE = fc.record({ sni: fc.array(PATTERN, { maxLength: 3 }), alpn: PROTOCOLS });
const CLIENT = fc.record({ sni: fc.option(NAME, { nil: "" }), protocols: PROTOCOLS });

Deno.test("a match is the same as trying the routes one by one in order", () => {
  fc.assert(
    fc.property(
      fc.array(ROUTE, { maxLength: 12 }),
      fc.array(CLIENT, { minLength: 1, maxLength: 8 }),
      (list, clients) => {
        const routes = new TlsRoutes(list);
        for (const client of clients) {
          const { sni, protocols } = client;
          const named = list.filter((route) => takesName(route, sni));
          const expected = named.find((route) => takesProtocols(route, protocols));
          const hello = helloOf(client);
          assert.equal(routes.match(hello), expected === undefined ? -1 : list.indexOf(expected));
          const alert = named.length === 0 ? UNRECOGNIZED_NAME : NO_APPLICATION_PROTOCOL;
          assert.equal(routes.mismatchAlert(hello), alert);
        }
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("each of a thousand routes is found by its name, below a wildcard for the rest", () => {
  const list = Array.from(
    { length: 1000 },
    (_, i) => route([`host-${i}.example`, `*.${i}.example`]),
  );
  const routes = new TlsRoutes([...list, route(["*.example"])]);
  for (let i = 0; i < 1000; i++) {
    for (const sni of [`host-${i}.example`, `x.y.${i}.example`]) {
      assert.equal(routes.match(helloOf({ sni, protocols: [] })), i);
    }
  }
  assert.equal(routes.match(helloOf({ sni: "host-1000.example", protocols: [] })), 1000);
});
