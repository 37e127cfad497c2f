"""Hostile laws, as data: what a sandbox must withstand, and plain ``exec`` does not.

Each attack is the raw source of a law, past any linter. ``@FILE@``, ``@FOLDER@``, ``@VARIABLE@`` and ``@PORT@`` stand for a file and
an environment variable that hold a secret, a folder to write to and a port of the host that listens. A law that gets at the secret
says it in its answer, so that it can be seen there.

Source: the cases that broke in-process interpreters of Python (see the names), those that CPython's own limits are about, and ours.
"""

from collections.abc import Iterator, Mapping
from textwrap import dedent, indent
from typing import NamedTuple

__all__ = ["ATTACKS", "Attack", "Target"]


class Target(NamedTuple):
    """What of the host an attack is aimed at."""

    file: str
    folder: str
    variable: str
    port: int


class Attack(NamedTuple):
    """A hostile law. Where ``must_fail``, nothing it says can be an answer; ``is_deadly`` where not even a throw-away process helps."""

    group: str
    name: str
    template: str
    must_fail: bool = True
    is_deadly: bool = False

    def source(self, target: Target) -> str:
        text = self.template
        for word, value in target._asdict().items():
            text = text.replace(f"@{word.upper()}@", str(value))
        return text


PRECONDITION = "def precondition(state, action):\n    return True\n\n"


def effect(body: str, *, before: str = "") -> str:
    """Return a law whose effect is ``body``, a statement or many, with ``before`` at the top of the module."""
    return f"{before}\n{PRECONDITION}def effect(state, action):\n{indent(dedent(body).strip(), '    ')}\n"


def leak(expression: str, *, before: str = "") -> str:
    """Return a law that answers with ``expression`` as text."""
    return effect(f'return {{"leak()": str({expression})[:900]}}', before=before)


def value(expression: str, *, before: str = "") -> str:
    """Return a law whose effect is the value of ``expression``."""
    return effect(f"return {expression}", before=before)


def then(statements: str, *, before: str = "") -> str:
    """Return a law that does something and answers politely."""
    return effect(f"{dedent(statements).strip()}\nreturn {{'wood()': 1}}", before=before)


class Polite(str):
    """Marks a law that a sandbox may let answer: that it does no harm is enough."""

    __slots__ = ()


Group = Mapping[str, str]

# --- time -----------------------------------------------------------------------------------------------------------------

LOOPS: Group = {
    "forever": then("while True:\n    pass"),
    "forever, swallowing exceptions": then(
        "while True:\n    try:\n        while True:\n            pass\n    except Exception:\n        pass"
    ),
    "forever, swallowing all": then(
        "while True:\n    try:\n        while True:\n            pass\n    except:\n        pass"
    ),
    "forever, swallowing the base": then(
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    ),
    "forever in finally": then(
        "while True:\n    try:\n        while True:\n            pass\n    finally:\n        continue"
    ),
    "forever in finally after return": effect("try:\n    return {}\nfinally:\n    while True:\n        pass"),
    "forever in the exit of a with": then(
        "with Trap():\n    pass",
        before="class Trap:\n    def __enter__(self): return 1\n    def __exit__(self, *rest):\n        while True: pass\n",
    ),
    "forever at import": "while True:\n    pass\n" + PRECONDITION + "def effect(state, action):\n    return {}\n",
    "forever in the precondition": value("{}").replace("return True", "while True:\n        pass"),
    "sum of a long range": then("sum(range(10**14))"),
    "max of a long range": then("max(range(10**14))"),
    "any of a long range": then("any(map(lambda n: False, range(10**14)))"),
    "endless iterator made a list": then("list(iter(int, 1))"),
    "endless count": then("import itertools\nfor n in itertools.count():\n    pass"),
    "endless cycle": then("import itertools\nfor n in itertools.cycle([1]):\n    pass"),
    "endless repeat summed": then("import itertools\nsum(itertools.repeat(0))"),
    "endless deque": then("import collections, itertools\ncollections.deque(itertools.count(), maxlen=1)"),
    "membership in the endless": then("import itertools\n-1 in itertools.count()"),
    "zip of the endless": then("import itertools\nfor pair in zip(itertools.count(), itertools.count()):\n    pass"),
    "list that grows while walked": then(
        "seen = [1]\nfor each in seen:\n    seen[0] = each\n    seen.append(1)\n    seen.pop(0) if False else None"
    ),
    "sort whose key never ends": then("sorted([2, 1], key=lambda n: sum(range(10**14)))"),
    "comparison that never ends": then(
        "Trap() == Trap()", before="class Trap:\n    def __eq__(self, other):\n        while True: pass\n"
    ),
    "ordering that never ends": then(
        "Trap() < Trap()", before="class Trap:\n    def __lt__(self, other):\n        while True: pass\n"
    ),
    "hash that never ends": then(
        "{Trap(): 1}",
        before="class Trap:\n    def __init__(self): self.n = 0\n    def __hash__(self):\n        while True: pass\n",
    ),
    "truth that never ends": Polite(
        then("if Trap():\n    pass", before="class Trap:\n    def __bool__(self):\n        while True: pass\n")
    ),
    "length that never ends": then(
        "len(Trap())", before="class Trap:\n    def __len__(self):\n        while True: pass\n"
    ),
    "attribute that never ends": then(
        "Trap().missing", before="class Trap:\n    def __getattr__(self, name):\n        while True: pass\n"
    ),
    "text that never ends": then(
        "f'{Trap()}'", before="class Trap:\n    def __str__(self):\n        while True: pass\n    __repr__ = __str__\n"
    ),
    "iterator that never ends": then(
        "for each in Trap():\n    pass",
        before="class Trap:\n    def __iter__(self): return self\n    def __next__(self): return 1\n",
    ),
    "exponential recursion": then("f(99)", before="def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n"),
    "recursion that swallows its end": then(
        "f()", before="def f():\n    try:\n        f()\n    except RecursionError:\n        f()\n"
    ),
    "two functions that call each other": then(
        "while True:\n    try:\n        f()\n    except RecursionError:\n        pass",
        before="def f(): g()\ndef g(): f()\n",
    ),
    "lambdas only": then("(lambda f: f(f))(lambda f: [f(f) for each in iter(int, 1)])"),
    "nested comprehensions": then("[0 for a in range(10**5) for b in range(10**5) for c in range(10**5) if c < 0]"),
    "permutations": then("import itertools\nfor each in itertools.permutations(range(60)):\n    pass"),
    "binomial": then("import math\nmath.comb(10**9, 5 * 10**8)"),
    "many hashes": then("import hashlib\ntext = b'x'\nwhile True:\n    text = hashlib.sha256(text).digest()"),
    "many dice": then("import random\nwhile True:\n    random.random()"),
    "eval of a loop": then("eval('[0 for each in iter(int, 1)]')"),
    "exec of a loop": then("exec('while True: pass')"),
    "searching long texts": then("text = 'a' * 10**6\nwhile True:\n    (text + 'b').count('ab')"),
    "sorting again and again": then("import random\nwhile True:\n    sorted(random.random() for each in range(10**5))"),
    "json again and again": then("import json\ntext = '[' + '1,' * 10**5 + '1]'\nwhile True:\n    json.loads(text)"),
    "copying again and again": then(
        "import copy\nnest = [[0] * 100 for each in range(1000)]\nwhile True:\n    copy.deepcopy(nest)"
    ),
    "clock watching": then("import time\nwhile time.time() >= 0:\n    pass"),
    "short sleeps": then("import time\nwhile True:\n    time.sleep(0.0001)"),
    "event loop": then(
        "asyncio.run(f())", before="import asyncio\nasync def f():\n    while True:\n        await asyncio.sleep(0)\n"
    ),
}
POLITE_LOOPS: Group = {
    "long sleep": then("import time\ntime.sleep(3600)"),
    "long sleep in an event loop": then("import asyncio\nasyncio.run(asyncio.sleep(3600))"),
}

