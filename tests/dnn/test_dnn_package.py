import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import dnn

ROOMS = ("embedding", "networks", "observing", "reading", "tasks", "training")


def test_importing_the_package_does_not_load_torch():
    code = "import sys, dnn, dnn.data; dir(dnn); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_listed_is_what_can_be_imported():
    assert dir(dnn) == sorted(dnn.__all__) == sorted([*dnn._EXPORTS, *dnn._MODULES])
    for name in dnn._EXPORTS:
        home = import_module(f"dnn.{dnn._EXPORTS[name]}")
        assert getattr(dnn, name) is getattr(home, name)
        assert getattr(dnn, name).__module__ == home.__name__
    for name in dnn._MODULES:
        assert getattr(dnn, name) is import_module(f"dnn.{name}")


def test_a_star_import_brings_the_same_names():
    names = {}
    exec("from dnn import *", names)
    assert names.keys() - {"__builtins__"} == set(dnn.__all__)


def test_a_module_is_a_module_and_the_function_of_the_package_a_function():
    import dnn.reading.linear_maps
    from dnn import linear_map

    assert isinstance(dnn.reading.linear_maps, ModuleType)
    assert linear_map is dnn.reading.linear_maps.linear_map
    assert type(dnn) is ModuleType


def test_no_file_bears_the_name_of_an_exported_object():
    files = {path.stem for path in Path(dnn.__path__[0]).iterdir()}
    assert not files & dnn._EXPORTS.keys()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_exports_nothing(room):
    code = f"import dnn.{room}; print(*(name for name in vars(dnn.{room}) if not name.startswith('_')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
    assert import_module(f"dnn.{room}").__doc__


def test_the_data_sets_have_a_short_address():
    assert set(dnn.data.__all__) == {"NAMES", "Split", "load"}
    assert all(hasattr(dnn.data, name) for name in dnn.data.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dnn.nothing
