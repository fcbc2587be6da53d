// Blocks and pins on top of Helia, safe to call in parallel for one CID.
import { setTimeout as delay } from "node:timers/promises";

import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";

/** Neither this node nor a connected peer gave the block in time. */
export class BlockNotFound extends Error {
  constructor(cid, milliseconds) {
    super(`block was not found: ${cid} (waited ${milliseconds} ms for the connected peers)`);
  }
}

export class NotPinned extends Error {
  constructor(cid) {
    super(`${cid} is not pinned or pinned indirectly`); // Kubo's wording
  }
}

async function drain(steps) {
  // Helia pins while it is iterated over.
  for await (const _ of steps);
}

export class Blocks {
  #helia;
  #disk;
  #bitswap;
  #turns = new Map(); // CID -> the end of the last change queued for it
  #collected = Promise.resolve(); // the end of the last garbage collection
  #retrievals = new Map(); // CID -> { block, waiting, controller }

  constructor({ helia, disk, bitswap }) {
    this.#helia = helia;
    this.#disk = disk;
    this.#bitswap = bitswap;
  }

  /** Stores `bytes` as one raw block and returns its CIDv1. Putting a block again repairs a damaged copy on disk. */
  async put(bytes, { isPinned }) {
    const cid = CID.createV1(raw.code, await sha256.digest(bytes));
    await this.#inTurn(cid, async () => {
      await this.#helia.blockstore.put(cid, bytes);
      // Helia skips a block that it has, without looking at it.
      if (!Buffer.from(await this.#disk.get(cid)).equals(bytes)) await this.#disk.put(cid, bytes);
      if (isPinned) await this.#pin(cid, AbortSignal.timeout(10_000));
    });
    // Helia tells the peers who wait for a block before the block is on disk, where bitswap does not find it yet.
    await this.#bitswap.notify(cid, bytes);
    return cid;
  }

  /** The block, from disk or from a connected peer within `milliseconds`. Throws BlockNotFound. */
  async get(cid, milliseconds) {
    if (await this.#helia.blockstore.has(cid)) return this.#helia.blockstore.get(cid);
    return this.#retrieve(cid, milliseconds);
  }

  /** Pins the graph under `cid`, fetching what is missing. Pinning twice is no error. */
  async pin(cid, milliseconds) {
    await this.#inTurn(cid, () =>
      this.#pin(cid, AbortSignal.timeout(milliseconds)).catch((error) => {
        throw error.name === "AbortError" || error.name === "TimeoutError"
          ? new BlockNotFound(cid, milliseconds)
          : error;
      }),
    );
  }

  /** Throws NotPinned. */
  async unpin(cid, milliseconds) {
    await this.#inTurn(cid, async () => {
      try {
        await drain(this.#helia.pins.rm(cid, { signal: AbortSignal.timeout(milliseconds) }));
      } catch (error) {
        throw error.name === "NotFoundError" ? new NotPinned(cid) : error;
      }
    });
  }

  async pinned() {
    const cids = [];
    for await (const { cid } of this.#helia.pins.ls()) cids.push(cid);
    return cids;
  }

  /** Deletes what is not pinned and returns the CIDs of it. Changes wait: a block that is put is not pinned yet. */
  async collectGarbage() {
    const collecting = Promise.allSettled(this.#turns.values()).then(() => this.#collect());
    this.#collected = collecting.catch(() => undefined);
    return collecting;
  }

  async #collect() {
    const deleted = [];
    await this.#helia.gc({
      onProgress: (event) => {
        if (event.type === "helia:gc:deleted") deleted.push(event.detail);
      },
    });
    return deleted;
  }

  async #pin(cid, signal) {
    try {
      await drain(this.#helia.pins.add(cid, { signal }));
    } catch (error) {
      if (error.message !== "Already pinned") throw error; // Helia gives it no name of its own
    }
  }

  /** Runs changes of one CID one after the other: parallel ones race for one temporary file and one pin count. */
  async #inTurn(cid, change) {
    const key = cid.toString();
    const before = (this.#turns.get(key) ?? Promise.resolve()).catch(() => undefined);
    const turn = Promise.all([before, this.#collected]).then(change);
    this.#turns.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  /**
   * Asks the peers, once for all who wait for this CID. Bitswap keeps one want per CID, and the first of several
   * callers to give up would cancel it for the others.
   */
  async #retrieve(cid, milliseconds) {
    const key = cid.toString();
    let retrieval = this.#retrievals.get(key);
    if (retrieval === undefined) {
      const controller = new AbortController();
      retrieval = { waiting: 0, controller, block: this.#want(cid, controller.signal) };
      retrieval.block.catch(() => undefined).then(() => this.#retrievals.delete(key));
      this.#retrievals.set(key, retrieval);
    }
    retrieval.waiting += 1;
    const giveUp = new AbortController();
    try {
      return await Promise.race([
        retrieval.block,
        delay(milliseconds, null, { signal: giveUp.signal }).then(() => {
          throw new BlockNotFound(cid, milliseconds);
        }),
      ]);
    } finally {
      giveUp.abort();
      retrieval.waiting -= 1;
      if (retrieval.waiting === 0) {
        // Forget it at once, so that who comes next starts a want of his own.
        if (this.#retrievals.get(key) === retrieval) this.#retrievals.delete(key);
        retrieval.controller.abort();
      }
    }
  }

  async #want(cid, signal) {
    // A cancelled want stays in bitswap's list for a moment and would swallow a new one for the same CID.
    while (this.#bitswap.wantList.has(cid) && !signal.aborted) await delay(5);
    return this.#helia.blockstore.get(cid, { signal });
  }
}
