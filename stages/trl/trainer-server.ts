/**
 * Where a trainer in another process finds its stage: HTTP on this machine alone, open to whoever has the token. What
 * the trainer tells and asks is JSON, a message at a time.
 */
import {randomBytes, timingSafeEqual} from 'node:crypto';
import {createServer} from 'node:http';
import type {IncomingMessage} from 'node:http';
import type {AddressInfo} from 'node:net';

/** Name of a message → what answers it. */
export type Answers = Readonly<Record<string, (words: never) => object | Promise<object>>>;

export interface TrainerServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly token: string;
  close(): Promise<void>;
}

/**
 * @param answers called one at a time, in the order in which messages come, since several ranks may speak at once
 * @param failed told what the first of them threw; from then on every message is answered with that
 */
export async function openTrainerServer(answers: Answers, failed: (error: Error) => void): Promise<TrainerServer> {
  const token = randomBytes(24).toString('hex');
  let before: Promise<unknown> = Promise.resolve();
  let failure: Error | undefined;
  const answer = async (name: string, body: string): Promise<object> => {
    if (failure !== undefined) throw failure;
    try {
      const handler = Object.hasOwn(answers, name) ? answers[name] : undefined;
      if (handler === undefined) throw new Error(`Internal error: no answer to “${name}”`);
      return await handler(JSON.parse(body) as never);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      failed(failure);
      throw failure;
    }
  };
  const server = createServer((request, response) => {
    void (async () => {
      const say = (status: number, text: string): void => void response.writeHead(status).end(text);
      try {
        if (!isToken(request.headers.authorization, token)) {
          say(403, 'the token is not that of this stage');
          return;
        }
        const body = await textOf(request);
        const turn = before.then(() => answer((request.url ?? '').slice(1), body));
        before = turn.catch(() => undefined);
        say(200, JSON.stringify(await turn));
      } catch (error) {
        say(500, error instanceof Error ? error.message : String(error));
      }
    })();
  });
  // A rank may compute for hours between two messages, and an answer may take as long; neither is a connection gone bad.
  server.requestTimeout = 0;
  server.timeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const {port} = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}
