import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../base/random.ts";
import { FLOW_BUCKETS, FlowBuckets } from "./flow_buckets.ts";

/** Buckets of 1000 flows whose times of use the test counts up itself. */
class Scene {
  readonly activeMs = new Float64Array(1000);
  readonly buckets: FlowBuckets;
  #nowMs = 0;
  #flows = 0;

  constructor(listenerCount = 1) {
    this.buckets = new FlowBuckets(this.activeMs, listenerCount);
  }

  /** Opens `count` flows of a network, one after the other; returns their numbers. */
  open(network: number, count: number, listener = 0): number[] {
    return Array.from({ length: count }, () => {
      this.activeMs[this.#flows] = ++this.#nowMs;
      this.buckets.add(this.#flows, listener, network);
      return this.#flows++;
    });
  }

  openEstablished(network: number, count: number, listener = 0): number[] {
    const flows = this.open(network, count, listener);
    for (const flow of flows) this.buckets.establish(flow);
    return flows;
  }

  use(flow: number): void {
    this.activeMs[flow] = ++this.#nowMs;
    this.buckets.touch(flow);
  }

  /** Removes victims until none is left, or `count` of them. */
  evict(count = Infinity): number[] {
    const gone: number[] = [];
    while (gone.length < count) {
      const flow = this.buckets.victimOfAll();
      if (flow < 0) break;
      this.buckets.remove(flow);
      gone.push(flow);
    }
    return gone;
  }
}

Deno.test("without flows there is no victim", () => {
  const { buckets } = new Scene(3);
  assert.equal(buckets.victim(2), -1);
  assert.equal(buckets.victimOfAll(), -1);
});

Deno.test("the fullest bucket gives up its oldest flow, until it is no fuller than others", () => {
  const scene = new Scene();
  const few = scene.open(7, 20);
  const many = scene.open(9, 30);
  assert.deepEqual(scene.evict(10), many.slice(0, 10));
  assert.deepEqual(new Set(scene.evict(2)), new Set([few[0], many[10]]));
});

Deno.test("a flow that is used goes behind all others of its bucket", () => {
  const scene = new Scene();
  const [first, second, third, ...others] = scene.open(0, 12);
  scene.use(first);
  scene.use(third);
  scene.use(third);
  scene.use(others.at(-1)!);
  const expected = [second, ...others.slice(0, -1), first, third, others.at(-1)];
  assert.deepEqual(scene.evict(), expected);
});

Deno.test("as long as no bucket stands out, the flow unused for longest goes", () => {
  const scene = new Scene();
  const [alone] = scene.open(200, 1);
  const small = scene.open(3, 8);
  assert.equal(scene.buckets.victim(0), alone);
  scene.use(alone);
  assert.equal(scene.buckets.victim(0), small[0]);
  scene.use(small[0]);
  assert.equal(scene.buckets.victim(0), small[1]);
  const [another] = scene.open(3, 1);
  scene.use(small[1]);
  scene.buckets.remove(small[2]);
  scene.buckets.remove(another);
  assert.equal(scene.buckets.victim(0), small[3]);
});

Deno.test("newcomers go before established flows, however long those were unused", () => {
  const scene = new Scene();
  scene.openEstablished(5, 100);
  const newcomers = scene.open(6, 30);
  const stillTooMany = newcomers.slice(0, 16);
  assert.deepEqual(scene.evict(16), stillTooMany);
});

Deno.test("newcomers keep an eighth of the places", () => {
  const scene = new Scene();
  const established = scene.openEstablished(5, 70);
  const newcomers = scene.open(6, 10);
  assert.deepEqual(scene.evict(3), [established[0], newcomers[0], established[1]]);
  // Nine newcomers are an eighth of 72.
  assert.deepEqual(scene.evict(7), [...established.slice(2, 8), newcomers[1]]);
});

Deno.test("established flows of one network pay when they are many more than newcomers", () => {
  const scene = new Scene();
  // Never established, as where one answer ends a flow; spread over many networks.
  for (let network = 0; network < 200; network++) scene.open(network, 2);
  const attackers = scene.openEstablished(250, 33);
  assert.equal(scene.buckets.victim(0), attackers[0], "33 weigh more than twice 16");
  scene.buckets.remove(attackers[0]);
  assert.ok(!attackers.includes(scene.buckets.victim(0)));
});

Deno.test("listeners do not pay for one another until all have to", () => {
  const scene = new Scene(3);
  const [quiet] = scene.open(1, 1, 0);
  const flood = scene.open(1, 50, 2);
  assert.equal(scene.buckets.victim(0), quiet);
  assert.equal(scene.buckets.victim(1), -1);
  assert.equal(scene.buckets.victim(2), flood[0]);
  assert.equal(scene.buckets.victimOfAll(), flood[0]);
  assert.deepEqual([0, 1, 2].map((each) => scene.buckets.countOf(each)), [1, 0, 50]);
  assert.equal(scene.buckets.count, 51);
});

Deno.test("a flow is established once, and only of a listener that there is", () => {
  const scene = new Scene(2);
  const [flow] = scene.openEstablished(1, 1);
  assert.throws(() => scene.buckets.establish(flow), /established once/);
  assert.throws(() => scene.buckets.add(5, 2, 0), /laid out for each listener/);
});

/** What FlowBuckets promises, written as a look at everything. Flows stand in order of use. */
class Model {
  flows: { flow: number; listener: number; network: number; established: boolean }[] = [];

  at(flow: number) {
    return this.flows.find((each) => each.flow === flow)!;
  }

  moveLast(flow: number): void {
    const found = this.at(flow);
    this.flows = [...this.flows.filter((each) => each !== found), found];
  }

  victim(listener: number | null): number {
    const all = this.flows.filter((each) => listener === null || each.listener === listener);
    const newcomers = this.#fullest(all.filter((each) => !each.established));
    const established = this.#fullest(all.filter((each) => each.established));
    if (newcomers.total === 0 && established.total === 0) return -1;
    const newcomersGo = established.total === 0 ||
      (newcomers.total * 8 > all.length &&
        newcomers.bucket.length * 16 >= established.bucket.length);
    const { bucket, group } = newcomersGo ? newcomers : established;
    return (bucket.length > 8 ? bucket : group)[0].flow;
  }

  /** The fullest bucket, the first of those in order, and its listener's flows of the kind. */
  #fullest(flows: Model["flows"]) {
    const keyOf = (each: Model["flows"][0]) => each.listener * FLOW_BUCKETS + each.network;
    const buckets = Map.groupBy(flows, keyOf);
    const keys = [...buckets.keys()].sort((a, b) => a - b);
    let bucket: Model["flows"] = [];
    for (const key of keys) {
      if (buckets.get(key)!.length > bucket.length) bucket = buckets.get(key)!;
    }
    const group = flows.filter((each) => each.listener === bucket[0].listener);
    return { total: flows.length, bucket, group };
  }
}

Deno.test("in any order of events the victims are those of a plain search", () => {
  // Few networks with favourites, so that buckets of every size come about.
  const run = (seed: number, listenerCount: number) => {
    const random = new Random(seed);
    const flowCount = 80;
    const activeMs = new Float64Array(flowCount);
    const buckets = new FlowBuckets(activeMs, listenerCount);
    const model = new Model();
    const networks = Array.from({ length: 4 }, () => random.below(FLOW_BUCKETS));
    const openShare = 1 + random.below(4);
    for (let step = 1; step <= 400; step++) {
      const flow = random.below(flowCount);
      const known = model.at(flow);
      if (known === undefined) {
        if (random.below(4) >= openShare) continue;
        const listener = random.below(listenerCount);
        const network = networks[random.below(random.below(4) + 1)];
        activeMs[flow] = step;
        buckets.add(flow, listener, network);
        model.flows.push({ flow, listener, network, established: false });
      } else if (random.oneIn(5)) {
        buckets.remove(flow);
        model.flows = model.flows.filter((each) => each !== known);
      } else {
        activeMs[flow] = step;
        if (!known.established && random.oneIn(2)) {
          known.established = true;
          buckets.establish(flow);
        } else buckets.touch(flow);
        model.moveLast(flow);
      }
      const listener = random.below(listenerCount);
      assert.equal(buckets.victim(listener), model.victim(listener));
      assert.equal(buckets.victimOfAll(), model.victim(null));
      assert.equal(buckets.count, model.flows.length);
      const own = model.flows.filter((each) => each.listener === listener);
      assert.equal(buckets.countOf(listener), own.length);
    }
  };
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), run), {
    seed: 1,
    numRuns: 150,
  });
});