# --- memory ---------------------------------------------------------------------------------------------------------------

MEMORY: Group = {
    "one long text": then("'x' * 10**11"),
    "one long list": then("[0] * 10**11"),
    "one long tuple": then("(0,) * 10**11"),
    "one long bytes": then("b'x' * 10**11"),
    "zeros": then("bytes(10**11)"),
    "range made a list": then("list(range(10**11))"),
    "growing list": then("grown = []\nwhile True:\n    grown.append('x' * 10**5)"),
    "list within list": then("grown = []\nwhile True:\n    grown = [grown, 'x' * 10**5]"),
    "growing dict": then("grown = {}\nwhile True:\n    grown[len(grown)] = 'x' * 10**4"),
    "growing set": then("grown = set()\nwhile True:\n    grown.add(str(len(grown)) * 10**4)"),
    "doubling text": then("text = 'x'\nwhile True:\n    text += text"),
    "doubling list": then("grown = [0]\nwhile True:\n    grown += grown"),
    "doubling bytes": then("text = b'x'\nwhile True:\n    text += text"),
    "squaring": then("number = 7\nwhile True:\n    number *= number"),
    "swallowing the end of memory": then(
        "kept = []\nwhile True:\n    try:\n        kept.append('x' * 10**6)\n    except MemoryError:\n        kept.append(0)"
    ),
    "tower of powers": then("9**9**9"),
    "left shift": then("1 << 10**11"),
    "factorial": then("import math\nmath.factorial(10**8)"),
    "product": then("import math\nmath.prod(range(1, 10**7))"),
    "join": then("('x' * 10**5).join(['y'] * 10**6)"),
    "replace": then("('a' * 10**6).replace('a', 'b' * 10**6)"),
    "zero fill": then("'1'.zfill(10**11)"),
    "justify": then("'1'.ljust(10**11)"),
    "tabs": then("('\\t' * 10**5).expandtabs(10**6)"),
    "translate": then("('a' * 10**5).translate({97: 'b' * 10**6})"),
    "all pairs kept": then("import itertools\nlist(itertools.product(range(10**4), repeat=4))"),
    "split iterator": then("import itertools\na, b = itertools.tee(itertools.count())\nfor each in a:\n    pass"),
    "indented json": then("import json\njson.dumps([[1] * 1000] * 1000, indent=10**6)"),
    "json of many references": then("import json\ntext = 'x' * 10**6\njson.dumps([text] * 10**4)"),
    "repr of many references": then("text = 'x' * 10**6\nrepr([text] * 10**4)"),
    "copies of copies": then("import copy\nnest = ['x' * 10**5]\nwhile True:\n    nest = [nest, copy.deepcopy(nest)]"),
    "cache without bound": then(
        "for n in range(10**9):\n    f(n)",
        before="import functools\n@functools.cache\ndef f(n):\n    return str(n) * 10**5\n",
    ),
    "kept at import": "kept = 'x' * 10**11\n" + value("{}"),
    "substitution": then("import re\nre.sub('a', 'b' * 10**6, 'a' * 10**6)"),
    "precise fraction": then(
        "import decimal\ndecimal.getcontext().prec = 10**9\ndecimal.Decimal(1) / decimal.Decimal(3)"
    ),
    "digits": then("7 ** (10**9)"),
    "number to bytes": then("(1).to_bytes(10**11, 'big')"),
}

# --- modules ----------------------------------------------------------------------------------------------------------------

