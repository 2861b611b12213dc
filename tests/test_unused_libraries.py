"""What a job leaves unloaded, and that whoever needs it finds it all the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eelsunmix.io import open_image

IN_A_JOB = """
import sys
import numpy as np
import xarray as xr
from eelsunmix.execution.blocks import fold
from eelsunmix.execution.job import job
with job({log!r}):
    image = xr.DataArray(np.ones((3, 4)), dims=("y", "x")).assign_coords(y=[0.0, 1.0, 2.0])
    image.chunk(y=1).map_blocks(lambda block: block + 1).chunk(y=3).mean().to_numpy()
    assert fold(lambda block: 4, image.chunk(y=1), lambda a, b: a + b, elements=4) == 12
    {body}
"""


def _in_a_job(tmp_path, body):
    code = IN_A_JOB.format(log=str(tmp_path / "log"), body=body)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def _example(name):
    default = Path(__file__).parents[2] / "shared" / "data"
    file = Path(os.environ.get("EELSUNMIX_DATA") or default) / name
    if not file.is_file():
        pytest.skip(f"REAL DATA MISSING: {file}; name the folder in EELSUNMIX_DATA to run this test")
    return file


def test_a_job_loads_no_library_only_to_ask_whether_an_array_is_one_of_its_own(tmp_path):
    loaded = _in_a_job(tmp_path, "print(*(name for name, module in sys.modules.items() if module))").split()
    assert "dask.array" in loaded
    assert not {"numba", "sparse", "pint", "scipy.fftpack", "torch", "sklearn", "distributed"} & set(loaded)


def test_a_check_loads_none_of_them_either(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 4, 30)))
    axes = "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1}}\n"
    (tmp_path / "a.yaml").write_text("samples: {A: {file: a.npy}}\nmethods: {vca: {}}\n" + axes)
    code = "import sys; from pathlib import Path; from eelsunmix.commands import checking; "
    code += "checking.checked_configuration([Path('a.yaml')]); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "dask.array" in done.stdout.split()
    assert not {"numba", "sparse", "pint"} & set(done.stdout.split())


def test_readers_find_the_libraries_that_jobs_leave_out(tmp_path):
    """Events of an EDS stream come as sparse arrays of the library that xarray was not to see."""
    file = str(_example("Velox_EDS_16x16.emd"))
    np.save(tmp_path / "here.npy", open_image(file).to_numpy())
    body = (
        f"from eelsunmix.io import open_image; counts = open_image({file!r}).to_numpy(); "
        f"assert 'sparse' in sys.modules; np.save({str(tmp_path / 'job.npy')!r}, counts)"
    )
    _in_a_job(tmp_path, body)
    np.testing.assert_array_equal(np.load(tmp_path / "job.npy"), np.load(tmp_path / "here.npy"))
