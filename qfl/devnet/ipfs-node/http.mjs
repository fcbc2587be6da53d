// What the RPC needs of HTTP: who may ask, arguments as Kubo writes them, one multipart file as a body.
import busboy from "busboy";

/** An answer other than 200. Kubo says 500 for whatever goes wrong in a command. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Throws unless the request is a POST that no web page can have made: the API has no other protection. */
export function requireLocalProgram(request) {
  if (request.method !== "POST") throw new HttpError(405, "the IPFS RPC takes POST only");
  const { origin, referer, host } = request.headers;
  if (origin !== undefined || referer !== undefined) throw new HttpError(403, "browsers may not use this node");
  // A page whose name was rebound to 127.0.0.1 shows in the Host header.
  if (!LOOPBACK_HOST.test(host ?? "")) throw new HttpError(403, `this node does not answer to the name ${host}`);
}

/** The query's `name` as a boolean, in Go's spelling or Python's. */
export function booleanOf(query, name, otherwise) {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (/^(true|1)$/i.test(text)) return true;
  if (/^(false|0)$/i.test(text)) return false;
  throw new HttpError(400, `${name}=${text}: true or false is expected`);
}

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The query's `timeout`, a Go duration such as 5s or 1m30s, in milliseconds. */
export function timeoutOf(query, otherwise) {
  const text = query.get("timeout");
  if (text === null) return otherwise;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new HttpError(400, `timeout=${text}: e.g. 5s is expected`);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * MILLISECONDS[unit], 0);
  return Math.min(total, 2 ** 31 - 1); // what a Node timer can count to
}

/** The one file in a multipart body, at most `limit` bytes: { name, bytes }. */
export async function readFilePart(request, limit) {
  let parser;
  try {
    parser = busboy({ headers: request.headers, limits: { files: 1, fileSize: limit } });
  } catch (error) {
    throw new HttpError(400, `a multipart body with one file is expected: ${error.message}`);
  }
  const pieces = [];
  let name = null;
  let isTooLarge = false;
  parser.on("file", (_field, stream, info) => {
    name = info.filename ?? "";
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("limit", () => (isTooLarge = true));
  });
  await new Promise((resolve, reject) => {
    parser.on("close", resolve);
    parser.on("error", (error) => reject(new HttpError(400, `malformed multipart body: ${error.message}`)));
    request.on("error", reject);
    request.on("aborted", () => reject(new HttpError(400, "the body was cut off")));
    request.pipe(parser); // to its end even when it is too large: who is still writing would not read the answer
  });
  if (name === null) throw new HttpError(400, "the body has no file in it");
  if (isTooLarge) throw new HttpError(413, `the body is larger than ${limit} bytes`);
  return { name, bytes: Buffer.concat(pieces) };
}
