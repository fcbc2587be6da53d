// The verbs of the Kubo RPC (https://docs.ipfs.tech/reference/kubo/rpc/) that QFLchain and `ipfshttpclient` use.
import { unixfs } from "@helia/unixfs";
import { multiaddr } from "@multiformats/multiaddr";
import { base64url } from "multiformats/bases/base64";
import { CID } from "multiformats/cid";

import { booleanOf, HttpError, readFilePart, requireLocalProgram, timeoutOf } from "./http.mjs";

const API = "/api/v0/";
const VERSION = "0.8.0-helia"; // of the RPC: within the range that `ipfshttpclient.connect` accepts
const MAX_BLOCK_BYTES = 2 * 1024 * 1024; // what one bitswap message carries
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_UNREAD_BYTES = 4 * 1024 * 1024; // of messages, for a listener that does not read them
const PIECE_BYTES = 64 * 1024;
const DEFAULT_TIMEOUT = 30_000; // Kubo waits for ever

/** Returns the request listener of a node's API. */
export function createRpc({ helia, blocks, topics }) {
  const files = unixfs(helia);
  const verbs = createVerbs({ helia, blocks, topics, files });
  return async (request, response) => {
    try {
      requireLocalProgram(request);
      const url = new URL(request.url, "http://localhost");
      const verb = url.pathname.startsWith(API) ? verbs[url.pathname.slice(API.length)] : undefined;
      if (verb === undefined) throw new HttpError(404, `${url.pathname}: this node has no such command`);
      await verb({ request, query: url.searchParams, answer: answerOn(response) });
    } catch (error) {
      sendError(response, error);
    } finally {
      request.resume(); // a body that nobody read would keep the connection from its next request
    }
  };
}

function sendError(response, error) {
  if (response.headersSent) return void response.destroy(); // in the middle of a stream: a cut is all that is left
  const status = error instanceof HttpError ? error.status : 500;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ Message: error.message, Code: 0, Type: "error" }));
}

function answerOn(response) {
  return {
    json: (...lines) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    },
    // A line for each call of `write`, until who reads them goes away; one who does not read loses some.
    lines: () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      const write = (line) => {
        if (response.writableLength < MAX_UNREAD_BYTES) response.write(`${JSON.stringify(line)}\n`);
      };
      return { write, closed: new Promise((resolve) => response.once("close", resolve)) };
    },
    stream: async (pieces) => {
      for await (const piece of pieces) {
        if (!response.headersSent) response.writeHead(200, { "content-type": "application/octet-stream" });
        if (!response.write(piece))
          await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
        if (response.destroyed) return;
      }
      response.end();
    },
  };
}

/** Bytes as Kubo writes them in this part of the RPC: base64url in multibase. */
const multibaseOf = (bytes) => base64url.encode(bytes);

function topicOf(query) {
  const [argument] = argumentsOf(query);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(base64url.decode(argument));
  } catch (error) {
    throw new HttpError(400, `${argument} is not a topic in base64url: ${error.message}`);
  }
}

