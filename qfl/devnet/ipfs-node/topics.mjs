// Gossip by topic: the node is subscribed to a topic as long as somebody listens to it.

/** Listeners to topics of a libp2p node's `pubsub` service. */
export class Topics {
  #pubsub;
  #listeners = new Map();

  constructor(pubsub) {
    this.#pubsub = pubsub;
    pubsub.addEventListener("message", ({ detail }) => {
      for (const listen of this.#listeners.get(detail.topic) ?? []) listen(detail);
    });
  }

  /** Topics that somebody listens to. */
  names() {
    return [...this.#listeners.keys()];
  }

  async publish(topic, bytes) {
    await this.#pubsub.publish(topic, bytes);
  }

  /** Calls `listen` with { from, data, sequenceNumber, topic } for every message, until what it returns is called. */
  listen(topic, listen) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    if (listeners.size === 0) {
      this.#listeners.set(topic, listeners);
      this.#pubsub.subscribe(topic);
    }
    listeners.add(listen);
    return () => {
      listeners.delete(listen);
      if (listeners.size > 0 || this.#listeners.get(topic) !== listeners) return;
      this.#listeners.delete(topic);
      this.#pubsub.unsubscribe(topic);
    };
  }
}
