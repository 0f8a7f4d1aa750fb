/** An OpenAI-compatible server on the loopback that answers questions, with whatever habits a test gives it. */
import {createServer} from 'node:http';
import type {IncomingMessage, ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {TestContext} from 'node:test';

export interface Request {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the user says, and the system. */
  readonly question: string;
  readonly system: string | undefined;
}

/** What the model says, fields of a completion, or whatever is done to the response by hand. */
export type Habit = (
  request: Request,
  response: ServerResponse,
  count: number,
) => string | Readonly<Record<string, unknown>> | undefined;

export interface AnsweringServer {
  readonly url: string;
  readonly asked: Request[];
  /** The most requests that were open at the same time. */
  most: number;
  close(): Promise<void>;
}

/** A chat completion; `message` and the rest replace what is usual. */
export function completion({
  message,
  finish = 'stop',
  ...more
}: {
  readonly message: Readonly<Record<string, unknown>>;
  readonly finish?: string | null;
  readonly [field: string]: unknown;
}): string {
  const usage = {prompt_tokens: 7, completion_tokens: 5, total_tokens: 12};
  const choices = [{index: 0, finish_reason: finish, message: {role: 'assistant', ...message}}];
  return JSON.stringify({id: 'x', object: 'chat.completion', model: 'm', choices, usage, ...more});
}

/** @returns what a habit returns that has done all by itself */
export function send(response: ServerResponse, body: string, type = 'application/json'): undefined {
  response.writeHead(200, {'content-type': type}).end(body);
}

export async function startServer(t: TestContext | undefined, habit: Habit): Promise<AnsweringServer> {
  const asked: Request[] = [];
  let open = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open += 1;
    answering.most = Math.max(answering.most, open);
    response.once('close', () => (open -= 1));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString()) as {messages: {role: string; content: string}[]};
    const said = (role: string) => body.messages.find((message) => message.role === role)?.content;
    const {authorization} = request.headers;
    const one = {path: request.url!, authorization, body: {...body}, question: said('user')!, system: said('system')};
    asked.push(one);
    const answer = habit(one, response, asked.length);
    if (answer !== undefined)
      send(response, completion(typeof answer === 'string' ? {message: {content: answer}} : {message: answer}));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const answering: AnsweringServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    most: 0,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  t?.after(() => answering.close());
  return answering;
}
