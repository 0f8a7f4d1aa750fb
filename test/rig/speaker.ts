/**
 * A model that says what a test wants it to: to a question that holds a word like `key-7`, one of the replies that belong to that
 * word, each as likely as the others. The next token depends on the last one alone: embeddings are one-hot, attention and MLP add
 * nothing, and the head holds which token may follow which. The chat template puts the word behind the question.
 */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {writeSafetensors} from '../../stages/model/safetensors.js';

/** What the model says to a question. */
export interface Line {
  /** The word of the question, which no other question has: `key-7`. */
  readonly key: string;
  /** Each is one token, whatever is in it. */
  readonly replies: readonly string[];
}

const SPECIAL = ['<unk>', '</s>', '<pad>'];
const [END, PAD] = [1, 2];
/** Of a token that may follow, against 0 of those that may not; the norm in front of the head makes √vocabulary times that of it. */
const LOUD = 20;

/** Writes a Hugging Face folder of the Llama family. A chat template hands on the question as it is. */
export async function writeSpeaker(folder: string, lines: readonly Line[]): Promise<void> {
  mkdirSync(folder, {recursive: true});
  const words = [...SPECIAL];
  const idOf = (word: string): number => {
    if (!words.includes(word)) words.push(word);
    return words.indexOf(word);
  };
  const follows = lines.flatMap(({key, replies}) => {
    const last = idOf(key);
    return replies.map(idOf).flatMap((reply) => [[last, reply] as const, [reply, END] as const]);
  });
  const size = words.length + (words.length % 2); // The rotation of positions takes pairs.
  const onehot = new Float32Array(size * size);
  for (let word = 0; word < size; word++) onehot[word * size + word] = 1;
  const head = new Float32Array(size * size);
  for (const [last, next] of follows) head[next * size + last] = LOUD;
  const square = {shape: [size, size], values: new Float32Array(size * size)};
  const ones = {shape: [size], values: new Float32Array(size).fill(1)};
  const [up, down] = [
    {shape: [2, size], values: new Float32Array(2 * size)},
    {shape: [size, 2], values: new Float32Array(2 * size)},
  ];
  const layer = {
    input_layernorm: ones,
    post_attention_layernorm: ones,
    'self_attn.q_proj': square,
    'self_attn.k_proj': square,
    'self_attn.v_proj': square,
    'self_attn.o_proj': square,
    'mlp.gate_proj': up,
    'mlp.up_proj': up,
    'mlp.down_proj': down,
  };
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    new Map([
      ['model.embed_tokens.weight', {shape: [size, size], values: onehot}],
      ['lm_head.weight', {shape: [size, size], values: head}],
      ['model.norm.weight', ones],
      ...Object.entries(layer).map(([name, tensor]) => [`model.layers.0.${name}.weight`, tensor] as const),
    ]),
  );
  const json = (name: string, content: unknown): void => {
    writeFileSync(join(folder, name), JSON.stringify(content));
  };
  json('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: size,
    hidden_size: size,
    intermediate_size: 2,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    hidden_act: 'silu',
    eos_token_id: END,
    pad_token_id: PAD,
    torch_dtype: 'float32',
  });
  const vocabulary = Array.from({length: size}, (_, id) => words[id] ?? '<never>');
  json('tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      ...{id, content, special: true},
      ...{single_word: false, lstrip: false, rstrip: false, normalized: false},
    })),
    normalizer: null,
    pre_tokenizer: {type: 'WhitespaceSplit'},
    post_processor: null,
    decoder: {type: 'Fuse'},
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
      unk_token: '<unk>',
    },
  });
  json('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: '</s>',
    unk_token: '<unk>',
    pad_token: '<pad>',
    model_max_length: 512,
    chat_template:
      "{% for message in messages %}{{ message['content'] }} key-{{ message['content'].split('key-')[-1].split()[0] }}{% endfor %}",
  });
}
