/**
 * One request over HTTP. Node's `fetch` gives up after 300 s without a header, which is less than a long answer takes that comes in
 * one piece, and it cannot be told otherwise; `node:http` waits as long as it is let.
 */
import {Agent as HttpAgent, request as httpRequest} from 'node:http';
import type {IncomingHttpHeaders, IncomingMessage} from 'node:http';
import {Agent as HttpsAgent, request as httpsRequest} from 'node:https';
import {finished} from 'node:stream/promises';
import {createBrotliDecompress, createGunzip, createInflate} from 'node:zlib';

/** What a server said. */
export interface Reply {
  readonly status: number;
  /** The words behind the status. */
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  /** The body, what is no UTF-8 replaced by U+FFFD; `undefined` where it is longer than was asked for. */
  readonly text: string | undefined;
}

/** Connections to one server, kept for the next request. */
export interface Connections {
  /**
   * Sends a body and reads the answer. Redirects are not followed: a key goes nowhere but to the address that a person named.
   *
   * @param options.longest bytes of a body that is still read
   * @throws what Node says of a connection that cannot be made or breaks, with a `code`
   */
  post(
    body: string,
    options: {
      readonly headers: Readonly<Record<string, string>>;
      readonly longest: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Reply>;
  close(): void;
}

/** @param url http or https */
export function openConnections(url: URL): Connections {
  const isSecure = url.protocol === 'https:';
  const agent = isSecure ? new HttpsAgent({keepAlive: true}) : new HttpAgent({keepAlive: true});
  return {
    async post(body, {headers, longest, signal}) {
      const bytes = Buffer.from(body);
      const options = {
        method: 'POST',
        headers: {...headers, 'content-length': bytes.byteLength, 'accept-encoding': 'identity'},
        agent,
        signal,
      };
      const response = await new Promise<IncomingMessage>((settle, fail) => {
        const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options);
        request.once('response', settle).on('error', fail).end(bytes);
      });
      const {statusCode = 0, statusMessage = '', headers: said} = response;
      return {status: statusCode, reason: statusMessage, headers: said, text: await textOf(response, longest)};
    },
    close: () => agent.destroy(),
  };
}

/** What a body holds, or `undefined` where it is longer than may be, also once it is unpacked. */
async function textOf(response: IncomingMessage, most: number): Promise<string | undefined> {
  const unpacked = unpackerOf(response);
  if (unpacked !== undefined) {
    // Its end, also where it breaks, is the end of what it is unpacked by.
    finished(response).catch((error: unknown) => unpacked.destroy(error as Error));
    response.pipe(unpacked);
  }
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of (unpacked ?? response) as AsyncIterable<Buffer>) {
      size += piece.byteLength;
      if (size > most) return undefined;
      pieces.push(piece);
    }
  } finally {
    // A body that was left before its end would keep the connection.
    if (!response.complete || size > most) response.destroy();
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}

/** Some servers pack what they were asked to leave as it is. */
function unpackerOf({headers}: IncomingMessage) {
  switch (headers['content-encoding']?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
