"""The standard library's `platform`, and beside it the package that orchestrates the search.

Torch, numpy, ray and many others execute `import platform` and mean the standard module. Whoever
finds this package in its place must find everything: the standard module's own code therefore runs
in this namespace, private names and caches included. Nothing else happens here.
"""


def _run_standard_module() -> None:
    import os
    from importlib.machinery import SourceFileLoader

    # Found beside `os`, because `sysconfig` may itself import `platform`; the loader rather than
    # open() and compile(), because it uses the byte code that the standard library has cached.
    source = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "platform.py")
    code = SourceFileLoader("platform", source).get_code("platform")
    assert code is not None  # a module that has source has code
    exec(code, globals())


_run_standard_module()
del _run_standard_module
