#!/usr/bin/env python3
"""Everything a developer does here, in one command. Standard library only.

python3 dev.py demo             load the demo clinic into a local Nexus database, and show what came of it
python3 dev.py ui               open Dagster over it: graph, checks, history; Ctrl-C ends everything
python3 dev.py test [ARGS]      the fast tests, --slow: all others, on all cores; ARGS go to pytest, as `PATH` or `-k WORD`
python3 dev.py lint [--fix]     ruff: style and format
python3 dev.py types            mypy
python3 dev.py sql ENTITY       the SQL of its loads: first, changed, unchanged; --record: record it again, as tests compare it
python3 dev.py bench [ARGS]     measure loads and reading beside COPY and other libraries; takes minutes
python3 dev.py mutate [FOLDER]  change the product in one place at a time and see whether the tests notice; --sample N --seed S
python3 dev.py lock             make requirements.lock again from pyproject.toml
python3 dev.py COMMAND [ARGS]   any other command of nexus-assets: status, check, ... (--help lists them)

The first of them makes .venv from requirements.lock. What is local (databases, buckets, history) lies in .local.
"""
# This file must be readable for any Python 3, so that an old one gets a message and not a SyntaxError.

import os
import sys

OLDEST = (3, 10)
if sys.version_info < OLDEST:
    sys.exit(
        "nexus_assets needs Python %d.%d or newer; this is %s (%s).\n"
        "Install a newer one (Debian, Ubuntu: apt-get install python3; macOS: brew install python3) and start dev.py with it."
        % (*OLDEST, sys.version.split()[0], sys.executable)
    )
if os.name != "posix":
    sys.exit("nexus_assets runs on Linux and macOS. On Windows, run it inside WSL (`wsl --install`).")

import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, NoReturn

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / "made-from"

# Bare `dagster asset materialize` and `dagster asset list` read neither workspace.yaml nor pyproject.toml: only these variables tell
# them what to load.
# (DAGSTER_MODULE_NAME would do so too, and makes `dagster dev` hang.)
ENVIRONMENT = (
    "import os; "
    "[os.environ.setdefault('DAGSTER_CLI_ASSET_%s_MODULE_NAME' % word, 'nexus_assets.definitions') for word in ('MATERIALIZE', 'LIST')]; "
    "home = os.path.abspath(os.path.expanduser(os.environ.get('NEXUS_LOCAL_HOME') or {home!r})); "
    "os.environ.setdefault('DAGSTER_HOME', os.path.join(home, 'dagster'))\n"
)


class SetupError(Exception):
    """The environment can't be made; the text says what is missing and how to get it."""


