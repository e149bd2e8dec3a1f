"""What pydantic found is said in one line that names the key."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rmz_acquire.errors import first_fault, key_message, message_of


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Few(_Strict):
    kind: Literal["few"]
    count: int = Field(ge=1)


class _Many(_Strict):
    kind: Literal["many"]
    counts: list[int]


class _Settings(_Strict):
    how: Annotated[_Few | _Many, Field(discriminator="kind")]
    steps: int = 1
    until: int = 2

    @model_validator(mode="after")
    def _in_order(self):
        if self.until < self.steps:
            raise ValueError(f"until {self.until} is\nbelow steps {self.steps}")
        return self


FEW = {"kind": "few", "count": 1}


def _error(data: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        _Settings.model_validate(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "how is missing"),
        ({"how": FEW, "stebs": 1}, "stebs: there is no such key"),
        # the key that was written, not the one that it was meant for
        ({"hwo": FEW}, "hwo: there is no such key"),
        (
            {"how": {"kind": "few", "count": 0}},
            "how.few.count should be greater than or equal to 1, not 0",
        ),
        ({"how": {"kind": "many"}}, "how.many.counts is missing"),
        ({"how": FEW, "steps": "x" * 99}, "steps should be a valid integer, unable"),
        ({"how": FEW, "steps": 5}, "until 2 is below steps 5"),
        (7, "it should be a valid dictionary or instance of _Settings, not 7"),
    ],
)
def test_a_fault_is_one_line_with_its_key(data, said):
    line = message_of(_error(data))
    assert line.startswith(said)
    assert "\n" not in line and len(line) < 120


def test_a_key_is_named_as_who_wrote_it_knows_it():
    error = _error({"how": {"kind": "few", "count": 0}})
    short = key_message(error, "file", unwritten=("few", "many"))
    assert short.startswith("file.how.count should be")
    typed = key_message(_error({"how": FEW, "steps": "a"}), names={"steps": "--steps"})
    assert typed.startswith("--steps should be a valid integer")
    again = _error({"how": FEW, "stebs": 1})
    assert key_message(again, kind="argument") == "stebs: there is no such argument"
    assert first_fault(again)["loc"] == ("stebs",)
    assert key_message(_error({"how": FEW, "steps": 5}), "file").startswith("file: ")
