// A Helia node for a development network: TCP on the loopback interface, no bootstrap peers, no DHT, no discovery.
// It knows the peers it was told of (swarm/connect), gets blocks from them by bitswap and messages by gossip.
import path from "node:path";

import { gossipsub } from "@chainsafe/libp2p-gossipsub";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { bitswap } from "@helia/block-brokers";
import { Helia } from "@helia/utils";
import { loadOrCreateSelfKey } from "@libp2p/config";
import { identify } from "@libp2p/identify";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { FsBlockstore } from "blockstore-fs";
import { FsDatastore } from "datastore-fs";
import { createLibp2p } from "libp2p";

import { Blocks } from "./blocks.mjs";
import { Topics } from "./topics.mjs";

/**
 * Opens (or makes) the repository in a folder and starts the node on 127.0.0.1:`swarmPort` (0: a free one).
 * Resolves to { helia, blocks, topics, stop }. Identity, blocks and pins are kept in the repository.
 */
export async function startNode({ repository, swarmPort }) {
  const blockstore = new FsBlockstore(path.join(repository, "blocks"));
  const datastore = new FsDatastore(path.join(repository, "datastore"));
  await blockstore.open();
  await datastore.open();

  const libp2p = await createLibp2p({
    privateKey: await loadOrCreateSelfKey(datastore),
    datastore,
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${swarmPort}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // As Kubo does: who says something hears it too, and may be alone.
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({ emitSelf: true, allowPublishToZeroTopicPeers: true }),
    },
    start: false,
  });
  let exchange;
  const helia = new Helia({
    libp2p,
    blockstore,
    datastore,
    blockBrokers: [(components) => (exchange = bitswap()(components))],
  });
  await helia.start();

  const stop = async () => {
    await helia.stop();
    await datastore.close();
    await blockstore.close();
  };
  const blocks = new Blocks({ helia, disk: blockstore, bitswap: exchange.bitswap });
  return { helia, blocks, topics: new Topics(libp2p.services.pubsub), stop };
}