def main(arguments: List[str]) -> NoReturn:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__.strip())
        sys.exit(0 if arguments else 2)
    command, rest = arguments[0], arguments[1:]
    try:
        make_environment()
        OWN_COMMANDS.get(command, nexus_assets)(command, rest)
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("Interrupted. The next start takes up where this one was.", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        sys.exit("%s. dev.py needs to write to %s: is the disk full, or the folder another user's?" % (error, ROOT))
    sys.exit(0)


# --- commands ---------------------------------------------------------------------------------------------------------


def test(_: str, rest: List[str]) -> None:
    is_slow, chosen = "--slow" in rest, [word for word in rest if word != "--slow"]
    # What is named is run with its extended tests.
    kind = ["-m", "slow or extended"] if is_slow else ["-m", "not slow"] if chosen else []
    # Without compiled files each process of the run rewrites the assertions of all tests anew, which takes 8 s.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    become("python", "-m", "pytest", *kind, *(chosen or (WAITING if is_slow else ALL_CORES)))


def lint(_: str, rest: List[str]) -> None:
    fix = "--fix" in rest
    codes = [run("ruff", "check", *(["--fix"] if fix else [])), run("ruff", "format", *([] if fix else ["--check"]))]
    sys.exit(max(codes))


def types(_: str, rest: List[str]) -> None:
    become("python", "-m", "mypy", *rest)


def sql(_: str, rest: List[str]) -> None:
    if rest != ["--record"]:
        become("python", "-m", "nexus_assets_tests.load.golden", *rest)
    os.environ["RECORD_SQL"] = "yes"
    become("python", "-m", "pytest", "-q", "nexus_assets_tests/load/test_golden_sql.py")


def bench(_: str, rest: List[str]) -> None:
    prepare_local_home()
    become("python", "-m", "nexus_assets_tests.bench", *rest)


def mutate(_: str, rest: List[str]) -> None:
    become("python", "-m", "nexus_assets_tests.mutation", *rest)


def ui(_: str, rest: List[str]) -> None:
    prepare_local_home()
    become("python", "-m", "nexus_assets.local.ui", *rest)


def lock(_: str, rest: List[str]) -> None:
    code = run(
        *("uv", "pip", "compile", "--quiet", "pyproject.toml", "--all-extras", "--output-file", LOCK.name),
        *LOCKED,
        *rest,
    )
    if code == 0:
        refuse_addresses(LOCK.read_text())
    sys.exit(code)


def nexus_assets(command: str, rest: List[str]) -> None:
    prepare_local_home()
    become("nexus-assets", command, *rest)


OWN_COMMANDS = {
    "test": test,
    "lint": lint,
    "types": types,
    "sql": sql,
    "bench": bench,
    "mutate": mutate,
    "ui": ui,
    "lock": lock,
}

# One process more than there are cores: each waits for its servers, browsers and daemons part of its time (a tenth of the fast
# tests' time). The tests of a process have servers of their own; those of one file share a clinic, and build on each other's deeds.
ALL_CORES = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile")
# In the order of their collection, the longest first, and not those files first that have the most tests.
WAITING = (*ALL_CORES, "--no-loadscope-reorder")

LOCKED = (
    *("--universal", "--python-version", "%d.%d" % OLDEST, "--generate-hashes", "--no-strip-extras"),
    *("--no-emit-index-url", "--no-header", "--no-annotate"),
)


def refuse_addresses(text: str) -> None:
    """A lock that names a registry or a folder works on the machine that made it only."""
    found = re.findall(r"^.*(?:://|--index|--find-links| @ |file:).*$", text, flags=re.MULTILINE)
    if found:
        raise SetupError(LOCK.name + " must not hold addresses:\n" + "\n".join(found))


def run(program: str, *arguments: str) -> int:
    return subprocess.call([str(BIN / program), *arguments], cwd=str(ROOT))


def become(program: str, *arguments: str) -> NoReturn:
    """Hands over for good: signals, exit code and terminal are then the program's own."""
    path = BIN / program
    if not path.exists():
        raise SetupError("%s is missing. Delete %s and run this again." % (path, VENV))
    sys.stdout.flush()
    os.chdir(str(ROOT))
    os.execve(str(path), [str(path), *arguments], {**os.environ, "PATH": "%s:%s" % (BIN, os.environ.get("PATH", ""))})


# --- the environment --------------------------------------------------------------------------------------------------


def make_environment() -> None:
    """Returns when .venv holds exactly what the lock says; at once if it already did."""
    wanted = [about_python(), about_packages()]
    if made_from() == wanted:
        return
    with only_one(ROOT / ".venv.lock"):
        found = made_from()
        if found != wanted:
            say("Setting up %s (a minute at most)" % VENV.name)
            # Without its stamp, a set-up that was interrupted counts as none at all.
            if STAMP.exists():
                STAMP.unlink()
            if found[:1] != wanted[:1]:
                shutil.rmtree(str(VENV), ignore_errors=True)
            install()
            STAMP.write_text("\n".join(wanted))


def about_python() -> str:
    """What .venv as a whole depends on: its Python, and its place (its scripts hold absolute paths)."""
    # The file itself: from inside .venv its Python is found under another of its names (python3, python3.11).
    return digest(sys.version, os.path.realpath(getattr(sys, "_base_executable", sys.executable)), str(ROOT))


def about_packages() -> str:
    """What the packages in .venv depend on; another one of these is installed over the last."""
    project = (ROOT / "pyproject.toml").read_text().split("[tool.")[0]
    return digest(LOCK.read_text(), project, environment_line())


def made_from() -> List[str]:
    try:
        return STAMP.read_text().split("\n")
    except OSError:
        return []


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def install() -> None:
    """Tries the fastest installer first; each of them checks every package against its hash in the lock."""
    problems = []
    for installer in (with_own_uv, with_uv_from_lock, with_pip):
        try:
            installer()
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            problems.append(what_it_said(error))
        else:
            (site_packages() / "nexus_assets_environment.pth").write_text(environment_line())
            return
    raise SetupError(
        "%s\n\nThe packages of %s could not be installed (the reason is above). They come from the Python package registry:\n"
        "check the network, and if you are behind a proxy or use a mirror, that pip is told so (`pip config list`).\n"
        "Then run this again." % (problems[-1], LOCK.name)
    )


def with_own_uv() -> None:
    """With uv as it is installed on this machine, which needs no pip."""
    uv = shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("uv is not installed")
    create_venv(with_pip=False)
    install_with_uv([uv])


def with_uv_from_lock() -> None:
    """With the uv of the lock, which pip installs."""
    create_venv(with_pip=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
        only_uv.write(lines_of("uv"))
        only_uv.flush()
        quietly(*PIP, "install", "--require-hashes", "-r", only_uv.name)
    install_with_uv([str(BIN / "uv")])


def with_pip() -> None:
    """With pip alone, where uv does not run."""
    quietly(*PIP, "install", "--require-hashes", "-r", str(LOCK))
    quietly(*PIP, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def install_with_uv(uv: List[str]) -> None:
    into = ["--python", str(BIN / "python")]
    # uv leaves it to the first import to compile a module; where that is not kept (PYTHONDONTWRITEBYTECODE), every command
    # of Dagster's would compile two thousand of them again.
    compiled = ["--compile-bytecode"] if sys.dont_write_bytecode else []
    quietly(*uv, "pip", "sync", *into, *compiled, "--require-hashes", str(LOCK))
    quietly(*uv, "pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


PIP = (str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")


def create_venv(with_pip: bool) -> None:
    missing = [
        name for name in ("venv", *(["ensurepip"] if with_pip else [])) if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise SetupError(
            "This Python (%s) comes without its module %s, which makes .venv.\n"
            "Debian, Ubuntu: apt-get install python3-venv; elsewhere: install `uv`, or a Python from python.org."
            % (sys.executable, missing[0])
        )
    import venv

    venv.create(str(VENV), with_pip=with_pip, symlinks=True)


def lines_of(package: str) -> str:
    """Returns one package of the lock: its line, and its hashes on the lines after it."""
    found = re.search(r"^%s==.*\n(?:[ \t].*\n)*" % re.escape(package), LOCK.read_text(), flags=re.MULTILINE)
    if found is None:
        raise SetupError(
            "%s does not hold %s; get the file as it was committed: git checkout %s" % (LOCK.name, package, LOCK.name)
        )
    return found.group(0)


def environment_line() -> str:
    return ENVIRONMENT.format(home=str(ROOT / ".local"))


def site_packages() -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([str(BIN / "python"), "-c", code], universal_newlines=True).strip())


def prepare_local_home() -> None:
    """Creates the databases of Dagster's history, before two processes could try it at once."""
    from nexus_assets.local import home

    where = home.local_home()
    if not home.is_prepared(where):
        say("Preparing %s" % where)
        if run("python", "-m", "nexus_assets.local.dagster_home", str(where)) != 0:
            raise SetupError(
                "Can't prepare %s (the reason is above). NEXUS_LOCAL_HOME=/another/folder puts it elsewhere." % where
            )


# --- small things -----------------------------------------------------------------------------------------------------


@contextmanager
def only_one(lock_file: Path) -> Iterator[None]:
    """Waits while another process is inside. The system frees the lock of a process that dies."""
    with lock_file.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for the set-up that another dev.py does")
            fcntl.flock(file, fcntl.LOCK_EX)
        # An installer that outlives a killed dev.py keeps the lock until it is done.
        os.set_inheritable(file.fileno(), True)
        yield


def quietly(*command: str) -> None:
    ours = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ours,
        cwd=str(ROOT),
        close_fds=False,
    )


def what_it_said(error: Exception) -> str:
    output = getattr(error, "output", None) or b""
    return output.decode(errors="replace").strip() or str(error)


def say(text: str) -> None:
    print(text + " ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
