"""Ctrl-C and SIGTERM while HDF5 calls back into Python, which may raise nothing there."""

import signal

import h5py
import numpy as np
import pytest

from eelsunmix.execution.stopping import StoppedError, holding_signals_back, stopping_in_order
from eelsunmix.export.hdf5_stream import HDF5Stream, hdf5_stream

METHODS = ("write", "read", "readinto", "seek", "tell", "truncate", "flush")
"""All that HDF5 may call."""
RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: StoppedError}


@pytest.fixture(autouse=True)
def handlers():
    """Those of a terminal; a shell may have told us to ignore Ctrl-C."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, ours)


def write(path):
    with hdf5_stream(path) as stream, h5py.File(stream, "w") as file:
        for i in range(3):
            file.create_group(f"{i}").create_dataset("map", data=np.arange(24.0).reshape(4, 6), chunks=(2, 3))
            file.flush()


def signalled(monkeypatch, method, at, number):
    """Send a signal inside of the calls of a method whose numbers are given; return how many calls came."""
    original, calls = getattr(HDF5Stream, method), []

    def sending(*arguments):
        calls.append(method)
        if len(calls) in at:
            signal.raise_signal(number)
        return original(*arguments)

    monkeypatch.setattr(HDF5Stream, method, sending)
    return calls


@pytest.mark.parametrize("number", RAISED)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.guarantee("G2")
def test_a_signal_inside_of_a_call_is_raised_once_the_file_is_closed(tmp_path, monkeypatch, method, number):
    with monkeypatch.context() as counting:
        calls = signalled(counting, method, (), number)
        write(tmp_path / "counted.h5")
    for n in range(1, len(calls) + 1):
        with monkeypatch.context() as sending, stopping_in_order():
            signalled(sending, method, (n,), number)
            with pytest.raises(RAISED[number]):
                write(tmp_path / f"{n}.h5")
        with h5py.File(tmp_path / f"{n}.h5") as file:
            assert file["2/map"][3, 5] == 23


def test_hdf5_calls_most_methods(tmp_path, monkeypatch):
    """Else the test above would send nothing."""
    calls = {method: signalled(monkeypatch, method, (), signal.SIGINT) for method in METHODS}
    write(tmp_path / "a.h5")
    assert all(calls[method] for method in ("write", "seek", "truncate", "flush")), calls


def test_the_first_signal_counts_and_handlers_are_put_back():
    before = [signal.getsignal(number) for number in RAISED]

    @holding_signals_back()
    def work():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    with stopping_in_order(), pytest.raises(StoppedError) as stopped:
        work()
    assert stopped.value.code == 128 + signal.SIGTERM
    assert [signal.getsignal(number) for number in RAISED] == before


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with holding_signals_back():
        signal.raise_signal(signal.SIGINT)
