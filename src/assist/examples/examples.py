# Holds a written function against the examples of its comment. What cannot be read as an example says nothing.
import builtins
import json
import math

written = {"__name__": "written"}
with open("written.py") as file:
    exec(compile(file.read(), "written.py", "exec"), written)


def known(code):
    return all(name in written or hasattr(builtins, name) for name in code.co_names[:1])


def same(one, other):
    if isinstance(one, float) or isinstance(other, float):
        try:
            return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
        except TypeError:
            return False
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


tried = 0
with open("examples.json") as file:
    examples = json.load(file)
for call, result in examples:
    try:
        code = compile(call, "example", "exec" if result is None else "eval")
        want = None if result is None else eval(compile(result, "result", "eval"), dict(written))
    except Exception:
        continue
    if not known(code):
        continue
    if result is None:
        exec(code, written)
        continue
    got = eval(code, written)
    if not same(got, want):
        raise SystemExit(f"{call} is {got!r}, not {want!r}")
    tried += 1
print("PASSED" if tried else "NONE_READ")
