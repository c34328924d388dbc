"""What is installed is read from files, and nothing of it is imported."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.plugins import discovery
from like_keras_core.plugins.compatibility import admits, is_name, required_core
from like_keras_core.plugins.discovery import EngineEntry, find_engines, find_plugins
from like_keras_core.plugins.metadata import (
    core_version,
    normalise,
    parse_headers,
    versions_of,
)

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes the metadata of a distribution into a folder at the end of sys.path."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    for variable in (discovery.ENGINES_DISABLE, discovery.PLUGINS_DISABLE):
        monkeypatch.delenv(variable, raising=False)

    def write(
        lines: str,
        *,
        name: str = "some-dist",
        folder: str = "site",
        info: str = "{0}-1.0.dist-info",
        requires: str = "",
        group: str = discovery.ENGINE_GROUP,
    ) -> Path:
        path = tmp_path / folder
        target = path / info.format(name.replace("-", "_"))
        target.mkdir(parents=True)
        file = "METADATA" if info.endswith("dist-info") else "PKG-INFO"
        headers = f"Name: {name}\nVersion: 1.0\nSummary: About {name}\n"
        if requires:
            headers += f"Requires-Dist: {requires}\n"
        (target / file).write_text(f"{headers}\nName: not a header\n")
        (target / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")
        if str(path) not in sys.path:
            sys.path.append(str(path))
        return path

    return write


def find(name: str) -> list[EngineEntry]:
    return [record for record in find_engines() if record.name == name]


def test_a_record_holds_what_the_metadata_says(install: Install) -> None:
    """Name, distribution, version, range, summary and entry point are read."""
    install("zzz = json:JSONDecoder", requires="like-keras-core[native]>=0.0 ; x")

    (record,) = find("zzz")

    assert record.to_dict() == {
        "name": "zzz",
        "distribution": "some-dist",
        "version": "1.0",
        "requires_core": ">=0.0",
        "status": "ok",
        "reason": "",
        "summary": "About some-dist",
        "entry_point": "json:JSONDecoder",
    }


def test_a_record_is_a_value() -> None:
    """Records compare by content, can be hashed, and do not change."""
    record = EngineEntry(name="a", distribution="b")
    same = EngineEntry(name="a", distribution="b")

    assert record == same
    assert hash(record) == hash(same)
    assert record != EngineEntry(name="a", distribution="c")
    with pytest.raises(AttributeError, match="immutable"):
        record.name = "z"


@pytest.mark.parametrize(
    "line",
    [
        "zzz",
        "zzz =",
        "zzz = json",
        "zzz = a b:C",
        "zzz = a:",
        "zzz = a:b-c",
        "zzz = :C",
    ],
)
def test_a_line_that_is_no_entry_point_is_malformed(
    install: Install, line: str
) -> None:
    """An engine's entry point names a module and a class."""
    install(line)

    (record,) = find("zzz")

    assert record.status == "malformed"
    assert "some-dist" in record.reason


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a b", "-x", "ü"])
def test_a_name_that_is_no_folder_is_malformed(install: Install, name: str) -> None:
    """An engine's name is a folder's name as well."""
    install(f"{name} = json:JSONDecoder")

    (record,) = find(name)

    assert record.status == "malformed"


def test_comments_and_other_groups_are_passed_over(install: Install) -> None:
    """Only the lines of the group count."""
    install("# zzz = a:b\n; zzz = a:b\n\n[other]\nzzz = a:b")

    assert find("zzz") == []


def test_a_plugin_may_be_a_module(install: Install) -> None:
    """An always-on plug-in needs no attribute."""
    install("zzz = json", group=discovery.PLUGIN_GROUP)

    (record,) = [item for item in find_plugins() if item.name == "zzz"]

    assert record.status == "ok"


def test_a_missing_module_is_found_without_importing(install: Install) -> None:
    """The top-level package is looked for, never loaded."""
    path = install("gone = no_such_module:X\nhere = raises_on_import:X")
    (path / "raises_on_import.py").write_text("raise SystemExit(1)\n")

    assert [record.status for record in find("gone")] == ["missing-module"]
    assert [record.status for record in find("here")] == ["ok"]
    assert "raises_on_import" not in sys.modules