MODULES: Group = {
    "os: environ": leak("dict(os.environ)['@VARIABLE@']", before="import os"),
    "os: popen": leak("os.popen('cat @FILE@').read()", before="import os"),
    "os: system": then("import os\nif os.system('touch @FOLDER@/made-by-system') is None:\n    pass"),
    "os: listdir": leak("[os.open(each, 0) for each in os.listdir('@FOLDER@')]", before="import os"),
    "os: read": leak("os.read(os.open('@FILE@', os.O_RDONLY), 900)", before="import os"),
    "os by another name": leak("posix.environ[b'@VARIABLE@']", before="import posix"),
    "os inside a function": effect("from os import environ as e\nreturn {'leak()': dict(e)['@VARIABLE@']}"),
    "os.path": leak("os.path.os.environ['@VARIABLE@']", before="import os.path"),
    "sys: modules": leak("sys.modules['os'].environ['@VARIABLE@']", before="import sys"),
    "sys: frame": leak("sys._getframe(1).f_globals['__builtins__']['open']('@FILE@').read()", before="import sys"),
    "sys: trace": leak(
        "sys.settrace(lambda *all: None) or sys.modules['os'].environ['@VARIABLE@']", before="import sys"
    ),
    "sys: limit": then("import sys\nsys.setrecursionlimit(10**9)\nf = lambda f: f(f)\nf(f)"),
    "subprocess": leak("subprocess.check_output(['cat', '@FILE@'])", before="import subprocess"),
    "subprocess by its helper": leak("_posixsubprocess.fork_exec.__self__.__name__", before="import _posixsubprocess"),
    "ctypes: getenv": leak(
        "f(b'@VARIABLE@')", before="import ctypes\nf = ctypes.CDLL(None).getenv\nf.restype = ctypes.c_char_p"
    ),
    "ctypes: crash": then("import ctypes\nctypes.string_at(0)"),
    "importlib": leak("importlib.import_module('os').environ['@VARIABLE@']", before="import importlib"),
    "dunder import": leak("__import__('os').environ['@VARIABLE@']"),
    "dunder import, spelled": leak("eval('__imp' + 'ort__')('os').environ['@VARIABLE@']"),
    "import in exec": effect(
        "names = {}\nexec('import os\\nfound = dict(os.environ)', names)\nreturn {'leak()': names['found']['@VARIABLE@']}"
    ),
    "builtins": leak("builtins.open('@FILE@').read()", before="import builtins"),
    "io": leak("io.open('@FILE@').read()", before="import io"),
    "underscore io": leak("_io.FileIO('@FILE@').read()", before="import _io"),
    "codecs": leak("codecs.open('@FILE@').read()", before="import codecs"),
    "linecache": leak("linecache.getline('@FILE@', 1)", before="import linecache"),
    "fileinput": leak("list(fileinput.input('@FILE@'))", before="import fileinput"),
    "tokenize": leak("tokenize.open('@FILE@').read()", before="import tokenize"),
    "runpy": then("import runpy\nrunpy.run_path('@FILE@')"),
    "pickle": leak('pickle.loads(b"cos\\ngetenv\\n(V@VARIABLE@\\ntR.")', before="import pickle"),
    "marshal": leak("marshal.loads(b'z')", before="import marshal"),
    "sqlite3": then("import sqlite3\nsqlite3.connect('@FOLDER@/made.db').execute('create table t (a)')"),
    "shutil": then("import shutil\nshutil.copy('@FILE@', '@FOLDER@/copied')"),
    "tempfile": then("import tempfile\ntempfile.mkstemp(dir='@FOLDER@')"),
    "logging": then("import logging\nlogging.FileHandler('@FOLDER@/made.log')"),
    "zipfile": then("import zipfile\nzipfile.ZipFile('@FOLDER@/made.zip', 'w').close()"),
    "shelve": then("import shelve\nshelve.open('@FOLDER@/made')"),
    "atexit": then("import atexit\natexit.register(open, '@FOLDER@/made', 'w')"),
    "threading": then("import threading\nthreading.Thread(target=open, args=('@FOLDER@/made', 'w')).start()"),
    "multiprocessing": then(
        "import multiprocessing\nmultiprocessing.Process(target=open, args=('@FOLDER@/made', 'w')).start()"
    ),
    "concurrent": then("import concurrent.futures as c\nc.ThreadPoolExecutor().submit(open, '@FOLDER@/made', 'w')"),
    "signal": then("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True:\n    pass"),
    "gc": leak("[each for each in gc.get_objects() if '@VARIABLE@' in str(each)[:5000]]", before="import gc"),
    "inspect": leak(
        "inspect.stack()[1].frame.f_globals['__builtins__']['open']('@FILE@').read()", before="import inspect"
    ),
    "site": leak("site.os.environ['@VARIABLE@']", before="import site"),
    "platform": leak("platform.os.environ['@VARIABLE@']", before="import platform"),
    "unittest": leak("mock.sys.modules['os'].environ['@VARIABLE@']", before="from unittest import mock"),
    "code": then('import code\ncode.InteractiveInterpreter().runsource(\'open("@FOLDER@/made", "w")\')'),
    "mmap": then("import mmap\nmmap.mmap(-1, 10**12)"),
    "wildcard": leak("environ['@VARIABLE@']", before="from os import *"),
    "relative": leak("os.environ['@VARIABLE@']", before="from . import os"),
}
PROCESSES: Group = {
    "exit": then("import sys\nsys.exit(0)"),
    "hard exit": then("import os\nos._exit(0)"),
    "abort": then("import os\nos.abort()"),
    "kill itself": then("import os\nos.kill(os.getpid(), 9)"),
    "fork": then("import os\nos.fork() or open('@FOLDER@/made-by-child', 'w')"),
    "exec": then("import os\nos.execv('/bin/sh', ['sh', '-c', 'touch @FOLDER@/made-by-sh'])"),
    "close all": then("import os\nos.closerange(0, 1000)"),
    "change folder": then("import os\nos.chdir('/')\nopen('@FOLDER@/made', 'w')"),
}
DEADLY: Group = {
    "kill the parent": then("import os\nos.kill(os.getppid(), 9)"),
    "kill all": then("import os\nos.kill(-1, 9)"),
    "fork bomb": then("import os\nwhile True:\n    os.fork()"),
    "thread bomb": then(
        "import threading\nwhile True:\n    threading.Thread(target=sum, args=(range(10**14),)).start()"
    ),
}

# --- Python's inside -----------------------------------------------------------------------------------------------------------

