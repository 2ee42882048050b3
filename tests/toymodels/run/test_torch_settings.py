import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")
import torch

from toymodels.run.cells import made_by
from toymodels.run.torch_settings import (
    _BEFORE,
    SETTINGS,
    settings_of_one_call,
    torch_settings,
    use_torch_settings,
)

ROOT = Path(__file__).parents[3]
SCRIPT = """
import torch
from toymodels.run.engine import parallel_map

def third(item):
    return item, str((torch.ones(1) / 3).double().item())

if __name__ == "__main__":
    for set_here in (torch.float64, torch.float32, torch.float64):
        torch.set_default_dtype(set_here)
        here, there = (sorted(parallel_map(third, [1, 2, 3], jobs=jobs)) for jobs in (1, 2))
        assert here == there, (here, there)
        print(here[0][1])
"""


HEAVY = """
import torch
torch.set_default_dtype(torch.float64)

def third():
    return (torch.ones(1) / 3).double().item()
"""
LATE = """
from toymodels.run.engine import parallel_map

def third(item):
    import heavy
    return heavy.third()

if __name__ == "__main__":
    print(*parallel_map(third, list(range(6)), jobs={jobs}, engine="{engine}"))
"""
PRECISIONS = """
from toymodels.run.engine import parallel_map

def used(dtype):
    import torch
    if dtype:
        torch.set_default_dtype(getattr(torch, dtype))
    return dtype, str(torch.ones(1).dtype).removeprefix("torch.")

if __name__ == "__main__":
    asked = ["float64", "bfloat16", None, "float32", "float16", ""]
    came = dict(parallel_map(used, asked, jobs={jobs}))
    print(*(came[dtype] for dtype in asked))
"""
PRODUCTS = """
import torch
from toymodels.run.engine import parallel_map

def product(seed):
    a, b = torch.randn(2, 300, 300, generator=torch.Generator().manual_seed(seed))
    small = torch.tensor(1e-310, dtype=torch.float64) / 100
    return seed, (a @ b).double().sum().item(), (small > 0).item(), torch.is_grad_enabled()

def both():
    return [sorted(parallel_map(product, [1, 2, 3], jobs=jobs)) for jobs in (1, 2)]

if __name__ == "__main__":
    usual = both()
    torch.set_float32_matmul_precision("medium")
    coarse = both()
    torch.set_float32_matmul_precision("highest")
    with torch.autocast("cpu"), torch.no_grad():
        cast = both()
    torch.set_flush_denormal(True)
    flushed = both()
    torch.set_flush_denormal(False)
    assert both() == usual
    for here, there in (usual, coarse, cast, flushed):
        assert here == there, (here, there)
    assert cast[0] != usual[0]
"""
PATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_nothing_is_said_of_the_usual_settings():
    assert torch_settings() == {}
    assert "torch" not in made_by([torch_settings])


def test_another_precision_counts_for_identities(double):
    assert torch_settings() == {"default_dtype": "float64"}
    assert made_by([torch_settings])["torch"] == {"default_dtype": "float64"}


def test_what_was_there_before_comes_back_where_nothing_is_asked():
    use_torch_settings({"default_dtype": "float64"})
    use_torch_settings({"default_dtype": "bfloat16"})
    assert torch_settings() == {"default_dtype": "bfloat16"}
    use_torch_settings({})
    assert torch_settings() == {}


OTHERS = {
    "default_dtype": "float64",
    "float32_matmul_precision": "medium",
    "deterministic": "1",
    "gradients": "False",
    "autocast": "bfloat16",
    "mkldnn": "False",
    "flush_denormal": "True",
}


@pytest.fixture
def usual():
    yield
    for setting in SETTINGS.values():
        setting.write(torch, setting.usual)
    _BEFORE.clear()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_told_used_elsewhere_and_ends_with_a_call(name, usual):
    with settings_of_one_call():
        use_torch_settings({name: OTHERS[name]})
        assert torch_settings() == {name: OTHERS[name]}
    assert torch_settings() == {}
    SETTINGS[name].write(torch, OTHERS[name])
    with settings_of_one_call():
        SETTINGS[name].write(torch, SETTINGS[name].usual)
    assert torch_settings() == {name: OTHERS[name]}


def test_settings_are_read_where_torch_keeps_them(usual):
    with torch.no_grad():
        assert torch_settings() == {"gradients": "False"}
    with torch.autocast("cpu", torch.float16):
        assert torch_settings() == {"autocast": "float16"}
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("high")
    assert torch_settings() == {"deterministic": "2", "float32_matmul_precision": "high"}


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="torch before 2.9 has no newer names")
def test_precisions_of_products_by_their_newer_names(usual):
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    assert torch_settings() == {"float32_matmul_precision": "mkldnn bf16"}
    torch.backends.mkldnn.matmul.fp32_precision = "ieee"
    use_torch_settings({"float32_matmul_precision": "mkldnn bf16"})
    assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"


