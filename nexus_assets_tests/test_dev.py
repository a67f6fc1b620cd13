"""dev.py: what it makes, what it hands over to, and what it says when something is missing."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

from nexus_assets.local.home import SOURCE
from nexus_assets.settings import SETTINGS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYPROJECT: Mapping[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text())
LOCK = (SOURCE / "requirements.lock").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what dev.py needs, and no .venv."""
    for name in (
        "dev.py",
        "pyproject.toml",
        "setup.cfg",
        "requirements.lock",
        "dagster.yaml",
        "workspace.yaml",
        "README.md",
    ):
        shutil.copy(SOURCE / name, tmp_path)
    (tmp_path / "nexus_assets").symlink_to(SOURCE / "nexus_assets")
    return tmp_path


@pytest.fixture
def dev(checkout: Path) -> ModuleType:
    """The dev.py of that folder, imported."""
    spec = importlib.util.spec_from_file_location("dev_under_test", checkout / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_dev(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "dev.py"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def pretend_it_is_set_up(dev: ModuleType, **programs: str) -> None:
    """Puts shell scripts where the programs would be, and the stamp that says that all is done."""
    dev.BIN.mkdir(parents=True)
    for name, script in programs.items():
        program = dev.BIN / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    dev.STAMP.write_text("\n".join([dev.about_python(), dev.about_packages()]))


class TestMessages:
    """What somebody reads whose machine lacks something."""

    def test_an_old_python_is_named_with_the_way_to_a_new_one(self) -> None:
        code = f"import sys, runpy; sys.version_info = (3, 8, 1); runpy.run_path({str(SOURCE / 'dev.py')!r})"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert told.returncode == 1
        assert "needs Python 3.10 or newer" in told.stderr
        assert "apt-get install python3" in told.stderr
        assert "Traceback" not in told.stderr

    def test_an_old_python_can_read_it(self) -> None:
        ast.parse((SOURCE / "dev.py").read_text(), feature_version=(3, 6))

    @pytest.mark.parametrize("missing", ["venv", "ensurepip"])
    def test_a_python_without_venv_says_what_to_install(
        self, dev: ModuleType, missing: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None if name == missing else object())
        monkeypatch.setattr(dev.shutil, "which", lambda _: None)
        with pytest.raises(dev.SetupError, match=rf"(?s)without its module {missing}.*apt-get install python3-venv"):
            dev.make_environment()

    @pytest.mark.slow
    def test_no_registry_is_said_plainly(self, checkout: Path) -> None:
        nowhere = "http://127.0.0.1:9/simple"
        told = run_dev(
            *(checkout, "types"),
            PATH="/usr/bin:/bin",
            PIP_CONFIG_FILE=os.devnull,
            PIP_INDEX_URL=nowhere,
            PIP_EXTRA_INDEX_URL="",
            PIP_FIND_LINKS="",
            PIP_RETRIES="0",
            UV_INDEX_URL=nowhere,
        )
        assert told.returncode == 1
        assert "could not be installed" in told.stderr
        assert "check the network" in told.stderr
        assert "Traceback" not in told.stderr

    def test_no_room_is_said_plainly(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(dev, "install", full)
        with pytest.raises(SystemExit, match=r"No space left on device.*is the disk full"):
            dev.main(["types"])

    def test_help_needs_nothing(self, checkout: Path) -> None:
        told = run_dev(checkout, "--help")
        assert told.returncode == 0
        assert "python3 dev.py demo" in told.stdout
        assert not (checkout / ".venv").exists()

    def test_no_command_is_a_mistake(self, checkout: Path) -> None:
        assert run_dev(checkout).returncode == 2


class TestSetUp:
    """When .venv is made, and when not."""

    @pytest.fixture
    def installed(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Notes, for each time that packages are installed, whether a .venv was there."""
        notes: list[str] = []

        def install() -> None:
            notes.append("over the last" if dev.VENV.exists() else "anew")
            dev.VENV.mkdir(exist_ok=True)

        monkeypatch.setattr(dev, "install", install)
        return notes

    def test_it_is_made_once(self, dev: ModuleType, installed: list[str]) -> None:
        dev.make_environment()
        dev.make_environment()
        assert installed == ["anew"]

    @pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
    def test_other_packages_are_installed_over_the_last(
        self, dev: ModuleType, installed: list[str], checkout: Path, changed: str
    ) -> None:
        dev.make_environment()
        (checkout / changed).write_text("# new\n" + (checkout / changed).read_text())
        dev.make_environment()
        assert installed == ["anew", "over the last"]

    def test_another_python_makes_it_anew(
        self, dev: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dev.make_environment()
        monkeypatch.setattr(dev.sys, "version", "3.99")
        dev.make_environment()
        assert installed == ["anew", "anew"]

    def test_the_same_python_under_another_name_is_no_other_one(
        self, dev: ModuleType, installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As whoever has activated .venv finds it."""
        dev.make_environment()
        (tmp_path / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
        monkeypatch.setattr(dev.sys, "_base_executable", str(tmp_path / "python"))
        dev.make_environment()
        assert installed == ["anew"]

    def test_how_code_is_styled_does_not_matter(self, dev: ModuleType, installed: list[str], checkout: Path) -> None:
        dev.make_environment()
        with (checkout / "pyproject.toml").open("a") as file:
            file.write("# another rule\n")
        dev.make_environment()
        assert installed == ["anew"]

    def test_an_interrupted_set_up_is_done_again_from_the_start(
        self, dev: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dev.make_environment()
        dev.LOCK.write_text(LOCK + "\n")

        def interrupted() -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(dev, "install", interrupted)
            with pytest.raises(KeyboardInterrupt):
                dev.make_environment()
        dev.make_environment()
        assert installed == ["anew", "anew"]

    def test_a_second_one_waits_for_the_first(self, dev: ModuleType, checkout: Path) -> None:
        code = "import dev, pathlib\nwith dev.only_one(pathlib.Path('lock')): print('inside')"
        with dev.only_one(checkout / "lock"):
            second = subprocess.Popen(
                [sys.executable, "-c", code], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            assert second.stderr is not None
            assert b"Waiting" in second.stderr.readline()
            assert second.poll() is None
        assert second.communicate(timeout=10)[0] == b"inside\n"

    def test_an_installer_that_outlives_a_killed_set_up_keeps_others_out(self, checkout: Path) -> None:
        code = "import dev, pathlib\nwith dev.only_one(pathlib.Path('lock')): dev.quietly('sh', '-c', 'echo > began; sleep 2; echo > done')"
        with subprocess.Popen([sys.executable, "-c", code], cwd=checkout) as first:
            _wait_until((checkout / "began").exists)
            first.kill()
        code = "import dev, pathlib\nwith dev.only_one(pathlib.Path('lock')): print(pathlib.Path('done').exists())"
        assert (
            subprocess.check_output([sys.executable, "-c", code], cwd=checkout, stderr=subprocess.DEVNULL) == b"True\n"
        )

    @pytest.mark.slow
    def test_from_nothing_to_a_working_environment(self, checkout: Path) -> None:
        assert run_dev(checkout, "types", "--version").stdout.startswith("mypy")
        code = "import os; print(os.environ['DAGSTER_CLI_ASSET_LIST_MODULE_NAME'], os.environ['DAGSTER_HOME'])"
        environment = {name: value for name, value in os.environ.items() if name != "NEXUS_LOCAL_HOME"}
        told = subprocess.check_output([checkout / ".venv/bin/python", "-c", code], text=True, env=environment)
        assert told.split() == ["nexus_assets.definitions", str(checkout / ".local/dagster")]
        assert (checkout / ".venv/bin/nexus-assets").exists()
        began = time.monotonic()
        assert run_dev(checkout, "types", "--version").returncode == 0
        assert time.monotonic() - began < 5


class TestHandingOver:
    """What dev.py starts."""

    def test_a_command_it_does_not_know_is_one_of_nexus_assets(self, dev: ModuleType, checkout: Path) -> None:
        pretend_it_is_set_up(dev, python="exit 0", nexus_assets='echo "$@"; exit 7')
        told = run_dev(checkout, "status", "--json")
        assert (told.stdout, told.returncode) == ("status --json\n", 7)

    def test_a_signal_reaches_the_program(self, dev: ModuleType, checkout: Path) -> None:
        pretend_it_is_set_up(
            dev, python="exit 0", nexus_assets="trap 'echo interrupted; exit 3' INT; echo began; sleep 30 & wait"
        )
        command = [sys.executable, str(checkout / "dev.py"), "status"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "began\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            assert process.wait() == 3

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["test"], f"-m pytest -n {(os.cpu_count() or 1) + 1} --dist loadfile"),
            (["test", "-k", "one"], "-m pytest -m not slow -k one"),
            (
                ["test", "--slow"],
                f"-m pytest -m slow or extended -n {(os.cpu_count() or 1) + 1} --dist loadfile --no-loadscope-reorder",
            ),
            (["test", "--slow", "-x"], "-m pytest -m slow or extended -x"),
            (["types"], "-m mypy"),
            (["ui", "--port", "1"], "-m nexus_assets.local.ui --port 1"),
            (["bench", "--scale", "1"], "-m nexus_assets_tests.bench --scale 1"),
            (["mutate", "--seed", "7"], "-m nexus_assets_tests.mutation --seed 7"),
        ],
        ids=" ".join,
    )
    def test_its_own_commands(self, dev: ModuleType, checkout: Path, arguments: list[str], expected: str) -> None:
        pretend_it_is_set_up(dev, python='echo "$@"')
        assert run_dev(checkout, *arguments).stdout.splitlines()[-1] == expected

    @pytest.mark.parametrize(("check", "form", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
    def test_lint_fails_when_style_or_form_does(
        self, dev: ModuleType, checkout: Path, check: int, form: int, code: int
    ) -> None:
        pretend_it_is_set_up(dev, ruff=f"[ $1 = check ] && exit {check}; exit {form}")
        assert run_dev(checkout, "lint").returncode == code


class TestLock:
    """requirements.lock: the same packages everywhere, from any registry."""

    def test_it_holds_no_address(self, dev: ModuleType) -> None:
        dev.refuse_addresses(LOCK)

    @pytest.mark.parametrize(
        "line",
        ["--index-url https://example.org/simple", "--find-links /opt/wheels", "a @ file:///home/a", "-i http://x"],
    )
    def test_an_address_is_refused(self, dev: ModuleType, line: str) -> None:
        with pytest.raises(dev.SetupError, match="must not hold addresses"):
            dev.refuse_addresses(f"a==1 \\\n    --hash=sha256:0\n{line}\n")

    def test_every_package_has_hashes(self) -> None:
        packages = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)[1:]
        assert len(packages) > 100
        assert all("==" in package and "--hash=sha256:" in package for package in packages)

    def test_it_holds_every_dependency_in_a_version_that_fits(self) -> None:
        locked: dict[str, list[str]] = {}
        for name, version in re.findall(r"^([a-z0-9._-]+)(?:\[\S+\])?==([^ ;]+)", LOCK, flags=re.MULTILINE):
            locked.setdefault(name, []).append(version)
        for requirement in map(Requirement, _dependencies()):
            versions = locked[re.sub(r"[._-]+", "-", requirement.name).lower()]
            assert all(requirement.specifier.contains(version) for version in versions), requirement

    def test_uv_comes_from_it(self, dev: ModuleType) -> None:
        assert re.fullmatch(r"uv==[\d.]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", dev.lines_of("uv"))


def test_each_dependency_is_said_once() -> None:
    names = [Requirement(text).name for text in _dependencies()]
    assert sorted(names) == sorted(set(names))


def test_dagster_is_not_made_to_ignore_the_workspace() -> None:
    assert not {"dagster", "dg"} & set(PYPROJECT["tool"])


def test_the_example_settings_are_those_of_the_code() -> None:
    wanted = "".join(f"# {setting.meaning}\n#{setting.name}={setting.default}\n" for setting in SETTINGS)
    assert wanted in (SOURCE / ".env.example").read_text(), f"put this into .env.example:\n{wanted}"


def test_importing_the_package_does_not_import_dagster() -> None:
    code = "import sys, nexus_assets; print('dagster' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def _dependencies() -> list[str]:
    project = PYPROJECT["project"]
    return [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