/** `bytes` in pieces, so that who wants less than all of them can stop reading. */
function* piecesOf(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function argumentsOf(query) {
  const all = query.getAll("arg");
  if (all.length === 0) throw new HttpError(400, 'argument "arg" is required');
  return all;
}

function cidOf(text) {
  try {
    return CID.parse(text.replace(/^\/ipfs\//, ""));
  } catch (error) {
    throw new HttpError(400, `${text} is not a CID: ${error.message}`);
  }
}

function requireRawSha256(query) {
  // `format` is what go-ipfs and Kubo take in every version, `cid-codec` the newer name of it.
  for (const [name, only] of [
    ["format", "raw"],
    ["cid-codec", "raw"],
    ["mhtype", "sha2-256"],
  ]) {
    const value = query.get(name) ?? only;
    if (value !== only) throw new HttpError(400, `${name}=${value}: this node stores ${only} only`);
  }
}

function createVerbs({ helia, blocks, topics, files }) {
  const { libp2p } = helia;
  const peerAddresses = () => libp2p.getMultiaddrs().map(String);
  return {
    version: async ({ answer }) => answer.json({ Version: VERSION, Commit: "", Repo: "", System: "", Golang: "" }),

    id: async ({ answer }) =>
      answer.json({ ID: String(libp2p.peerId), Addresses: peerAddresses(), AgentVersion: `helia/${VERSION}` }),

    "block/put": async ({ request, query, answer }) => {
      requireRawSha256(query);
      const isPinned = booleanOf(query, "pin", false);
      const { bytes } = await readFilePart(request, MAX_BLOCK_BYTES);
      answer.json({ Key: String(await blocks.put(bytes, { isPinned })), Size: bytes.length });
    },

    "block/get": async ({ query, answer }) => {
      const [argument] = argumentsOf(query);
      const bytes = await blocks.get(cidOf(argument), timeoutOf(query, DEFAULT_TIMEOUT));
      await answer.stream(piecesOf(bytes));
    },

    "block/stat": async ({ query, answer }) => {
      const cid = cidOf(argumentsOf(query)[0]);
      const { length } = await blocks.get(cid, timeoutOf(query, DEFAULT_TIMEOUT));
      answer.json({ Key: String(cid), Size: length });
    },

    add: async ({ request, query, answer }) => {
      const isPinned = booleanOf(query, "pin", true);
      const { name, bytes } = await readFilePart(request, MAX_FILE_BYTES);
      const cid = await files.addBytes(bytes);
      if (isPinned) await blocks.pin(cid, DEFAULT_TIMEOUT);
      answer.json({ Name: name || String(cid), Hash: String(cid), Size: String(bytes.length) });
    },

    cat: async ({ query, answer }) => {
      const signal = AbortSignal.timeout(timeoutOf(query, DEFAULT_TIMEOUT));
      await answer.stream(files.cat(cidOf(argumentsOf(query)[0]), { signal }));
    },

    "pin/add": async ({ query, answer }) => {
      const cids = argumentsOf(query).map(cidOf);
      for (const cid of cids) await blocks.pin(cid, timeoutOf(query, DEFAULT_TIMEOUT));
      answer.json({ Pins: cids.map(String) });
    },

    "pin/rm": async ({ query, answer }) => {
      const cids = argumentsOf(query).map(cidOf);
      for (const cid of cids) await blocks.unpin(cid, timeoutOf(query, DEFAULT_TIMEOUT));
      answer.json({ Pins: cids.map(String) });
    },

    "pin/ls": async ({ query, answer }) => {
      const pinned = (await blocks.pinned()).map(String);
      const asked = query.getAll("arg").map((argument) => String(cidOf(argument).toV1()));
      for (const cid of asked) if (!pinned.includes(cid)) throw new Error(`path '${cid}' is not pinned`);
      const shown = asked.length > 0 ? asked : pinned;
      answer.json({ Keys: Object.fromEntries(shown.map((cid) => [cid, { Type: "recursive" }])) });
    },

    "swarm/connect": async ({ query, answer }) => {
      const signal = AbortSignal.timeout(timeoutOf(query, DEFAULT_TIMEOUT));
      const lines = [];
      for (const argument of argumentsOf(query)) {
        const connection = await libp2p.dial(addressOf(argument), { signal });
        lines.push(`connect ${connection.remotePeer} success`);
      }
      answer.json({ Strings: lines });
    },

    "swarm/peers": async ({ answer }) => {
      const peers = libp2p.getConnections().map(({ remoteAddr, remotePeer }) => ({
        Addr: String(remoteAddr),
        Peer: String(remotePeer),
      }));
      answer.json({ Peers: peers });
    },

    "pubsub/pub": async ({ request, query, answer }) => {
      const topic = topicOf(query);
      const { bytes } = await readFilePart(request, MAX_MESSAGE_BYTES);
      await topics.publish(topic, bytes);
      answer.json();
    },

    "pubsub/sub": async ({ query, answer }) => {
      const topic = topicOf(query);
      const { write, closed } = answer.lines();
      const stop = topics.listen(topic, ({ from, data, sequenceNumber }) => {
        const seqno = Uint8Array.from({ length: 8 }, (_, at) => Number((sequenceNumber >> BigInt(56 - 8 * at)) & 255n));
        write({
          from: String(from),
          data: multibaseOf(data),
          seqno: multibaseOf(seqno),
          topicIDs: [multibaseOf(new TextEncoder().encode(topic))],
        });
      });
      closed.then(stop);
    },

    "pubsub/ls": async ({ answer }) =>
      answer.json({ Strings: topics.names().map((topic) => multibaseOf(new TextEncoder().encode(topic))) }),

    "repo/gc": async ({ answer }) => {
      answer.json(...(await blocks.collectGarbage()).map((cid) => ({ Key: { "/": String(cid) } })));
    },
  };
}

function addressOf(text) {
  try {
    return multiaddr(text);
  } catch (error) {
    throw new HttpError(400, `${text} is not a multiaddr: ${error.message}`);
  }
}