_WALK = "[c for c in {start}.__subclasses__() if c.__name__ == '_wrap_close'][0].__init__.__globals__['environ']['@VARIABLE@']"
ATTRIBUTES: Group = {
    "from a tuple": leak(_WALK.format(start="().__class__.__bases__[0]")),
    "from a text": leak(_WALK.format(start="''.__class__.__mro__[1]")),
    "from the state": leak(_WALK.format(start="state.__class__.__base__")),
    "from a class": leak(_WALK.format(start="Own.__mro__[-1]"), before="class Own: pass\n"),
    "from object": leak(_WALK.format(start="object")),
    "from type": leak("type.__subclasses__(object)"),
    "spelled in pieces": leak(
        "getattr(getattr(getattr((), '__cl' + 'ass__'), '__ba' + 'se__'), '__subcl' + 'asses__')()[:1]"
    ),
    "globals of the law": leak("effect.__globals__['__builtins__']['open']('@FILE@').read()"),
    "globals of a lambda": leak("(lambda: 0).__globals__['__builtins__']['open']('@FILE@').read()"),
    "builtins by name": leak("__builtins__['open']('@FILE@').read()"),
    "builtins as a module": leak("print.__self__.open('@FILE@').read()"),
    "builtins of len": leak("len.__self__.__import__('os').environ['@VARIABLE@']"),
    "builtins of a method": leak("[].append.__class__.__base__.__subclasses__()[:1]"),
    "loader by name": leak("__loader__.load_module('os').environ['@VARIABLE@']"),
    "loader of a module": leak("json.__loader__.get_data('@FILE@')", before="import json"),
    "spec of a module": leak("json.__spec__.loader.get_data('@FILE@')", before="import json"),
    "builtins of a module": leak("json.__builtins__['open']('@FILE@').read()", before="import json"),
    "random's os": leak("random._os.environ['@VARIABLE@']", before="import random"),
    "collections' sys": leak("collections._sys.modules['os'].environ['@VARIABLE@']", before="import collections"),
    "dataclasses' sys": leak("dataclasses.sys.modules['os'].environ['@VARIABLE@']", before="import dataclasses"),
    "typing's sys": leak("typing.sys.modules['os'].environ['@VARIABLE@']", before="import typing"),
    "json's codecs": leak("json.codecs.open('@FILE@').read()", before="import json"),
    "re's enum's sys": leak("re.enum.sys.modules['os'].environ['@VARIABLE@']", before="import re"),
    "copy's weakref": leak("copy.weakref.sys.modules['os'].environ['@VARIABLE@']", before="import copy"),
    "functools' namedtuple": leak(
        "functools.namedtuple.__globals__['_sys'].modules['os'].environ['@VARIABLE@']", before="import functools"
    ),
    "globals of a module's function": leak(
        "json.loads.__globals__['__builtins__']['open']('@FILE@').read()", before="import json"
    ),
    "hidden code": leak("effect.__code__.replace(co_consts=('x',)).co_names"),
    "code from type": leak("type(effect)(compile(\"open('@FILE@').read()\", 'x', 'eval'), {})()"),
    "compile": leak("eval(compile(\"__import__('os').environ['@VARIABLE@']\", 'x', 'eval'))"),
    "closure": leak("(lambda x: lambda: x)(1).__closure__[0].cell_contents.__class__.__base__.__subclasses__()[:1]"),
    "defaults": leak("effect.__defaults__.__class__.__mro__[1].__subclasses__()[:1]"),
    "names of the module": leak("globals()['__builtins__']['open']('@FILE@').read()"),
    "vars": leak("vars()['effect'].__globals__"),
    "dir": leak("[getattr(effect, each) for each in dir(effect)]"),
    "getattribute": leak("object.__getattribute__((), '__class__').__base__.__subclasses__()[:1]"),
    "class by hand": leak("type('Own', (object,), {'f': 1}).__mro__[1].__subclasses__()[:1]"),
    "build class": leak("__build_class__(lambda: None, 'Own').__mro__[1].__subclasses__()[:1]"),
    "metaclass": leak(
        "Own().f",
        before="class Meta(type):\n    def __call__(cls): return __import__('os').environ['@VARIABLE@']\nclass Own(metaclass=Meta): pass\n",
    ),
    "subclass of a text": leak("Own('x').__class__.__mro__[2]", before="class Own(str): pass\n"),
    "exception's class": leak("Exception().__class__.__base__.__base__.__subclasses__()[:1]"),
    "reduce": leak("(1).__reduce_ex__(2)[0].__globals__['copyreg']"),
    "operator by text": leak("__import__('operator').attrgetter('__class__.__base__')(())"),
    "super": leak("super().__init__.__self__.__class__"),
    "static method": leak("staticmethod(open).__func__('@FILE@').read()"),
    "wrapped by functools": leak("functools.partial(open, '@FILE@')().read()", before="import functools"),
    "decorator": leak("found.read()", before="@open\n@lambda f: '@FILE@'\ndef found(): pass\n"),
    "annotations": leak("f.__annotations__['x']", before="def f(x: open('@FILE@').read() = 1): pass\n"),
    "match on attributes": effect(
        "match ():\n    case object(__class__=found):\n        return {'leak()': str(found.__base__.__subclasses__())[:900]}"
    ),
}
FRAMES: Group = {
    "generator": leak("(each for each in [1]).gi_frame.f_back.f_globals"),
    "generator function": leak("f().gi_frame.f_globals['__builtins__']", before="def f():\n    yield 1\n"),
    "running generator": effect(
        "g = (g.gi_frame.f_back.f_back.f_globals for each in [1])\nreturn {'leak()': str(list(g))[:900]}"
    ),
    "generator's code": leak("(each for each in [1]).gi_code.co_filename"),
    "coroutine": leak("f().cr_frame.f_globals['__builtins__']", before="async def f(): pass\n"),
    "asynchronous generator": leak("f().ag_frame.f_globals", before="async def f():\n    yield 1\n"),
    "traceback": effect(
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    return {'leak()': str(error.__traceback__.tb_frame.f_back.f_globals)[:900]}"
    ),
    "traceback, outwards": effect(
        "try:\n    1 / 0\nexcept Exception as error:\n    frame = error.__traceback__.tb_frame\n"
        "    while frame.f_back:\n        frame = frame.f_back\n    return {'leak()': frame.f_builtins['open']('@FILE@').read()}"
    ),
    "context": effect(
        "try:\n    1 / 0\nexcept Exception as error:\n    return {'leak()': error.__context__.__traceback__.tb_frame}"
    ),
    "frames by sys": leak("__import__('sys')._current_frames()"),
    "frames by traceback": leak("traceback.extract_stack()", before="import traceback"),
    "exc_info": effect(
        "import sys\ntry:\n    1 / 0\nexcept Exception:\n    return {'leak()': str(sys.exc_info()[2].tb_frame.f_back)}"
    ),
    "locals of the caller": leak("locals()['__builtins__']"),
}
FORMATS: Group = {
    "class of a text": leak("'{0.__class__.__mro__[1]}'.format('')"),
    "globals of a function": leak("'{0.__globals__[__builtins__]}'.format(effect)"),
    "globals of a method": leak(
        "'{0.__init__.__globals__}'.format(Own())", before="class Own:\n    def __init__(self): pass\n"
    ),
    "environment of a module": leak("'{0._os.environ[@VARIABLE@]}'.format(random)", before="import random"),
    "attribute in format_map": leak("'{x.__class__.__base__}'.format_map({'x': ()})"),
    "attribute in a template": leak("string.Formatter().get_field('0.__class__', ((),), {})", before="import string"),
    "width": then("'{:>99999999999}'.format(1)"),
    "width in an f-string": then("width = 10**11\nf'{1:{width}}'"),
    "width in percent": then("'%99999999999d' % 1"),
    "width by star": then("'%*d' % (10**10, 1)"),
    "precision": then("'{:.99999999999f}'.format(0.1)"),
    "precision in percent": then("'%.9999999999f' % 0.1"),
    "fill by index": then("'{0:{1}}'.format('x', 10**11)"),
    "centre": then("'x'.center(10**11)"),
    "many fields": then("'{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}'.format('x' * 10**8)"),
}

# --- arithmetic and patterns -----------------------------------------------------------------------------------------------------

