/** An OpenAI-compatible endpoint on the loopback, with the habits that servers have. */
import {createServer} from 'node:http';
import type {IncomingMessage, ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {TestContext} from 'node:test';

/** What was asked, taken apart. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the request says to the judge. */
  readonly text: string;
  readonly mark: string;
  /** What stands between the lines of a block. */
  block(name: string): string | undefined;
}

/** What the server says: the text of a completion, or whatever is done to the response by hand. */
type Habit = (asked: Asked, response: ServerResponse, count: number) => string | undefined;

export interface JudgeServer {
  readonly url: string;
  readonly asked: Asked[];
  /** The most requests that were open at the same time. */
  most: number;
  close(): Promise<void>;
}

/** A judge that finds replies good that hold the word “good”. */
export const fair: Habit = ({mark, block}) =>
  `I look at it.\n\nVERDICT ${mark}: ${/good|Paris/.test(block('reply')!) ? 'PASS' : 'FAIL'}`;

/** Sends a chat completion that says `content`. */
export function say(response: ServerResponse, content: unknown, finish = 'stop'): void {
  response.writeHead(200, {'content-type': 'application/json'});
  response.end(JSON.stringify({choices: [{index: 0, finish_reason: finish, message: {role: 'assistant', content}}]}));
}

export async function startJudge(t: TestContext | undefined, habit: Habit = fair): Promise<JudgeServer> {
  const asked: Asked[] = [];
  let open = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open += 1;
    judge.most = Math.max(judge.most, open);
    response.once('close', () => (open -= 1));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString()) as {messages: {content: string}[]};
    const text = body.messages[0]!.content;
    const mark = /the mark (\w+)/.exec(text)![1]!;
    const one: Asked = {
      path: request.url!,
      authorization: request.headers.authorization,
      body,
      text,
      mark,
      block: (name) => new RegExp(`<${name} ${mark}>\n([^]*)\n</${name} ${mark}>`).exec(text)?.[1],
    };
    asked.push(one);
    const said = habit(one, response, asked.length);
    if (said !== undefined) say(response, said);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  const judge: JudgeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    most: 0,
    close,
  };
  t?.after(close);
  return judge;
}
