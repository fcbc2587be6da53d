// The embedded IPFS node: `node server.mjs FOLDER API_PORT SWARM_PORT`, for the devnet alone, whose guard sees to it that
// one node has the folder: two on one datastore lose each other's pins. When ready it prints one line of JSON,
// {"api": "http://127.0.0.1:N", "peer": multiaddr, "pid": N}. SIGTERM and SIGINT stop it.
import "./node20.mjs"; // before anything that loads libp2p

import { once } from "node:events";
import http from "node:http";

import { startNode } from "./node.mjs";
import { createRpc } from "./rpc.mjs";

async function main() {
  const [repository, apiPort, swarmPort] = process.argv.slice(2);
  const stopRequested = new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, resolve);
  });
  const node = await startNode({ repository, swarmPort });
  const server = http.createServer(createRpc(node));
  // Longer than any client's own, so that a client never reuses a connection that is just being closed.
  server.keepAliveTimeout = 120_000;
  try {
    await once(server.listen(Number(apiPort), "127.0.0.1"), "listening");
    const [peer] = node.helia.libp2p.getMultiaddrs().map(String);
    console.log(JSON.stringify({ api: `http://127.0.0.1:${server.address().port}`, peer, pid: process.pid }));
    await stopRequested;
  } finally {
    server.close();
    server.closeAllConnections();
    await node.stop();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
    setTimeout(() => process.exit(), 1000).unref(); // what libp2p left open must not keep a failed node alive
  },
);
