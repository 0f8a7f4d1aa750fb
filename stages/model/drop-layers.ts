/**
 * Models without some of their layers. A layer adds to the residual stream by two matrices alone, so one whose two are 0 does
 * nothing: what a model would be without a layer can be tried in the graph that is there.
 */
import {parseConfig} from './config.js';
import type {ModelConfig} from './config.js';
import type {Weights} from './parameters.js';
import {parameterShapes} from './parameters.js';

/** The tensors by which a layer adds to the residual stream. */
const OUTPUTS = /^model\.layers\.(\d+)\.(?:self_attn\.o_proj|mlp\.down_proj)\.(?:weight|bias)$/;

/** Whether a tensor is one by which one of these layers adds to the residual stream. */
export function isOutputOf(layers: ReadonlySet<number>, name: string): boolean {
  const layer = OUTPUTS.exec(name)?.[1];
  return layer !== undefined && layers.has(Number(layer));
}

/** The same weights, those outputs 0 that belong to one of the layers. Nothing is copied but them. */
export function silenced(weights: Weights, layers: ReadonlySet<number>): Weights {
  return new Map(
    [...weights].map(([name, values]) => [name, isOutputOf(layers, name) ? new Float32Array(values.length) : values]),
  );
}

/** Fields of config.json with an entry for each layer. */
const BY_LAYER = ['layer_types'];

/**
 * The model without the layers, the others numbered anew.
 *
 * @param layers numbers from 0, at least one less than there are
 */
export function withoutLayers(
  config: ModelConfig,
  weights: Weights,
  layers: ReadonlySet<number>,
): {readonly config: ModelConfig; readonly weights: Weights} {
  const kept = Array.from({length: config.layers}, (_, layer) => layer).filter((layer) => !layers.has(layer));
  const raw: Record<string, unknown> = {...config.raw, num_hidden_layers: kept.length};
  for (const field of BY_LAYER) {
    const given = config.raw[field];
    if (Array.isArray(given)) raw[field] = kept.map((layer) => (given as unknown[])[layer]);
  }
  const smaller = parseConfig(raw, 'the config without layers');
  const renamed = [...parameterShapes(smaller).keys()].map((name) => {
    const from = name.replace(/^model\.layers\.(\d+)\./, (_, layer) => `model.layers.${kept[Number(layer)]!}.`);
    return [name, weights.get(from)!] as const;
  });
  return {config: smaller, weights: new Map(renamed)};
}
