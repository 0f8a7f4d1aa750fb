/**
 * A `while` loop, and an `if` in it: inside the graph when they are recorded, in JavaScript when they run eagerly. The
 * graph's loop is the dataflow of TensorFlow 1 (Enter, Merge, Switch, NextIteration, Exit; "Implementation of control
 * flow in TensorFlow", 2017), which every executor runs without help.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {DataType, tensorflow} from './backend.js';
import type {Graph, GraphNode, Output} from './graph.js';
import {enter} from './graph.js';
import type {Recorder} from './recorder.js';
import {recording} from './recorder.js';

export type State = Readonly<Record<string, Tf.Tensor>>;

/**
 * Repeats `body` while `condition` holds.
 * @param growing dimensions that change from step to step: name → axis
 * @param condition scalar bool
 */
export function whileLoop<S extends State>(
  initial: S,
  growing: Readonly<Record<string, number>>,
  condition: (state: S) => Tf.Tensor,
  body: (state: S) => S,
): S {
  const recorder = recording();
  return recorder === undefined
    ? eagerLoop(initial, condition, body)
    : recordedLoop(recorder, initial, growing, condition, body);
}

function eagerLoop<S extends State>(initial: S, condition: (state: S) => Tf.Tensor, body: (state: S) => S): S {
  const {tf} = tensorflow();
  let state = initial;
  while (tf.tidy(() => condition(state).dataSync()[0])) {
    const previous = state;
    state = tf.tidy(() => body(previous));
    for (const tensor of Object.values(previous)) {
      if (!Object.values(initial).includes(tensor) && !Object.values(state).includes(tensor)) tensor.dispose();
    }
  }
  return state;
}

function recordedLoop<S extends State>(
  recorder: Recorder,
  initial: S,
  growing: Readonly<Record<string, number>>,
  condition: (state: S) => Tf.Tensor,
  body: (state: S) => S,
): S {
  const {graph} = recorder;
  const names = Object.keys(initial);
  const frame = graph.newFrame();
  const each = (build: (name: string) => Output): Map<string, Output> =>
    new Map(names.map((name) => [name, build(name)]));
  const symbols = (outputs: Map<string, Output>): S =>
    Object.fromEntries([...outputs].map(([name, output]) => [name, recorder.symbol(output)])) as unknown as S;

  const merges = new Map<string, GraphNode>();
  const entered = each((name) => {
    const output = recorder.output(initial[name]!);
    const axis = growing[name];
    return {
      ...enter(graph, output, frame.name, false),
      shape: axis === undefined ? output.shape : output.shape.with(axis, -1),
    };
  });

  const ends = graph.inFrame(frame, () => {
    const merged = each((name) => {
      const input = entered.get(name)!;
      const output = merge(graph, [input], input.shape); // the other input comes from the end of the body
      merges.set(name, graph.nodes.at(-1)!);
      return output;
    });
    frame.inner.pivot = merged.get(names[0]!)!.node;
    const holds = recorder.output(condition(symbols(merged)));
    const goOn = graph.addOne({op: 'LoopCond', inputs: [holds], attributes: {}, outputs: [holds]});

    const switched = each((name) =>
      control(graph, 'Switch', [merged.get(name)!, goOn], {}, [merged.get(name)!, merged.get(name)!]),
    );
    const inside = each((name) =>
      control(graph, 'Identity', [{...switched.get(name)!, index: 1}], {}, [switched.get(name)!]),
    );
    frame.inner.pivot = inside.get(names[0]!)!.node;
    const next = body(symbols(inside));
    for (const name of names) {
      const value = recorder.output(next[name]!);
      const back = control(graph, 'NextIteration', [value], {}, [value]);
      merges.get(name)!.inputs.push(`${back.node}:0`);
    }
    return each((name) => control(graph, 'Exit', [switched.get(name)!], {}, [switched.get(name)!]));
  });
  return symbols(each((name) => ({...ends.get(name)!, frame: ''})));
}

/**
 * `change(state)` where `condition` holds, else the state as it is. What `change` adds to a graph without the help of the
 * state is computed either way.
 * @param growing dimensions that `change` changes: name → axis
 * @param condition scalar bool
 */
export function changeWhere<S extends State>(
  state: S,
  growing: Readonly<Record<string, number>>,
  condition: Tf.Tensor,
  change: (state: S) => S,
): S {
  const recorder = recording();
  if (recorder === undefined) return condition.dataSync()[0] ? change(state) : state;
  const {graph} = recorder;
  const holds = recorder.output(condition);
  const names = Object.keys(state);
  const switched = new Map(
    names.map((name) => {
      const output = recorder.output(state[name]!);
      return [name, control(graph, 'Switch', [output, holds], {}, [output, output])];
    }),
  );
  const given = names.map((name) => [name, recorder.symbol({...switched.get(name)!, index: 1})] as const);
  const changed = change(Object.fromEntries(given) as unknown as S);
  const merged = names.map((name) => {
    const [kept, value] = [switched.get(name)!, recorder.output(changed[name]!)];
    const axis = growing[name];
    const shape = axis === undefined ? kept.shape : kept.shape.with(axis, -1);
    return [name, recorder.symbol(merge(graph, [kept, value], shape))] as const;
  });
  return Object.fromEntries(merged) as unknown as S;
}

/** Adds a node that passes on whichever of its inputs is alive. */
const merge = (graph: Graph, inputs: readonly Output[], shape: readonly number[]): Output =>
  control(graph, 'Merge', inputs, {N: {kind: 'int', value: 2}}, [
    {dtype: inputs[0]!.dtype, shape},
    {dtype: DataType.int32, shape: []},
  ]);

/** Adds a control-flow node: one that passes its first input on. */
function control(
  graph: Graph,
  op: string,
  inputs: readonly Output[],
  attributes: Parameters<Graph['add']>[0]['attributes'],
  outputs: Parameters<Graph['add']>[0]['outputs'],
): Output {
  return graph.add({op, inputs, attributes: {T: {kind: 'type', value: inputs[0]!.dtype}, ...attributes}, outputs})[0]!;
}
