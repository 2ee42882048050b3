import subprocess
import sys
from types import ModuleType

import pytest

import dnn


def test_importing_the_package_does_not_load_torch():
    code = "import sys, dnn, dnn.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_listed_name_can_be_imported():
    for name in dir(dnn):
        assert getattr(dnn, name) is not None


def test_a_module_is_a_module_and_the_function_of_the_package_a_function():
    import dnn.reading.linear_maps
    from dnn import linear_map

    assert isinstance(dnn.reading.linear_maps, ModuleType)
    assert linear_map is dnn.reading.linear_maps.linear_map
    assert type(dnn) is ModuleType


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dnn.nothing
