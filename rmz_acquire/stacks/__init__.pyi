from .calibration import even_step_um
from .claims import Given
from .reading import Stack, read_stack
from .writing import write_stack

__all__ = ["Given", "Stack", "even_step_um", "read_stack", "write_stack"]
