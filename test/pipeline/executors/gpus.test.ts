/** Which devices there are, as CUDA and nvidia-smi would say. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {cardsIn, findGpus, gpusNamed} from '../../../pipeline/executors/gpus.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {nvidiaSmi} from '../../rig/gpus.js';

const TWO = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-5e1f0000-1111-2222-3333-444455556666)
`;
const [FIRST, SECOND] = ['GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77', 'GPU-5e1f0000-1111-2222-3333-444455556666'];

const CUT = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: ${FIRST})
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-5d5ba0d6/9/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: ${SECOND})
`;
const PARTS = ['MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f', 'MIG-GPU-5d5ba0d6/9/0'];

const MIXED = `GPU 0: NVIDIA GeForce GT 1030 (UUID: ${FIRST})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: ${SECOND})
`;

const none = (): number => 0;

/** Name → what it is called at last, of what is found with this list, where nvidia-smi says this. */
async function found(t: TestContext, says: string | undefined, list?: string, order?: string) {
  const env = {
    PATH: says === undefined ? '/nowhere' : nvidiaSmi(t, says),
    ...(list === undefined ? {} : {CUDA_VISIBLE_DEVICES: list}),
    ...(order === undefined ? {} : {CUDA_DEVICE_ORDER: order}),
  };
  const {all, variables} = await findGpus(none, env);
  return {gpus: Object.fromEntries(all.map(({visible, id}) => [visible, id])), variables};
}

const print = (text: string): string => `cat <<'END'\n${text}END`;

test('without a list there are those that nvidia-smi knows, by its own numbers, and held by their UUIDs', async (t) => {
  assert.deepEqual(await found(t, print(TWO)), {
    gpus: {0: FIRST, 1: SECOND},
    variables: {CUDA_DEVICE_ORDER: 'PCI_BUS_ID'},
  });
});

test('of a card that is cut into parts there are the parts, and all are called by their UUIDs', async (t) => {
  assert.deepEqual(await found(t, print(CUT)), {
    gpus: Object.fromEntries([...PARTS, SECOND].map((uuid) => [uuid, uuid])),
    variables: {},
  });
});

test('an nvidia-smi that finds no driver, or no device, finds no GPU; without it, there are as many as set-up knows', async (t) => {
  const failing = 'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9';
  assert.deepEqual((await found(t, failing)).gpus, {});
  assert.deepEqual((await found(t, 'echo No devices were found')).gpus, {});
  const {all, variables} = await findGpus(() => 1, {PATH: '/nowhere'});
  assert.deepEqual({all, variables}, {all: [{visible: '0', id: '0'}], variables: {}});
});

test('a list says what may be used, whatever else there is', async (t) => {
  const says = print(TWO);
  for (const [list, gpus] of [
    ['1', {1: SECOND}],
    [' 1, 0 ', {1: SECOND, 0: FIRST}],
    [SECOND, {[SECOND]: SECOND}],
    ['GPU-5d', {[FIRST]: FIRST}],
    // Both begin with it.
    ['GPU-5', {}],
    ['', {}],
    ['-1', {}],
    ['NoDevFiles', {}],
    // CUDA sees those before the first that there is not.
    ['1,-1,0', {1: SECOND}],
    ['0,7,1', {0: FIRST}],
    ['0,garbage,1', {0: FIRST}],
    [`0,${SECOND}`, {0: FIRST}],
    [`${SECOND},0`, {[SECOND]: SECOND}],
    ['00,1st', {0: FIRST, 1: SECOND}],
    // Whoever names one twice has none.
    ['0,0', {}],
    [`GPU-5e,${SECOND}`, {}],
  ] as const) {
    assert.deepEqual(await found(t, says, list), {gpus, variables: {}}, JSON.stringify(list));
  }
  assert.deepEqual((await found(t, print(CUT), PARTS.join(','))).gpus, Object.fromEntries(PARTS.map((id) => [id, id])));
});

test('a list counts where no nvidia-smi can tell more about it', async (t) => {
  for (const says of [undefined, 'exit 9']) {
    assert.deepEqual((await found(t, says, '2,3')).gpus, {2: '2', 3: '3'});
    assert.deepEqual((await found(t, says, 'GPU-aa,MIG-GPU-bb/1/0')).gpus, {
      'GPU-aa': 'GPU-aa',
      'MIG-GPU-bb/1/0': 'MIG-GPU-bb/1/0',
    });
  }
});

test('a number is taken for a UUID only where CUDA counts as nvidia-smi does', async (t) => {
  // By itself CUDA would count the A100 first.
  assert.deepEqual((await found(t, print(MIXED), '0,1')).gpus, {0: '0', 1: '1'});
  assert.deepEqual((await found(t, print(MIXED), '0,1', 'PCI_BUS_ID')).gpus, {0: FIRST, 1: SECOND});
});

test('an empty list is believed without a process', async (t) => {
  const folder = temporaryFolder(t);
  const asked = join(folder, 'asked');
  const env = {PATH: nvidiaSmi(t, `: >'${asked}'`), CUDA_VISIBLE_DEVICES: '-1'};
  assert.deepEqual((await findGpus(() => 4, env)).all, []);
  assert.equal(existsSync(asked), false);
  await findGpus(() => 4, {PATH: env.PATH});
  assert.equal(readFileSync(asked, 'utf8'), '');
});

test('what a job names for itself is looked up among the same devices', () => {
  const cards = cardsIn(TWO);
  assert.deepEqual(gpusNamed('1', cards, {}), [{visible: '1', id: SECOND}]);
  assert.deepEqual(gpusNamed('', cards, {}), []);
});
