/** Chat templates of other people: what is wrong with one is told in a sentence, and what it makes is bounded. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {compileTemplate} from '../../../stages/text/jinja.js';
import {renderChat} from '../../../stages/text/templates.js';

const VARIABLES = {
  messages: [
    {role: 'user', content: 'hi'},
    {role: 'assistant', content: 'yo'},
  ],
};
const render = (source: string): string => compileTemplate(source, 'model/tokenizer_config.json')(VARIABLES);
const fault = (source: string): string => {
  try {
    render(source);
  } catch (error) {
    assert.ok(error instanceof StageFailure, String(error));
    return error.message;
  }
  throw new assert.AssertionError({message: `${source} was rendered`});
};

test('what a loop has written before it is left, or before its round is, stays', () => {
  for (const [source, text] of [
    ['{% for m in messages %}{{ m.content }}{% break %}{% endfor %}!', 'hi!'],
    ['{% for m in messages %}a{% if loop.first %}[{{ m.content }}]{% continue %}{% endif %}b{% endfor %}!', 'a[hi]ab!'],
    [
      '{% for m in messages %}{% for x in range(9) %}{{ x }}{% if x == 1 %}{% break %}{% endif %}{% endfor %};{% endfor %}',
      '01;01;',
    ],
    [
      '{% for m in messages %}{% if true %}{% for x in [1] %}{{ x }}{% endfor %}{% break %}{% endif %}{% endfor %}',
      '1',
    ],
    ['{% for m in messages %}{% break %}{% else %}none{% endfor %}', ''],
    ['{% for m in [] %}{% break %}{% else %}none{% endfor %}', 'none'],
    [
      '{% macro f() %}{% for x in range(3) %}{{ x }}{% break %}{% endfor %}{% endmacro %}{% for x in range(2) %}{{ f() }}{% endfor %}',
      '00',
    ],
    [
      '{% set ns = namespace(n=0) %}{% for x in range(5) %}{% set ns.n = ns.n + 1 %}{% if x == 1 %}{% break %}{% endif %}{% endfor %}{{ ns.n }}',
      '2',
    ],
  ] as const) {
    assert.equal(render(source), text, source);
  }
});

test('what is Python in a template is as Python has it', () => {
  for (const [source, text] of [
    ['{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}', '221'],
    ["{{ '\\n a \\n'.strip('\\n') }}|{{ 'xyax'.lstrip('xy') }}|{{ 'a,b,c'.rsplit(',', 1)[0] }}", ' a |ax|a,b'],
    ['{% if true %}\r\na\r\n{% endif %}\r\nb\rc', 'a\nb\nc'],
    [
      "{{ [1, 2.0, 'it\\'s', none, true] }}{{ {'a': 1} }}{{ none }}{{ true }}",
      `[1, 2.0, "it's", None, True]{'a': 1}NoneTrue`,
    ],
    ["{{ '🙂é' | length }}{{ \"it's a-b\" | title }}{{ 'hELLO' | capitalize }}", "2It's A-BHello"],
    ["{{ 1 == '1' }}{{ [1] == [1] }}{{ none in [none] }}{{ -7 % 3 }}", 'FalseTrueTrue2'],
    ['{% macro f() %}[{{ m }}]{% endmacro %}{% for m in [1] %}{{ f() }}{% endfor %}', '[]'],
  ] as const) {
    assert.equal(render(source), text, source);
  }
  assert.match(fault('{{ messages.foo.bar }}'), /“messages\.foo\.bar” is asked of what is not defined/);
  assert.match(fault('{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'), /it calls itself without end/);
  assert.match(fault("{{ strftime_now('%Q') }}"), /strftime_now\(\) with “%Q”/);
  assert.match(fault('{{ 1 == 1 == true }}'), /comparisons in a row/);
});

test('ranges, views of records and what filters hand on are no lists', () => {
  const users = "messages | selectattr('role', 'equalto', 'user')";
  for (const [source, text] of [
    [
      '{{ range(3) }}{{ range(1, 9, 2) }}{{ [range(2)] }}{{ range(2) == [0, 1] }}',
      'range(0, 3)range(1, 9, 2)[range(0, 2)]False',
    ],
    [
      "{{ {'a': 1}.items() }}{{ {'a': 1}.keys() }}|{{ {'a': 1}.keys()[0] }}|",
      "dict_items([('a', 1)])dict_keys(['a'])||",
    ],
    [`{% if messages | selectattr('role', 'equalto', 'tool') %}yes{% endif %}|{{ (${users})[0] }}|`, 'yes||'],
    [
      `{{ ${users} | list | length }}{{ (${users} | first).content }}{{ messages | map(attribute='role') | join }}`,
      '1hiuserassistant',
    ],
    [
      "{{ '<a>' | safe + '<b>' }}{{ '<b>' + ('<a>' | safe | trim) }}{{ ('<a>' | safe) ~ '<b>' }}",
      '<a>&lt;b&gt;&lt;b&gt;<a><a><b>',
    ],
    ["{{ none | selectattr('a') | list }}{{ none | map(attribute='a') | list }}{{ 0 | reject | list }}", '[][][]'],
    ['{% macro f() %}{{ varargs }}{% endmacro %}{{ f(1) }}{{ thing is callable }}', '(1,)True'],
    ["{{ 'ǆ ა ß'.title() }}", 'ǅ ა Ss'],
  ] as const) {
    assert.equal(render(source), text, source);
  }
  for (const [source, words] of [
    [`{{ ${users} | length }}`, /the length of what a filter hands on; “\| list” would keep it/],
    [`{{ ${users} }}`, /what a filter hands on, or a part of a range, is printed/],
    [`{% set u = ${users} %}{% for x in u %}{% endfor %}{% for x in u %}{% endfor %}`, /gone over twice/],
    ['{{ range(3) | tojson }}', /what is no list has no JSON/],
    ['{{ range(3) + [1] }}', /“\+” of what is no list/],
    ['{{ range(1.0) }}', /range\(\) of what is no whole number/],
    ['{{ strftime_now() }}', /strftime_now\(\) without a format/],
    ["{{ ('a' | safe).strip('<') }}", /a part or a method of what “\| safe” has marked/],
    ["{{ 'a' | safe | replace('a', '<') }}", /filter “replace” for what “\| safe” has marked/],
    ['{{ self }}', /“self” is not known here/],
    ['{{ [x for x in [1]] }}', /a “for” within brackets is no Jinja/],
  ] as const) {
    assert.match(fault(source), words, source);
  }
});

test('the condition of a loop is asked before each of its rounds', () => {
  const loop = (body: string): string =>
    `{% set ns = namespace(a=0) %}{% for x in [1, 2, 3, 4] if ns.a < 3 %}{% set ns.a = ns.a + x %}${body}{% else %}none{% endfor %}`;
  assert.equal(render(loop('{{ x }}{{ loop.index }}{{ loop.first }},')), '11True,22False,');
  assert.equal(
    render(loop('[{{ loop.previtem }}{% for y in [5] %}{{ y }}{{ loop.last }}{% endfor %}]')),
    '[5True][15True]',
  );
  assert.equal(render(loop('{{ x }}{% break %}')), '1');
  assert.equal(render('{% for x in [1, 2, 3] if x > 1 %}{{ x }}{{ loop.last }}{% endfor %}'), '2False3True');
  assert.match(fault(loop('{{ loop.last }}')), /loop\.last of a loop whose condition changes on the way/);
});

test('what is unknown in a template is named with its line', () => {
  for (const [source, words] of [
    ['a\nb\n{{ messages[0].content | fou }}', 'unknown filter “fou” for a text (line 3)'],
    ['{{ messages | fou(1) }}', 'unknown filter “fou” for a list (line 1)'],
    ['{{ none | abs }}', 'filter “abs” cannot be applied to none (line 1)'],
    ['{% if messages is odd_one %}x{% endif %}', 'unknown test “odd_one” (line 1)'],
    ['{{ "fou" }}\n{{ fou(1) }}', 'unknown function “fou” (line 2)'],
    ['\n{{ messages[0].content.fou() }}', 'unknown function “fou” (line 2)'],
    ['{{ fou() }}\n{{ fou() }}', 'unknown function “fou” (line 1 or 2)'],
    ['{{ range(0, 3, 0) }}', 'range() in steps of 0 (line 1)'],
  ] as const) {
    assert.equal(fault(source), `chat template of model/tokenizer_config.json: ${words}`);
  }
  assert.match(fault('{{ messages + 1 }}'), /^chat template of model\/tokenizer_config\.json: Unknown operator "\+"/);
});

test('what is no template is told as such', () => {
  for (const [source, words] of [
    ['x\n{% trans %}y{% endtrans %}', 'unknown statement “trans” (line 2)'],
    ['x\n{{ ` }}', 'Unexpected character: ` (line 2)'],
    ["{{ 'abc", 'Unexpected end of input (line 1)'],
    ['{% for x in messages %}', 'it ends too early: a block or a bracket is not closed'],
    ['{% if %}', 'Unexpected token: CloseStatement'],
  ] as const) {
    assert.equal(fault(source), `the chat template of model/tokenizer_config.json cannot be read: ${words}`);
  }
});

test('a template that refuses a conversation is heard', () => {
  assert.equal(
    fault("{{ raise_exception('roles must alternate') }}"),
    'the chat template of model/tokenizer_config.json refuses this conversation: roles must alternate',
  );
});

test('what a template makes is bounded: numbers, texts, lists, depth', () => {
  assert.match(
    fault('{% for i in range(1000000000) %}x{% endfor %}'),
    /range\(\) of 1000000000 numbers; 100000 are the most/,
  );
  const text = /it makes a text of more than 10000000 characters/;
  assert.match(fault('{% for i in range(90000) %}{% for j in range(90000) %}xxxxxxxxxx{% endfor %}{% endfor %}'), text);
  const doubled = (first: string) =>
    `{% set ns = namespace(x=${first}) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x | length }}`;
  assert.match(fault(doubled("'aaaa'")), text);
  assert.match(fault(doubled('[1, 2]')), /it makes a list of more than 1000000 entries/);
  const nested = `${'{% if true %}'.repeat(20_000)}x${'{% endif %}'.repeat(20_000)}`;
  assert.match(fault(nested), /it is nested too deep|it calls itself without end/);
});

test('a template that leaves the question out is refused, one that asks it another way is not', () => {
  const tokenizer = {
    ...{chatTemplateFile: 'model/tokenizer_config.json', bosToken: '<s>', eosToken: '</s>'},
    asText: (text: string) => text,
  };
  const question = [{role: 'user', content: ' What ? '}] as const;
  assert.throws(
    () => renderChat({...tokenizer, chatTemplate: '{{ bos_token }}hello'}, question),
    /the chat template of model\/tokenizer_config\.json leaves the question out; use the template “none” instead/,
  );
  const odd = '{% for m in messages %}{{ m.content | trim | upper }}{% endfor %}';
  assert.equal(renderChat({...tokenizer, chatTemplate: odd}, question), 'WHAT ?');
});

test('three conversations are tried out: the last question must be there, a refusal of roles is no fault', () => {
  const asText = (text: string): string => text;
  const of = (chatTemplate: string) => ({
    chatTemplate,
    chatTemplateFile: 'chat_template.jinja',
    asText,
    eosToken: '</s>',
    bosToken: '<s>',
  });
  const ask = (chatTemplate: string, count = 1): string =>
    renderChat(
      of(chatTemplate),
      Array.from({length: count}, (_, i) => ({role: 'user', content: `q${i}`}) as const),
    );
  const all = '{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}';
  assert.equal(ask(all), '[user] q0');
  const noSystem = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}";
  assert.equal(ask(noSystem + all), '[user] q0');
  assert.equal(ask('{{ messages | tojson }}'), '[{"role": "user", "content": "q0"}]');
  assert.throws(
    () => ask('{{ messages[0].content }}'),
    /chat_template\.jinja leaves the question out behind a system message/,
  );
  const skips = '{% for m in messages %}{% if loop.index == 3 %}{% continue %}{% endif %}{{ m.content }}{% endfor %}';
  assert.throws(() => ask(skips), /leaves the question out in a longer conversation/);
  const firstLine = "{% for m in messages %}{{ m.content.strip().split('\\n')[0] }}{% endfor %}";
  assert.throws(() => ask(firstLine), /leaves the question out in a longer conversation/);
  const last = '{{ messages[-1].content }}';
  assert.equal(ask(last), 'q0');
  assert.throws(() => ask(last, 2), /chat_template\.jinja leaves out what was asked before/);
});