_LONG = "'a' * 5000 + '!'"
PATTERNS: Group = {
    "nested plus": then(f"import re\nre.match(r'(a+)+$', {_LONG})"),
    "alternatives that overlap": then(f"import re\nre.match(r'(a|aa)+$', {_LONG})"),
    "the same alternative": then(f"import re\nre.match(r'(a|a)*$', {_LONG})"),
    "nested star": then(f"import re\nre.match(r'(a*)*$', {_LONG})"),
    "backward reference": then(f"import re\nre.match(r'(a*)*\\1$', {_LONG})"),
    "look ahead": then(f"import re\nre.match(r'(?=(a+)+$)', {_LONG})"),
    "look behind": then(f"import re\nre.search(r'(?<!a)(a+)+$', {_LONG})"),
    "polynomial": then(f"import re\nre.match(r'.*.*.*.*.*.*.*.*.*x', {_LONG})"),
    "white space": then("import re\nre.match(r'(\\s+\\s+)+$', ' ' * 5000 + '!')"),
    "words": then("import re\nre.match(r'(\\w+\\d*)+$', 'a1' * 5000 + '!')"),
    "mail address": then(
        "import re\nre.match(r'^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$', 'a' * 5000 + '!')"
    ),
    "substitution": then(f"import re\nre.sub(r'(a+)+$', 'x', {_LONG})"),
    "split": then(f"import re\nre.split(r'(a+)+$', {_LONG})"),
    "everything found": then(f"import re\nre.findall(r'(a+)+$', {_LONG})"),
    "many repeats": then("import re\nre.compile('a{1000000000}')"),
    "repeats of repeats": then("import re\nre.compile('(((a{1000}){1000}){1000}){1000}')"),
    "many alternatives": then("import re\nre.compile('|'.join(str(n) for n in range(10**6)))"),
    "many groups": then("import re\nre.compile('(' * 10**5 + 'a' + ')' * 10**5)"),
}
NUMBERS: Group = {
    "digits of a power": then("str(7 ** 10**7)"),
    "digits read": then("int('9' * 10**8)"),
    "repr of a power": then("repr(3 ** 10**7)"),
    "power of powers": then("x = 10\nwhile True:\n    x = x ** x"),
    "float of a power": then("float(10 ** 10**6)"),
    "hash of a power": then("hash(3 ** 10**9)"),
    "product of powers": then("x = 3 ** 10**6\nwhile True:\n    x * x"),
    "quotient of powers": then("x = 3 ** 10**7\nwhile True:\n    x // 7**10**6"),
    "roots": then("import math\nwhile True:\n    math.isqrt(3 ** 10**6)"),
    "common divisors": then("import math\nwhile True:\n    math.gcd(3 ** 10**6, 5 ** 10**6)"),
    "length of a range": then("len(range(10**30))"),
    "decimal power": then("import decimal\ndecimal.Decimal(7) ** decimal.Decimal('1e17')"),
    "decimal exponent": then("import decimal\nint(decimal.Decimal('1e999999999'))"),
    "modular power": then("while True:\n    pow(3, 7 ** 10**5, 11 ** 10**5)"),
    "number from bytes": then("while True:\n    int.from_bytes(b'x' * 10**7, 'big') * 3"),
    "rounding": Polite(then("round(7, -(10**10))")),
}

# --- what is answered ----------------------------------------------------------------------------------------------------------