def test_an_emptied_folder_is_no_module(install: Install) -> None:
    """What pip leaves of a package, a folder without Python files, is missing."""
    path = install("zzz = only_a_folder:X")
    (path / "only_a_folder" / "__pycache__").mkdir(parents=True)

    assert find("zzz")[0].status == "missing-module"


def test_the_first_on_the_path_wins(install: Install) -> None:
    """A name that several claim belongs to the first; the others are shadowed."""
    install("zzz = json:A", name="early", folder="one")
    install("zzz = json:B", name="late", folder="two")

    first, second = find("zzz")

    assert (first.distribution, first.status) == ("early", "ok")
    assert (second.distribution, second.status) == ("late", "shadowed")
    assert "early" in second.reason


def test_a_known_distribution_wins(install: Install) -> None:
    """Our own engines keep their names, wherever they are on the path."""
    install("ros2 = json:A", name="impostor", folder="one")
    install("ros2 = json:B", name="lk-engine-ros2-stub", folder="two")

    records = {record.distribution: record.status for record in find("ros2")}

    assert records["lk-engine-ros2-stub"] == "ok"
    assert records["impostor"] == "shadowed"


UNUSABLE = {
    "incompatible": {"lines": "{0} = json:A", "requires": "like-keras-core>=99"},
    "malformed": {"lines": "{0} = json"},
    "missing-module": {"lines": "{0} = no_such_module:A"},
}
"""What makes an entry point have each status."""


@pytest.mark.parametrize("status", UNUSABLE)
def test_what_cannot_be_used_shadows_nothing(
    install: Install, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """A name belongs to the first that works, wherever the others are on the path."""
    monkeypatch.setattr(discovery, "core_version", lambda *_: "0.3.1")
    facts = UNUSABLE[status]
    lines, requires = facts["lines"].format("zzz"), facts.get("requires", "")
    install(lines, name="early", folder="one", requires=requires)
    install("zzz = json:B", name="middle", folder="two")
    install(lines, name="late", folder="three", requires=requires)

    records = find("zzz")

    assert [(x.distribution, x.status) for x in records] == [
        ("middle", "ok"),
        ("early", status),
        ("late", status),
    ]
    assert all("middle" not in record.reason for record in records)


@pytest.mark.parametrize("status", UNUSABLE)
def test_a_known_distribution_wins_only_if_it_works(
    install: Install, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Of those that work the table decides, not of all that are there."""
    monkeypatch.setattr(discovery, "core_version", lambda *_: "0.3.1")
    facts = UNUSABLE[status]
    install("ros2 = json:A", name="another", folder="one")
    install(
        facts["lines"].format("ros2"),
        name="lk-engine-ros2-stub",
        folder="two",
        requires=facts.get("requires", ""),
    )
    monkeypatch.setattr(sys, "path", sys.path[-2:])

    records = {record.distribution: record.status for record in find("ros2")}

    assert records == {"another": "ok", "lk-engine-ros2-stub": status}


def test_where_none_works_the_known_one_says_why(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason is what somebody reads who selects the engine."""
    install("ros2 = no_such_module:A", name="another", folder="one")
    install("ros2 = gone_since:A", name="lk-engine-ros2-stub", folder="two")
    monkeypatch.setattr(sys, "path", sys.path[-2:])

    first, second = find("ros2")

    assert (first.distribution, first.status) == (
        "lk-engine-ros2-stub",
        "missing-module",
    )
    assert second.status == "missing-module"


def test_of_plug_ins_too_the_first_that_works_is_used(install: Install) -> None:
    """The other one stays in the list, with its reason."""
    group = discovery.PLUGIN_GROUP
    install("zzz = no_such_module", name="early", folder="one", group=group)
    install("zzz = json", name="late", folder="two", group=group)

    found = [record for record in find_plugins() if record.name == "zzz"]

    assert [(x.distribution, x.status) for x in found] == [
        ("late", "ok"),
        ("early", "missing-module"),
    ]


def test_a_distribution_counts_once(install: Install) -> None:
    """An older copy further down the path is not there."""
    install("new = json:A", folder="one")
    install("old = json:B", folder="two")

    assert [len(find("new")), len(find("old"))] == [1, 0]


def test_remains_of_an_uninstall_hide_nothing(install: Install) -> None:
    """A metadata folder without metadata does not stand for its distribution."""
    path = install("zzz = json:A", info="{0}-2.0.dist-info")
    (path / "some_dist-1.0.dist-info").mkdir()

    assert find("zzz")[0].status == "ok"


@pytest.mark.parametrize(
    "info", ["{0}.egg-info", "{0}-1.0-py3.11.egg-info", "EGG-INFO"]
)
def test_egg_info_is_read(install: Install, info: str) -> None:
    """Legacy editable installs and eggs are found as well."""
    folder = "some_dist-1.0-py3.11.egg" if info == "EGG-INFO" else "site"
    install("zzz = json:A", info=info, folder=folder)

    (record,) = find("zzz")

    assert (record.distribution, record.version) == ("some-dist", "1.0")


def test_a_zip_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution inside a zip file on sys.path is found."""
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = "packed-1.0.dist-info"
        file.writestr(f"{info}/METADATA", "Name: packed\nVersion: 1.0\n")
        text = f"[{discovery.ENGINE_GROUP}]\nzzz = json:A\n"
        file.writestr(f"{info}/entry_points.txt", text)
    monkeypatch.setattr(sys, "path", [*sys.path, str(archive)])

    assert find("zzz")[0].distribution == "packed"


class Finder:
    """A finder of a stranger that knows one distribution, or breaks."""

    def __init__(self, found: list[Any] | None) -> None:
        self.found = found

    def find_spec(self, *_: object) -> None:
        return None

    def find_distributions(self, context: object) -> list[Any]:
        if self.found is None:
            raise RuntimeError("a broken finder")
        return self.found


class FoundElsewhere:
    """A distribution that is on no path."""

    metadata = {"Name": "elsewhere", "Version": "3.0"}  # noqa: RUF012

    def read_text(self, file: str) -> str | None:
        if file == "entry_points.txt":
            return f"[{discovery.ENGINE_GROUP}]\nzzz = json:A\n"
        return None


def test_a_custom_finder_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder on sys.meta_path may know distributions that are on no path."""
    finder = Finder([FoundElsewhere(), object()])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])

    assert find("zzz")[0].version == "3.0"


