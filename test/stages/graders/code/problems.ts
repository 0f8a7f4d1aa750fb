/** A few problems in the form of HumanEval's (`prompt`, `entry_point`, `test`, `canonical_solution`), made for these tests. */

export interface Problem {
  readonly name: string;
  readonly prompt: string;
  readonly entry_point: string;
  readonly canonical_solution: string;
  readonly test: string;
}

export const problems: readonly Problem[] = [
  {
    name: 'spread',
    entry_point: 'spread',
    prompt:
      'from typing import List\n\n\ndef spread(values: List[int]) -> int:\n' +
      '    """ How far the largest number is from the smallest; 0 of no numbers.\n    >>> spread([3, 9, 4])\n    6\n    """\n',
    canonical_solution: '    if not values:\n        return 0\n    return max(values) - min(values)\n',
    test:
      'def check(candidate):\n    assert candidate([3, 9, 4]) == 6\n    assert candidate([]) == 0\n' +
      '    assert candidate([-5]) == 0\n    assert candidate([-5, 5]) == 10\n    assert candidate([2, 2, 1]) == 1\n',
  },
  {
    name: 'runs',
    entry_point: 'runs',
    prompt:
      'def runs(text):\n    """ Letters and how often each stands in a row, in the order of the text.\n' +
      "    >>> runs('aab')\n    [('a', 2), ('b', 1)]\n    \"\"\"\n",
    canonical_solution:
      '    found = []\n    for letter in text:\n        if found and found[-1][0] == letter:\n' +
      '            found[-1] = (letter, found[-1][1] + 1)\n        else:\n            found.append((letter, 1))\n    return found\n',
    test:
      "def check(candidate):\n    assert candidate('aab') == [('a', 2), ('b', 1)]\n    assert candidate('') == []\n" +
      "    assert candidate('aba') == [('a', 1), ('b', 1), ('a', 1)]\n    assert candidate('zzzz') == [('z', 4)]\n",
  },
  {
    name: 'decode',
    entry_point: 'decode',
    prompt:
      'def encode(text: str, by: int) -> str:\n    """ Each small letter moved on by so many places. """\n' +
      "    return ''.join(chr((ord(each) - ord('a') + by) % 26 + ord('a')) for each in text)\n\n\n" +
      'def decode(text: str, by: int) -> str:\n    """ What encode was given. """\n',
    canonical_solution: '    return encode(text, 26 - by % 26)\n',
    test:
      'import random\n\n\ndef check(candidate):\n    for _ in range(20):\n' +
      "        text = ''.join(random.choice('abcdefghijklmnopqrstuvwxyz') for _ in range(9))\n" +
      '        by = random.randrange(60)\n        assert candidate(encode(text, by), by) == text\n',
  },
  {
    name: 'near',
    entry_point: 'root',
    prompt: 'def root(number: float) -> float:\n    """ The square root, by bisection. """\n',
    canonical_solution:
      '    low, high = 0.0, max(1.0, number)\n    for _ in range(200):\n        middle = (low + high) / 2\n' +
      '        if middle * middle < number:\n            low = middle\n        else:\n            high = middle\n    return high\n',
    test:
      'import math\n\n\ndef check(candidate):\n    for number in (0.25, 2.0, 9.0, 1e6):\n' +
      '        assert math.isclose(candidate(number), math.sqrt(number), rel_tol=1e-9)\n    assert candidate(0.0) < 1e-9\n',
  },
  {
    name: 'counts',
    entry_point: 'counts',
    prompt: 'def counts(words):\n    """ Each word, in small letters, and how often it occurs. """\n',
    canonical_solution: '    import collections\n    return collections.Counter(each.lower() for each in words)\n',
    test:
      "def check(candidate):\n    assert candidate(['a', 'B', 'b']) == {'a': 1, 'b': 2}\n    assert candidate([]) == {}\n" +
      "    assert candidate(('x',))['x'] == 1\n",
  },
  {
    name: 'divided',
    entry_point: 'divided',
    prompt:
      'def divided(whole: int, by: int):\n    """ Quotient and rest; a ValueError where there is nothing to divide by. """\n',
    canonical_solution:
      "    if by == 0:\n        raise ValueError('nothing to divide by')\n    return whole // by, whole % by\n",
    test:
      'def check(candidate):\n    assert candidate(7, 2) == (3, 1)\n    assert candidate(-7, 2) == (-4, 1)\n' +
      '    assert candidate(8, by=4) == (2, 0)\n    try:\n        candidate(1, 0)\n    except ValueError:\n        pass\n' +
      '    else:\n        assert False\n',
  },
];