HUGE: Group = {
    "long text": value("{'wood()': 'x' * (5 * 10**7)}"),
    "one text many times": value("[s] * 10**4", before="s = 'x' * 10**6"),
    "one list many times": value("[[[[s] * 100] * 100] * 100] * 100", before="s = [0] * 100"),
    "many outcomes": value("[(0.000001, {})] * 10**6"),
    "many changes": value("{f'wood({n})': 1 for n in range(10**5)}"),
    "long key": value("{'x' * 10**7 + '()': 1}"),
    "long number": value("{'wood()': 10 ** 10**6}"),
    "deep list": effect("deep = []\nfor n in range(10**5):\n    deep = [deep]\nreturn deep"),
    "deep dict": effect("deep = {}\nfor n in range(10**5):\n    deep = {'wood()': deep}\nreturn deep"),
    "deep, yet short enough to send": effect("deep = []\nfor n in range(450):\n    deep = [deep]\nreturn deep"),
    "circle": effect("circle = []\ncircle.append(circle)\nreturn circle"),
    "circle of dicts": effect("circle = {}\ncircle['wood()'] = circle\nreturn circle"),
    "circle through a tuple": effect("circle = []\nround = (circle,)\ncircle.append(round)\nreturn round"),
    "from the precondition": value("{}", before="s = 'x' * 10**6").replace("return True", "return [s] * 10**4"),
    "raised": then("raise ValueError('x' * (2 * 10**7))"),
    "raised, as a key": then("{}['x' * 10**7]"),
    "raised, with a cause": then("raise ValueError('x' * 10**7) from KeyError('y' * 10**7)"),
    "asserted": then("assert ['x' * 10**6] * 10**4 == 3"),
    "value of the module": PRECONDITION.replace("True", "s") + "s = 'x' * 10**6\n[s] * 300",
    "value of the module, past a backslash": PRECONDITION.replace("True", "s")
    + "s = 'x' * 10**6\n[s] * 300 if True else \\",
    "value of the module, past a comment": PRECONDITION.replace("True", "s") + "s = 'x' * 10**6\n[s] * 300; # \\",
    "written to a file": then("open('x', 'w').write('x' * 10**7)"),
    "path": then("open('x' * 10**7)"),
}
FORGED: Group = {
    "nothing": value("None"),
    "number": value("3"),
    "text": value("'wood'"),
    "truth": value("True"),
    "set": value("{'wood()'}"),
    "bytes": value("b'wood'"),
    "complex number": value("{'wood()': 3j}"),
    "ellipsis": value("..."),
    "function": value("effect"),
    "lambda as a value": value("{'wood()': lambda: 1}"),
    "class": value("Own", before="class Own: pass\n"),
    "object": value("Own()", before="class Own: pass\n"),
    "object as a value": value("{'wood()': Own()}", before="class Own: pass\n"),
    "object that plays a dict": value(
        "Own()",
        before="class Own:\n    def items(self): return [('wood()', 1)]\n    def keys(self): return ['wood()']\n",
    ),
    "object as a key": value("{Own(): 1}", before="class Own:\n    def __hash__(self): return 1\n"),
    "module": value("{'wood()': math}", before="import math"),
    "exception as a value": value("{'wood()': ValueError('x')}"),
    "no outcomes": value("[]"),
    "changes without a probability": value("[{'wood()': 1}]"),
    "a pair outside a list": value("(0.5, {'wood()': 1})"),
    "three in a pair": value("[(0.5, {'wood()': 1}, 1)]"),
    "probability as text": value("[('0.5', {'wood()': 1})]"),
    "probability as truth": value("[(True, {'wood()': 1})]"),
    "probability that is none": value("[(None, {'wood()': 1})]"),
    "probability beyond 1": value("[(1.5, {'wood()': 1})]"),
    "probabilities beyond 1": value("[(0.7, {'wood()': 1}), (0.7, {'wood()': 2})]"),
    "probability below 0": value("[(-0.5, {'wood()': 1}), (0.9, {})]"),
    "probability of 0": value("[(0, {'wood()': 1})]"),
    "probability not a number": value("[(float('nan'), {'wood()': 1})]"),
    "probability infinite": value("[(float('inf'), {'wood()': 1})]"),
    "value not a number": value("{'wood()': float('nan')}"),
    "value infinite": value("{'wood()': float('inf')}"),
    "value minus infinite": value("{'wood()': -float('inf')}"),
    "value by overflow": value("{'wood()': 1e308 * 10}"),
    "value too large": value("{'wood()': 10**30}"),
    "value a list": value("{'wood()': [1]}"),
    "value a dict": value("{'wood()': {'a': 1}}"),
    "value a tuple": value("{'wood()': ()}"),
    "key without parentheses": value("{'wood': 1}"),
    "key without an end": value("{'wood(': 1}"),
    "key that begins with a digit": value("{'1wood()': 1}"),
    "key with an empty argument": value("{'in(apple 1,)': 1}"),
    "key within a key": value("{'in(holding())': 1}"),
    "key of two": value("{'wood() stone()': 1}"),
    "key with a line end": value("{'wood()\\n': 1}"),
    "key with a line end inside": value("{'in(a\\nb)': 1}"),
    "key with an escape": value("{'in(\\x1b[2J)': 1}"),
    "key with zero": value("{'in(\\x00)': 1}"),
    "key that reads backwards": value("{'in(\\u202egpj)': 1}"),
    "key empty": value("{'': 1}"),
    "key a number": value("{1: 1}"),
    "key none": value("{None: 1}"),
    "key true": value("{True: 1}"),
    "key a tuple": value("{('wood', ()): 1}"),
    "key twice": value("{'in(a,b)': 1, 'in(a, b)': 2}"),
    "reward as text": value("{'reward': '10'}"),
    "reward true": value("{'reward': True}"),
    "reward not a number": value("{'reward': float('nan')}"),
    "reward infinite": value("{'reward': float('inf')}"),
    "reward none": value("{'reward': None}"),
    "end as a number": value("{'ends': 1}"),
    "success as text": value("{'success': 'yes'}"),
    "unknown word": value("{'probability': 1}"),
    "answer in JSON": value("'[true, {\"wood()\": 99}]'"),
    "answer inside an answer": value("[True, {'wood()': 99}]"),
    "precondition a number": value("{}").replace("return True", "return 1"),
    "precondition text": value("{}").replace("return True", "return 'yes'"),
    "precondition a list": value("{}").replace("return True", "return [True]"),
    "precondition an object": value("{}", before="class Own: pass\n").replace("return True", "return Own()"),
    "precondition forges the pair": value("{}").replace("return True", "return [True, {'wood()': 99}]"),
    "no effect": PRECONDITION,
    "no precondition": "def effect(state, action):\n    return {}\n",
    "no law": "",
    "functions that are none": "precondition = True\neffect = {'wood()': 1}\n",
    "too few parameters": "def precondition():\n    return True\ndef effect():\n    return {}\n",
    "too many parameters": "def precondition(s, a, x):\n    return True\ndef effect(s, a, x):\n    return {}\n",
    "asynchronous effect": PRECONDITION + "async def effect(state, action):\n    return {}\n",
    "asynchronous precondition": "async def precondition(state, action):\n    return True\ndef effect(state, action):\n    return {}\n",
    "effect that yields": PRECONDITION + "def effect(state, action):\n    yield (1.0, {})\n",
    "not Python": "Three pieces of wood make a table.",
    "text without an end": value("{}") + "'''",
    "bracket without an end": value("{}") + "(",
    "zero byte": value("{}") + "\0",
    "lone surrogate": value("{}") + "'\ud800'",
    "Python 2": PRECONDITION + "def effect(state, action):\n    print 'x'\n    return {}\n",
    "walrus into the runtime": effect(
        "global agentwm_ask, agentwm_state\nagentwm_ask = lambda: [s] * 10**4\nagentwm_state = 3\nreturn [s] * 10**4",
        before="s = 'x' * 10**6",
    ),
    "runtime's JSON replaced": effect(
        "global dumps, loads, json\ndumps = loads = json = lambda *all: '[true, {}]'\nreturn object",
        before="dumps = loads = 3",
    ),
    "JSON module replaced": effect("import json\njson.dumps = lambda *all: '[true, {}]'\nreturn {1, 2}"),
    "JSON module replaced by setattr": effect(
        "import json\nsetattr(json, 'dumps', lambda *all: '[true, {}]')\nreturn {1, 2}"
    ),
    "builtins replaced": value("{1, 2}", before="str = len = dict = list = isinstance = lambda *all: True"),
    "exceptions replaced": effect("raise 1", before="Exception = BaseException = TypeError = ValueError = 3"),
    "functions replaced on the way": effect(
        "global precondition, effect\nprecondition = effect = lambda *all: {1, 2}\nreturn precondition()"
    ),
    "names filled by locals": effect("locals()['said'] = True\nlocals()['then'] = {}\nreturn {1, 2}"),
    "encoder's hook": effect(
        "return {'wood()': Own()}",
        before="class Own:\n    def __json__(self): return 1\n    def default(self): return 1\n",
    ),
}

# --- source ------------------------------------------------------------------------------------------------------------------------

_DEEP_IFS = "\n".join(f"{' ' * depth}if True:" for depth in range(2000)) + "\n" + " " * 2000 + "pass\n"
SOURCES: Group = {
    "parentheses": value("(" * 20_000 + "1" + ")" * 20_000),
    "brackets": value("[" * 20_000 + "]" * 20_000),
    "braces": value("{1:" * 20_000 + "1" + "}" * 20_000),
    "minus signs": value("-" * 200_000 + "1"),
    "nots": value("not " * 100_000 + "1"),
    "powers": value("**".join(["2"] * 20_000)),
    "lambdas": value("lambda: " * 20_000 + "1"),
    "conditionals": value("1 if 1 else " * 20_000 + "1"),
    "ifs": value("{}") + _DEEP_IFS,
    "calls": value("f(" * 20_000 + ")" * 20_000),
    "subscripts": value("state" + "[0]" * 50_000),
    "attributes": value("state" + ".a" * 50_000),
    "sums": value("+".join(["1"] * 100_000)),
    "comparisons": value("<".join(["1"] * 50_000)),
    "else ifs": effect("if 0:\n    pass\n" + "elif 0:\n    pass\n" * 20_000),
    "nested f-strings": value("f'{" * 200 + "1" + "}'" * 200),
    "nested functions": value("{}")
    + "\n".join(f"{' ' * depth}def f():" for depth in range(500))
    + "\n"
    + " " * 500
    + "pass\n",
    "nested comprehensions": value("[" * 500 + "1" + " for x in [1]]" * 500),
    "deep recursion": then("f(0)", before="def f(n):\n    return f(n + 1) + 1\n"),
    "deep recursion in a comparison": then("a, b = [], []\nfor n in range(10**5):\n    a, b = [a], [b]\na == b"),
    "deep recursion in a repr": Polite(then("a = []\nfor n in range(10**5):\n    a = [a]\nrepr(a)")),
    "deep recursion in a hash": then("a = ()\nfor n in range(10**5):\n    a = (a,)\nhash(a)"),
    "deep recursion in a copy": then("import copy\na = []\nfor n in range(10**5):\n    a = [a]\ncopy.deepcopy(a)"),
    "deep recursion in JSON": then("import json\njson.loads('[' * 10**6)"),
    "deep recursion in eval": then("eval('(' * 10**5 + '1' + ')' * 10**5)"),
    "deep fall": then("a = ()\nfor n in range(10**6):\n    a = (a,)\na = None"),
    "many names": Polite("\n".join(f"name{n} = {n}" for n in range(50_000)) + value("{}")),
    "many parameters": Polite(f"def f({', '.join(f'a{n}' for n in range(20_000))}): pass\n" + value("{}")),
    "long name": Polite(f"{'x' * 10**6} = 1\n" + value("{}")),
    "long literal": Polite(f"s = '{'x' * 10**6}'\n" + value("{}")),
    "long number": f"n = {'9' * 10**6}\n" + value("{}"),
    "many unpackings": f"{', '.join('a' for n in range(20_000))} = range(20_000)\n" + value("{}"),
}