@pytest.mark.parametrize("entry", ["damaged.zip", "no-such-folder", "nul\0byte", None])
def test_what_cannot_be_read_is_passed_over(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Any
) -> None:
    """Neither a damaged archive, nor a broken finder or path, stops a listing."""
    install("zzz = json:A")
    (tmp_path / "damaged.zip").write_bytes(b"PK and nothing more")
    path = entry and str(tmp_path / entry)
    monkeypatch.setattr(sys, "path", [path, *sys.path])
    monkeypatch.setattr(sys, "meta_path", [Finder(None), *sys.meta_path])

    assert find("zzz")[0].status == "ok"


@pytest.mark.parametrize(
    ("requires", "status"),
    [
        ("like-keras-core>=99", "incompatible"),
        ("like_keras_core (<0.0.1)", "incompatible"),
        ("like-keras-core~=99.0", "incompatible"),
        ("like-keras-core>=99; extra == 'dev'", "ok"),
        ("like-keras-core>=99; python_version < '3'", "ok"),
        ("like-keras-core-extras>=99", "ok"),
        ("like-keras-core @ file:///somewhere", "ok"),
        ("like-keras-core>=new", "malformed"),
    ],
)
def test_the_required_core_is_compared(
    install: Install, monkeypatch: pytest.MonkeyPatch, requires: str, status: str
) -> None:
    """An engine that asks for another core is listed as incompatible."""
    install("zzz = json:A", requires=requires)
    monkeypatch.setattr(discovery, "core_version", lambda *_: "0.3.1")

    (record,) = find("zzz")

    assert record.status == status
    assert bool(record.reason) == (status != "ok")


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        ("", "1.0", True),
        (">=0.3,<0.4", "0.3", True),
        (">=0.3,<0.4", "0.4.0", False),
        ("==1.0", "1.0.0", True),
        ("!=1.0", "1.0", False),
        (">1.0", "1.0.1", True),
        ("<=1.0", "1.0.1", False),
        ("==0.3.*", "0.3.7", True),
        ("~=0.3.1", "0.4", False),
        (">=0.3", "0.3.0.dev4", True),
        (">=0.4", "0.3.0.dev4", False),
        (">=0.3", "0.3rc1", False),
        ("<0.4", "0.3+local.1", True),
    ],
)
def test_ranges(specifier: str, version: str, expected: bool) -> None:
    """Ranges mean what PEP 440 says; a development version counts as its release."""
    assert admits(specifier, version) is expected


