from __future__ import annotations

from rmz_acquire.scanning.requested_planes import RequestedPlanes


def test_what_is_asked_for_while_planes_are_given_again_comes_after_them() -> None:
    wishes = RequestedPlanes()
    wishes.add(1.0, again=False)
    with wishes.held():
        assert not wishes
        wishes.add(2.0, again=False)
        wishes.add(3.0, again=True)
        assert wishes.first() == wishes.pop() == 3.0
        assert not wishes
    assert [wishes.pop(), wishes.pop()] == [1.0, 2.0]
    assert not wishes
