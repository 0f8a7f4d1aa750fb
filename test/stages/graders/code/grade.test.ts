/** Programs and their tests: right ones pass, wrong ones fail, and what wants the reward without the work is seen for what it is. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {suite, test} from 'node:test';
import {MOST_OUTPUT, gradeProgram, sameOutput} from '../../../../stages/graders/code/grade.js';
import {limitsOf} from '../../../../stages/sandbox/limits.js';
import type {CodeTests} from '../../../../stages/tasks/code-tests.js';
import {opened, shortLimits} from '../../../rig/python-sandbox.js';
import {SEARCH, hostile, rightSpread, spreadTests} from './hostile.js';
import {problems} from './problems.js';

const {skip} = opened;

const grade = async (program: string, tests: CodeTests, limits = shortLimits) =>
  gradeProgram(opened.python!, {program, tests}, limits);

const check = (code: string, entryPoint = 'f'): CodeTests => ({style: 'check', entryPoint, code});
const calls = (cases: {args: unknown[]; returns: unknown}[], tolerance?: number): CodeTests => ({
  style: 'calls',
  entryPoint: 'f',
  cases,
  tolerance,
});

const outcomeOf = async (program: string, tests: CodeTests) => (await grade(program, tests))?.outcome;

void suite('programs', {skip, concurrency: 2}, () => {
  test('solutions of problems in the form of HumanEval pass, in the place of the stub as well as behind it', async () => {
    for (const {name, prompt, entry_point: entryPoint, canonical_solution: solution, test: code} of problems) {
      const tests: CodeTests = {style: 'check', entryPoint, code, prelude: prompt};
      assert.deepEqual(await grade(prompt + solution, tests), {outcome: 'right', why: '', changed: false}, name);
      const alone = prompt.replace(/^from typing import List\n/, '') + solution; // The prelude has it.
      assert.equal((await grade(alone, tests))?.outcome, 'right', name);
      assert.deepEqual(await outcomeOf('', tests), 'wrong', `${name}: the stub of the prompt alone`);
    }
  });

  for (const {does, program, outcome, why} of hostile)
    test(`a program that ${does} is ${outcome}`, async () => {
      const verdict = await grade(program, spreadTests, limitsOf(1, {waitSeconds: 3}));
      assert.equal(verdict?.outcome, outcome, JSON.stringify(verdict));
      assert.match(verdict.why, why);
    });

  test('the right program is right', async () => {
    assert.deepEqual(await grade(rightSpread, spreadTests), {outcome: 'right', why: '', changed: false});
    // What stands before it is compiled by itself.
    const future = `from __future__ import annotations\n${rightSpread}`;
    const behind = {...spreadTests, prelude: 'import math\n'} as CodeTests;
    assert.equal(await outcomeOf(future, behind), 'right');
    const broken = {...spreadTests, prelude: 'import no_such_module\n'} as CodeTests;
    assert.equal(await outcomeOf(rightSpread, broken), 'faulty');
    assert.equal(await outcomeOf(rightSpread, {...spreadTests, prelude: 'def ('} as CodeTests), 'faulty');
  });

  test('nothing of the tests can be found from a program, however it looks', async () => {
    const program = `${SEARCH}\ndef f(secret):\n    return look()\n`;
    const where = check(
      "SECRET = 'what-only-the-tests-know'\ndef check(candidate):\n    assert candidate(0) == [True, False], candidate(0)\n",
    );
    assert.deepEqual(await grade(program, where, limitsOf(20)), {outcome: 'right', why: '', changed: false});
    // The search does find what there is to find.
    const known = `${program}\nleft = 'what-only-the-tests-know'\n`;
    assert.equal((await grade(known, calls([{args: [0], returns: [true, true]}]), limitsOf(20)))?.outcome, 'right');
  });

  test('a program sees nothing of the environment of this process, and no file of its', async () => {
    process.env['R1_TEST_CANARY'] = 'canary-of-the-environment';
    const program =
      'import glob, os\ndef f():\n    seen = repr(dict(os.environ))\n    for file in glob.glob("/proc/*/environ"):\n        try:\n            seen += open(file).read()\n' +
      '        except OSError:\n            pass\n    return ["canary" in seen, os.getuid() == 0, sorted(os.listdir("/")), os.listdir("/tmp")]\n';
    const listed = ['bin', 'dev', 'etc', 'lib', 'lib64', 'proc', 'sbin', 'tmp', 'usr'];
    const verdict = await grade(program, calls([{args: [], returns: [false, false, listed, []]}]));
    delete process.env['R1_TEST_CANARY'];
    // Which of /lib32 and its like there are differs from system to system.
    if (verdict?.outcome !== 'right') assert.match(verdict!.why, /^case 1: returned \[False, False, \['bin', 'dev'/);
  });

  test('what a program leaves behind ends with it', async () => {
    const program =
      'import os, time\ndef f():\n    for _ in range(3):\n        if os.fork() == 0:\n            os.setsid()\n            if os.fork() == 0:\n' +
      '                time.sleep(1000)\n            os._exit(0)\n    return 1\n';
    assert.equal(await outcomeOf(program, calls([{args: [], returns: 1}])), 'right');
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
    const left = children.filter((pid) => /bwrap/.test(commandOf(pid)));
    // Tests that run beside this one have theirs, at most two each.
    assert.ok(left.length <= 4, `${left.length} left`);
  });

  test('values arrive as what they are', async () => {
    const code =
      'def check(candidate):\n' +
      "    for value in (1, True, None, 'é\\ud800', b'\\x00', 1.5, -0.0, float('inf'), 2 ** 200, 3j, (1,), [1, (2,)], {1: 'a', (1, 2): [3]}, {1, 2}, frozenset([1]), range(3)):\n" +
      '        back = candidate(value)\n        assert type(back) is type(value) and back == value, value\n' +
      '        assert candidate(value) is not value or type(value) in (int, bool, str, type(None), bytes, float)\n' +
      "    assert candidate(float('nan')) != candidate(float('nan'))\n" +
      '    import collections, decimal, fractions\n' +
      "    for value in (collections.deque([1]), decimal.Decimal('0.1'), fractions.Fraction(1, 3), bytearray(b'x')):\n" +
      '        assert type(candidate(value)) is type(value) and candidate(value) == value\n' +
      '    inner = [1]\n    twice = candidate([inner, inner])\n    assert twice[0] is twice[1]\n';
    assert.deepEqual(await grade('def f(x): return x\n', check(code)), {outcome: 'right', why: '', changed: false});
    // Plain data of a built-in type in the clothes of a subclass, and what only iterates.
    assert.equal(
      await outcomeOf(
        'import collections\ndef f(): return collections.OrderedDict(a=1)\n',
        check('assert f() == {"a": 1}'),
      ),
      'right',
    );
    assert.equal(
      await outcomeOf('def f(): return (x for x in "ab")\n', check('assert list(f()) == ["a", "b"]')),
      'right',
    );
    assert.equal(await outcomeOf('def f(): return (x for x in "ab")\n', check('assert f() == ["a", "b"]')), 'wrong');
    assert.equal(await outcomeOf('def f(): return {"a": 1}.keys()\n', check('assert f() == {"a"}')), 'right');
  });

  test('tests that only hold in one process are not passed by accident', async () => {
    // Arguments that a program may not change, and those that it is to change.
    const alone = check(
      'def check(candidate):\n    numbers = [2, 1]\n    assert candidate(numbers) == [1, 2]\n    assert numbers == [2, 1]\n',
    );
    assert.equal(await outcomeOf('def f(x): return sorted(x)\n', alone), 'right');
    assert.equal(await outcomeOf('def f(x):\n    x.sort()\n    return list(x)\n', alone), 'wrong');
    const same = check('def check(candidate):\n    numbers = [2, 1]\n    assert candidate(numbers) is not numbers\n');
    assert.equal(await outcomeOf('def f(x): return list(x)\n', same), 'right');
    // What changes its argument is tried once more with the arguments of the tests themselves.
    const changing = 'def f(x):\n    x.append(0)\n    return 1\n';
    assert.equal(await outcomeOf(changing, check('assert f([1]) == 1')), 'right');
    assert.equal(await outcomeOf(changing, check('x = [1]\nassert f(x) == 1 and x == [1]')), 'wrong');
  });

  test('tests that cannot be run beside a program are refused, and not held against it', async () => {
    const faulty: readonly (readonly [code: string, why: RegExp])[] = [
      ['assert f(lambda x: x) == 1', /the tests pass an object of class “function”/],
      ['class A: pass\nassert f(A()) == 1', /the tests pass an object of class “A”/],
      ['assert g(1) == 1', /the tests use what they do not have: name 'g' is not defined/],
      ['import numpy_that_is_not_there', /the tests use what they do not have/],
      ['assert f(1 == 1', /the code of the tests/],
      ['def check(candidate): pass', /the tests do not call f/],
      ['', /the tests do not call f/],
    ];
    for (const [code, why] of faulty) {
      const verdict = await grade('def f(x): return 1\n', check(code));
      assert.equal(verdict?.outcome, 'faulty', code);
      assert.match(verdict.why, why);
    }
    // The same words from the program are its own fault.
    assert.deepEqual(await grade('def f(x): return g(x)\n', check('assert f(1) == 1')), {
      outcome: 'wrong',
      why: "raised NameError: name 'g' is not defined",
      changed: false,
    });
  });

  test('calls are compared as JSON says, true is not 1, and a method is called on a new object', async () => {
    const right = async (value: string, returns: unknown, tolerance?: number) =>
      outcomeOf(`def f(): return ${value}\n`, calls([{args: [], returns}], tolerance));
    assert.equal(await right('[1, (2, 3)]', [1, [2, 3]]), 'right');
    assert.equal(await right('True', 1), 'wrong');
    assert.equal(await right('1', true), 'wrong');
    assert.equal(await right('1.0', 1), 'right');
    assert.equal(await right('{"a": None}', {a: null}), 'right');
    assert.equal(await right('{1: 2}', {1: 2}), 'wrong');
    assert.equal(await right('0.1 + 0.2', 0.3), 'wrong');
    assert.equal(await right('0.1 + 0.2', 0.3, 1e-9), 'right');
    assert.equal(await right('float("nan")', 0.3, 1e-9), 'wrong');
    assert.equal(await right('{1}', [1]), 'wrong');
    assert.deepEqual(
      await grade(
        'def f(x): return x\n',
        calls([
          {args: [1], returns: 1},
          {args: [1], returns: 2},
        ]),
      ),
      {
        outcome: 'wrong',
        why: 'case 2: returned 1 where 2 is expected',
        changed: false,
      },
    );
    const method: CodeTests = {
      style: 'calls',
      entryPoint: 'Solution.add',
      cases: [1, 2].map((n) => ({args: [n], returns: n})),
    };
    const program =
      'class Solution:\n    def __init__(self): self.sum = 0\n    def add(self, n):\n        self.sum += n\n        return self.sum\n';
    assert.equal(await outcomeOf(program, method), 'right');
    assert.deepEqual(await grade('class Solution: pass\n', method), {
      outcome: 'wrong',
      why: 'defines no Solution.add',
      changed: false,
    });
  });

  test('whole programs read standard input, and what they write is compared by lines', async () => {
    const tests: CodeTests = {
      style: 'stdin',
      cases: [
        {input: '1 2\n', output: '3\n'},
        {input: '5 5\n', output: '10'},
      ],
    };
    const reads = 'a, b = map(int, input().split())\n';
    const outcomes: readonly (readonly [program: string, outcome: string, why: RegExp])[] = [
      [`${reads}print(a + b)`, 'right', /^$/],
      [
        `if __name__ == '__main__':\n    import sys\n    print(sum(map(int, sys.stdin.read().split())), ' ')\n    print()`,
        'right',
        /^$/,
      ],
      [`${reads}print(a - b)`, 'wrong', /^case 1: line 1 is "-1" where "3" is expected$/],
      ['print(3)', 'wrong', /^case 2: line 1 is "3" where "10" is expected$/],
      [`${reads}print(a + b)\nraise ValueError('x')`, 'wrong', /^case 1: ended with exit status 1: ValueError: x$/],
      ['import os\nos._exit(0)', 'wrong', /^case 1: line 1 is nothing where "3" is expected$/],
      ['while True: pass', 'timed-out', /^case 1: used up its processor time$/],
      ["while True: print('x' * 10 ** 6)", 'wrong', /^case 1: output too large/],
      ['x = [0] * 10 ** 9', 'wrong', /^case 1: out of memory: ended with exit status 1: MemoryError$/],
      ['import os\nwhile True: os.fork()', 'wrong', /^case 1: too many processes/],
      ['print(', 'unparsable', /^syntax error: line 1/],
      ["open('/usr/x', 'w')", 'wrong', /Read-only file system/],
    ];
    for (const [program, outcome, why] of outcomes) {
      const verdict = await grade(program, tests, shortLimits);
      assert.equal(verdict?.outcome, outcome, `${program}: ${JSON.stringify(verdict)}`);
      assert.match(verdict.why, why);
    }
    assert.ok(MOST_OUTPUT < 10 ** 9);
  });

  test('a program that waits is given up at once when nobody waits for it', async () => {
    const stop = new AbortController();
    const started = performance.now();
    const verdict = gradeProgram(
      opened.python!,
      {program: 'while True: pass\n', tests: spreadTests},
      limitsOf(60),
      stop.signal,
    );
    setTimeout(() => stop.abort(), 300);
    assert.equal(await verdict, undefined);
    assert.ok(performance.now() - started < 300 + 1000);
  });
});

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended.
  }
};

test('output is compared by lines: spaces at their ends and empty lines at the end do not count', () => {
  assert.ok(sameOutput('a \r\nb\n\n', 'a\nb'));
  assert.ok(!sameOutput('a\n\nb', 'a\nb'));
  assert.ok(!sameOutput(' a', 'a'));
  assert.ok(!sameOutput('1.0', '1'));
});