def test_several_requirements_are_one_range() -> None:
    """All the lines about the core count."""
    lines = ["numpy", "like-keras-core >=0.1", "Like.Keras_Core<2"]

    assert required_core(lines) == ">=0.1,<2"


def test_names_can_be_switched_off(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LK_ENGINES_DISABLE takes names, with spaces or without."""
    install("yyy = json:A\nzzz = json:B")
    monkeypatch.setenv(discovery.ENGINES_DISABLE, "other, zzz")

    assert [find("yyy")[0].status, find("zzz")[0].status] == ["ok", "disabled"]


def test_all_third_party_ones_can_be_switched_off(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A star disables every distribution that is not ours."""
    install("ros2 = json:A", name="impostor", folder="one")
    install("ros2 = json:B", name="lk-engine-ros2-stub", folder="two")
    monkeypatch.setenv(discovery.ENGINES_DISABLE, "*")

    statuses = {record.distribution: record.status for record in find("ros2")}

    assert statuses["impostor"] == "disabled"
    assert statuses["lk-engine-ros2-stub"] == "ok"


def test_a_disabled_engine_claims_no_name(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engines and plug-ins have switches of their own."""
    install("zzz = json:A")
    monkeypatch.setenv(discovery.PLUGINS_DISABLE, "zzz,*")

    assert find("zzz")[0].status == "ok"


def test_headers_may_be_folded_and_broken() -> None:
    """Continuation lines belong to their field; what is no field is passed over."""
    text = " stray\nName: a\nSummary: one\n  two\nnonsense\nName: b\n\nVersion: 9"

    assert parse_headers(text) == {"name": ["a", "b"], "summary": ["one two"]}


@pytest.mark.parametrize("name", ["Like_Keras.Core", "like--keras-core"])
def test_names_are_compared_in_one_form(name: str) -> None:
    """Case and kind of separator mean nothing."""
    assert normalise(name) == "like-keras-core"


@pytest.mark.parametrize(
    ("name", "expected"), [("dora", True), ("ros2-x_1.0", True), ("", False)]
)
def test_names_of_engines(name: str, expected: bool) -> None:
    """A name is made of letters, digits and separators."""
    assert is_name(name) is expected


def test_the_cores_version_comes_from_its_metadata(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's name says it; where it does not, a header does."""
    install("", name="like-keras-core", info="{0}.egg-info")
    monkeypatch.setattr(sys, "path", sys.path[-1:])

    assert core_version() == "1.0"


def test_versions_of_several_are_read_at_once(install: Install) -> None:
    """The first on the path counts, as for an import; what is not there is left out."""
    install("", name="some-dist", folder="one", info="{0}-2.0.dist-info")
    install("", name="some-dist", folder="two", info="{0}-3.0.dist-info")
    install("", name="other.dist", info="Other_Dist.egg-info")

    found = versions_of(("some-dist", "other-dist", "no-such-dist"))

    assert found == {"some-dist": "2.0", "other-dist": "1.0"}


def test_a_bare_checkout_has_no_version(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without metadata the version is unknown, and every engine fits."""
    install("zzz = json:A", requires="like-keras-core>=99")
    monkeypatch.setattr(sys, "path", sys.path[-1:])

    assert core_version() == "0+unknown"
    assert find("zzz")[0].status == "ok"
