// The embedded IPFS node: `node server.mjs --repo FOLDER [--api-port N] [--swarm-port N]`.
// When ready it prints one line of JSON, {"api": "http://127.0.0.1:N", "peer": multiaddr, "pid": N}. SIGTERM and SIGINT
// stop it; `guard.py` sends one when the devnet's process is gone.
import "./node20.mjs"; // before anything that loads libp2p

import { mkdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { parseArgs } from "node:util";

import { lockRepository } from "./lock.mjs";
import { startNode } from "./node.mjs";
import { createRpc } from "./rpc.mjs";

function readSettings() {
  const { values } = parseArgs({
    options: {
      repo: { type: "string" },
      "api-port": { type: "string", default: "0" },
      "swarm-port": { type: "string", default: "0" },
    },
  });
  if (values.repo === undefined) throw new Error("--repo FOLDER is needed");
  const portOf = (name) => {
    const port = Number(values[name]);
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--${name} ${values[name]}: not a port`);
    return port;
  };
  return {
    repository: path.resolve(values.repo),
    apiPort: portOf("api-port"),
    swarmPort: portOf("swarm-port"),
  };
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function main() {
  const { repository, apiPort, swarmPort } = readSettings();
  await mkdir(repository, { recursive: true });
  const unlock = await lockRepository(repository);
  const stopRequested = new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, resolve);
  });
  try {
    const node = await startNode({ repository, swarmPort });
    const server = http.createServer(createRpc(node));
    // Longer than any client's own, so that a client never reuses a connection that is just being closed.
    server.keepAliveTimeout = 120_000;
    try {
      await listen(server, apiPort);
      const [peer] = node.helia.libp2p.getMultiaddrs().map(String);
      console.log(JSON.stringify({ api: `http://127.0.0.1:${server.address().port}`, peer, pid: process.pid }));
      await stopRequested;
    } finally {
      server.close();
      server.closeAllConnections();
      await node.stop();
    }
  } finally {
    await unlock();
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