# --- the rest of the world ---------------------------------------------------------------------------------------------------------

MUTATIONS: Group = {
    "clears the state": then("state.clear()"),
    "changes the state": then("for key in list(state):\n    state[key] = 'changed'"),
    "adds to the state": then("state['forged()'] = True"),
    "changes the action": then("action['verb'] = 'forged'\naction['args'].append('forged')"),
    "clears the action": then("action.clear()"),
    "changes from the precondition": value("{'wood()': 1}").replace(
        "    return True", "    state.clear()\n    return True", 1
    ),
    "keeps the state": then("kept.append(state)\nfor each in kept:\n    each.clear()", before="kept = []"),
    "merges into the state": then("state |= {'forged()': True}"),
    "changes in a comprehension": then("[state.pop(key) for key in list(state)]"),
}
REPLACEMENTS: Group = {
    "sets a module's constant": then("import math\nmath.pi = 3"),
    "sets a module's function": then("import random\nrandom.random = lambda: 0.5"),
    "sets a type's method": then("dict.get = lambda *all: 1"),
    "sets a builtin": then("__builtins__['len'] = lambda x: 0"),
    "sets a function's code": then("precondition.__code__ = effect.__code__"),
    "sets a function's defaults": then("effect.__defaults__ = (1, 2)"),
    "sets by setattr": then("setattr(str, 'upper', lambda self: 'x')"),
    "sets an exception": then("ValueError.__init__ = lambda *all: None"),
    "sets a class's base": Polite(then("Own.__bases__ = (dict,)", before="class Own: pass\n")),
    "sets an object's class": Polite(then("Own().__class__ = dict", before="class Own: pass\n")),
}
FILES: Group = {
    "read": leak("open('@FILE@').read()"),
    "read as bytes": leak("open('@FILE@', 'rb').read()"),
    "read in a with": effect("with open('@FILE@') as stream:\n    return {'leak()': stream.read()}"),
    "read by lines": leak("[line for line in open('@FILE@')]"),
    "read by path": leak("pathlib.Path('@FILE@').read_text()", before="import pathlib"),
    "read by climbing": leak("open('../../../../../../../../../../..@FILE@').read()"),
    "read by JSON": leak("json.load(open('@FILE@'))", before="import json"),
    "read through /proc": leak("open('/proc/self/root@FILE@').read()"),
    "read memory": leak("open('/proc/self/mem', 'rb').read(10)"),
    "read the input": leak("open(0).read(1) + open('@FILE@').read()"),
    "write": then("open('@FILE@', 'w').write('changed')"),
    "append": then("open('@FILE@', 'a').write('changed')"),
    "update": then("open('@FILE@', 'r+').write('changed')"),
    "create": then("open('@FOLDER@/made', 'w').close()"),
    "create only": then("open('@FOLDER@/made-once', 'x').close()"),
    "create by path": then("from pathlib import Path\nPath('@FOLDER@/made-by-path').write_text('x')"),
    "touch": then("from pathlib import Path\nPath('@FOLDER@/touched').touch()"),
    "make a folder": then("import os\nos.mkdir('@FOLDER@/folder')"),
    "remove": then("import os\nos.remove('@FILE@')"),
    "remove by path": then("from pathlib import Path\nPath('@FILE@').unlink()"),
    "rename": then("import os\nos.rename('@FILE@', '@FILE@.gone')"),
    "link": then("import os\nos.symlink('@FILE@', '@FOLDER@/link')"),
    "change rights": then("import os\nos.chmod('@FILE@', 0)\nos.remove('@FILE@')"),
    "list": Polite(
        leak(
            "[each.read_text() for each in pathlib.Path('@FOLDER@').parent.rglob('*') if each.is_file()]",
            before="import pathlib",
        )
    ),
    "ask for ever": then("while True:\n    try:\n        open('@FILE@')\n    except Exception:\n        pass"),
    "ask and swallow all": then("while True:\n    try:\n        open('@FILE@')\n    except:\n        pass"),
    "ask for a name for ever": then("while True:\n    try:\n        missing\n    except:\n        pass"),
    "ask for a module for ever": then("while True:\n    try:\n        import missing\n    except:\n        pass"),
}
NETWORK: Group = {
    "socket": then("import socket\nsocket.socket().connect(('127.0.0.1', @PORT@))"),
    "connection": then("import socket\nsocket.create_connection(('127.0.0.1', @PORT@))"),
    "underscore socket": then("import _socket\n_socket.socket(2, 1).connect(('127.0.0.1', @PORT@))"),
    "urllib": then("from urllib.request import urlopen\nurlopen('http://127.0.0.1:@PORT@/', timeout=0.1)"),
    "http": then(
        "import http.client\nhttp.client.HTTPConnection('127.0.0.1', @PORT@, timeout=0.1).request('GET', '/')"
    ),
    "asyncio": then("import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', @PORT@))"),
    "ftp": then("import ftplib\nftplib.FTP().connect('127.0.0.1', @PORT@, timeout=0.1)"),
    "xmlrpc": then("import xmlrpc.client\nxmlrpc.client.ServerProxy('http://127.0.0.1:@PORT@/').f()"),
    "ssl": then("import ssl\nssl.get_server_certificate(('127.0.0.1', @PORT@), timeout=0.1)"),
    "bash": then("import os\nos.system('bash -c \"echo > /dev/tcp/127.0.0.1/@PORT@\"')"),
}
ENVIRONMENT: Group = {
    "environ": leak("os.environ['@VARIABLE@']", before="import os"),
    "environ, got": leak("os.environ.get('@VARIABLE@') + ''", before="import os"),
    "getenv": leak("os.getenv('@VARIABLE@') + ''", before="import os"),
    "bytes": leak("os.environb[b'@VARIABLE@']", before="import os"),
    "/proc": leak("open('/proc/self/environ').read().split('@VARIABLE@')[1][:99]"),
    "/proc of the parent": leak(
        "open(f'/proc/{os.getppid()}/environ').read().split('@VARIABLE@')[1][:99]", before="import os"
    ),
    "child": leak("subprocess.check_output('env').split(b'@VARIABLE@')[1][:99]", before="import subprocess"),
    "expanded": leak("os.path.expandvars('$@VARIABLE@')", before="import os"),
    "changed": then("import os\nos.environ['@VARIABLE@'] = 'changed'"),
    "command line": leak("open('/proc/self/cmdline').read()"),
    "entropy": leak("os.urandom(8)", before="import os"),
    "who runs": leak("os.getlogin() + str(os.getuid())", before="import os"),
}
PRINTING: Group = {
    "one long line": then("print('x' * (5 * 10**7))"),
    "endless lines": then("while True:\n    print('x' * 1000)"),
    "endless short lines": then("while True:\n    print()"),
    "endless nothing": then("while True:\n    print('', end='')"),
    "endless errors": then("import sys\nwhile True:\n    print('x', file=sys.stderr)"),
    "one text many times": then("print(*(['x' * 10**6] * 10**4))"),
    "long separator": then("print(*range(1000), sep='x' * 10**6)"),
    "flood at import": "while True:\n    print('x' * 1000)\n",
    "written past print": then(
        "import sys\nsys.stdout.write('printed by a law')\nsys.__stdout__.write('printed by a law')"
    ),
    "written to the terminal": then("open('/dev/tty', 'w').write('printed by a law')"),
    "written to the descriptor": then("import os\nos.write(1, b'printed by a law')"),
}
POLITE_PRINTING: Group = {
    "once": then("print('printed by a law')"),
    "as an error": then("import sys\nprint('printed by a law', file=sys.stderr)"),
    "terminal codes": then("print('\\x1b[2J\\x1b]0;printed by a law\\x07')"),
    "forged answer": then("print('[true, {\"wood()\": 99}] printed by a law', flush=True)"),
}
EXCEPTIONS: Group = {
    "system exit": then("raise SystemExit"),
    "system exit with a text": then("raise SystemExit('bye')"),
    "keyboard interrupt": then("raise KeyboardInterrupt"),
    "keyboard interrupt at import": "raise KeyboardInterrupt\n",
    "generator exit": then("raise GeneratorExit"),
    "base exception": then("raise BaseException('x')"),
    "stop of an iteration": then("raise StopIteration"),
    "forged end of memory": then("raise MemoryError('memory limit exceeded')"),
    "forged end of time": then("raise TimeoutError('feed time limit exceeded')"),
    "forged depth": then("raise RecursionError('maximum recursion depth exceeded')"),
    "forged syntax error": then("raise SyntaxError('x')"),
    "no exception": then("raise 3"),
    "class that is none": then("raise Own()", before="class Own: pass\n"),
    "hostile text": then(
        "raise ValueError(Own())",
        before="class Own:\n    def __str__(self):\n        while True: pass\n    __repr__ = __str__\n",
    ),
    "own exception with hostile text": then(
        "raise Own()",
        before="class Own(Exception):\n    def __str__(self):\n        while True: pass\n    __repr__ = __str__\n",
    ),
    "own exception with hostile arguments": then(
        "raise Own()", before="class Own(Exception):\n    @property\n    def args(self):\n        while True: pass\n"
    ),
    "terminal codes in the text": then("raise ValueError('\\x1b[2J printed by a law')"),
    "chain of exceptions": then(
        "error = None\nfor n in range(10**5):\n    try:\n        raise ValueError(str(n)) from error\n"
        "    except ValueError as e:\n        error = e\nraise error"
    ),
    "circle of exceptions": then("a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a"),
    "raised while raised": then(
        "while True:\n    try:\n        raise ValueError\n    except ValueError:\n"
        "        try:\n            raise KeyError\n        except KeyError:\n            pass"
    ),
    "group": then("raise ExceptionGroup('x', [ValueError(n) for n in range(10**5)])"),
    "failed assertion": then("assert False, 'x' * 10**6"),
    "warning": then("import warnings\nwarnings.simplefilter('error')\nwarnings.warn('x')"),
}
CLOCKS: Group = {
    "time": value("{'clock()': time.time()}", before="import time"),
    "nanoseconds": value("{'clock()': time.time_ns() // 10**9}", before="import time"),
    "now": value("{'clock()': datetime.datetime.now().timestamp()}", before="import datetime"),
    "today": value(
        "{'clock()': (datetime.date.today() - datetime.date(1970, 1, 1)).days * 86400}", before="import datetime"
    ),
}
CHANCE: Group = {
    "unseeded": value("{'wood()': random.random()}", before="import random"),
    "seeded by nothing": value("{'wood()': random.random()}", before="import random\nrandom.seed()"),
    "own generator": value("{'wood()': random.Random().random()}", before="import random"),
    "order of a set": value("{'wood()': ''.join({'a', 'b', 'c', 'd', 'e', 'f', 'g'})}"),
    "hash of a text": value("{'wood()': hash('text') % 1000}"),
    "address": value("{'wood()': id(state) % 10**6}"),
}


