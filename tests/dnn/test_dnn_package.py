import subprocess
import sys

import pytest

import dnn


def test_importing_the_package_does_not_load_torch():
    code = "import sys, dnn; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_listed_name_can_be_imported():
    for name in dir(dnn):
        assert getattr(dnn, name) is not None


def test_a_function_wins_over_the_file_of_the_same_name():
    import dnn.reading.linear_maps
    import dnn.reading.rank_densities

    assert callable(dnn.reading.linear_maps)
    assert callable(dnn.reading.rank_densities)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dnn.nothing
