/** What the memory scenario measures, passed from its program to its test as a line of JSON. */
export interface SceneResult {
  /** Connections open that nobody read. */
  readonly readers: number;
  /** By worker: private memory more than before the first connection. */
  readonly grownBytes: readonly number[];
  /** Receives that found the slab dry. */
  readonly starved: number;
  /** How long a kilobyte took there and back, on a connection from before and on new ones. */
  readonly oldTalksMs: readonly number[];
  readonly newTalksMs: readonly number[];
  /** By worker: buffers that are still held after all of them have gone. */
  readonly leasedAtEnd: readonly number[];
}
