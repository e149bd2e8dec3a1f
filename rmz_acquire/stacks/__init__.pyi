from .axis_claims import Given
from .plane_positions import even_step_um
from .read import Stack, read_stack
from .scratch import ScratchVolume
from .writing import write_stack, write_volume

__all__ = [
    "Given",
    "ScratchVolume",
    "Stack",
    "even_step_um",
    "read_stack",
    "write_stack",
    "write_volume",
]