def _attacks() -> Iterator[Attack]:
    hard = {
        "loops": LOOPS,
        "memory": MEMORY,
        "modules": MODULES,
        "processes": PROCESSES,
        "attributes": ATTRIBUTES,
        "frames": FRAMES,
        "formats": FORMATS,
        "numbers": NUMBERS,
        "huge answers": HUGE,
        "forged answers": FORGED,
        "sources": SOURCES,
        "replacements": REPLACEMENTS,
        "files": FILES,
        "network": NETWORK,
        "environment": ENVIRONMENT,
        "printing": PRINTING,
        "exceptions": EXCEPTIONS,
    }
    soft = {
        "sleeps": POLITE_LOOPS,
        "patterns": PATTERNS,
        "mutations": MUTATIONS,
        "polite printing": POLITE_PRINTING,
        "clocks": CLOCKS,
        "chance": CHANCE,
    }
    for group, laws in hard.items():
        yield from (Attack(group, name, law, must_fail=not isinstance(law, Polite)) for name, law in laws.items())
    for group, laws in soft.items():
        yield from (Attack(group, name, law, must_fail=False) for name, law in laws.items())
    yield from (Attack("processes", name, law, is_deadly=True) for name, law in DEADLY.items())


ATTACKS = tuple(_attacks())