def test_workers_compute_with_the_settings_of_the_process_that_asks(tmp_path):
    script = tmp_path / "products.py"
    script.write_text(PRODUCTS)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_what_a_module_of_a_worker_has_set_itself_stays(double):
    use_torch_settings({})
    assert torch_settings() == {"default_dtype": "float64"}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("first", ["", "import torch\n"])
def test_a_precision_that_a_call_sets_ends_with_it(jobs, first, tmp_path):
    script = tmp_path / "precisions.py"
    script.write_text(first + PRECISIONS.format(jobs=jobs))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "float64 bfloat16 float32 float32 float16 float32\n"


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ("import torch\ntorch.set_default_dtype(torch.float64)\n", True),
        ("import torch\nclass A:\n    torch.set_default_dtype(torch.float64)\n", True),
        ("import torch\ndef later():\n    torch.set_default_dtype(torch.float64)\n", False),
        ("# set_default_dtype\n", False),
    ],
)
def test_only_what_a_module_sets_while_it_is_loaded_stays(source, stays, tmp_path, monkeypatch, double):
    torch.set_default_dtype(torch.float32)
    (tmp_path / "a_module_that_may_set.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_module_that_may_set", raising=False)
    with settings_of_one_call():
        import_module("a_module_that_may_set")
        torch.set_default_dtype(torch.float64)
    assert torch_settings() == ({"default_dtype": "float64"} if stays else {})
    sys.modules.pop("a_module_that_may_set")


class Lazy(ModuleType):
    def __getattr__(self, name):
        raise ImportError(name)


def odd(file):
    module = ModuleType("odd")
    module.__file__ = file
    return module


@pytest.mark.parametrize("module", [None, Lazy("odd"), odd(3), odd("/" + 5000 * "x" + ".py"), odd("missing.py")])
def test_a_module_may_be_anything(module, monkeypatch):
    with settings_of_one_call():
        monkeypatch.setitem(sys.modules, "odd", module)
        torch.set_default_dtype(torch.float64)
    assert torch_settings() == {}


def fail_in_half():
    torch.set_default_dtype(torch.float16)
    raise RuntimeError


def test_a_precision_ends_with_a_call_that_fails(double):
    with pytest.raises(RuntimeError), settings_of_one_call():
        fail_in_half()
    assert torch_settings() == {"default_dtype": "float64"}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("engine", ["local", "dask"])
def test_a_module_that_sets_the_precision_when_it_is_loaded_does_so_for_all_calls(engine, jobs, tmp_path):
    if engine == "dask":
        pytest.importorskip("distributed")
    (tmp_path / "heavy.py").write_text(HEAVY)
    script = tmp_path / "thirds.py"
    script.write_text(LATE.format(engine=engine, jobs=jobs))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": PATH}
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {str(1 / 3)}


def test_workers_compute_in_the_precision_of_the_process_that_asks(tmp_path):
    script = tmp_path / "thirds.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    double, single, again = done.stdout.split()
    assert double == again == str(1 / 3)
    assert single != double


@pytest.mark.parametrize("module", [None, ModuleType("torch")])
def test_a_torch_that_is_not_there_or_not_yet_has_no_settings(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", module)
    assert torch_settings() == {}


@pytest.mark.parametrize(
    ("file", "text", "stays"),
    [
        ("mine.py", "import torch\ntorch.set_default_dtype(torch.float64)\n", True),
        ("mine.py", "from torch import set_default_dtype as f\nset_default_dtype(1)\n", True),
        ("mine.py", "import torch\ntorch.set_default_tensor_type(1)\n", True),
        ("mine.py", "f = lambda: set_default_dtype(1)\nasync def g():\n    set_default_dtype(1)\n", False),
        ("mine.py", "set_default_dtype(\n", False),
        ("mine.txt", "set_default_dtype(1)\n", False),
        ("site-packages/mine.py", "set_default_dtype(1)\n", False),
    ],
)
def test_a_new_module_of_ones_own_that_sets_the_precision_keeps_it(file, text, stays, tmp_path, monkeypatch, double):
    torch.set_default_dtype(torch.float32)
    (tmp_path / "site-packages").mkdir()
    (tmp_path / file).write_text(text)
    with settings_of_one_call():
        monkeypatch.setitem(sys.modules, "a_module_of_mine", odd(str(tmp_path / file)))
        torch.set_default_dtype(torch.float64)
    assert torch_settings() == ({"default_dtype": "float64"} if stays else {})
