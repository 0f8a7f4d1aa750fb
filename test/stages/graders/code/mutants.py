"""Programs that differ from a right one in one place: an operator, a comparison, a constant, a condition or what is returned.

Standard input: JSON lines of {prompt, canonical_solution, entry_point, count, seed}. Standard output: for each a JSON list of programs.
"""

import ast
import copy
import json
import random
import sys

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult, ast.BitXor: ast.BitOr, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}


def edits(node):
    """Each way to change one node in place."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        yield lambda: setattr(node, "op", OPERATORS[type(node.op)]())
    if isinstance(node, ast.Compare):
        yield lambda: node.ops.__setitem__(0, COMPARISONS[type(node.ops[0])]())
    if isinstance(node, ast.BoolOp):
        yield lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield lambda: setattr(node, "value", not value)
        elif isinstance(value, (int, float)):
            yield lambda: setattr(node, "value", value + 1)
        elif isinstance(value, str):
            yield lambda: setattr(node, "value", value + "?")
    if isinstance(node, ast.Return) and node.value is not None:
        yield lambda: setattr(node, "value", ast.Constant(None))


def mutants(problem):
    source = problem["prompt"] + problem["canonical_solution"]
    whole = ast.parse(source)

    def places(tree):
        function = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == problem["entry_point"]][-1]
        body = [each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
        return [edit for part in body for node in ast.walk(part) for edit in edits(node)]

    found = []
    order = list(range(len(places(whole))))
    random.Random(problem["seed"]).shuffle(order)
    for place in order:
        tree = copy.deepcopy(whole)
        places(tree)[place]()
        text = ast.unparse(ast.fix_missing_locations(tree))
        if text != ast.unparse(whole) and text not in found:
            found.append(text)
        if len(found) == problem["count"]:
            break
    return found


for line in sys.stdin:
    print(json.dumps(mutants(json.loads(line))))
