"""Cores are dealt out to so many at a time, in all processes together, and none is lost."""

import os
import signal
import threading
import time

import pytest

from usermgmt.cores import Cores

PATIENCE = 20  # seconds, for what must come


def test_no_more_have_one_than_there_are():
    cores, lock, working, most = Cores(2), threading.Lock(), 0, []

    def work():
        nonlocal working
        for _ in range(20):
            with cores.one():
                with lock:
                    working += 1
                    most.append(working)
                time.sleep(0.001)
                with lock:
                    working -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (len(most), max(most), cores.free()) == (160, 2, 2)


def test_one_within_another_is_the_same():
    cores = Cores(1)
    with cores.one():
        with cores.one():
            assert cores.free() == 0
        assert cores.free() == 0
    assert cores.free() == 1


def test_an_error_gives_it_back():
    cores = Cores(1)
    with pytest.raises(ZeroDivisionError), cores.one():
        raise ZeroDivisionError
    with cores.one():
        pass
    assert cores.free() == 1


def forked(cores, number, work):
    """A process that joins as that number, does some work and waits to be killed; gives its pid."""
    ready, done = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            cores.join(number)
            with work():
                os.write(done, b".")
                time.sleep(PATIENCE)
        finally:
            os._exit(0)
    os.read(ready, 1)
    for end in (ready, done):
        os.close(end)
    return pid


def test_processes_share_them_and_what_a_killed_one_held_is_given_back():
    cores = Cores(2)
    first, second = (forked(cores, number, cores.one) for number in (1, 2))
    assert cores.free() == 0
    for pid, number, left in ((first, 1, 1), (second, 2, 2)):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert cores.free() == left - 1
        cores.bury(number)
        assert cores.free() == left
        cores.bury(number)
        assert cores.free() == left


@pytest.mark.parametrize("call", ["read", "write"])
def test_none_is_lost_of_one_killed_while_it_takes_or_puts_back(monkeypatch, call):
    """The kernel has done so, and the process learns nothing of it any more; with busy threads that takes a while."""
    cores, original = Cores(1), getattr(os, call)

    def killed(*given):
        original(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        cores.join(1)
        monkeypatch.setattr(os, call, killed)
        with cores.one():
            pass
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    cores.bury(1)
    assert cores.free() == 1


def test_no_more_are_put_back_than_there_are():
    cores = Cores(2)
    with cores.one():
        cores.bury(0)  # as if who has it had been killed
        assert cores.free() == 2
    assert cores.free() == 2
    with cores.one():
        assert cores.free() == 1


def test_who_ends_in_order_leaves_nothing_to_be_given_back():
    cores = Cores(1)
    pid = os.fork()
    if not pid:
        cores.join(7)
        with cores.one():
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    cores.bury(7)
    assert cores.free() == 1


def test_as_many_are_dealt_out_as_the_process_may_use():
    from usermgmt import cores

    assert cores.cores() == len(os.sched_getaffinity(0))
    with cores.shared.one():
        pass
