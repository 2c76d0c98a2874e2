"""./demo's steps."""

from kit import sh


def test_each_step_of_the_demo_succeeds():
    tour = sh("./tour", timeout=300)
    assert tour.returncode == 0, tour.stdout + tour.stderr
