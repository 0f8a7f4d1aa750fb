/** The way of a trainer to its stage: a token, one message at a time, and the first failure is the one that counts. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {StageFailure} from '../../../pipeline/stage.js';
import {openTrainerServer} from '../../../stages/trl/trainer-server.js';
import type {Answers, TrainerServer} from '../../../stages/trl/trainer-server.js';

const ask = ({address, token}: TrainerServer, what: string, words: object, given = token) =>
  fetch(`http://${address}/${what}`, {
    method: 'POST',
    body: JSON.stringify(words),
    headers: {authorization: `Bearer ${given}`},
  });

async function serving(answers: Answers, use: (server: TrainerServer, failures: unknown[]) => Promise<void>) {
  const failures: unknown[] = [];
  const server = await openTrainerServer(answers, (error) => failures.push(error));
  try {
    await use(server, failures);
  } finally {
    await server.close();
  }
}

test('whoever does not have the token is answered nothing', async () => {
  let asked = 0;
  await serving({step: () => ({asked: ++asked})}, async (server, failures) => {
    for (const given of ['', 'x'.repeat(server.token.length), server.token.slice(1)])
      assert.equal((await ask(server, 'step', {}, given)).status, 403);
    assert.equal(asked, 0);
    assert.deepEqual(await (await ask(server, 'step', {})).json(), {asked: 1});
    assert.deepEqual(failures, []);
  });
});

test('messages of several ranks are answered one at a time, in the order in which they come', async () => {
  const seen: string[] = [];
  const answers: Answers = {
    async rollout({rank}: {rank: number}) {
      seen.push(`${rank} begins`);
      await sleep(rank === 0 ? 30 : 0);
      seen.push(`${rank} ends`);
      return {};
    },
  };
  await serving(answers, async (server) => {
    const first = ask(server, 'rollout', {rank: 0});
    while (seen.length === 0) await sleep(1);
    await Promise.all([first, ask(server, 'rollout', {rank: 1})]);
    assert.deepEqual(seen, ['0 begins', '0 ends', '1 begins', '1 ends']);
  });
});

test('what an answer throws is told once, and is the answer to all that comes after it', async () => {
  const answers: Answers = {
    logged() {
      throw new StageFailure('the loss is NaN');
    },
    step: () => ({}),
  };
  await serving(answers, async (server, failures) => {
    for (const what of ['logged', 'step', 'logged']) {
      const answer = await ask(server, what, {});
      assert.equal(answer.status, 500);
      assert.equal(await answer.text(), 'the loss is NaN');
    }
    assert.deepEqual(
      failures.map((error) => (error as Error).message),
      ['the loss is NaN'],
    );
  });
});

test('a message that nobody knows is a failure', () =>
  serving({}, async (server, failures) => {
    assert.equal((await ask(server, 'constructor', {})).status, 500);
    assert.match(String(failures[0]), /no answer to “constructor”/);
  }));
